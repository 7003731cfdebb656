"""Child executions: product actions and templates that run templates (oos.md 5.11)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from support.runbooks import ACCOUNT, REGION, ROOT, Runbooks
from support.templates import call, write
from tidegate.errors import CloudError
from tidegate.services.oos.catalog import Catalog
from tidegate.services.oos.paging import Page
from tidegate.store.oos.executions import ExecutionFilter
from tidegate.store.oos.records import ExecutionRecord

INNER = write(
    Parameters={"name": {"Type": "String"}, "greeting": {"Type": "String", "Default": "Hello"}},
    Tasks=[
        call("ping", Properties={"Service": "tide", "API": "Ping", "Parameters": {"Text": "{{ greeting }} {{ name }}"}})
    ],
    Outputs={"said": {"Type": "String", "Value": "{{ greeting }} {{ name }}"}},
)


def embed(**properties: Any) -> dict[str, Any]:
    return {
        "Name": "embed",
        "Action": "ACS::Template",
        "Properties": {"TemplateName": "inner", **properties},
        "Outputs": {"said": {"ValueSelector": ".said"}},
    }


def outer(*tasks: dict[str, Any]) -> str:
    return write(RamRole="", Tasks=list(tasks), Outputs={"said": {"Type": "String", "Value": "{{ embed.said }}"}})


async def keep(runbooks: Runbooks, name: str = "inner", content: str = INNER) -> None:
    await runbooks.oos.templates.create(ROOT, REGION, name, content)


async def children(runbooks: Runbooks, parent_id: str) -> list[ExecutionRecord]:
    wanted = ExecutionFilter(parent_id=parent_id, depth=None, descending=False)
    part, _ = await runbooks.oos.executions.list(ACCOUNT, REGION, wanted, Page.read(None, None))
    return [view.record for view in part.items]


async def test_a_template_runs_another_and_reads_its_outputs(runbooks: Runbooks) -> None:
    await keep(runbooks)
    runbooks.cloud.replies = {"tide.Ping": {}}
    parameters = {"name": "World", "greeting": None, "unknown": 1}

    execution = await runbooks.run(outer(embed(Parameters=parameters), call("after")))

    assert (execution.status, execution.outputs) == ("Success", {"said": "Hello World"})
    (child,) = await children(runbooks, execution.id)
    assert (child.id, child.parent_id, child.status) == (f"{execution.id}.t0001", execution.id, "Success")
    assert (child.parameters, child.ram_role) == ({"name": "World", "greeting": "Hello"}, "")
    assert runbooks.cloud.operations() == ["tide.Ping", "tide.Ping"]


async def test_the_text_of_a_child_may_stand_in_the_template(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}

    task = embed(TemplateName=None, TemplateContent="{{ content }}", Parameters={"name": "text"})
    content = outer(task).replace("Tasks:", "Parameters: {content: {Type: String}}\nTasks:")

    execution = await runbooks.run(content, parameters={"content": INNER})

    assert execution.outputs == {"said": "Hello text"}


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"Parameters": {}}, 'MissingParameter message: the parameter "name" is required'),
        ({"TemplateName": "nowhere"}, "EntityNotExists.Template"),
        ({"Parameters": [1]}, "Parameters must be a map"),
    ],
)
async def test_a_child_that_cannot_begin_fails_its_task(
    runbooks: Runbooks, properties: dict[str, Any], message: str
) -> None:
    await keep(runbooks)

    execution = await runbooks.run(outer(embed(**properties)))

    assert execution.status == "Failed"
    assert message in execution.status_message
    assert await children(runbooks, execution.id) == []


async def test_the_failure_of_a_child_is_that_of_its_task_and_can_be_handled(runbooks: Runbooks) -> None:
    await keep(runbooks)
    runbooks.cloud.replies = {"tide.Ping": CloudError("Tide.Broken", "It is broken."), "tide.Undo": {}}
    undo = call("undo", Properties={"Service": "tide", "API": "Undo"})

    execution = await runbooks.run(outer({**embed(Parameters={"name": "x"}), "OnError": "undo"}, undo))

    assert (execution.status, execution.status_message) == ("Failed", "Tide.Broken message: It is broken.")
    assert await runbooks.path(execution.id) == ["embed:Failed", "undo:Success"]


SLEEPING = write(Tasks=[{"Name": "rest", "Action": "ACS::Sleep", "Properties": {"Duration": "1H"}}])


@pytest.mark.parametrize("who", ["parent", "child"])
async def test_cancelling_parent_or_child_cancels_both(runbooks: Runbooks, who: str) -> None:
    await keep(runbooks, content=SLEEPING)
    execution = await runbooks.run(outer(embed()))
    child_id = f"{execution.id}.t0001"

    await runbooks.oos.executions.cancel(ACCOUNT, REGION, execution.id if who == "parent" else child_id)
    await runbooks.driver.settle()

    assert (await runbooks.find(execution.id)).status == "Cancelled"
    assert (await runbooks.find(child_id)).status == "Cancelled"


async def test_children_are_deleted_with_their_parent(runbooks: Runbooks) -> None:
    await keep(runbooks, content=SLEEPING)
    execution = await runbooks.run(outer(embed()))

    await runbooks.oos.executions.delete(ACCOUNT, REGION, [execution.id], force=True)
    await runbooks.driver.advance(hours=2)

    with pytest.raises(CloudError):
        await runbooks.find(f"{execution.id}.t0001")


async def test_a_template_that_runs_itself_ends_with_a_clear_error(runbooks: Runbooks) -> None:
    await keep(runbooks, content=write(RamRole="", Tasks=[embed()]))

    execution = await runbooks.run(template_name="inner")

    assert execution.status == "Failed"
    assert "A template cannot run itself" in execution.status_message


async def test_items_of_a_loop_are_children_within_the_budget(runbooks: Runbooks) -> None:
    await keep(runbooks, content=SLEEPING)
    loop = {"Items": [1, 2, 3], "RateControl": {"Concurrency": 2}}

    execution = await runbooks.run(
        outer({**embed(), "Loop": loop, "Outputs": {}}, call("after")).replace("{{ embed.said }}", "")
    )

    assert [child.id[-6:] for child in await children(runbooks, execution.id)] == [".i0001", ".i0002"]
    await runbooks.driver.advance(hours=1, seconds=1)
    assert len(await children(runbooks, execution.id)) == 3
    runbooks.cloud.replies = {"tide.Ping": {}}
    await runbooks.driver.advance(hours=1, seconds=1)
    assert (await runbooks.find(execution.id)).status == "Success"


def test_every_product_action_is_a_valid_template_that_can_be_run() -> None:
    actions = Catalog().actions()

    assert len(actions) >= 6
    for action in actions:
        assert not action.validated.problems, action.name


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def test_a_command_is_run_on_an_instance_and_its_output_read(runbooks: Runbooks) -> None:
    def run(parameters: Mapping[str, Any]) -> dict[str, Any]:
        assert parameters["CommandContent"] == encoded("uptime")
        assert parameters["InstanceIds"] == ["i-1"]
        return {"InvokeId": "t-1"}

    result = {"Output": encoded("up 3 days"), "InvocationStatus": "Success"}
    runbooks.cloud.replies = {
        "ECS.RunCommand": run,
        "ECS.DescribeInvocations": [
            {"Invocations": {"Invocation": [{"InvocationStatus": status}]}} for status in ("Running", "Success")
        ],
        "ECS.DescribeInvocationResults": {"Invocation": {"InvocationResults": {"InvocationResult": [result]}}},
    }
    task = {
        "Name": "embed",
        "Action": "acs::ecs::runcommand",
        "Properties": {"instanceId": "i-1", "commandType": "RunShellScript", "commandContent": "uptime"},
        "Outputs": {"said": {"ValueSelector": "invocationOutput"}},
    }

    execution = await runbooks.run(outer(task))
    await runbooks.driver.advance(seconds=3)

    execution = await runbooks.find(execution.id)
    assert (execution.status, execution.outputs) == ("Success", {"said": "up 3 days"})
    assert (await runbooks.tasks(execution.id))[0].action == "ACS::ECS::RunCommand"


@pytest.mark.parametrize(
    ("action", "states", "changes"),
    [
        ("StartInstance", ["Stopped", "Starting", "Running"], ["ECS.StartInstance"]),
        ("StartInstance", ["Running"], []),
        ("StopInstance", ["Running", "Stopping", "Stopped"], ["ECS.StopInstance"]),
        ("StopInstance", ["Stopping", "Stopped"], []),
        ("RebootInstance", ["Starting", "Running"], ["ECS.RebootInstance"]),
        ("DeleteInstance", ["Stopped"], ["ECS.DeleteInstance"]),
    ],
)
async def test_instances_are_brought_to_a_state(
    runbooks: Runbooks, action: str, states: list[str], changes: list[str]
) -> None:
    runbooks.cloud.replies = {
        "ECS.DescribeInstances": [{"Instances": {"Instance": [{"Status": state}]}} for state in states],
        **{f"ECS.{change}Instance": {} for change in ("Start", "Stop", "Reboot", "Delete")},
    }
    task = {"Name": "act", "Action": f"ACS::ECS::{action}", "Properties": {"instanceId": "i-1"}}

    execution = await runbooks.run(write(RamRole="", Tasks=[task]))
    await runbooks.driver.advance(seconds=10)

    assert (await runbooks.find(execution.id)).status == "Success"
    assert [called for called in runbooks.cloud.operations() if called != "ECS.DescribeInstances"] == changes

"""Values of NoEcho parameters: sent where they are meant to go, sealed where they are kept, masked where they are shown."""

from __future__ import annotations

from typing import Any

import pytest

from support.runbooks import ACCOUNT, REGION, ROOT, Runbooks
from support.templates import call, write
from tidegate.services.oos.api.histories import (
    ListExecutionsRequest,
    ListTaskExecutionsRequest,
    list_executions,
    list_task_executions,
)
from tidegate.services.oos.updating import Change
from tidegate.services.operation import Call

PIN = "pin-4711-s3cr3t"
PARAMETERS = {"pin": {"Type": "String", "NoEcho": True}, "name": {"Type": "String", "Default": "n"}}
REQUEST = Call(principal=ROOT, region=REGION, request_id="R", product="oos", action="x", version="2019-06-01")


def look(name: str, outputs: Any = None, **parameters: Any) -> dict[str, Any]:
    properties = {"Service": "tide", "API": "Look", "Parameters": parameters}
    return call(name, Properties=properties, Outputs=outputs or {"echo": {"ValueSelector": ".Echo"}})


def runbook(*tasks: dict[str, Any], output: str = "{{ look.echo }}") -> str:
    return write(
        RamRole="", Parameters=PARAMETERS, Tasks=list(tasks), Outputs={"out": {"Type": "Json", "Value": output}}
    )


@pytest.fixture(autouse=True)
def replies(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Look": lambda parameters: {"Echo": parameters.get("Pin")}}


async def check(runbooks: Runbooks, execution_id: str) -> None:
    """Nothing that is kept or shown holds the secret."""
    async with runbooks.database.connection() as connection:
        tables = (
            "oos_execution",
            "oos_task",
            "oos_log",
            "oos_notice",
            "work",
            "journal",
            "client_token",
            "oos_content",
        )
        kept = str([await connection.fetch(f"select * from {table}") for table in tables])
    assert PIN not in kept
    executions = await list_executions(runbooks.oos, REQUEST, ListExecutionsRequest(include_child_execution=True))
    tasks = await list_task_executions(
        runbooks.oos, REQUEST, ListTaskExecutionsRequest(execution_id=execution_id, include_child_task_execution=True)
    )
    assert PIN not in str(executions)
    assert PIN not in str(tasks)
    assert "******" in str(executions)


async def test_later_tasks_get_what_an_output_really_was(runbooks: Runbooks) -> None:
    again = look("again", Pin="{{ look.echo }}!")
    rest = {"Name": "rest", "Action": "ACS::Sleep", "Properties": {"Duration": "1H"}}
    execution = await runbooks.run(runbook(look("look", Pin="{{ pin }}"), rest, again), parameters={"pin": PIN})
    await check(runbooks, execution.id)

    await runbooks.driver.advance(hours=1, seconds=1)

    assert [called.parameters["Pin"] for called in runbooks.cloud.calls] == [PIN, f"{PIN}!"]
    execution = await runbooks.find(execution.id)
    assert (execution.status, execution.outputs) == ("Success", {"out": "******"})
    await check(runbooks, execution.id)


async def test_children_are_handed_secrets_and_hand_them_back(runbooks: Runbooks) -> None:
    inner = write(
        RamRole="",
        Parameters={"word": {"Type": "String"}},
        Tasks=[look("look", Pin="{{ word }}")],
        Outputs={"said": {"Type": "String", "Value": "{{ look.echo }}"}},
    )
    await runbooks.oos.templates.create(ROOT, REGION, "inner", inner)
    properties = {"TemplateName": "inner", "Parameters": {"word": "<{{ pin }}>"}}
    child = {"Name": "child", "Action": "ACS::Template", "Properties": properties}
    child["Outputs"] = {"said": {"ValueSelector": ".said"}}

    execution = await runbooks.run(runbook(child, look("look", Pin="{{ child.said }}")), parameters={"pin": PIN})

    assert [called.parameters["Pin"] for called in runbooks.cloud.calls] == [f"<{PIN}>", f"<{PIN}>"]
    assert (await runbooks.find(f"{execution.id}.t0001")).parameters == {"word": "******"}
    await check(runbooks, execution.id)


async def test_items_turns_and_retries_keep_secrets(runbooks: Runbooks) -> None:
    each = look("each", Pin="{{ ACS::TaskLoopItem }}")
    each["Loop"] = {
        "Items": ["{{ pin }}", "plain"],
        "Outputs": {"echo": {"AggregateType": "Fn::ListJoin", "AggregateField": "echo"}},
    }
    turn = look("turn", Pin="{{ ACS::TaskLoopItem }} {{ pin }}")
    loop = {
        "Name": "look",
        "Action": "ACS::Loop",
        "Properties": {"LoopItems": "{{ each.echo }}", "LoopTasks": [turn]},
        "Outputs": {"echo": {"Type": "List", "ValueSelector": "{{ turn.echo }}"}},
    }

    execution = await runbooks.run(runbook(each, loop), parameters={"pin": PIN}, mode="FailurePause")

    assert [called.parameters["Pin"] for called in runbooks.cloud.calls] == [
        PIN,
        "plain",
        f"{PIN} {PIN}",
        f"plain {PIN}",
    ]
    assert execution.outputs == {"out": ["****** ******", "plain ******"]}
    await check(runbooks, execution.id)


async def test_triggers_and_updates_keep_secrets(runbooks: Runbooks) -> None:
    trigger = {
        "Name": "event",
        "Action": "ACS::EventTrigger",
        "Properties": {"Product": "ECS"},
        "Outputs": {"id": {"ValueSelector": ".id"}},
    }
    content = runbook(trigger, look("look", Pin="{{ pin }} {{ event.id }}"))
    execution = await runbooks.run(content, parameters={"pin": "something-else"})

    await runbooks.oos.updating.update(REQUEST, execution.id, Change(parameters={"pin": PIN}))
    await runbooks.oos.triggering.trigger(REQUEST, execution.id, "Event", '{"id": "e-1"}')
    await runbooks.driver.settle()

    assert [called.parameters["Pin"] for called in runbooks.cloud.calls] == [f"{PIN} e-1"]
    await check(runbooks, execution.id)


async def test_a_secret_cannot_stand_in_the_text_of_a_child(runbooks: Runbooks) -> None:
    child = {"Name": "look", "Action": "ACS::Template", "Properties": {"TemplateContent": "# {{ pin }}"}}
    execution = await runbooks.run(
        runbook({**child, "Outputs": {"echo": {"ValueSelector": "."}}}), parameters={"pin": PIN}
    )

    assert "a secret cannot stand in the text" in execution.status_message
    assert (await runbooks.oos.executions.find(ACCOUNT, REGION, execution.id)).parameters["pin"] == "******"

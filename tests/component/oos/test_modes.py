"""Executions step by step, task by task by hand, and with confirmed risks (oos.md 7.2–7.4)."""

from __future__ import annotations

from typing import Any

import pytest

from support.runbooks import ACCOUNT, REGION, ROOT, Runbooks
from support.templates import call, write
from tidegate.errors import CloudError
from tidegate.services.oos.answers import Said


def runbook(*tasks: dict[str, Any]) -> str:
    return write(RamRole="", Tasks=list(tasks))


async def tell(runbooks: Runbooks, execution_id: str, kind: Any, **said: Any) -> None:
    await runbooks.oos.notifying.notify(ROOT, REGION, execution_id, kind, said=Said(**said))
    await runbooks.driver.settle()


def ping(name: str, **parameters: Any) -> dict[str, Any]:
    return call(name, Properties={"Service": "tide", "API": "Ping", "Parameters": parameters})


def api(name: str, operation: str, **keys: Any) -> dict[str, Any]:
    return call(name, Properties={"Service": "tide", "API": operation, **keys.pop("Properties", {})}, **keys)


@pytest.fixture(autouse=True)
def replies(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}, "tide.DeleteGate": {}, "tide.StopGate": {}, "tide.Each": {}}


@pytest.mark.parametrize("mode", ["StepByStep", "Manual"])
async def test_step_by_step_every_task_waits_for_an_approval(runbooks: Runbooks, mode: str) -> None:
    execution = await runbooks.run(runbook(ping("one"), call("never", When=False), ping("two")), mode=mode)
    assert (execution.status, execution.waiting, execution.mode) == ("Waiting", "StepByStep", "StepByStep")

    for done in (1, 1, 2):
        await tell(runbooks, execution.id, "Approve")
        assert len(runbooks.cloud.calls) == done

    assert (await runbooks.find(execution.id)).status == "Success"
    assert await runbooks.path(execution.id) == ["one:Success", "never:Skipped", "two:Success"]


async def test_a_rejected_step_ends_the_execution(runbooks: Runbooks) -> None:
    execution = await runbooks.run(runbook(ping("one")), mode="StepByStep")

    await tell(runbooks, execution.id, "Reject")

    assert (await runbooks.find(execution.id)).status == "Cancelled"
    assert runbooks.cloud.calls == []


async def test_in_debug_mode_people_name_the_tasks_and_the_end(runbooks: Runbooks) -> None:
    execution = await runbooks.run(runbook(ping("one", Level=1), ping("two")), mode="Debug")
    assert (execution.status, execution.waiting) == ("Waiting", "Debug")

    await tell(runbooks, execution.id, "ExecuteTask", task_name="TWO")
    await tell(runbooks, execution.id, "ExecuteTask", task_name="one", parameters={"Parameters": {"Level": "{{ x }}"}})
    assert (await runbooks.find(execution.id)).waiting == "Debug"
    await tell(runbooks, execution.id, "CompleteExecution", status="Failed")

    execution = await runbooks.find(execution.id)
    assert execution.status == "Failed"
    assert await runbooks.path(execution.id) == ["two:Success", "one:Success"]
    sent = [{**called.parameters, "ClientToken": ""} for called in runbooks.cloud.calls]
    assert sent == [{"ClientToken": ""}, {"Level": "{{ x }}", "ClientToken": ""}]


async def test_in_debug_mode_a_loop_goes_one_by_one_or_for_a_single_item(runbooks: Runbooks) -> None:
    seen: list[Any] = []

    def answer(parameters: Any) -> dict[str, Any]:
        seen.append(parameters["Id"])
        return {}

    runbooks.cloud.replies = {"tide.Each": answer}
    each = api("each", "Each", Properties={"Parameters": {"Id": "{{ ACS::TaskLoopItem }}"}})
    loop = {"Items": ["a", "b"], "RateControl": {"Concurrency": 2}}
    rest = {"Name": "rest", "Action": "ACS::Template", "Properties": {"TemplateContent": SLEEPING}, "Loop": loop}
    execution = await runbooks.run(runbook({**each, "Loop": loop}, rest), mode="Debug")

    await tell(runbooks, execution.id, "ExecuteTask", task_name="each", item={"x": 1}, has_item=True)
    await tell(runbooks, execution.id, "ExecuteTask", task_name="each")
    assert seen == [{"x": 1}, "a", "b"]
    await tell(runbooks, execution.id, "ExecuteTask", task_name="rest")
    async with runbooks.database.connection() as connection:
        assert await connection.fetchval("select count(*) from oos_task where parent_id like '%.t0003'") == 1


SLEEPING = write(RamRole="", Tasks=[{"Name": "rest", "Action": "ACS::Sleep", "Properties": {"Duration": "1H"}}])


async def test_a_running_task_of_a_debug_execution_is_cancelled_with_its_child(runbooks: Runbooks) -> None:
    child = {"Name": "child", "Action": "ACS::Template", "Properties": {"TemplateContent": SLEEPING}}
    execution = await runbooks.run(runbook(child, ping("after")), mode="Debug")
    with pytest.raises(CloudError, match="OperationDenied"):
        await tell(runbooks, execution.id, "CancelTask")
    await tell(runbooks, execution.id, "ExecuteTask", task_name="child")
    child_id = f"{execution.id}.t0001"
    await tell(runbooks, child_id, "ExecuteTask", task_name="rest")
    assert (await runbooks.find(execution.id)).status == "Running"

    with pytest.raises(CloudError, match="EntityNotExists"):
        await tell(runbooks, execution.id, "CancelTask", task_ids=["another"])
    await tell(runbooks, execution.id, "CancelTask", task_ids=[child_id])

    assert (await runbooks.find(child_id)).status == "Cancelled"
    assert await runbooks.path(execution.id) == ["child:Cancelled"]
    await tell(runbooks, execution.id, "ExecuteTask", task_name="after")
    await tell(runbooks, execution.id, "CompleteExecution", status="Success")
    assert (await runbooks.find(execution.id)).status == "Success"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({}, "MissingParameter"),
        ({"task_name": "nowhere"}, "InvalidParameter"),
        ({"task_name": "one", "item": 1, "has_item": True}, "InvalidParameter"),
    ],
)
async def test_a_task_that_cannot_be_executed_is_refused(runbooks: Runbooks, said: dict[str, Any], code: str) -> None:
    execution = await runbooks.run(runbook(ping("one")), mode="Debug")

    with pytest.raises(CloudError) as refused:
        await tell(runbooks, execution.id, "ExecuteTask", **said)
    with pytest.raises(CloudError, match="ExecutionStatus"):
        await tell(runbooks, execution.id, "CompleteExecution", status="Running")

    assert refused.value.code == code


@pytest.mark.parametrize(
    ("kind", "status", "called"),
    [("Approve", "Success", ["tide.Ping", "tide.DeleteGate"]), ("Reject", "Cancelled", ["tide.Ping"])],
)
async def test_a_high_risk_action_waits_for_people(
    runbooks: Runbooks, kind: str, status: str, called: list[str]
) -> None:
    content = runbook(ping("look"), api("delete", "DeleteGate", Properties={"Parameters": {"Id": "g-1"}}))
    execution = await runbooks.run(content, safety_check="ConfirmEveryHighRiskAction")
    assert (execution.status, execution.waiting) == ("Waiting", "RiskConfirm")
    waiting = (await runbooks.tasks(execution.id))[-1]
    assert (waiting.status, waiting.properties["Parameters"]) == ("Waiting", {"Id": "g-1"})

    await tell(runbooks, execution.id, kind, task_ids=[waiting.id])

    assert (await runbooks.find(execution.id)).status == status
    assert runbooks.cloud.operations() == called


@pytest.mark.parametrize(
    ("mode", "safety", "risk", "asks"),
    [
        ("Automatic", "Skip", None, False),
        ("Automatic", "ConfirmEveryHighRiskAction", None, True),
        ("Automatic", "ConfirmEveryHighRiskAction", "Normal", False),
        ("FailurePause", "Skip", None, True),
    ],
)
async def test_who_asks_before_a_risk(runbooks: Runbooks, mode: str, safety: str, risk: str | None, asks: bool) -> None:
    properties = {} if risk is None else {"Risk": risk}

    execution = await runbooks.run(
        runbook(api("stop", "stopgate", Properties=properties)), mode=mode, safety_check=safety
    )

    assert (execution.waiting == "RiskConfirm") == asks


async def test_a_loop_of_risks_is_confirmed_once_and_a_child_asks_for_itself(runbooks: Runbooks) -> None:
    loop = {"Items": ["Ping", "DeleteGate"]}
    mixed = call("mixed", Properties={"Service": "tide", "API": "{{ ACS::TaskLoopItem }}"}, Loop=loop)
    content = runbook(api("stop", "StopGate"))
    child = {"Name": "child", "Action": "ACS::Template", "Properties": {"TemplateContent": content}}
    execution = await runbooks.run(runbook(mixed, child), safety_check="ConfirmEveryHighRiskAction")
    assert runbooks.cloud.calls == []

    await tell(runbooks, execution.id, "Approve")
    assert runbooks.cloud.operations() == ["tide.Ping", "tide.DeleteGate"]
    assert (await runbooks.find(f"{execution.id}.t0002")).waiting == "RiskConfirm"
    await tell(runbooks, f"{execution.id}.t0002", "Approve")

    assert (await runbooks.find(execution.id)).status == "Success"


async def test_failed_items_are_run_again_and_the_others_are_kept(runbooks: Runbooks) -> None:
    broken = {2, 4}

    def answer(parameters: Any) -> dict[str, Any]:
        if parameters["Id"] in broken and parameters.get("Level") != 5:
            raise CloudError("Tide.Broken", f"{parameters['Id']} is broken.")
        return {"Seen": parameters["Id"]}

    runbooks.cloud.replies = {"tide.Each": answer}
    each = api(
        "each",
        "Each",
        Properties={"Parameters": {"Id": "{{ ACS::TaskLoopItem }}"}},
        Outputs={"seen": {"ValueSelector": ".Seen"}},
        Loop={
            "Items": [1, 2, 3, 4, 5],
            "RateControl": {"Concurrency": 4, "MaxErrors": 1},
            "Outputs": {"all": {"AggregateType": "Fn::ListJoin", "AggregateField": "seen"}},
        },
    )
    content = write(RamRole="", Tasks=[each], Outputs={"all": {"Type": "List", "Value": "{{ each.all }}"}})
    execution = await runbooks.run(content, mode="FailurePause")
    assert (execution.waiting, execution.status_message) == ("FailurePause", "Tide.Broken message: 2 is broken.")
    with pytest.raises(CloudError, match="EntityNotExists"):
        await tell(runbooks, execution.id, "RetryTask", task_ids=[f"{execution.id}.t0001.i0001"])

    broken.discard(2)
    await tell(runbooks, execution.id, "RetryTask", task_ids=[f"{execution.id}.t0001.i0002"])
    assert [called.parameters["Id"] for called in runbooks.cloud.calls] == [1, 2, 3, 4, 2, 5]
    # One failure is within MaxErrors.
    execution = await runbooks.find(execution.id)
    assert (execution.status, execution.outputs) == ("Success", {"all": [1, 2, 3, 5]})
    assert await runbooks.path(execution.id) == ["each:Skipped", "each:Success"]


async def test_a_retry_may_change_the_properties(runbooks: Runbooks) -> None:
    def answer(parameters: Any) -> dict[str, Any]:
        if "Level" not in parameters:
            raise CloudError("Tide.Broken", "It is broken.")
        return {}

    runbooks.cloud.replies = {"tide.Each": answer, "tide.Ping": answer}
    each = api("each", "Each", Loop={"Items": [1, 2], "RateControl": {"MaxErrors": "49%"}})
    execution = await runbooks.run(runbook(ping("one"), each), mode="FailurePause")
    for _ in range(2):
        await tell(runbooks, execution.id, "RetryTask", parameters={"Parameters": {"Level": 5}})

    assert (await runbooks.find(execution.id)).status == "Success"


async def test_an_unknown_mode_is_refused(runbooks: Runbooks) -> None:
    with pytest.raises(CloudError, match="InvalidParameter"):
        await runbooks.start(runbook(ping("one")), mode="Fast")


async def test_a_debug_execution_can_be_cancelled(runbooks: Runbooks) -> None:
    execution = await runbooks.run(runbook(ping("one")), mode="Debug")

    await runbooks.oos.executions.cancel(ACCOUNT, REGION, execution.id)
    await runbooks.driver.settle()

    assert (await runbooks.find(execution.id)).status == "Cancelled"

"""Executions that wait for people: approvals, pauses, batches, failures (oos.md 5.6, 6.3, 7.2, 7.4)."""

from __future__ import annotations

from typing import Any

import pytest

from support.runbooks import ACCOUNT, REGION, ROOT, Runbooks
from support.templates import call, write
from tidegate.errors import CloudError
from tidegate.services.oos.answers import Said
from tidegate.services.operation import Principal

ALICE, BOB, EVE = (
    Principal(kind="RAMUser", account_id=ACCOUNT, id=name, name=name) for name in ("alice", "bob", "eve")
)


def runbook(*tasks: dict[str, Any]) -> str:
    return write(RamRole="", Tasks=list(tasks))


async def tell(
    runbooks: Runbooks, execution_id: str, kind: Any, *, by: Principal = ROOT, said: Said | None = None
) -> None:
    await runbooks.oos.notifying.notify(by, REGION, execution_id, kind, note="because", said=said)
    await runbooks.driver.settle()


PAUSE = {"Name": "pause", "Action": "ACS::Pause"}


@pytest.mark.parametrize(
    ("kind", "status", "path"),
    [
        ("Approve", "Success", ["pause:Success", "after:Success"]),
        ("Reject", "Cancelled", ["pause:Cancelled"]),
    ],
)
async def test_a_pause_lasts_until_somebody_decides(
    runbooks: Runbooks, kind: str, status: str, path: list[str]
) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    execution = await runbooks.run(runbook(PAUSE, call("after")))
    assert (execution.status, execution.waiting) == ("Waiting", "Pause")
    await runbooks.driver.advance(hours=100)
    assert await runbooks.path(execution.id) == ["pause:Waiting"]

    await tell(runbooks, execution.id, kind, by=ALICE)

    execution = await runbooks.find(execution.id)
    assert (execution.status, execution.waiting) == (status, "")
    assert await runbooks.path(execution.id) == path
    assert any(line.message == f"{kind} by alice. because" for line in await runbooks.log(execution.id))


async def test_one_answer_lets_one_pause_go_on(runbooks: Runbooks) -> None:
    execution = await runbooks.run(runbook(PAUSE, {**PAUSE, "Name": "again"}))
    for _ in range(2):
        await runbooks.oos.notifying.notify(ROOT, REGION, execution.id, "Approve")
    await runbooks.driver.settle()

    assert await runbooks.path(execution.id) == ["pause:Success", "again:Waiting"]


def approve(**properties: Any) -> dict[str, Any]:
    webhook = {"URI": "https://example.invalid", "Content": {}}
    return {
        "Name": "ask",
        "Action": "ACS::Approve",
        "Properties": {"NotifyType": "WebHook", "WebHook": webhook, **properties},
    }


async def test_enough_different_people_must_approve(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    content = runbook(approve(Approvers='["alice", "bob"]', MinRequiredApprovals=2), call("after"))
    execution = await runbooks.run(content)

    await tell(runbooks, execution.id, "Approve", by=ALICE)
    await tell(runbooks, execution.id, "Approve", by=ALICE)
    with pytest.raises(CloudError) as refused:
        await tell(runbooks, execution.id, "Approve", by=EVE)
    assert (await runbooks.find(execution.id)).waiting == "Approve"
    await tell(runbooks, execution.id, "Approve", by=BOB)

    assert refused.value.code == "NoPermission"
    assert await runbooks.path(execution.id) == ["ask:Success", "after:Success"]


async def test_one_rejection_ends_the_execution(runbooks: Runbooks) -> None:
    execution = await runbooks.run(runbook(approve(MinRequiredApprovals=3)))

    await tell(runbooks, execution.id, "Reject")

    assert (await runbooks.find(execution.id)).status == "Cancelled"


async def test_a_waiting_execution_can_be_cancelled(runbooks: Runbooks) -> None:
    execution = await runbooks.run(runbook(PAUSE))

    await runbooks.oos.executions.cancel(ACCOUNT, REGION, execution.id)
    await runbooks.driver.settle()

    assert (await runbooks.find(execution.id)).status == "Cancelled"


BATCHES = {"Items": [1, 2, 3], "RateControl": {"Mode": "Batch", "Batch": [1], "BatchPauseOption": "EveryBatchPause"}}


async def test_every_batch_waits_for_an_approval(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    execution = await runbooks.run(runbook(call("each", Loop=BATCHES)))

    for done in (1, 2):
        assert (await runbooks.find(execution.id)).waiting == "BatchPause"
        assert len(runbooks.cloud.calls) == done
        await tell(runbooks, execution.id, "Approve")

    assert (await runbooks.find(execution.id)).status == "Success"
    assert len(runbooks.cloud.calls) == 3


async def test_the_loop_mode_of_the_start_is_stronger_and_a_batch_can_be_rejected(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    automatic = {"Items": [1, 2, 3], "RateControl": {"Mode": "Batch", "Batch": [1]}}
    execution = await runbooks.run(runbook(call("each", Loop=automatic)), loop_mode="FirstBatchPause")
    assert execution.waiting == "BatchPause"

    await tell(runbooks, execution.id, "Reject")

    assert (await runbooks.find(execution.id)).status == "Cancelled"
    assert len(runbooks.cloud.calls) == 1


async def test_a_failed_task_is_retried_and_then_skipped(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Break": CloudError("Tide.Broken", "It is broken."), "tide.Ping": {}}
    broken = call("broken", Properties={"Service": "tide", "API": "Break"})
    execution = await runbooks.run(runbook(broken, call("after")), mode="FailurePause")
    assert (execution.status, execution.waiting) == ("Waiting", "FailurePause")
    assert execution.status_message == "Tide.Broken message: It is broken."

    await tell(runbooks, execution.id, "RetryTask")
    assert await runbooks.path(execution.id) == ["broken:Skipped", "broken:Failed"]
    await tell(runbooks, execution.id, "SkipTask")

    execution = await runbooks.find(execution.id)
    assert (execution.status, execution.status_message) == ("Success", "")
    assert await runbooks.path(execution.id) == ["broken:Skipped", "broken:Skipped", "after:Success"]
    assert runbooks.cloud.operations() == ["tide.Break", "tide.Break", "tide.Ping"]


async def test_a_failure_that_a_task_takes_care_of_does_not_pause(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Break": CloudError("Tide.Broken", "It is broken."), "tide.Ping": {}}
    broken = call("broken", Properties={"Service": "tide", "API": "Break"}, OnError="after")

    execution = await runbooks.run(runbook(broken, call("after")), mode="FailurePause")

    assert execution.status == "Failed"


@pytest.mark.parametrize(("tasks", "kind"), [([PAUSE], "RetryTask"), ([], "Approve")])
async def test_an_answer_that_nobody_asked_for_is_refused(
    runbooks: Runbooks, tasks: list[dict[str, Any]], kind: str
) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    execution = await runbooks.run(runbook(*(tasks or [call("only")])))

    with pytest.raises(CloudError) as refused:
        await tell(runbooks, execution.id, kind)

    assert refused.value.code == "OperationDenied.ExecutionStatus"

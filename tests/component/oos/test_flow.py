"""Queues, retention, targets: what holds for executions together (oos.md 5.9, 7.7, 9)."""

from __future__ import annotations

import pytest

from support.runbooks import ACCOUNT, REGION, Runbooks
from support.templates import call, write
from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.reconcile.executions import RETENTION
from tidegate.services.oos.paging import Page
from tidegate.services.oos.sandbox import Sandbox
from tidegate.store.database import Database
from tidegate.store.oos.executions import ExecutionFilter

RESTING = write(RamRole="", Tasks=[{"Name": "rest", "Action": "ACS::Sleep", "Properties": {"Duration": "1H"}}])
PAUSING = write(RamRole="", Tasks=[{"Name": "wait", "Action": "ACS::Pause"}])


@pytest.fixture
def crowded(database: Database, clock: AdjustableClock, ids: Ids, programs: Sandbox) -> Runbooks:
    return Runbooks(database, clock, ids, programs, concurrent=2)


async def test_what_is_too_much_is_queued_and_let_in_in_order(crowded: Runbooks) -> None:
    started = [await crowded.start(RESTING) for _ in range(5)]
    await crowded.driver.settle()

    async def statuses() -> list[str]:
        return [(await crowded.find(one)).status for one in started]

    assert await statuses() == ["Running", "Running", "Queued", "Queued", "Queued"]
    await crowded.oos.executions.cancel(ACCOUNT, REGION, started[2])
    assert (await crowded.find(started[2])).ended_at is not None
    await crowded.driver.advance(hours=1, seconds=1)
    await crowded.driver.advance(seconds=1)
    assert await statuses() == ["Success", "Success", "Cancelled", "Running", "Running"]
    await crowded.driver.advance(hours=1, seconds=1)
    assert await statuses() == ["Success", "Success", "Cancelled", "Success", "Success"]


async def test_who_waits_for_people_and_whose_parent_runs_takes_no_place(crowded: Runbooks) -> None:
    waiting = [await crowded.start(PAUSING) for _ in range(2)]
    await crowded.driver.settle()
    loop = {"Items": [1, 2, 3], "RateControl": {"Concurrency": 3}}
    child = {"Name": "each", "Action": "ACS::Template", "Properties": {"TemplateContent": RESTING}, "Loop": loop}

    parent = await crowded.run(write(RamRole="", Tasks=[child]))

    assert parent.status == "Running"
    assert (await crowded.find(f"{parent.id}.t0001.i0003")).status == "Running"
    assert (await crowded.find(waiting[1])).status == "Waiting"


async def test_old_executions_are_forgotten_with_all_they_wrote(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    old = await runbooks.run(write(RamRole="", Tasks=[call("only")]))
    living = await runbooks.run(PAUSING)
    await runbooks.driver.start(RETENTION, RETENTION)
    await runbooks.driver.advance(days=89)
    assert (await runbooks.find(old.id)).status == "Success"

    await runbooks.driver.advance(days=2)

    with pytest.raises(CloudError, match="EntityNotExists"):
        await runbooks.find(old.id)
    assert (await runbooks.find(living.id)).status == "Waiting"
    async with runbooks.database.connection() as connection:
        assert await connection.fetchval("select count(*) from oos_log where execution_id = $1", old.id) == 0


SELECT = {
    "Name": "choose",
    "Action": "ACS::SelectTargets",
    "Properties": {"ResourceType": "ALIYUN::ECS::Instance", "Filters": [{"Type": "All"}]},
    "Outputs": {"ids": {"Type": "List", "ValueSelector": ".Instances.Instance[].InstanceId"}},
}


async def test_targets_and_what_became_of_each_are_told(runbooks: Runbooks) -> None:
    def answer(parameters: object) -> dict[str, object]:
        assert isinstance(parameters, dict)
        if parameters["Id"] == "i-2":
            raise CloudError("Tide.Broken", "It is broken.")
        return {"Level": 3}

    instances = [{"InstanceId": f"i-{n}"} for n in (1, 2, 3)]
    runbooks.cloud.replies = {"ECS.DescribeInstances": {"Instances": {"Instance": instances}}, "tide.Each": answer}
    each = call(
        "each",
        Properties={"Service": "tide", "API": "Each", "Parameters": {"Id": "{{ ACS::TaskLoopItem }}"}},
        Outputs={"level": {"ValueSelector": ".Level"}},
        Loop={"Items": "{{ Choose.ids }}"},
    )
    execution = await runbooks.run(write(RamRole="", Tasks=[SELECT, each]))

    _, found = await runbooks.oos.executions.resources(ACCOUNT, REGION, execution.id)
    assert [(one.resource_id, one.item and one.item.status, one.item and one.item.outputs) for one in found] == [
        ("i-1", "Success", {"level": 3}),
        ("i-2", "Failed", {}),
        ("i-3", None, None),
    ]
    for resource_id, count in (("i-3", 1), ("i-4", 0)):
        wanted = ExecutionFilter(resource_id=resource_id)
        part, total = await runbooks.oos.executions.list(ACCOUNT, REGION, wanted, Page.read(None, None))
        assert total == count
        assert [view.overview.targets for view in part.items] == [["i-1", "i-2", "i-3"]] * count

"""A node that dies at any point of a runbook: the next one brings it to the same end, and no finished task runs again."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from support.crashing import Crash, Points
from support.runbooks import REGION, ROOT, Runbooks
from support.templates import call, write
from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.services.oos.sandbox import Sandbox
from tidegate.store.database import Database

#: as many as the runbook below passes; the last test checks the number
POINTS = 73

RUNBOOK = write(
    RamRole="",
    Tasks=[
        call("skipped", When=False),
        call("look", Properties={"Service": "tide", "API": "Look"}, Outputs={"level": {"ValueSelector": ".Level"}}),
        {
            "Name": "wait",
            "Action": "ACS::WaitFor",
            "DelayType": "Constant",
            "Properties": {"Service": "tide", "API": "Wait", "PropertySelector": ".State", "DesiredValues": ["Ready"]},
        },
        call(
            "change",
            Properties={
                "Service": "tide",
                "API": "Change",
                "Parameters": {"Level": "{{ look.level }}", "At": "{{ ACS::CurrentUTCTime }}"},
            },
            OnError="undo",
        ),
        call(
            "each",
            Properties={"Service": "tide", "API": "Each", "Parameters": {"Id": "{{ ACS::TaskLoopItem }}"}},
            Outputs={"seen": {"ValueSelector": ".Seen"}},
            Loop={
                "Items": [1, 2, 3],
                "RateControl": {"Concurrency": 2},
                "Outputs": {"all": {"AggregateType": "Fn::ListJoin", "AggregateField": "seen"}},
            },
        ),
        {"Name": "reboot", "Action": "ACS::ECS::RebootInstance", "Properties": {"instanceId": "i-1"}},
        {"Name": "ask", "Action": "ACS::Pause"},
        {"Name": "rest", "Action": "ACS::Sleep", "Properties": {"Duration": "1M"}},
        call("refused", Properties={"Service": "tide", "API": "Refuse"}, OnError="undo", OnSuccess="ACS::END"),
        call("undo", Properties={"Service": "tide", "API": "Undo"}),
    ],
    Outputs={
        "level": {"Type": "Number", "Value": "{{ look.level }}"},
        "all": {"Type": "List", "Value": "{{ each.all }}"},
    },
)


def node(
    database: Database, clock: AdjustableClock, ids: Ids, programs: Sandbox, before: Runbooks | None = None
) -> Runbooks:
    """Return a new node, calling the same cloud as the one before."""
    made = Runbooks(database, clock, ids, programs)
    if before is not None:
        made.cloud.calls = before.cloud.calls
    states = iter(["Busy"])
    made.cloud.replies = {
        "tide.Look": {"Level": 5},
        "tide.Wait": lambda _parameters: {"State": next(states, "Ready") if before is None else "Ready"},
        "tide.Change": {},
        "tide.Each": lambda parameters: {"Seen": parameters["Id"]},
        "ECS.RebootInstance": {},
        "ECS.DescribeInstances": {"Instances": {"Instance": [{"Status": "Running"}]}},
        "tide.Refuse": CloudError("Forbidden.RAM", "No."),
        "tide.Undo": {},
    }
    return made


async def go(runbooks: Runbooks, execution_id: str) -> None:
    await runbooks.driver.settle()
    await runbooks.driver.advance(seconds=3)
    if (await runbooks.find(execution_id)).waiting:
        await runbooks.oos.notifying.notify(ROOT, REGION, execution_id, "Approve")
        await runbooks.driver.settle()
    await runbooks.driver.advance(seconds=61)


async def check(runbooks: Runbooks, execution_id: str) -> None:
    ended = await runbooks.find(execution_id)
    assert (ended.status, ended.status_message) == ("Failed", "Forbidden.RAM message: No.")
    assert ended.outputs == {"level": 5, "all": [1, 2, 3]}
    assert await runbooks.path(execution_id) == [
        "skipped:Skipped",
        "look:Success",
        "wait:Success",
        "change:Success",
        "each:Success",
        "reboot:Success",
        "ask:Success",
        "rest:Success",
        "refused:Failed",
        "undo:Success",
    ]
    calls = [(seen.operation, seen.parameters.get("Id"), seen.parameters) for seen in runbooks.cloud.calls]
    for wanted in (
        ("tide.Change", None),
        ("tide.Undo", None),
        ("tide.Refuse", None),
        ("ECS.RebootInstance", None),
        *(("tide.Each", n) for n in (1, 2, 3)),
    ):
        made = [parameters for *call, parameters in calls if tuple(call) == wanted]
        # A call in flight at the crash is made again, with the same parameters and the same token.
        assert made == [made[0]] * len(made)
        assert 1 <= len(made) <= 2
    repeated = Counter((operation, item) for operation, item, _ in calls)
    # the second look of the wait, and what the crash repeated: one call, or both items that were under way
    assert sum(repeated.values()) <= len(repeated) + 3
    async with runbooks.database.connection() as connection:
        assert await connection.fetchval("select count(*) from lease") == 0
        assert await connection.fetchval("select count(*) from work where status = 'Active'") == 0


@pytest.mark.parametrize("point", range(1, POINTS + 1))
async def test_a_runbook_ends_well_after_a_crash_at(
    database: Database, clock: AdjustableClock, ids: Ids, programs: Sandbox, points: Points, point: int
) -> None:
    first = node(database, clock, ids, programs)
    execution_id = await first.start(RUNBOOK)
    points.crash_after = point
    with pytest.raises(Crash):
        await go(first, execution_id)

    second = node(database, clock, ids, programs, before=first)
    await go(second, execution_id)
    await second.driver.advance(seconds=61)

    await check(second, execution_id)


async def test_every_point_was_crashed_at(
    database: Database, clock: AdjustableClock, ids: Ids, programs: Sandbox, points: Points
) -> None:
    runbooks = node(database, clock, ids, programs)
    execution_id = await runbooks.start(RUNBOOK)

    await go(runbooks, execution_id)

    await check(runbooks, execution_id)
    assert len(points.passed) == POINTS, points.passed


async def test_a_node_that_was_taken_over_writes_nothing_more(
    database: Database, clock: AdjustableClock, ids: Ids, programs: Sandbox
) -> None:
    runbooks = node(database, clock, ids, programs)
    other = node(database, clock, ids, programs, before=runbooks)

    def taken_over(_parameters: Any) -> dict[str, Any]:
        raise_lease.append(True)
        return {"Level": 7}

    raise_lease: list[bool] = []
    runbooks.cloud.replies["tide.Look"] = taken_over
    execution_id = await runbooks.start(RUNBOOK)
    async with database.connection() as connection:
        await connection.execute(
            "create function steal() returns trigger language plpgsql as $$ begin"
            " update lease set token = nextval('lease_token'); return new; end $$"
        )
        # The moment the task's start is written, somebody else has the lease.
        await connection.execute("create trigger stolen after insert on oos_task execute function steal()")

    await runbooks.driver.node.advance(f"execution/{execution_id}")
    async with database.connection() as connection:
        await connection.execute("drop trigger stolen on oos_task")
        await connection.execute("delete from lease")
    assert raise_lease
    assert (await runbooks.path(execution_id))[-1] == "look:Running"

    await go(other, execution_id)
    await check(other, execution_id)

"""A node that dies at any point of an execution that people lead or a trigger fires: nothing is lost, nothing done twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from support.crashing import Crash, Points
from support.runbooks import REGION, ROOT, Runbooks
from support.templates import call, write
from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.services.oos.answers import Said
from tidegate.services.oos.sandbox import Sandbox
from tidegate.services.operation import Call
from tidegate.store import events, work
from tidegate.store.database import Database


def api(name: str, operation: str, **keys: Any) -> dict[str, Any]:
    properties = {"Service": "tide", "API": operation, **keys.pop("Properties", {})}
    return call(name, Properties=properties, **keys)


async def tell(runbooks: Runbooks, execution_id: str, kind: Any, waiting: str, **said: Any) -> None:
    """Say something, once: when the execution waits for it. A crash may have come before or after it was heard."""
    if (await runbooks.find(execution_id)).waiting == waiting:
        await runbooks.oos.notifying.notify(ROOT, REGION, execution_id, kind, said=Said(**said))
    await runbooks.driver.settle()


SLEEPING = write(RamRole="", Tasks=[{"Name": "rest", "Action": "ACS::Sleep", "Properties": {"Duration": "9H"}}])
CHILD = {"Name": "child", "Action": "ACS::Template", "Properties": {"TemplateContent": SLEEPING}}
LOOP = {"Items": [1, 2, 3], "RateControl": {"Concurrency": 2}}
EACH = api("each", "Each", Properties={"Parameters": {"Id": "{{ ACS::TaskLoopItem }}"}}, Loop=LOOP)


async def lead(runbooks: Runbooks, execution_id: str) -> None:
    """Debug: run a loop, start a child and cancel it, end."""
    done = [task.name for task in await runbooks.tasks(execution_id)]
    if "each" not in done:
        await tell(runbooks, execution_id, "ExecuteTask", "Debug", task_name="each")
    if "child" not in [task.name for task in await runbooks.tasks(execution_id)]:
        await tell(runbooks, execution_id, "ExecuteTask", "Debug", task_name="child")
    if (await runbooks.find(execution_id)).status == "Running":
        await runbooks.oos.notifying.notify(ROOT, REGION, execution_id, "CancelTask")
        await runbooks.driver.settle()
    await tell(runbooks, execution_id, "CompleteExecution", "Debug", status="Success")


async def check_led(runbooks: Runbooks, execution_id: str) -> None:
    assert (await runbooks.find(execution_id)).status == "Success"
    assert await runbooks.path(execution_id) == ["each:Success", "child:Cancelled"]
    assert (await runbooks.find(f"{execution_id}.t0002")).status == "Cancelled"


TURNS = {
    "Name": "turns",
    "Action": "ACS::Loop",
    "Properties": {"LoopItems": [1, 2], "LoopTasks": [api("turn", "Turn")]},
    "Outputs": {"all": {"Type": "List", "ValueSelector": "{{ ACS::TaskLoopItem }}"}},
}


async def confirm(runbooks: Runbooks, execution_id: str) -> None:
    """FailurePause: confirm a risk, retry the failed item of a loop."""
    await tell(runbooks, execution_id, "Approve", "RiskConfirm")
    runbooks.cloud.replies["tide.Each"] = {}
    await tell(runbooks, execution_id, "RetryTask", "FailurePause")


async def check_confirmed(runbooks: Runbooks, execution_id: str) -> None:
    execution = await runbooks.find(execution_id)
    assert (execution.status, execution.outputs) == ("Success", {"all": [1, 2]})
    assert await runbooks.path(execution_id) == ["stop:Success", "each:Skipped", "each:Success", "turns:Success"]


TRIGGER = {
    "Name": "event",
    "Action": "ACS::EventTrigger",
    "Properties": {"Product": "ECS"},
    "Outputs": {"id": {"ValueSelector": ".content.id"}},
}


async def fire(runbooks: Runbooks, execution_id: str) -> None:
    """Events and triggers by hand, each of them told once."""
    now = runbooks.clock.now()
    event = events.Event(
        id=f"e-{execution_id}",
        account_id=ROOT.account_id,
        region=REGION,
        source="acs.ecs",
        type="x",
        subject="",
        data={"id": "event"},
        at=now,
        product="ECS",
        name="x",
    )
    async with runbooks.database.transaction() as tx:
        await work.drive(tx, events.DISPATCHER, events.DISPATCHER, now=now)
        await events.publish(tx, [event], now=now)
    request = Call(
        principal=ROOT,
        region=REGION,
        request_id="R",
        product="oos",
        action="TriggerExecution",
        version="2019-06-01",
        client_token=execution_id,
        fingerprint="f",
    )
    await runbooks.oos.triggering.trigger(request, execution_id, "Event", '{"content": {"id": "hand"}}')
    await runbooks.driver.settle()


async def check_fired(runbooks: Runbooks, execution_id: str) -> None:
    parent = await runbooks.find(execution_id)
    assert (parent.status, parent.waiting) == ("Waiting", "Trigger")
    outputs = [(await runbooks.find(f"{execution_id}.{n}")).outputs for n in (1, 2)]
    assert sorted(outputs, key=str) == [{"id": "event"}, {"id": "hand"}]
    with pytest.raises(CloudError):
        await runbooks.find(f"{execution_id}.3")


Act = Callable[[Runbooks, str], Awaitable[None]]


@dataclass(frozen=True)
class Scenario:
    content: str
    order: dict[str, Any]
    go: Act
    check: Act
    #: at least so many points are passed
    points: int


SCENARIOS = {
    "led": Scenario(write(RamRole="", Tasks=[CHILD, EACH]), {"mode": "Debug"}, lead, check_led, 40),
    "confirmed": Scenario(
        write(
            RamRole="",
            Tasks=[api("stop", "StopGate"), EACH, TURNS],
            Outputs={"all": {"Type": "List", "Value": "{{ turns.all }}"}},
        ),
        {"mode": "FailurePause"},
        confirm,
        check_confirmed,
        50,
    ),
    "fired": Scenario(
        write(
            RamRole="",
            Tasks=[TRIGGER, api("look", "Look")],
            Outputs={"id": {"Type": "String", "Value": "{{ event.id }}"}},
        ),
        {},
        fire,
        check_fired,
        35,
    ),
}


def node(
    database: Database, clock: AdjustableClock, ids: Ids, programs: Sandbox, before: Runbooks | None = None
) -> Runbooks:
    made = Runbooks(database, clock, ids, programs)
    if before is not None:
        made.cloud = before.cloud
        made.controller._call_as = made.cloud.call_as
        return made

    def each(parameters: Any) -> dict[str, Any]:
        if parameters["Id"] == 2 and ("confirmed" in made.roles.denied):
            raise CloudError("Tide.Broken", "It is broken.")
        return {}

    made.cloud.replies = {"tide.Each": each, "tide.StopGate": {}, "tide.Turn": {}, "tide.Look": {}}
    return made


async def begin(runbooks: Runbooks, name: str) -> str:
    if name == "confirmed":
        runbooks.roles.denied.add("confirmed")
    return await runbooks.start(SCENARIOS[name].content, **SCENARIOS[name].order)


async def go(runbooks: Runbooks, name: str, execution_id: str) -> None:
    await runbooks.driver.settle()
    await SCENARIOS[name].go(runbooks, execution_id)


async def run_through(first: Runbooks, second: Runbooks, name: str, points: Points, crash_after: int) -> bool:
    """Run the scenario once; after a crash the second node goes on. Returns whether there was one."""
    execution_id, crashed = await begin(first, name), False
    points.crash_after = crash_after
    try:
        await go(first, name, execution_id)
    except Crash:
        crashed = True
        await go(second, name, execution_id)
    points.crash_after = None
    await SCENARIOS[name].check(second, execution_id)
    if (await second.find(execution_id)).ended_at is None:
        await second.oos.executions.cancel(ROOT.account_id, REGION, execution_id)
        await second.driver.settle()
    async with second.database.connection() as connection:
        assert await connection.fetchval("select count(*) from lease") == 0
    return crashed


@pytest.mark.parametrize("name", SCENARIOS)
async def test_it_ends_well_after_a_crash_at_any_point(
    database: Database, clock: AdjustableClock, ids: Ids, programs: Sandbox, points: Points, name: str
) -> None:
    number, crashed = 0, True
    while crashed:
        number += 1
        points.passed.clear()
        first = node(database, clock, ids, programs)
        second = node(database, clock, ids, programs, before=first)
        try:
            crashed = await run_through(first, second, name, points, number)
        except (AssertionError, CloudError) as error:
            raise AssertionError(f"after a crash at point {number}: {points.passed[:number]}") from error
    assert number > SCENARIOS[name].points

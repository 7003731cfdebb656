"""Rules of EventBridge hand events on at least once, whatever dies, and wait for queues that are not there."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from support.crashing import Crash, watched_points
from support.driving import Driver
from support.mns import ACCOUNT, REGION, MnsWorld, make_mns
from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.reconcile import rules as handing
from tidegate.reconcile.events import EventController
from tidegate.reconcile.rules import RuleController
from tidegate.services.eventbridge.service import EventBridge
from tidegate.services.eventbridge.targets import Parameter, Target, at, body_of
from tidegate.store import events
from tidegate.store.database import Database
from tidegate.store.events import Event


@dataclass
class Bridge:
    """EventBridge beside an MNS."""

    world: MnsWorld
    bridge: EventBridge
    bus: EventController

    def restart(self) -> None:
        controllers = {**self.bus.controllers, **RuleController(self.bridge, self.world.mns).controllers}
        self.world.driver = Driver(self.world.database, controllers, self.world.clock)

    async def rule(self, queue: str) -> None:
        target = Target(id="t", type="acs.mns.queue", endpoint=self.world.queue_endpoint(queue))
        await self.bridge.create_rule(
            self.world.call,
            "default",
            "one",
            description="",
            pattern='{"source":["acs.test"]}',
            status="ENABLE",
            targets=[target],
        )

    async def tell(self, name: str) -> None:
        told = Event(
            id=name,
            account_id=ACCOUNT,
            region=REGION,
            source="acs.test",
            type="test",
            subject="",
            data={},
            at=self.world.clock.now(),
        )
        async with self.world.database.transaction() as tx:
            await events.publish(tx, [told], now=self.world.clock.now())

    async def received(self, queue: str) -> set[str]:
        try:
            return {message.id for message in await self.world.receive(queue)}
        except CloudError:
            return set()


@pytest.fixture
async def bridge(database: Database, clock: AdjustableClock, ids: Ids) -> Bridge:
    world = make_mns(database, clock, ids)
    made = Bridge(world, EventBridge(database, clock, ids), EventController(database, clock))
    made.restart()
    await made.bus.begin()
    await world.queue("q", visibility_timeout=1)
    return made


async def test_wherever_the_process_dies_the_event_arrives_under_one_id(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bridge.rule("q")
    await bridge.world.driver.settle()
    number, finished = 0, False
    while not finished:
        number += 1
        await bridge.tell(f"event-{number}")
        early: set[str] = set()
        with watched_points() as points:
            monkeypatch.setattr(handing, "reach", points.reach)
            points.crash_after = number
            try:
                await bridge.world.driver.settle()
                finished = True
            except Crash:
                early = await bridge.received("q")
                bridge.restart()
                await bridge.world.driver.settle()
        found = await bridge.received("q") | early
        assert len(found) == 1, points.passed
        async with bridge.world.database.transaction() as tx:
            await tx.execute("delete from mns_message")
    assert number > 8


async def test_an_event_waits_for_its_queue_and_others_do_not_wait_for_it(bridge: Bridge) -> None:
    await bridge.rule("late")
    await bridge.tell("first")
    await bridge.world.driver.settle()
    await bridge.world.queue("late")
    await bridge.tell("second")
    await bridge.world.driver.advance(seconds=16)

    assert len(await bridge.received("late")) == 2
    async with bridge.world.database.connection() as db:
        assert await db.fetchval("select count(*) from event_delivery") == 0


async def test_an_event_nobody_could_be_given_is_dropped_after_a_day(bridge: Bridge) -> None:
    await bridge.rule("never")
    await bridge.tell("first")
    await bridge.world.driver.settle()
    await bridge.world.driver.advance(hours=25)

    async with bridge.world.database.connection() as db:
        assert await db.fetchval("select count(*) from event_delivery") == 0


EVENT = {"id": "1", "data": {"list": ["a", {"b": 2}], "text": "x"}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", EVENT),
        ("$.data.text", "x"),
        ("$.data.list[1].b", 2),
        ("$['data']['text']", "x"),
        ("$.data.list[9]", None),
        ("$.data.text.deeper", None),
        ("$.data.text[0]", None),
        ("data", None),
        ("$data", None),
    ],
)
def test_paths_lead_through_an_event(path: str, value: object) -> None:
    assert at(path, EVENT) == value


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (Parameter(resource_key="Body", form="CONSTANT", value="hello"), "hello"),
        (Parameter(resource_key="Body", form="JSONPATH", value="$.data.list"), '["a",{"b":2}]'),
        (
            Parameter(resource_key="body", form="TEMPLATE", value='{"t":"$.data.text"}', template="<${t}> ${u}"),
            "<x> ${u}",
        ),
        (Parameter(resource_key="Body", form="TEMPLATE", value="no json", template="as it is"), "as it is"),
    ],
)
def test_a_target_is_given_what_its_parameters_make_of_the_event(body: Parameter, text: str) -> None:
    plain = Parameter(resource_key="IsBase64Encode", form="CONSTANT", value="false")
    assert body_of(Target(id="t", type="acs.mns.queue", param_list=[body, plain]), EVENT) == text


def test_without_parameters_the_whole_event_is_given() -> None:
    plain = Parameter(resource_key="IsBase64Encode", form="CONSTANT", value="false")
    assert json.loads(body_of(Target(id="t", type="acs.mns.queue", param_list=[plain]), EVENT)) == EVENT

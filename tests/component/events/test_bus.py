"""The event bus: told in the publisher's transaction, delivered to every subscriber until it has taken it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from support.driving import Driver
from tidegate.clock import AdjustableClock
from tidegate.reconcile.events import RETENTION, EventController
from tidegate.reconcile.run import Run, Suspend
from tidegate.store import events
from tidegate.store.database import Database
from tidegate.store.events import Event, Query, Subscription

ACCOUNT = "1"


class Bus:
    """A bus with one subscriber, which takes what it gets and remembers it."""

    def __init__(self, database: Database, clock: AdjustableClock) -> None:
        self.database = database
        self.clock = clock
        self.taken: list[str] = []
        self.controller = EventController(database, clock)
        self.driver = Driver(database, {**self.controller.controllers, "reader": self.read}, clock)

    async def begin(self, pattern: dict[str, Any]) -> None:
        await self.controller.begin()
        await self.driver.start("reader/1", "reader")
        async with self.database.transaction() as tx:
            wanted = Subscription(key="s-1", account_id=ACCOUNT, pattern=pattern, work="reader/1")
            await events.subscribe(tx, wanted, now=self.clock.now())
        await self.driver.settle()

    async def read(self, run: Run) -> None:
        async with run.transaction() as tx:
            came = await events.deliveries(tx, "s-1")
            await events.take(tx, "s-1", [event.id for event in came])
        self.taken += [event.id for event in came]
        raise Suspend

    async def publish(self, *told: Event) -> None:
        async with self.database.transaction() as tx:
            await events.publish(tx, told, now=self.clock.now())

    def event(self, name: str, **changes: Any) -> Event:
        given: dict[str, Any] = {
            "id": name,
            "account_id": ACCOUNT,
            "region": "cn-hangzhou",
            "source": "acs.test",
            "type": "test:Thing",
            "subject": "acs:test:cn-hangzhou:1:thing/1",
            "data": {"colour": name},
            "at": self.clock.now(),
        }
        return Event(**(given | changes))


@pytest.fixture
def bus(database: Database, clock: AdjustableClock) -> Bus:
    return Bus(database, clock)


async def test_a_subscriber_gets_what_its_pattern_wants_in_order_and_once(bus: Bus) -> None:
    await bus.begin({"source": "acs.test", "data": {"colour": ["red", "blue"]}})
    await bus.publish(bus.event("red"), bus.event("green"))
    await bus.publish(bus.event("blue"), bus.event("red"))  # the second was told before

    await bus.driver.settle()
    await bus.driver.settle()

    assert bus.taken == ["red", "blue"]


async def test_an_event_of_a_transaction_that_is_undone_was_never_told(bus: Bus) -> None:
    await bus.begin({})

    async def fail() -> None:
        async with bus.database.transaction() as tx:
            await events.publish(tx, [bus.event("red")], now=bus.clock.now())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    await bus.driver.settle()

    assert bus.taken == []


async def test_events_of_other_accounts_and_from_before_are_not_delivered(bus: Bus) -> None:
    await bus.publish(bus.event("before"))
    await bus.begin({})
    await bus.publish(bus.event("foreign", account_id="2"))

    await bus.driver.settle()

    assert bus.taken == []


async def test_a_delivery_stays_until_it_is_taken(bus: Bus) -> None:
    await bus.begin({})
    await bus.publish(bus.event("red"))
    await bus.driver.settle()
    bus.taken.clear()

    async with bus.database.transaction() as tx:
        await bus.publish(bus.event("blue"))
        await bus.driver.node.advance(events.DISPATCHER)
        first = await events.deliveries(tx, "s-1")
        again = await events.deliveries(tx, "s-1")

    assert [event.id for event in first] == [event.id for event in again] == ["blue"]
    await bus.driver.settle()
    assert bus.taken == ["blue"]


async def test_events_can_be_listed_and_are_forgotten_after_a_week(bus: Bus) -> None:
    await bus.begin({})
    await bus.publish(bus.event("red"))
    bus.clock.advance(timedelta(days=1))
    await bus.publish(bus.event("blue"))
    await bus.driver.settle()

    async with bus.database.connection() as db:
        found = await events.page(db, Query(account_id=ACCOUNT, source="acs.test"), limit=10)
        assert [event.id for event in found] == ["blue", "red"]

    bus.clock.advance(RETENTION - timedelta(hours=1))
    await bus.driver.settle()

    async with bus.database.connection() as db:
        assert [event.id for event in await events.page(db, Query(account_id=ACCOUNT), limit=10)] == ["blue"]


async def test_the_subscription_of_an_ended_work_gets_nothing_and_goes(bus: Bus) -> None:
    await bus.begin({})
    async with bus.database.transaction() as tx:
        await tx.execute("update work set status = 'Success', finished_at = now() where key = 'reader/1'")
    await bus.publish(bus.event("red"))
    await bus.driver.advance(hours=2)

    async with bus.database.connection() as db:
        assert await events.deliveries(db, "s-1") == []
        assert await db.fetchval("select count(*) from event_subscription") == 0

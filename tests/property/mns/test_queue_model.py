"""Any sequence of sends, receives, deletes, time-outs and restarts: a queue is what a list in memory would be.

No message is lost, none is given out twice within its visibility time-out, delayed ones come in the order of their delays,
and only the receipt of the last delivery is worth anything.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from support import postgres
from support.mns import MnsWorld, make_mns
from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.services.mns import receipts
from tidegate.store.database import Database
from tidegate.store.mns.messages import Receipt

T = TypeVar("T")
VISIBILITY, RETENTION = 10, 60
SECONDS = st.sampled_from([1, 3, 9, 10, 11, 40])


class Standing(AdjustableClock):
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        super().__init__()
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> datetime:
        self._now += by
        return self._now


@dataclass
class Kept:
    """A message as the model knows it."""

    id: str
    position: int
    priority: int
    visible_at: datetime
    expires_at: datetime
    received: int = 0


class Queues(RuleBasedStateMachine):
    """One queue and its model."""

    dsn: str
    examples = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = self.do(Database.open(self.dsn, pool_size=2))
        self.clock = Standing()
        self.name = f"q{next(self.examples)}"
        self.ids = Ids(seed=next(self.examples))
        self.world = self.new_process()
        self.do(self.world.queue(self.name, visibility_timeout=VISIBILITY, message_retention_period=RETENTION))
        self.kept: list[Kept] = []
        self.receipts: list[tuple[str, str]] = []  # the id of a message, and a receipt it was once given out with
        self.valid: dict[str, str] = {}
        self.sent = 0

    def do(self, what: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(what)

    def new_process(self) -> MnsWorld:
        return make_mns(self.database, self.clock, self.ids)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def alive(self) -> list[Kept]:
        return [one for one in self.kept if one.expires_at > self.now]

    def visible(self) -> list[Kept]:
        found = [one for one in self.alive() if one.visible_at <= self.now]
        return sorted(found, key=lambda one: (one.priority, one.visible_at, one.position))

    @rule(count=st.integers(1, 3), delay=st.sampled_from([0, 0, 2, 5]), priority=st.sampled_from([1, 8, 8, 16]))
    def send(self, count: int, delay: int, priority: int) -> None:
        bodies = [f"m{self.sent + number}" for number in range(count)]
        ids = self.do(self.world.send(self.name, *bodies, delay_seconds=delay, priority=priority))
        for one in ids:
            self.sent += 1
            visible, expires = self.now + timedelta(seconds=delay), self.now + timedelta(seconds=RETENTION)
            self.kept.append(Kept(one, self.sent, priority, visible, expires))

    @rule(number=st.integers(1, 4))
    def receive(self, number: int) -> None:
        expected = self.visible()[:number]
        try:
            found = self.do(self.world.receive(self.name, number))
        except CloudError:
            found = []
        assert [one.id for one in found] == [one.id for one in expected]
        for one, known in zip(found, expected, strict=True):
            known.received += 1
            known.visible_at = self.now + timedelta(seconds=VISIBILITY)
            assert (one.dequeue_count, one.visible_at) == (known.received, known.visible_at)
            self.give(known, receipts.write(Receipt(one.position, one.dequeue_count, one.visible_at)))

    def give(self, known: Kept, receipt: str) -> None:
        self.receipts.append((known.id, receipt))
        self.valid[known.id] = receipt

    def holder(self, message_id: str, receipt: str) -> Kept | None:
        """The message that a receipt is still good for."""
        for one in self.alive():
            if one.id == message_id and self.valid.get(message_id) == receipt and one.visible_at > self.now:
                return one
        return None

    @precondition(lambda self: self.receipts)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        message_id, receipt = data.draw(st.sampled_from(self.receipts))
        known = self.holder(message_id, receipt)
        failed = self.do(self.world.mns.messages.delete(self.world.call, self.name, [receipt]))
        assert [one.error.code for one in failed] == ([] if known else ["ReceiptHandleError"])
        if known:
            self.kept.remove(known)

    @precondition(lambda self: self.receipts)
    @rule(data=st.data(), seconds=st.sampled_from([0, 1, 30]))
    def hide(self, data: st.DataObject, seconds: int) -> None:
        message_id, receipt = data.draw(st.sampled_from(self.receipts))
        known = self.holder(message_id, receipt)
        changing = self.world.mns.messages.hide(self.world.call, self.name, receipt, seconds)
        if known is None:
            with pytest.raises(CloudError, match="MessageNotExist"):
                self.do(changing)
            return
        changed = self.do(changing)
        known.visible_at = self.now + timedelta(seconds=seconds)
        assert changed.visible_at == known.visible_at
        self.give(known, receipts.write(changed))

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    @rule()
    def old_ones_are_forgotten(self) -> None:
        self.do(self.world.driver.settle())

    @rule()
    def restart(self) -> None:
        self.do(self.world.mns.close())
        self.world = self.new_process()

    @invariant()
    def counted(self) -> None:
        _, counts = self.do(self.world.mns.queues.describe(self.world.call, self.name))
        hidden = [one for one in self.alive() if one.visible_at > self.now]
        delayed = [one for one in hidden if not one.received]
        assert (counts.active, counts.inactive, counts.delayed) == (
            len(self.visible()),
            len(hidden) - len(delayed),
            len(delayed),
        )

    def teardown(self) -> None:
        self.do(self.world.mns.close())
        self.do(self.database.close())
        self.runner.close()


def test_a_queue_is_what_a_list_in_memory_would_be(postgres_server: str, database_template: str) -> None:
    Queues.dsn = asyncio.run(postgres.create(postgres_server, "mns_queue_model", database_template))
    try:
        run_state_machine_as_test(
            Queues,
            settings=settings(
                max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
    finally:
        asyncio.run(postgres.drop(postgres_server, "mns_queue_model"))

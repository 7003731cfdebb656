"""Any sequence of answers, cancels, pauses, time and crashes: a work ends as the answers given to callers promised."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from support import postgres
from support.crashing import Crash, watched_points
from support.driving import Driver
from tidegate.clock import AdjustableClock
from tidegate.reconcile.engine import Cancelled, Run
from tidegate.store import work
from tidegate.store.database import Database

T = TypeVar("T")
WORKS = st.integers(0, 2)
QUESTIONS = st.sampled_from(["first", "second"])


class Works(RuleBasedStateMachine):
    """Three works that share a lock, and what their callers were told."""

    dsn: str
    examples = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = self.do(Database.open(self.dsn, pool_size=4))
        self.clock = AdjustableClock()
        self.driver = Driver(self.database, {"thing": self.control}, self.clock)
        self.prefix = f"thing/{next(self.examples)}"
        self.acts: Counter[str] = Counter()
        self.inside: set[str] = set()
        self.told: dict[str, str] = {}
        self.cancelled: set[str] = set()
        self.crashes = 0

    def do(self, what: Awaitable[T]) -> T:
        async def wait() -> T:
            return await what

        return self.runner.run(wait())

    def key(self, number: int) -> str:
        return f"{self.prefix}-{number}"

    async def control(self, run: Run) -> Any:
        answers = []
        try:
            for question in ("first", "second"):
                answers.append(await run.wait(question, run.now() + timedelta(hours=1), "late"))
                await run.step(f"act:{question}", lambda: self.act(run.key, question))
            if not run.finished("locked"):
                await run.lock(self.prefix)
                assert self.inside <= {run.key}
                self.inside.add(run.key)
                await run.wait("under-the-lock", run.now() + timedelta(minutes=1))
                await run.step("locked", lambda: self.act(run.key, "locked"))
                self.inside.discard(run.key)
            await run.unlock(self.prefix)
        except Cancelled:
            self.inside.discard(run.key)
            run.undoing = True
            await run.step("undo", lambda: self.act(run.key, "undo"))
            raise
        return answers

    async def act(self, key: str, name: str) -> None:
        self.acts[f"{key}/{name}"] += 1

    async def told_by(self, change: Callable[..., Awaitable[bool]], *arguments: Any) -> bool:
        async with self.database.transaction() as tx:
            return await change(tx, *arguments, now=self.clock.now())

    @initialize()
    def start(self) -> None:
        for number in range(3):
            self.do(self.driver.start(self.key(number), "thing"))

    @rule(number=WORKS, question=QUESTIONS, text=st.text(max_size=3))
    def answer(self, number: int, question: str, text: str) -> None:
        name = f"{self.key(number)}/{question}"
        if self.do(self.told_by(work.answer, name, text)):
            assert name not in self.told
            self.told[name] = text

    @rule(number=WORKS)
    def cancel(self, number: int) -> None:
        if self.do(self.told_by(work.cancel, self.key(number))):
            self.cancelled.add(self.key(number))

    @rule(number=WORKS)
    def pause(self, number: int) -> None:
        self.do(self.told_by(work.pause, self.key(number)))

    @rule(number=WORKS)
    def resume(self, number: int) -> None:
        self.do(self.told_by(work.resume, self.key(number)))

    @rule(number=WORKS)
    def wake(self, number: int) -> None:
        self.do(self.told_by(work.wake, self.key(number)))

    @rule(minutes=st.sampled_from([1, 59, 60]))
    def let_time_pass(self, minutes: int) -> None:
        self.do(self.driver.advance(minutes=minutes))

    @rule()
    def settle(self) -> None:
        self.do(self.driver.settle())

    @rule(point=st.integers(1, 12))
    def crash(self, point: int) -> None:
        with watched_points() as points:
            points.crash_after = point
            try:
                self.do(self.driver.settle())
            except Crash:
                self.crashes += 1
                self.inside.clear()

    @precondition(lambda self: not self.crashes)
    @rule()
    def nothing_is_done_twice_without_a_crash(self) -> None:
        assert all(count == 1 for count in self.acts.values())

    def teardown(self) -> None:
        try:
            for number in range(3):
                self.do(self.told_by(work.resume, self.key(number)))
            for _ in range(8):
                self.do(self.driver.advance(hours=1))
            for number in range(3):
                self.judge(self.key(number))
            assert max(self.acts.values(), default=0) <= 1 + self.crashes
        finally:
            self.do(self.database.close())
            self.runner.close()

    def judge(self, key: str) -> None:
        ended = self.do(self.driver.find(key))
        if key in self.cancelled:
            # a cancel that came when nothing was left to do changes nothing
            assert ended.status == "Cancelled" or self.acts[f"{key}/locked"]
        else:
            assert ended.status == "Success"
        if ended.status == "Success":
            assert ended.output == [self.told.get(f"{key}/{name}", "late") for name in ("first", "second")]
        assert bool(self.acts[f"{key}/undo"]) == (ended.status == "Cancelled")


def test_works_end_as_their_callers_were_told(postgres_server: str, database_template: str) -> None:
    name = "property_works"
    Works.dsn = asyncio.run(postgres.create(postgres_server, name, database_template))
    try:
        run_state_machine_as_test(
            Works,
            settings=settings(
                max_examples=25,
                stateful_step_count=25,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        asyncio.run(postgres.drop(postgres_server, name))

"""Works come to the same end whether a node drains them in this task or the queue brings them to a running node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.driving import Driver
from support.nodes import eventually
from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.reconcile import engine
from tidegate.reconcile.engine import Controller, Node, Run, Suspend
from tidegate.settings import Settings
from tidegate.store import work
from tidegate.store.database import Database

#: a sweep an hour: what moves is moved by the queue
SETTINGS = Settings(data_dir=Path("/nonexistent"), sweep_interval=3600)


class Drained(Driver):
    """Nothing runs; looks are taken when asked for."""

    async def until(self, condition: Callable[[], Any], what: str) -> None:
        await self.settle()
        assert await condition(), f"{what} did not happen"

    async def skip(self, **amount: float) -> None:
        self.clock.advance(timedelta(**amount))


class Queued(Driver):
    """A node runs beside the test."""

    async def until(self, condition: Callable[[], Any], what: str) -> None:
        await eventually(condition, what, seconds=20)

    async def skip(self, **amount: float) -> None:
        self.clock.advance(timedelta(**amount))
        await self.node.sweep()


Way = Drained | Queued
Begin = Callable[[Mapping[str, Controller]], Any]


@pytest.fixture(params=["drained", "queued"])
def begin(request: pytest.FixtureRequest, database: Database, clock: AdjustableClock) -> Begin:
    """Opens a world with the given controllers."""

    @asynccontextmanager
    async def world(controllers: Mapping[str, Controller]) -> AsyncIterator[Way]:
        if request.param == "drained":
            yield Drained(database, controllers, clock, SETTINGS)
            return
        queued = Queued(database, controllers, clock, SETTINGS)
        running = asyncio.create_task(queued.node.run())
        try:
            yield queued
        finally:
            await queued.node.stop()
            await running

    return world


def ended(way: Way, key: str) -> Callable[[], Any]:
    async def look() -> bool:
        return (await way.find(key)).status != "Active"

    return look


def waiting(way: Way, question: str) -> Callable[[], Any]:
    async def look() -> bool:
        async with way.database.connection() as connection:
            asked = await connection.fetchval("select 1 from wait where key = $1", question)
            return bool(asked) and not await connection.fetchval("select 1 from lease")

    return look


async def test_work_that_is_started_is_done(begin: Begin) -> None:
    async def controller(run: Run) -> Any:
        return run.input

    async with begin({"thing": controller}) as way:
        await way.start("thing/1", "thing", {"n": 1})
        await way.until(ended(way, "thing/1"), "the end")

        assert (await way.find("thing/1")).output == {"n": 1}


async def test_an_answer_brings_the_work_back(begin: Begin) -> None:
    async def controller(run: Run) -> Any:
        return await run.wait("approval", run.now() + timedelta(hours=6), "Rejected")

    async with begin({"thing": controller}) as way:
        await way.start("thing/1", "thing")
        await way.until(waiting(way, "thing/1/approval"), "the question")
        async with way.database.transaction() as tx:
            assert await work.answer(tx, "thing/1/approval", "Approved", now=way.clock.now())
        await way.until(ended(way, "thing/1"), "the end")

        assert (await way.find("thing/1")).output == "Approved"


async def test_a_deadline_brings_the_work_back_when_the_clock_has_moved(begin: Begin) -> None:
    async def controller(run: Run) -> Any:
        return await run.wait("approval", run.now() + timedelta(hours=6), "Rejected")

    async with begin({"thing": controller}) as way:
        await way.start("thing/1", "thing")
        await way.until(waiting(way, "thing/1/approval"), "the question")
        await way.skip(hours=6)
        await way.until(ended(way, "thing/1"), "the end")

        assert (await way.find("thing/1")).output == "Rejected"


async def test_a_near_deadline_needs_no_sweep(begin: Begin) -> None:
    async def controller(run: Run) -> Any:
        return await run.wait("approval", run.now() + timedelta(seconds=0.2), "Rejected")

    async with begin({"thing": controller}) as way:
        await way.start("thing/1", "thing")
        if isinstance(way, Drained):
            await way.settle()
            await way.skip(seconds=1)
        await way.until(ended(way, "thing/1"), "the end")

        assert (await way.find("thing/1")).output == "Rejected"


async def test_an_error_is_tried_again_when_its_delay_is_over(begin: Begin) -> None:
    tries = []

    async def controller(run: Run) -> int:
        tries.append(run.attempt)
        if len(tries) < 3:
            raise RuntimeError("not yet")
        return len(tries)

    async def once_more() -> bool:
        await way.skip(seconds=60)
        return await ended(way, "thing/1")()

    async with begin({"thing": controller}) as way:
        await way.start("thing/1", "thing")
        if isinstance(way, Drained):
            for _ in range(3):
                await way.advance(seconds=60)
        await way.until(once_more, "the end")

    assert tries == [1, 2, 3]


async def test_a_refusal_of_the_cloud_is_final(begin: Begin) -> None:
    async def controller(run: Run) -> None:
        raise CloudError("NoPermission", "You are not authorized.")

    async with begin({"thing": controller}) as way:
        await way.start("thing/1", "thing")
        await way.until(ended(way, "thing/1"), "the end")

        assert (await way.find("thing/1")).error == "NoPermission message: You are not authorized."


async def test_one_after_another_under_a_lock(begin: Begin) -> None:
    inside: list[str] = []
    most = 0

    async def controller(run: Run) -> None:
        nonlocal most
        await run.lock("key")
        inside.append(run.id)
        most = max(most, len(inside))
        await asyncio.sleep(0.001)
        inside.remove(run.id)

    async with begin({"thing": controller}) as way:
        for n in range(10):
            await way.start(f"thing/{n}", "thing")
        for n in range(10):
            await way.until(ended(way, f"thing/{n}"), "the end")

    assert most == 1


async def test_children_bring_their_parent_back(begin: Begin) -> None:
    async def parent(run: Run) -> list[Any]:
        async with run.transaction() as tx:
            for n in range(5):
                await work.start(tx, f"child/{n}", "child", n, now=run.now(), parent=run.key)
            born = await work.children(tx, run.key)
        if any(child.status == "Active" for child in born):
            raise Suspend
        return [child.output for child in born]

    async def child(run: Run) -> int:
        return int(run.input) ** 2

    async with begin({"parent": parent, "child": child}) as way:
        await way.start("parent/1", "parent")
        await way.until(ended(way, "parent/1"), "the end")

        assert (await way.find("parent/1")).output == [0, 1, 4, 9, 16]


async def test_cancelling_brings_the_work_back_to_undo(begin: Begin) -> None:
    async def controller(run: Run) -> None:
        await run.wait("approval", None)

    async with begin({"thing": controller}) as way:
        await way.start("thing/1", "thing")
        await way.until(waiting(way, "thing/1/approval"), "the question")
        async with way.database.transaction() as tx:
            assert await work.cancel(tx, "thing/1", now=way.clock.now())
        await way.until(ended(way, "thing/1"), "the end")

        assert (await way.find("thing/1")).status == "Cancelled"


async def test_goals_set_in_a_hurry_end_with_the_last_one(begin: Begin) -> None:
    async def controller(run: Run) -> Any:
        await asyncio.sleep(0.001)
        return run.input

    async def at_the_last() -> bool:
        found = await way.find("thing/1")
        return found.status == "Success" and found.output == 19

    async with begin({"thing": controller}) as way:
        for n in range(20):
            async with way.database.transaction() as tx:
                await work.drive(tx, "thing/1", "thing", n, now=way.clock.now())
        await way.until(at_the_last, "the last goal")


async def test_a_stopped_node_leaves_its_work_for_the_next(
    database: Database, clock: AdjustableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_STOP_SECONDS", 0.0)
    begun = asyncio.Event()
    stuck = asyncio.Event()

    async def slow(run: Run) -> str:
        begun.set()
        await stuck.wait()
        return "never"

    async def quick(run: Run) -> str:
        return "done"

    first = Node(database, {"thing": slow}, clock, SETTINGS)
    running = asyncio.create_task(first.run())
    driver = Driver(database, {"thing": quick}, clock, SETTINGS)
    await driver.start("thing/1", "thing")
    await begun.wait()
    await first.stop()
    await running

    await driver.settle()

    assert (await driver.find("thing/1")).output == "done"

"""A crash at any point of the engine leaves work that the next node brings to the same end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from support.crashing import Crash, watched_points
from support.driving import Driver
from tidegate.clock import AdjustableClock
from tidegate.reconcile.engine import Run
from tidegate.store.database import Database

#: as many as the run below passes; the last test checks the number
POINTS = 20


async def controller(run: Run) -> list[object]:
    made = await run.step("make:1", lambda: act("made"))
    await run.lock("key")
    answer = await run.wait("question", run.now() + timedelta(minutes=1), "late")
    changed = await run.step("change", lambda: act("changed"))
    await run.unlock("key")
    return [made, answer, changed]


async def act(result: str) -> str:
    return result


async def go(driver: Driver) -> None:
    await driver.settle()
    await driver.advance(minutes=1)


@pytest.mark.parametrize("point", range(1, POINTS + 1))
async def test_work_ends_well_after_a_crash_at(database: Database, clock: AdjustableClock, point: int) -> None:
    driver = Driver(database, {"thing": controller}, clock)
    await driver.start("thing/1", "thing")
    with watched_points() as points:
        points.crash_after = point
        with pytest.raises(Crash):
            await go(driver)

        await go(Driver(database, {"thing": controller}, clock))

    ended = await driver.find("thing/1")
    assert (ended.status, ended.output) == ("Success", ["made", "late", "changed"])
    async with database.connection() as connection:
        for table in ("lease", "mutex", "signal"):
            assert await connection.fetchval(f"select count(*) from {table}") == 0


async def test_every_point_was_crashed_at(database: Database, clock: AdjustableClock) -> None:
    driver = Driver(database, {"thing": controller}, clock)
    await driver.start("thing/1", "thing")

    with watched_points() as points:
        await go(driver)

    assert len(points.passed) == POINTS, points.passed

"""A crash at any point of a launch, a reboot or a release leaves instances that the next node brings to the same end."""

from __future__ import annotations

from contextlib import suppress

import pytest

from support.crashing import Crash, watched_points
from support.ecs import ACCOUNT, PLAIN, REGION, World, make_world
from tidegate.clock import AdjustableClock
from tidegate.ids import Ids
from tidegate.reconcile import instance
from tidegate.services.ecs.states import Event
from tidegate.store.database import Database

#: more than the run below ever passes: how many depends on what happens to be written together
MANY = 40
#: every kind of point there is
KINDS = {
    "work.claimed",
    "work.released",
    "instances.transaction.acted",
    "instances.transaction.recorded",
    "instance.begin.recorded",
    *(
        f"instance.{status}.{moment}"
        for status in ("starting", "rebooting", "stopping", "releasing")
        for moment in ("before", "acted", "recorded")
    ),
}


async def go(world: World) -> list[str]:
    """Bring three instances up, reboot one, stop one, release one; asking for all of it again changes nothing."""
    made = await world.ecs.launch(ACCOUNT, REGION, PLAIN, 3, client_token="t")
    await world.settle()
    await world.ecs.instances.let(ACCOUNT, made[:1], Event.REBOOT)
    await world.ecs.stop(ACCOUNT, made[1:2])
    await world.ecs.release(ACCOUNT, made[2:])
    await world.settle()
    return made


@pytest.mark.parametrize("point", range(1, MANY + 1))
async def test_instances_end_well_after_a_crash_at(
    database: Database, clock: AdjustableClock, ids: Ids, point: int
) -> None:
    world = make_world(database, clock, ids)
    with watched_points(instance) as points:
        points.crash_after = point
        with suppress(Crash):
            await go(world)
            assert len(points.passed) < point
        points.crash_after = None
        successor = make_world(database, clock, ids, hosts=world.hosts)
        running, stopped, gone = await go(successor)

    assert [await successor.status(one) for one in (running, stopped, gone)] == ["Running", "Stopped", "gone"]
    assert await world.hosts.states() == {running: "Running", stopped: "Stopped"}
    async with database.connection() as connection:
        held = await connection.fetch("select owner from ecs_address")
        assert {row["owner"] for row in held} == {running, stopped}
        assert await connection.fetchval("select count(*) from lease") == 0


async def test_every_kind_of_point_is_crashed_at(database: Database, clock: AdjustableClock, ids: Ids) -> None:
    world = make_world(database, clock, ids)

    with watched_points(instance) as points:
        await go(world)

    assert set(points.passed) == KINDS
    assert len(points.passed) < MANY

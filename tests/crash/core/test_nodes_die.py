"""Nodes are killed and frozen at random, the queue loses everything, the database restarts: every work still ends well.

``TIDEGATE_KILLS`` sets how often the kill tests kill; the ordinary run is short.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from support import errands
from support.nodes import NodeProcess, eventually
from tidegate.clock import AdjustableClock
from tidegate.reconcile.engine import Node
from tidegate.settings import Settings
from tidegate.store.database import UNREACHABLE, Database
from tidegate.store.embedded import EmbeddedPostgres

KILLS = int(os.environ.get("TIDEGATE_KILLS", "4"))
CONTROLLERS = "support.errands:controllers"
QUICK = {"heartbeat_timeout": 3.0, "sweep_interval": 0.3}


async def all_ended(database: Database) -> bool:
    return not await errands.unfinished(database)


@pytest.mark.parametrize("nodes", [1, 2])
async def test_killed_nodes_lose_nothing_and_do_nothing_twice(
    database: Database, database_dsn: str, tmp_path: Path, nodes: int
) -> None:
    chance = random.Random(nodes)
    await errands.prepare(database)
    processes = [NodeProcess(database_dsn, CONTROLLERS, tmp_path / "log", **QUICK) for _ in range(nodes)]
    in_the_hands_of_the_killed = 0
    try:
        for kill in range(KILLS):
            await errands.start(database, range(12 * kill, 12 * kill + 12))
            await eventually(lambda: errands.leases_held(database), "work in progress")
            await asyncio.sleep(chance.uniform(0, 0.6))
            chance.choice(processes).restart()
            in_the_hands_of_the_killed += await errands.leases_held(database)

        await eventually(lambda: all_ended(database), "the end of every errand")
    finally:
        for process in processes:
            process.kill()

    assert in_the_hands_of_the_killed
    await errands.judge(database, 12 * KILLS)


async def test_another_node_takes_over_from_a_killed_one_without_waiting_for_heartbeats(
    database: Database, database_dsn: str, tmp_path: Path
) -> None:
    patient = QUICK | {"heartbeat_timeout": 3600.0}
    await errands.prepare(database)
    with NodeProcess(database_dsn, CONTROLLERS, tmp_path / "first", **patient) as first:
        await errands.start(database, range(8), seconds=0.5)
        await eventually(lambda: errands.leases_held(database), "work in progress")
        first.kill()
        assert await errands.leases_held(database)

        with NodeProcess(database_dsn, CONTROLLERS, tmp_path / "second", **patient):
            await eventually(lambda: all_ended(database), "the end of every errand")

    await errands.judge(database, 8)


async def test_a_node_frozen_past_the_heartbeat_limit_changes_nothing_when_it_wakes(
    database: Database, database_dsn: str, tmp_path: Path
) -> None:
    log = tmp_path / "frozen"
    await errands.prepare(database)
    with NodeProcess(database_dsn, CONTROLLERS, log, **QUICK) as frozen:
        await errands.start(database, range(8), seconds=0.5)
        await eventually(lambda: errands.leases_held(database), "work in progress")
        frozen.freeze()
        with NodeProcess(database_dsn, CONTROLLERS, tmp_path / "other", **QUICK):
            await eventually(lambda: all_ended(database), "the end of every errand")
            before = await everything(database)

            frozen.thaw()
            await eventually(lambda: "has taken" in log.read_text(), "the thawed node's finding itself fenced")

    assert await everything(database) == before
    await errands.judge(database, 8)


async def everything(database: Database) -> list[object]:
    """All that a stale node could change."""
    async with database.connection() as connection:
        rows = [await connection.fetch(f"select * from {table}") for table in ("work", "journal", "trail", "audit")]
    return [sorted(map(tuple, table)) for table in rows]


async def test_a_queue_that_lost_everything_is_filled_again(
    database: Database, database_dsn: str, tmp_path: Path
) -> None:
    await errands.prepare(database)
    with NodeProcess(database_dsn, CONTROLLERS, tmp_path / "log", **QUICK):
        await errands.start(database, range(40), wait=1.0)
        await eventually(lambda: errands.leases_held(database), "work in progress")
        async with database.transaction() as tx:
            await tx.execute("truncate pgqueuer")

        await eventually(lambda: all_ended(database), "the end of every errand")

    await errands.judge(database, 40)


async def test_a_node_goes_on_when_its_database_was_killed_and_is_back(tmp_path: Path, clock: AdjustableClock) -> None:
    server = EmbeddedPostgres(tmp_path / "data")
    database = await Database.open(await server.start())
    node = Node(database, errands.controllers(database), clock, Settings(data_dir=tmp_path, **QUICK))
    running = asyncio.create_task(node.run())
    try:
        await errands.prepare(database)
        await errands.start(database, range(20), seconds=0.1)
        await eventually(lambda: errands.leases_held(database), "work in progress")
        killed = server.pid
        assert killed
        os.kill(killed, signal.SIGKILL)
        await eventually(lambda: server.pid not in {None, killed}, "the restart of the database")

        await eventually(lambda: all_ended_after_trouble(database), "the end of every errand")
        await errands.judge(database, 20)
    finally:
        await node.stop()
        await running
        await database.close()
        await server.stop()


async def all_ended_after_trouble(database: Database) -> bool:
    try:
        return await all_ended(database)
    except UNREACHABLE:
        return False

"""An Auto Scaling for each test, on a database that the tests of one worker use one after another."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from support import postgres
from support.ess import World, empty, make_world
from tidegate.clock import AdjustableClock
from tidegate.ids import Ids
from tidegate.store.database import Database


@pytest.fixture(scope="session")
def worker_dsn(postgres_server: str, database_template: str) -> Iterator[str]:
    """The address of a migrated database of this worker's own."""
    name = f"test_ess_{uuid.uuid4().hex[:16]}"
    yield asyncio.run(postgres.create(postgres_server, name, database_template))
    asyncio.run(postgres.drop(postgres_server, name))


@pytest.fixture
async def database(worker_dsn: str) -> AsyncIterator[Database]:
    """The worker's database, emptied."""
    opened = await Database.open(worker_dsn, pool_size=8)
    await empty(opened)
    yield opened
    await opened.close()


@pytest.fixture
def world(database: Database, clock: AdjustableClock, ids: Ids) -> World:
    """An Auto Scaling on ECS in memory hosts, whose controllers run when told to."""
    return make_world(database, clock, ids)

"""What every test can ask for: a database of its own, a clock that can be moved, repeatable identifiers."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from support import postgres
from tidegate.clock import AdjustableClock
from tidegate.ids import Ids
from tidegate.store.database import Database

# How long an example takes says more about the machine's other work than about the code: speed lives in bench/.
settings.register_profile("steady", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL that all workers of this run share; started by the first test that asks."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    with postgres.shared_server(postgres.place(run)) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def database_template(postgres_server: str) -> str:
    """The name of a migrated database that tests copy."""
    return asyncio.run(postgres.make_template(postgres_server))


@pytest.fixture
async def database_dsn(postgres_server: str, database_template: str) -> AsyncIterator[str]:
    """The address of a fresh, migrated database, for tests that start processes."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    yield await postgres.create(postgres_server, name, database_template)
    await postgres.drop(postgres_server, name)


@pytest.fixture
async def database(database_dsn: str) -> AsyncIterator[Database]:
    """A fresh, migrated database."""
    opened = await Database.open(database_dsn)
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> AdjustableClock:
    """A clock that runs with the machine's and can be moved forward."""
    return AdjustableClock()


@pytest.fixture
def ids() -> Ids:
    """Identifiers that are the same in every run."""
    return Ids(seed=1)

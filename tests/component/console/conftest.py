"""One furnished cloud for all tests of a module: they look at it, or change what only they know of."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from support import console, postgres


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    postgres_server: str, database_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[console.World]:
    name = f"test_console_{uuid.uuid4().hex[:12]}"
    dsn = await postgres.create(postgres_server, name, database_template)
    folder: Path = tmp_path_factory.mktemp("cloud")
    async with console.running(folder, dsn) as made:
        yield made
    await postgres.drop(postgres_server, name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def owner(world: console.World) -> console.Browser:
    return await world.owner()

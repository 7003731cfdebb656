"""A cloud of RAM and STS, one process of it or two."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.ram import Node, open_node
from tidegate.clock import AdjustableClock
from tidegate.store.database import Database
from tidegate.vault import Vault


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.in_folder(tmp_path)


@pytest.fixture
async def node(database: Database, vault: Vault, clock: AdjustableClock) -> AsyncIterator[Node]:
    async with open_node(database, vault, clock) as opened:
        yield opened


@pytest.fixture
async def other_node(node: Node, database_dsn: str, vault: Vault, clock: AdjustableClock) -> AsyncIterator[Node]:
    """Another process on the same database: its own connections, its own memory."""
    database = await Database.open(database_dsn)
    async with open_node(database, vault, clock) as opened:
        yield opened
    await database.close()

"""Drives works in a test, without the queue and without waiting: looks at everything runnable until nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from tidegate.clock import AdjustableClock
from tidegate.reconcile.engine import Controller, Node
from tidegate.settings import Settings
from tidegate.store import work
from tidegate.store.database import Database


class Driver:
    """A single node in this task: ``settle`` until nothing moves, ``advance`` the clock and settle again."""

    def __init__(
        self,
        database: Database,
        controllers: Mapping[str, Controller],
        clock: AdjustableClock,
        settings: Settings | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.node = Node(database, controllers, clock, settings or Settings(data_dir=Path("/nonexistent")))

    async def settle(self) -> int:
        """Look at everything that is runnable now, until nothing is; returns how many looks that took."""
        return await self.node.drain()

    async def advance(self, **amount: float) -> int:
        """Move the clock forward (``hours=6``) and settle."""
        self.clock.advance(timedelta(**amount))
        return await self.settle()

    async def start(self, key: str, kind: str, input: Any = None, *, parent: str | None = None) -> bool:
        """Start a work in a transaction of its own."""
        async with self.database.transaction() as tx:
            return await work.start(tx, key, kind, input, now=self.clock.now(), parent=parent)

    async def find(self, key: str) -> work.Work:
        """Return the work, which must be there."""
        async with self.database.connection() as connection:
            found = await work.find(connection, key)
        assert found is not None, f"there is no work {key}"
        return found

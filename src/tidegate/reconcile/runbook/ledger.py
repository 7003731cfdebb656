"""Where the progress of an execution is written down: rows of a database, or the memory of a rehearsal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tidegate.reconcile.run import Fenced, Run
from tidegate.services.oos.works import work_key
from tidegate.store import work
from tidegate.store.database import Database
from tidegate.store.oos import journal
from tidegate.store.oos.records import TaskRecord
from tidegate.store.work import Control

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Ledger(Protocol):
    """What was written of one execution, and where more is written."""

    async def items(self, parent_id: str) -> list[TaskRecord]:
        """Return the items of a looped task that have begun, in their order."""
        ...

    async def advance(self, progress: journal.Progress, *, parent_id: str | None, ends_children: bool) -> Control:
        """Write one step forward, all of it or nothing, and return what is asked of the execution now. Raises Fenced.

        With it a parent is woken, which waits for this end, and children that outlive their task are cancelled
        (oos.md 7.6).
        """
        ...


class DatabaseLedger:
    """The rows of one execution; only the owner of its work can write them."""

    def __init__(self, run: Run, database: Database) -> None:
        self._run = run
        self._database = database

    async def items(self, parent_id: str) -> list[TaskRecord]:
        """Read them."""
        async with self._database.connection() as connection:
            return await journal.load_items(connection, parent_id)

    async def advance(self, progress: journal.Progress, *, parent_id: str | None, ends_children: bool) -> Control:
        """Write it in one statement, or, when others must learn of it, in one transaction."""
        tells = parent_id is not None or ends_children
        lend = self._database.transaction if tells else self._database.connection
        async with lend() as connection:
            control = await journal.advance(connection, self._run.key, self._run.token, progress)
            if tells and control is not None:
                await self._tell(connection, progress, parent_id)
        if control is None:
            raise Fenced(self._run.key)
        return control

    async def _tell(self, tx: Connection, progress: journal.Progress, parent_id: str | None) -> None:
        for child in await journal.unended_children(tx, progress.execution_id):
            await work.cancel(tx, work_key(child), now=progress.now)
        if parent_id is not None:
            await work.wake(tx, work_key(parent_id), now=progress.now)

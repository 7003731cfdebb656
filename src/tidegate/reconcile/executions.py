"""What is done for all executions together: queues are let in, old executions are forgotten (oos.md 9)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from tidegate.clock import Clock
from tidegate.reconcile.run import Controller, Run, Suspend
from tidegate.services.oos import flow, limits
from tidegate.store import work
from tidegate.store.database import Database
from tidegate.store.oos import flow as rows

RETENTION: Final = "oos-retention"
_HOUSEKEEPING: Final = timedelta(hours=1)
_AT_ONCE: Final = 500


class ExecutionsController:
    """Drives the queues of accounts, and the retention of executions."""

    def __init__(self, database: Database, clock: Clock, concurrent: int = limits.CONCURRENT_EXECUTIONS) -> None:
        self._database = database
        self._clock = clock
        self._concurrent = concurrent

    @property
    def controllers(self) -> Mapping[str, Controller]:
        """The kinds of work that this drives."""
        return {flow.KIND: self.let_in, RETENTION: self.forget}

    async def begin(self) -> None:
        """Have old executions forgotten; called whenever a cloud starts."""
        async with self._database.transaction() as tx:
            await work.drive(tx, RETENTION, RETENTION, now=self._clock.now())

    async def let_in(self, run: Run) -> None:
        """Let in what there is room for, and look again while anything is left."""
        async with run.transaction() as tx:
            goal = run.input
            is_left = await flow.admit(tx, goal["account_id"], goal["region"], self._concurrent, run.now())
        if is_left:
            raise Suspend(run.now() + flow.PAUSE)

    async def forget(self, run: Run) -> None:
        """Delete what ended long ago, with tasks and logs, then sleep. Never ends."""
        while True:
            async with run.transaction() as tx:
                deleted = await rows.delete_ended(tx, run.now() - limits.RETENTION, limit=_AT_ONCE)
            if deleted < _AT_ONCE:
                raise Suspend(run.now() + _HOUSEKEEPING)

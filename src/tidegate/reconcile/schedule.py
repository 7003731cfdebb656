"""Runs scheduled tasks: one work for each, asleep until it is due (ess.md 9.1)."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.reconcile.run import Controller, Run, Suspend
from tidegate.services.ess.schedule import TASK
from tidegate.services.ess.service import Ess


class ScheduleController:
    """Drives scheduled tasks."""

    def __init__(self, ess: Ess) -> None:
        self._ess = ess

    @property
    def controllers(self) -> Mapping[str, Controller]:
        """The kinds of work that this drives."""
        return {TASK: self.tend}

    async def tend(self, run: Run) -> None:
        """Look at a task once; ends when the task is gone."""
        async with run.transaction() as tx:
            task = await self._ess.schedule.look(tx, run.id)
            if task is None:
                return
            warning = await self._ess.schedule.warn(tx, task) if task.enabled else None
        moments = [warning, task.retry_at or task.due_at] if task.enabled else []
        raise Suspend(min(filter(None, moments), default=None))

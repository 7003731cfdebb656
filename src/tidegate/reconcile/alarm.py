"""Watches alarm tasks: one work for each, asleep until its next period is over (ess.md 9.2)."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.reconcile.run import Controller, Run, Suspend
from tidegate.services.ess import judging
from tidegate.services.ess.alarms import ALARM
from tidegate.services.ess.service import Ess


class AlarmController:
    """Drives alarm tasks."""

    def __init__(self, ess: Ess) -> None:
        self._watcher = ess.watcher

    @property
    def controllers(self) -> Mapping[str, Controller]:
        """The kinds of work that this drives."""
        return {ALARM: self.tend}

    async def tend(self, run: Run) -> None:
        """Look at an alarm task once; ends when it or its group is gone."""
        alarm = await self._watcher.find(run.id)
        if alarm is not None and alarm.enabled:
            if until := await self._watcher.not_before(alarm):
                raise Suspend(until)
            # Metrics are another product's: they are read before anything is locked.
            found = await self._watcher.read(alarm)
            async with run.transaction() as tx:
                alarm = await self._watcher.look(tx, alarm, found)
        if alarm is None:
            return
        raise Suspend(judging.due_at(alarm) if alarm.enabled else None)

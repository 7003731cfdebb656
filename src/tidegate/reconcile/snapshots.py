"""Looks after snapshot policies: each one makes its snapshots when they are due, and sleeps until the next time."""

from __future__ import annotations

from tidegate.reconcile.engine import Run, Suspend
from tidegate.services.ecs.service import Ecs
from tidegate.telemetry.points import reach


class SnapshotController:
    """Drives works of the kind ``snapshot-policy``, each of which lives as long as its policy."""

    def __init__(self, ecs: Ecs) -> None:
        self._ecs = ecs

    async def __call__(self, run: Run) -> None:
        """Look at one policy; ends when it is deleted."""
        reach("snapshot-policy.fire.before")
        async with run.transaction() as tx:
            due = await self._ecs.snapshots.fire(tx, run.id)
        reach("snapshot-policy.fire.recorded")
        if due is not None:
            raise Suspend(due)

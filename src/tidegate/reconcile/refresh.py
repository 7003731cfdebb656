"""Refreshes the instances of groups: one work for each refresh, which begins a batch and sleeps until it has ended.

Everything a look decides is one transaction under the group's lock, so a death at any point loses and repeats nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.errors import CloudError
from tidegate.reconcile.run import Controller, Run, Suspend
from tidegate.services.ess.refreshes import REFRESH_WORK
from tidegate.services.ess.service import Ess


class RefreshController:
    """Drives instance refreshes."""

    def __init__(self, ess: Ess) -> None:
        self._ess = ess

    @property
    def controllers(self) -> Mapping[str, Controller]:
        """The kinds of work that this drives."""
        return {REFRESH_WORK: self.tend}

    async def tend(self, run: Run) -> None:
        """Look at a refresh once; ends when it has ended."""
        try:
            target = await self._ess.refreshes.target(run.id)
        except CloudError:
            target = None  # its template is gone: the batch that needs it fails and says why
        async with run.transaction() as tx:
            until = await self._ess.refreshes.look(tx, run.id, target)
        if until is not None:
            raise Suspend(until)

"""Keeps the forecasts of predictive rules and acts on them: one work for each, asleep from hour to hour (ess.md 5.5)."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.reconcile.run import Controller, Run, Suspend
from tidegate.services.ess.predicting import PREDICTION
from tidegate.services.ess.service import Ess


class PredictionController:
    """Drives predictive rules."""

    def __init__(self, ess: Ess) -> None:
        self._predictions = ess.predictions

    @property
    def controllers(self) -> Mapping[str, Controller]:
        """The kinds of work that this drives."""
        return {PREDICTION: self.tend}

    async def tend(self, run: Run) -> None:
        """Look at a rule once; ends when it is gone."""
        # Metrics are another product's: they are read before anything is locked.
        renewed = await self._predictions.renewed(run.id)
        async with run.transaction() as tx:
            until = await self._predictions.look(tx, run.id, renewed)
        if until is not None:
            raise Suspend(until)

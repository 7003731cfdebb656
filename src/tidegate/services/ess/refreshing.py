"""What an instance refresh does next (ess.md 12.9). Pure: capacities in, one move out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a refresh is, in capacity."""

    #: to be refreshed altogether, and what of it still is
    total: int
    outdated: int
    #: taken out to be made again, and not made yet
    owed: int = 0
    #: in service now, refreshed or not
    serving: int
    min_healthy: int
    max_healthy: int
    #: percentages at which it pauses, those that are behind left out
    checkpoints: Sequence[int] = ()

    @property
    def finished(self) -> int:
        """What has been refreshed."""
        return max(0, self.total - self.outdated - self.owed)


class Move(msgspec.Struct, frozen=True):
    """One batch, a pause, or the end.

    ``replace``: make so many first, then let as many old ones go. ``remove``: let old ones go first. ``make``: make
    what was let go.
    """

    kind: Literal["replace", "remove", "make", "pause", "end"]
    amount: int = 0


def next_move(progress: Progress) -> Move:
    """Return the next move within the bounds of what must and may be in service.

    Where both bounds leave no room one instance is refreshed at a time, made before the old one goes.
    """
    if progress.owed:
        return Move("make", progress.owed)
    if progress.checkpoints and progress.checkpoints[0] < 100 and _is_at(progress, progress.checkpoints[0]):
        return Move("pause")
    if not progress.outdated:
        return Move("end")
    batch = progress.outdated
    if progress.checkpoints:
        batch = min(batch, _capacity_at(progress, progress.checkpoints[0]) - progress.finished)
    above = progress.serving * progress.max_healthy // 100 - progress.serving
    below = progress.serving - -(-progress.serving * progress.min_healthy // 100)
    if above > 0:
        return Move("replace", min(batch, above))
    if below > 0:
        return Move("remove", min(batch, below))
    return Move("replace", 1)


def _is_at(progress: Progress, percentage: int) -> bool:
    return progress.finished >= _capacity_at(progress, percentage)


def _capacity_at(progress: Progress, percentage: int) -> int:
    return -(-progress.total * percentage // 100)

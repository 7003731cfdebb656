"""The size of a scaling group over time, as its activities tell it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from tidegate.store.chronicle import SizeChange


class Sizes(msgspec.Struct, frozen=True):
    """Three lines of (moment, number of instances)."""

    total: list[tuple[datetime, float]]
    in_service: list[tuple[datetime, float]]
    moving: list[tuple[datetime, float]]


def sizes_of(changes: Sequence[SizeChange], since: datetime, now: datetime, present: int) -> Sizes:
    """Tell the size from ``since`` to now.

    ``changes`` are those that overlap this time and the last one before it; without any the size is what it is at
    ``present``. An activity that goes on has its instances moving: they join, or leave, when it ends.
    """
    moments: list[tuple[datetime, int, SizeChange]] = []
    for change in changes:
        moments.append((change.started_at, 0, change))
        if change.ended_at is not None:
            moments.append((change.ended_at, 1, change))
    count = _Count(settled=_before(changes, since, present))
    lines = Sizes([], [], [])
    _mark(lines, since, count)
    for at, is_end, change in sorted(moments, key=lambda one: (one[0], one[1])):
        count.move(change, -1 if is_end else 1)
        if is_end:
            count.settled = change.total_capacity - count.joining
        if at >= since:
            _mark(lines, at, count)
    if (
        not count.joining + count.leaving and lines.total[-1][1] != present
    ):  # changed without an activity, as by Standby
        count.settled = present
        _mark(lines, now, count)
    return lines


class _Count(msgspec.Struct):
    """How many are settled, and how many are on their way at a moment."""

    settled: int
    joining: int = 0
    leaving: int = 0

    def move(self, change: SizeChange, sign: int) -> None:
        """Count the instances of an activity that begins (1) or ends (-1)."""
        if change.joins:
            self.joining += sign * change.amount
        else:
            self.leaving += sign * change.amount


def _before(changes: Sequence[SizeChange], since: datetime, present: int) -> int:
    """Return the size at ``since``: as the last activity before left it, else as the first after it found it."""
    ended = [one for one in changes if one.ended_at is not None and one.ended_at <= since]
    if ended:
        return max(ended, key=lambda one: one.ended_at or since).total_capacity
    later = sorted(changes, key=lambda one: one.started_at)
    if not later:
        return present
    first = later[0]
    if first.ended_at is None:
        return first.total_capacity
    return max(first.total_capacity - first.amount if first.joins else first.total_capacity + first.amount, 0)


def _mark(lines: Sizes, at: datetime, count: _Count) -> None:
    lines.total.append((at, count.settled + count.joining))
    lines.in_service.append((at, max(count.settled - count.leaving, 0)))
    lines.moving.append((at, count.joining + count.leaving))

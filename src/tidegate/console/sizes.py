"""The size of a scaling group over time, as its activities tell it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from tidegate.store.chronicle import SizeChange


class Sizes(msgspec.Struct, frozen=True):
    """Three lines of (moment, number of instances)."""

    total: Sequence[tuple[datetime, float]]
    in_service: Sequence[tuple[datetime, float]]
    moving: Sequence[tuple[datetime, float]]


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
    settled = _before(changes, since, present)
    running: dict[str, SizeChange] = {}
    lines = Sizes([], [], [])
    _mark(lines, since, settled, running)
    for at, is_end, change in sorted(moments, key=lambda one: (one[0], one[1])):
        if is_end:
            running.pop(change.id, None)
            settled = change.total_capacity - sum(one.amount for one in running.values() if one.joins)
        else:
            running[change.id] = change
        if at >= since:
            _mark(lines, at, settled, running)
    if not running and lines.total[-1][1] != present:  # changed without an activity: Standby, or not at all
        _mark(lines, now, present, running)
    return lines


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


def _mark(lines: Sizes, at: datetime, settled: int, running: dict[str, SizeChange]) -> None:
    joining = sum(one.amount for one in running.values() if one.joins)
    leaving = sum(one.amount for one in running.values() if not one.joins)
    for line, value in (
        (lines.total, settled + joining),
        (lines.in_service, max(settled - leaving, 0)),
        (lines.moving, joining + leaving),
    ):
        assert isinstance(line, list)
        line.append((at, value))

"""Who came to a gate, counted in memory: for the gates that have no kernel to count for them.

Standard library only: the porter's process uses it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from tidegate.plane.gate.ranges import MEMORY, MOST_VISITORS, Ranges, contains

#: how many, and how many seconds ago the first and the last was
Told = tuple[int, float, float]


class _Count:
    def __init__(self, now: float) -> None:
        self.count, self.first, self.last = 0, now, now


class VisitorBook:
    """Counts attempts by address and outcome, within the bounds that every gate keeps."""

    def __init__(self) -> None:
        self._counts: dict[bool, dict[int, _Count]] = {True: {}, False: {}}

    def note(self, address: int, *, admitted: bool) -> None:
        """Count one attempt."""
        counts, now = self._counts[admitted], time.monotonic()
        if address not in counts:
            if len(counts) >= MOST_VISITORS:
                self._forget_old(now)
            if len(counts) >= MOST_VISITORS:
                return
            counts[address] = _Count(now)
        counts[address].count += 1
        counts[address].last = now

    def forget_outside(self, ranges: Ranges) -> None:
        """Forget that addresses outside these ranges were ever let in."""
        self._counts[True] = {one: count for one, count in self._counts[True].items() if contains(ranges, one)}

    def told(self) -> Iterator[tuple[int, Told | None, Told | None]]:
        """Yield (address, let in, turned away)."""
        now = time.monotonic()
        self._forget_old(now)
        for address in self._counts[True].keys() | self._counts[False].keys():
            let_in, away = (self._counts[admitted].get(address) for admitted in (True, False))
            yield address, _tell(let_in, now), _tell(away, now)

    def _forget_old(self, now: float) -> None:
        for admitted, counts in self._counts.items():
            self._counts[admitted] = {one: count for one, count in counts.items() if now - count.last < MEMORY}


def _tell(count: _Count | None, now: float) -> Told | None:
    return (count.count, now - count.first, now - count.last) if count else None

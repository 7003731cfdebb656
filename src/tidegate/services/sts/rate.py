"""Counts calls, so that one account cannot take all (ram.md 4)."""

from __future__ import annotations

from collections import Counter

from tidegate.clock import Clock


class Rate:
    """How often each account has called within the present second, in this process."""

    def __init__(self, clock: Clock, per_second: int) -> None:
        self._clock = clock
        self._per_second = per_second
        self._second = 0
        self._calls: Counter[str] = Counter()

    def admits(self, account: str) -> bool:
        """Count one more call; False when the account has had its share of this second."""
        second = int(self._clock.now().timestamp())
        if second != self._second:
            self._second = second
            self._calls.clear()
        self._calls[account] += 1
        return self._calls[account] <= self._per_second

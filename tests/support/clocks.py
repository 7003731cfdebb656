"""Clocks for tests that must know every moment to the second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tidegate.clock import AdjustableClock


class StillClock(AdjustableClock):
    """A clock that moves only when it is told to."""

    def __init__(self, present: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        super().__init__()
        self.present = present

    def now(self) -> datetime:
        return self.present

    def advance(self, by: timedelta) -> datetime:
        self.present += by
        return self.present

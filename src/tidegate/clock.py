"""The only source of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time of the cloud. Aware datetimes in UTC, nothing else."""

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)


class AdjustableClock:
    """A clock that runs with the machine's and can be moved forward: tests and ``--ephemeral`` clouds.

    Never moves backward: ``advance`` with a negative amount raises ValueError.
    """

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the machine's time plus everything that was skipped."""
        return datetime.now(UTC) + self._ahead

    def advance(self, by: timedelta) -> datetime:
        """Skip ``by`` and return the new present. Timers due by then must be swept by the caller."""
        if by < timedelta():
            raise ValueError("a clock never goes back")
        self._ahead += by
        return self.now()


def to_seconds(moment: datetime) -> str:
    """Write a moment as RAM, STS, OOS and R-kvstore do: ``2024-01-02T03:04:05Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_minutes(moment: datetime) -> str:
    """Write a moment as ECS and ESS do: ``2024-01-02T03:04Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")

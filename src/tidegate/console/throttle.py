"""How often somebody may try to sign in."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import Final

#: Attempts of one address within the time; a person does not type that fast.
ATTEMPTS, WITHIN = 20, timedelta(minutes=1)
#: Addresses that are remembered; the one that came first is forgotten first.
_MOST: Final = 10_000


class Throttle:
    """Counts attempts by address. What guards one user's password against many addresses is RAM's own count."""

    def __init__(self) -> None:
        self._attempts: dict[str, deque[datetime]] = {}

    def admits(self, address: str, now: datetime) -> bool:
        """Count an attempt; False when there were too many. One that succeeds is to be forgiven."""
        attempts = self._attempts.setdefault(address, deque())
        while attempts and now - attempts[0] >= WITHIN:
            attempts.popleft()
        if len(attempts) >= ATTEMPTS:
            return False
        attempts.append(now)
        if len(self._attempts) > _MOST:
            del self._attempts[next(iter(self._attempts))]
        return True

    def forgive(self, address: str) -> None:
        """Do not count the last attempt."""
        if attempts := self._attempts.get(address):
            attempts.pop()

"""Starts again, ever more slowly, processes that ended by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from tidegate.errors import PlaneError
from tidegate.telemetry import get_logger

_LOG = get_logger("plane.rooms")
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 10.0

#: Room id and process name.
Key = tuple[str, str]


class Keeper:
    """Remembers which processes are wanted and revives them with ``launch``."""

    def __init__(self, launch: Callable[[Key, Sequence[str]], Awaitable[object]]) -> None:
        self._launch = launch
        self._wanted: dict[Key, Sequence[str]] = {}
        self._failures: dict[Key, int] = {}
        self._revivals: dict[Key, asyncio.Task[None]] = {}

    def want(self, key: Key, argv: Sequence[str]) -> None:
        """From now on the process is to run."""
        self._wanted[key] = argv
        self._failures[key] = 0

    def forget(self, key: Key) -> None:
        """From now on the process may end."""
        self._wanted.pop(key, None)
        self._failures.pop(key, None)
        if revival := self._revivals.pop(key, None):
            revival.cancel()

    def ended(self, key: Key) -> None:
        """The process has ended: revive it if it is wanted."""
        if key in self._wanted and key not in self._revivals:
            _LOG.warning("process ended, starting it again", extra={"room": key[0], "role": key[1]})
            self._revivals[key] = asyncio.create_task(self._revive(key))

    def close(self) -> None:
        """Forget everything."""
        for key in list(self._wanted):
            self.forget(key)

    async def _revive(self, key: Key) -> None:
        while True:
            pause = _FIRST_PAUSE * 2 ** min(self._failures[key], 16)
            self._failures[key] += 1
            await asyncio.sleep(min(pause, _LONGEST_PAUSE))
            try:
                await self._launch(key, self._wanted[key])
            except (PlaneError, OSError) as error:
                details = {"room": key[0], "role": key[1], "reason": str(error)}
                _LOG.error("process does not start", extra=details)
            else:
                del self._revivals[key]
                return

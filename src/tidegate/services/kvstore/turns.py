"""One at a time per key within this process, in the order of asking."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class Turns:
    """Locks that exist while somebody holds or wants them.

    Waiting here costs no database connection; the row's lock then only has to be waited for when another process has it.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def take(self, key: str, *, seconds: float) -> AsyncIterator[None]:
        """Hold ``key``. Raises TimeoutError when that takes longer than ``seconds`` to begin."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with asyncio.timeout(seconds):
            await lock.acquire()
        try:
            yield
        finally:
            lock.release()

"""Live updates: one look at the database a second while anybody watches, one word to all of them when it changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from tidegate.store import chronicle
from tidegate.store.database import UNREACHABLE, Database

_PAUSE = 0.7
#: Seconds between signs of life, so that a browser and what lies between notice a dead line.
_SILENCE = 15.0
_MOST_WATCHERS = 64


class Live:
    """Tells every open page that something has changed; the page then asks for itself again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watchers: set[asyncio.Queue[bool]] = set()
        self._looking: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether no more pages can be served live."""
        return len(self._watchers) >= _MOST_WATCHERS

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield server-sent events until the browser goes away or the console closes."""
        news: asyncio.Queue[bool] = asyncio.Queue(maxsize=1)
        self._watchers.add(news)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="console live")
        try:
            yield b"retry: 1000\n\n"
            while True:
                try:
                    if not await asyncio.wait_for(news.get(), _SILENCE):
                        return
                    yield b"event: changed\ndata: 1\n\n"
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self._watchers.discard(news)

    async def close(self) -> None:
        """End all streams."""
        if self._looking is not None:
            self._looking.cancel()
        for news in self._watchers:
            if news.full():
                news.get_nowait()
            news.put_nowait(False)

    async def _look(self) -> None:
        seen = ""
        while self._watchers:
            try:
                async with self._database.connection() as connection:
                    now = await chronicle.position(connection)
            except UNREACHABLE:
                now = seen
            if seen and now != seen:
                for news in self._watchers:
                    if not news.full():
                        news.put_nowait(True)
            seen = now
            await asyncio.sleep(_PAUSE)

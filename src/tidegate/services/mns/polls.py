"""Long polls: callers that wait for a message of a queue, woken by notices and never by asking again and again.

Whoever changes a queue rings once, in every process, after its change is committed; here that wakes one waiter, which
looks. A waiter that leaves, with a message or without, passes the bell on, so that there is always one that has seen
the latest state of the queue and knows when its next message becomes visible.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

from tidegate.services.mns import limits
from tidegate.store.database import UNREACHABLE, Database
from tidegate.store.mns import queues
from tidegate.telemetry import get_logger

_CHANNEL = "mns"
_SECONDS = 5.0
_LOST: tuple[type[Exception], ...] = (*UNREACHABLE, OSError, TimeoutError)
_log = get_logger("mns.polls")


class Bell:
    """One waiter's bell. Rung while it looks it stays rung, so nothing is missed between a look and the wait."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    @property
    def is_rung(self) -> bool:
        """Whether it rang since it was last silenced."""
        return self._rung.is_set()

    def ring(self) -> None:
        """Wake the waiter."""
        self._rung.set()

    def silence(self) -> None:
        """Begin to look."""
        self._rung.clear()

    async def wait(self, seconds: float) -> None:
        """Sleep until rung, at most ``seconds``."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), max(seconds, 0.0))


class Polls:
    """The waiters of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[int, deque[Bell]] = {}
        self._count = 0
        self._closed = False
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._connecting = asyncio.Lock()
        self._changed: set[int] = set()
        self._ringer: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def waiting(self, queue_id: int, seconds: float) -> AsyncIterator[Bell | None]:
        """Be among those who wait for a message of this queue; None when too many do already, or the cloud stops."""
        waiters = self._waiting.get(queue_id, ())
        if self._closed or self._count >= limits.POLLS or len(waiters) >= limits.POLLS_OF_A_QUEUE:
            yield None
            return
        bell = Bell()
        self._waiting.setdefault(queue_id, deque()).append(bell)
        self._count += 1
        try:
            await self._listen()
            async with self._database.connection() as db:
                await queues.expect(db, queue_id, seconds)
            yield bell
        finally:
            self._leave(queue_id, bell)

    @property
    def count(self) -> int:
        """How many wait in this process."""
        return self._count

    @property
    def is_closed(self) -> bool:
        """Whether the cloud stops: nobody waits any longer."""
        return self._closed

    def ring(self, queue_ids: Iterable[int]) -> None:
        """Have the waiters of all processes told that these queues have changed; called after the change is committed.

        Nobody waits for it, and what comes while one round is under way shares the next.
        """
        self._changed.update(queue_ids)
        if self._ringer is None or self._ringer.done():
            self._ringer = asyncio.create_task(self._ring_changed(), name="mns bell")

    async def _ring_changed(self) -> None:
        while self._changed:
            changed, self._changed = self._changed, set()
            try:
                async with self._database.connection() as db:
                    await queues.ring(db, sorted(changed), _CHANNEL)
            except _LOST as error:  # whoever waits has lost its connection as well, and looks again
                _log.warning("nobody could be told of new messages", extra={"reason": type(error).__name__})

    def ring_all(self) -> None:
        """Wake every waiter of this process: the clock was moved, or notices may have been missed."""
        for waiters in self._waiting.values():
            for bell in waiters:
                bell.ring()

    async def close(self) -> None:
        """Send every waiter away and let nobody wait any more."""
        self._closed = True
        self.ring_all()
        if self._ringer is not None:
            await asyncio.gather(self._ringer, return_exceptions=True)
        if self._connection is not None:
            with suppress(*_LOST):
                await self._connection.close(timeout=_SECONDS)

    def _leave(self, queue_id: int, bell: Bell) -> None:
        self._count -= 1
        waiters = self._waiting[queue_id]
        waiters.remove(bell)
        if waiters:
            self._ring_one(queue_id)
        else:
            del self._waiting[queue_id]

    def _ring_one(self, queue_id: int) -> None:
        """Wake the one that waits longest and is not awake already."""
        for bell in self._waiting.get(queue_id, ()):
            if not bell.is_rung:
                bell.ring()
                return

    # ---- the connection that hears the bells of all processes ------------------------------------------------------

    async def _listen(self) -> None:
        async with self._connecting:
            if self._connection is not None and not self._connection.is_closed():
                return
            connection = await self._database.dedicated()
            connection.add_termination_listener(self._lost)
            await connection.add_listener(_CHANNEL, self._heard)
            self._connection = connection

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        self._ring_one(int(str(payload)))

    def _lost(self, _connection: Any) -> None:
        """Whoever waits looks again, and listens on a connection that is made anew."""
        self.ring_all()

    async def heed(self) -> None:
        """Listen again where the connection was lost."""
        if not self._closed:
            await self._listen()

"""The events that the trigger of one execution waits for, on the event bus."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tidegate.clock import Clock
from tidegate.services.events.matching import monitor_event
from tidegate.services.oos.works import work_key
from tidegate.store import events
from tidegate.store.database import Database
from tidegate.store.oos.records import ExecutionRecord


class BusInbox:
    """The subscription of one execution; it ends with its work."""

    def __init__(self, database: Database, clock: Clock, execution: ExecutionRecord) -> None:
        self._database = database
        self._clock = clock
        self._account_id = execution.account_id
        self._key = work_key(execution.id)

    async def listen(self, pattern: Mapping[str, Any]) -> None:
        """Subscribe; repeated, the first pattern stays."""
        wanted = events.Subscription(key=self._key, account_id=self._account_id, pattern=pattern, work=self._key)
        async with self._database.transaction() as tx:
            await events.subscribe(tx, wanted, now=self._clock.now())

    async def waiting(self) -> Sequence[tuple[str, Any]]:
        """Return the messages that were not taken yet."""
        async with self._database.connection() as connection:
            return [(event.id, monitor_event(event)) for event in await events.deliveries(connection, self._key)]

    async def take(self, event_ids: Iterable[str]) -> None:
        """Forget messages that have been written down."""
        if ids := list(event_ids):
            async with self._database.connection() as connection:
                await events.take(connection, self._key, ids)

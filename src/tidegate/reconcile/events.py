"""Brings events to those who wait for them, and forgets old ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from tidegate.clock import Clock
from tidegate.reconcile.run import Controller, Run, Suspend
from tidegate.services.events.matching import wants
from tidegate.store import events, work
from tidegate.store.database import Database

#: How long events can be read.
RETENTION = timedelta(days=7)
_HOUSEKEEPING = timedelta(hours=1)


class EventController:
    """Drives the event bus: one work, woken with every event that somebody may want."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @property
    def controllers(self) -> Mapping[str, Controller]:
        """The kinds of work that this drives."""
        return {events.DISPATCHER: self.dispatch}

    async def begin(self) -> None:
        """Have the bus driven; called whenever a cloud starts."""
        async with self._database.transaction() as tx:
            await work.drive(tx, events.DISPATCHER, events.DISPATCHER, now=self._clock.now())

    async def dispatch(self, run: Run) -> None:
        """Ask every subscriber about every event, then sleep until the next one. Never ends."""
        while await self._dispatch_some(run):
            pass
        async with self._database.connection() as db:
            while await events.forget(db, run.now() - RETENTION):
                pass
        raise Suspend(run.now() + _HOUSEKEEPING)

    async def _dispatch_some(self, run: Run) -> bool:
        async with run.transaction() as tx:
            told = await events.pending(tx)
            wanted = await events.wanted(tx, {event.account_id for event in told})
            found = [
                (subscription, event)
                for event in told
                for subscription in wanted
                if subscription.account_id == event.account_id and wants(subscription.pattern, event)
            ]
            if told:
                await events.deliver(tx, told, found, now=run.now())
        return bool(told)

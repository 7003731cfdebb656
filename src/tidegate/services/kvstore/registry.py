"""Finds instances for a caller, and lets one change at a time touch an instance, in this process and in all others."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tidegate.clock import Clock
from tidegate.services.kvstore import errors
from tidegate.services.kvstore.limits import LOCK_WAIT
from tidegate.services.kvstore.states import Event, Status, follow, shown
from tidegate.services.kvstore.turns import Turns
from tidegate.services.operation import Call
from tidegate.store import kvstore as rows
from tidegate.store.database import Database
from tidegate.store.kvstore import Instance

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Registry:
    """The instances of all accounts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._turns = Turns()

    async def find(self, account_id: str, instance_id: str) -> Instance:
        """Return an instance of the account; raises InvalidInstanceId.NotFound."""
        async with self._database.connection() as connection:
            return _owned(await rows.find(connection, instance_id), account_id)

    def status(self, instance: Instance) -> Status:
        """Return the instance's status at this moment."""
        return shown(instance.status, instance.changing_until, self._clock.now())

    @asynccontextmanager
    async def turn(self, instance_id: str) -> AsyncIterator[float]:
        """Wait for one's turn with an instance; yields the moment (monotonic seconds) until which there is patience.

        Raises LockTimeout when the changes before take too long.
        """
        deadline = time.monotonic() + LOCK_WAIT
        try:
            async with self._turns.take(instance_id, seconds=LOCK_WAIT):
                yield deadline
        except TimeoutError as error:
            raise errors.lock_timeout() from error

    @asynccontextmanager
    async def editing(
        self, call: Call, instance_id: str, deadline: float, event: Event = Event.EDITED
    ) -> AsyncIterator[tuple[Connection, Instance]]:
        """A transaction that alone may change the instance, which is one of the caller's and allows ``event``.

        Raises InvalidInstanceId.NotFound, IncorrectDBInstanceState or LockTimeout.
        """
        async with self._database.transaction() as tx:
            instance = await self.lock(tx, call.account_id, instance_id, deadline - time.monotonic())
            follow(self.status(instance), event)
            yield tx, instance

    async def lock(self, tx: Connection, account_id: str, instance_id: str, seconds: float) -> Instance:
        """Let no other transaction change the instance; raises InvalidInstanceId.NotFound or LockTimeout."""
        try:
            found = await rows.lock(tx, instance_id, seconds=seconds)
        except rows.LockedError as error:
            raise errors.lock_timeout() from error
        return _owned(found, account_id)


def _owned(instance: Instance | None, account_id: str) -> Instance:
    # Ids are unique over all regions, so the region of the call does not matter.
    if instance is None or instance.account_id != account_id or instance.status == "Released":
        raise errors.unknown_instance()
    return instance

"""Remembers used nonces, for all gateways of one cloud, and tells how often RAM has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import asyncpg

from tidegate.errors import StoreError

#: A time stamp is accepted from 15 minutes before to 15 minutes after now (wire.md 8).
MEMORY = timedelta(minutes=30)

#: Calls that may wait for their turn; more is overload.
MAX_WAITING = 4_096
_BATCH = 256
_CLEAN_EVERY = 1_000
_CLEAN_AT_MOST = 4_000
_TIMEOUT = 5.0

# Sorted, so that two gateways that spend the same nonces cannot wait for each other.
_SPEND = """
with given as (
    select * from unnest($1::text[], $2::text[], $3::timestamptz[]) as g (access_key_id, nonce, expires) order by 1, 2
), fresh as (
    insert into nonce (access_key_id, nonce, expires) select * from given
    on conflict do nothing
    returning access_key_id, nonce
)
select (select epoch from ram_epoch) as epoch,
       (select coalesce(array_agg(array[access_key_id, nonce]), '{}') from fresh) as fresh
"""
_EPOCH = "select epoch from ram_epoch"
_CLEAN = "delete from nonce where ctid = any (array(select ctid from nonce where expires < $1 limit $2))"

_Name: TypeAlias = tuple[str, str]
_Waiter: TypeAlias = tuple[datetime, "asyncio.Future[int | None]"]


class Nonces:
    """One connection that spends nonces in batches: what arrives during one round trip shares the next.

    The connection does not wait for the disk: when PostgreSQL itself dies, at most the nonces of its last second are
    forgotten; the death of a gateway forgets nothing.
    """

    def __init__(self, database: str) -> None:
        self._database = database
        self._connection: asyncpg.Connection | None = None
        self._waiting: dict[_Name, _Waiter] = {}
        self._spender: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._since_clean = 0

    async def spend(self, access_key_id: str, nonce: str, now: datetime) -> int | None:
        """Use up a nonce and return the present RAM epoch; None when it was used before.

        Raises StoreError when the database is away or too many calls wait.
        """
        name = (access_key_id, nonce)
        if name in self._waiting:
            return None
        if len(self._waiting) >= MAX_WAITING:
            raise StoreError("too many calls wait for the database")
        answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting[name] = (now, answer)
        if self._spender is None or self._spender.done():
            self._spender = asyncio.create_task(self._spend_all(), name="nonces")
        return await answer

    async def epoch(self) -> int:
        """Return the present RAM epoch: how often keys, policies or roles have changed."""
        return int(await self._ask(lambda connection: connection.fetchval(_EPOCH)))

    async def close(self) -> None:
        """Close the connection; calls that still wait get StoreError."""
        if self._spender is not None:
            self._spender.cancel()
            await asyncio.gather(self._spender, return_exceptions=True)
        for _, answer in self._waiting.values():
            _refuse(answer)
        self._waiting.clear()
        if self._connection is not None:
            await self._connection.close(timeout=_TIMEOUT)

    async def _spend_all(self) -> None:
        while self._waiting:
            names = list(self._waiting)[:_BATCH]
            batch = {name: self._waiting.pop(name) for name in names}
            try:
                epoch, fresh = await self._record(batch)
            except StoreError:
                for _, answer in batch.values():
                    _refuse(answer)
            else:
                for name, (_, answer) in batch.items():
                    if not answer.done():
                        answer.set_result(epoch if name in fresh else None)

    async def _record(self, batch: Mapping[_Name, _Waiter]) -> tuple[int, set[_Name]]:
        keys, nonces = zip(*batch, strict=True)
        expires = [now + MEMORY for now, _ in batch.values()]
        row = await self._ask(lambda connection: connection.fetchrow(_SPEND, keys, nonces, expires))
        self._since_clean += len(batch)
        if self._since_clean >= _CLEAN_EVERY:
            self._since_clean = 0
            oldest = min(expires) - MEMORY
            await self._ask(lambda connection: connection.execute(_CLEAN, oldest, _CLEAN_AT_MOST))
        return row["epoch"], {(key, nonce) for key, nonce in row["fresh"]}

    async def _ask(self, query: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
        """Run one query; a connection that has died is opened again once."""
        async with self._turn:
            for attempt in (1, 2):
                try:
                    return await query(await self._connected())
                except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                    if attempt == 2 or not (self._connection is None or self._connection.is_closed()):
                        raise StoreError("the database does not answer") from error
            raise AssertionError("unreachable")

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = None
            self._connection = await asyncpg.connect(
                self._database,
                timeout=_TIMEOUT,
                command_timeout=_TIMEOUT,
                server_settings={"synchronous_commit": "off", "application_name": "tidegate nonces"},
            )
        return self._connection


def _refuse(answer: asyncio.Future[int | None]) -> None:
    if not answer.done():
        answer.set_exception(StoreError("the database does not answer"))

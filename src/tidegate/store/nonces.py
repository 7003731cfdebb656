"""Remembers used nonces, for all gateways of one cloud, and tells how often RAM has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import asyncpg

from tidegate.errors import StoreError
from tidegate.store.database import UNREACHABLE, Database

#: A time stamp is accepted from 15 minutes before to 15 minutes after now (wire.md 8).
MEMORY = timedelta(minutes=30)
#: Calls that may wait for their turn; more is overload.
MAX_WAITING = 4_096
_BATCH = 256
_CLEAN_EVERY = 1_000
_CLEAN_AT_MOST = 4_000
_SECONDS = 5.0

# Sorted, so that two gateways that spend the same nonces cannot wait for each other in a circle.
_SPEND = """
insert into nonce (access_key_id, nonce, expires)
select key, word, $3 from unnest($1::text[], $2::text[]) as given (key, word) order by key, word
on conflict do nothing
returning access_key_id, nonce, (select epoch from ram_epoch) as epoch
"""
_EPOCH = "select epoch from ram_epoch"
_CLEAN = "delete from nonce where ctid = any (array(select ctid from nonce where expires < $1 limit $2))"
_LOST: tuple[type[Exception], ...] = (*UNREACHABLE, OSError, TimeoutError)

_Name: TypeAlias = tuple[str, str]
_Waiter: TypeAlias = tuple[datetime, "asyncio.Future[int | None]"]


class Nonces:
    """One connection that spends nonces in batches: what arrives during one round trip shares the next.

    The connection does not wait for the disk. The death of a gateway forgets nothing; when PostgreSQL itself is
    killed, the nonces of its last seconds are forgotten, and only calls as young as that could be repeated.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._turn = asyncio.Lock()
        self._waiting: dict[_Name, _Waiter] = {}
        self._spender: asyncio.Task[None] | None = None
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
        [row] = await self._ask(_EPOCH)
        return int(row["epoch"])

    async def close(self) -> None:
        """Close the connection; calls that still wait get StoreError."""
        if self._spender is not None:
            self._spender.cancel()
            await asyncio.gather(self._spender, return_exceptions=True)
        _refuse(self._waiting)
        self._waiting = {}
        if self._connection is not None:
            await self._connection.close(timeout=_SECONDS)

    async def _spend_all(self) -> None:
        while self._waiting:
            batch = {name: self._waiting.pop(name) for name in list(self._waiting)[:_BATCH]}
            try:
                with suppress(StoreError):
                    await self._spend_batch(batch)
            finally:
                _refuse(batch)

    async def _spend_batch(self, batch: Mapping[_Name, _Waiter]) -> None:
        now = max(now for now, _ in batch.values())
        keys, nonces = [key for key, _ in batch], [nonce for _, nonce in batch]
        fresh = {(row[0], row[1]): row["epoch"] for row in await self._ask(_SPEND, keys, nonces, now + MEMORY)}
        for name, (_, answer) in batch.items():
            if not answer.done():
                answer.set_result(fresh.get(name))
        self._since_clean += len(batch)
        if self._since_clean >= _CLEAN_EVERY:
            self._since_clean = 0
            await self._ask(_CLEAN, now, _CLEAN_AT_MOST)

    async def _ask(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Run one query. Never tries twice: the first try may have spent the nonces."""
        async with self._turn:
            try:
                connection = await self._connected()
                return await connection.fetch(query, *arguments, timeout=_SECONDS)
            except _LOST as error:
                raise StoreError("the database does not answer") from error

    async def _connected(self) -> asyncpg.Connection[asyncpg.Record]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.dedicated()
            await self._connection.execute("set synchronous_commit = off")
        return self._connection


def _refuse(waiters: Mapping[_Name, _Waiter]) -> None:
    """End the wait of everybody who has no answer yet."""
    for _, answer in waiters.values():
        if not answer.done():
            answer.set_exception(StoreError("the database does not answer"))

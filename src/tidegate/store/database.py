"""The database: connections, transactions, and the schema that this code expects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
import msgspec

from tidegate.errors import StoreError
from tidegate.store import schema

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    #: what every function of ``store`` takes as its first argument
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]

#: A session that stops in the middle of a transaction (a frozen process) must not keep its row locks.
_SESSION = {
    "application_name": "tidegate",
    "idle_in_transaction_session_timeout": "10s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "2",
    "jit": "off",
    "timezone": "UTC",
}
_STATEMENT_SECONDS = 60.0
_CONNECT_SECONDS = 10.0
#: longer than any use of a connection should take; whoever holds one and asks for a second must not wait for ever
_FREE_CONNECTION_SECONDS = 30.0
#: an idle server process costs some 5 MiB
_IDLE_CONNECTION_SECONDS = 20.0

#: What is raised when the server has gone away or turns us away; the same call may succeed later.
UNREACHABLE: tuple[type[Exception], ...] = (
    StoreError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)


class Database:
    """One PostgreSQL database, migrated to this code's schema. Safe to share between tasks."""

    def __init__(self, dsn: str, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self.dsn = dsn
        self._pool = pool

    @classmethod
    async def open(cls, dsn: str, *, pool_size: int = 16) -> Database:
        """Connect to ``dsn`` and bring its schema up to date; several processes may do so at once.

        Raises StoreError when the server cannot be reached or its schema is newer than this code.
        """
        try:
            pool = await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=pool_size,
                init=_prepare,
                reset=_keep_session,
                server_settings=_SESSION,
                command_timeout=_STATEMENT_SECONDS,
                timeout=_CONNECT_SECONDS,
                max_inactive_connection_lifetime=_IDLE_CONNECTION_SECONDS,
            )
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
            raise _unreachable(error) from error
        try:
            async with pool.acquire() as connection:
                await schema.migrate(connection)
        except BaseException:
            pool.terminate()
            raise
        return cls(dsn, pool)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection; every statement is a transaction of its own. Raises StoreError when there is no server."""
        try:
            connection = await self._pool.acquire(timeout=_FREE_CONNECTION_SECONDS)
        except TimeoutError as error:
            raise StoreError("Every connection to the database is in use, or none can be made in time.") from error
        except OSError as error:
            raise _unreachable(error) from error
        try:
            yield connection
        except BaseException:
            await _make_sound(connection)
            raise
        finally:
            await self._pool.release(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection inside one transaction: committed at the end, undone by any exception."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def dedicated(self) -> asyncpg.Connection[asyncpg.Record]:
        """Open a connection outside the pool, without our codecs, for the queue and its notices. The caller closes it."""
        try:
            return await asyncpg.connect(
                self.dsn, server_settings=_SESSION, command_timeout=_STATEMENT_SECONDS, timeout=_CONNECT_SECONDS
            )
        except OSError as error:
            raise _unreachable(error) from error

    async def close(self) -> None:
        """Close every connection; those still in use after some seconds are cut."""
        try:
            await asyncio.wait_for(self._pool.close(), 5)
        except TimeoutError:
            self._pool.terminate()


async def _prepare(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await connection.set_type_codec(
        "json", schema="pg_catalog", format="binary", encoder=msgspec.json.encode, decoder=msgspec.json.decode
    )
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=_encode_jsonb, decoder=_decode_jsonb
    )


def _encode_jsonb(value: Any) -> bytes:
    return b"\x01" + msgspec.json.encode(value)  # the version byte of jsonb's binary form


def _decode_jsonb(data: bytes) -> Any:
    return msgspec.json.decode(data[1:])


async def _keep_session(_connection: object) -> None:
    """Nobody changes session state, so a connection goes back without asyncpg's reset query: one round trip less."""


async def _make_sound(connection: PoolConnectionProxy[asyncpg.Record]) -> None:
    """Before the reuse of a connection whose last use broke off, perhaps in mid-statement: it answers, or is dropped."""
    try:
        await connection.reset(timeout=_CONNECT_SECONDS)
    except (Exception, asyncio.CancelledError):
        with suppress(asyncpg.InterfaceError):  # it has ended by itself
            connection.terminate()


def _unreachable(error: Exception) -> StoreError:
    return StoreError(f"The database cannot be reached: {error}. Check its address and that it runs.")

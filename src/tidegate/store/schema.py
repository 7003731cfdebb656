"""The schema: numbered migrations and the queue's own tables, applied once and remembered."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import msgspec

from tidegate.errors import StoreError

if TYPE_CHECKING:
    from tidegate.store.database import Connection

MIGRATIONS = Path(__file__).parent / "migrations"
#: any number, the same for every process: who migrates holds this advisory lock
_LOCK = 0x7469_6465
#: the queue's tables are recorded under this number; they hold nothing that matters and are replaced, not migrated
_QUEUE = 0
#: raised with each change of ``queue_schema``
_QUEUE_LAYOUT = 2


class Migration(msgspec.Struct, frozen=True):
    """One numbered file of ``migrations/``."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """A digest of the text: an applied migration must not change."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations(folder: Path = MIGRATIONS) -> Sequence[Migration]:
    """Read the migrations in ``folder`` in their order: ``0001_core.sql`` is number 1."""
    return [
        Migration(int(path.name.partition("_")[0]), path.stem, path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("[0-9]*_*.sql"))
    ]


def fingerprint() -> str:
    """A digest of the whole schema, queue included: databases with equal fingerprints are alike."""
    parts = [migration.checksum for migration in migrations()]
    return hashlib.sha256("".join([*parts, _queue_version()]).encode()).hexdigest()[:16]


def _queue_version() -> str:
    return f"{metadata.version('pgqueuer')}/{_QUEUE_LAYOUT}"


def preload() -> None:
    """Import what making a schema needs, a third of a second: for a thread, while the cluster is being made."""
    from tidegate.store import queue_schema  # noqa: F401, PLC0415


async def migrate(connection: Connection) -> None:
    """Apply what is missing, each file in its own transaction. Raises StoreError when the database is not ours to use."""
    known = migrations()
    if await _is_current(connection, known):
        return
    await connection.execute("select pg_advisory_lock($1)", _LOCK)
    try:
        await connection.execute(
            "create table if not exists migration (number integer primary key, name text not null,"
            " checksum text not null, applied_at timestamptz not null default now())"
        )
        applied = await _applied(connection)
        _refuse_strangers(known, applied)
        await _install_queue(connection, applied.get(_QUEUE))
        for migration in known:
            if migration.number not in applied:
                await _apply(connection, migration)
    finally:
        await connection.execute("select pg_advisory_unlock($1)", _LOCK)


async def _is_current(connection: Connection, known: Sequence[Migration]) -> bool:
    try:
        applied = await _applied(connection)
    except asyncpg.UndefinedTableError:
        return False
    wanted = {migration.number: migration.checksum for migration in known}
    return applied == wanted | {_QUEUE: _queue_version()}


async def _applied(connection: Connection) -> dict[int, str]:
    rows = await connection.fetch("select number, checksum from migration")
    return {row["number"]: row["checksum"] for row in rows}


def _refuse_strangers(known: Sequence[Migration], applied: dict[int, str]) -> None:
    newest = known[-1].number
    for number in applied:
        if number > newest:
            raise StoreError(
                f"The database was used by a newer Tidegate (its schema is at {number}, this one knows {newest})."
                " Upgrade Tidegate, or choose another data folder or database."
            )
    for migration in known:
        if applied.get(migration.number, migration.checksum) != migration.checksum:
            raise StoreError(
                f"Migration {migration.name} is not the one this database was made with."
                " Use the Tidegate that made it, or choose another data folder or database."
            )


async def _apply(connection: Connection, migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.text)
            await _record(connection, migration.number, migration.name, migration.checksum)
    except asyncpg.PostgresError as error:
        raise StoreError(f"Migration {migration.name} failed: {error}") from error


async def _install_queue(connection: Connection, installed: str | None) -> None:
    version = _queue_version()
    if installed == version:
        return
    from tidegate.store import queue_schema  # noqa: PLC0415 - the queue library is slow to import and rarely needed here

    async with connection.transaction():
        if installed is not None:
            await connection.execute(queue_schema.removal())
        await connection.execute(queue_schema.installation())
        await _record(connection, _QUEUE, "pgqueuer", version)


async def _record(connection: Connection, number: int, name: str, checksum: str) -> None:
    await connection.execute(
        "insert into migration (number, name, checksum) values ($1, $2, $3)"
        " on conflict (number) do update set checksum = excluded.checksum, applied_at = now()",
        number,
        name,
        checksum,
    )

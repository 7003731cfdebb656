"""The schema comes up to date by itself, once; a database that is not ours to use is refused with the reason."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from support import postgres
from support.driving import Driver
from tidegate.clock import AdjustableClock
from tidegate.errors import StoreError
from tidegate.reconcile.engine import Run
from tidegate.store import schema
from tidegate.store.database import Database


@pytest.fixture
async def empty_dsn(postgres_server: str) -> AsyncIterator[str]:
    name = f"empty_{uuid.uuid4().hex[:16]}"
    yield await postgres.create(postgres_server, name, "template1")
    await postgres.drop(postgres_server, name)


async def test_several_processes_may_open_an_empty_database_at_once(empty_dsn: str) -> None:
    opened = await asyncio.gather(*(Database.open(empty_dsn) for _ in range(6)))

    async with opened[0].connection() as connection:
        numbers = [row["number"] for row in await connection.fetch("select number from migration order by number")]
    assert numbers == [0, *(migration.number for migration in schema.migrations())]
    await asyncio.gather(*(database.close() for database in opened))


def test_migrations_are_numbered_once_each() -> None:
    numbers = [migration.number for migration in schema.migrations()]

    assert numbers == sorted(set(numbers))
    assert numbers[0] == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("insert into migration (number, name, checksum) values (9999, 'future', 'x')", "used by a newer Tidegate"),
        (
            "update migration set checksum = 'x' where number = 1",
            "0001_core is not the one this database was made with",
        ),
    ],
)
async def test_a_database_of_another_tidegate_is_refused(
    database: Database, database_dsn: str, change: str, reason: str
) -> None:
    async with database.transaction() as tx:
        await tx.execute(change)

    with pytest.raises(StoreError, match=reason):
        await Database.open(database_dsn)


async def test_a_failing_migration_changes_nothing(empty_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = schema.Migration(1, "0001_broken", "create table half (n int); select no_such_function()")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "migrations", lambda: [broken])
        with pytest.raises(StoreError, match="0001_broken failed: function no_such_function"):
            await Database.open(empty_dsn)

    database = await Database.open(empty_dsn)
    async with database.connection() as connection:
        assert await connection.fetchval("select to_regclass('half')") is None
    await database.close()


async def test_the_queue_of_another_version_is_replaced_and_its_work_goes_on(
    database: Database, database_dsn: str, clock: AdjustableClock
) -> None:
    async def controller(run: Run) -> None: ...

    driver = Driver(database, {"thing": controller}, clock)
    await driver.start("thing/1", "thing")
    async with database.transaction() as tx:
        await tx.execute("update migration set checksum = '1.0' where number = 0")

    upgraded = await Database.open(database_dsn)
    await upgraded.close()
    await driver.settle()

    assert (await driver.find("thing/1")).status == "Success"


@pytest.mark.parametrize("dsn", ["postgresql://x@/y?host=/nonexistent", "postgresql://x@127.0.0.1:1/y", "nonsense"])
async def test_an_unreachable_database_is_said_plainly(dsn: str) -> None:
    with pytest.raises(StoreError, match="cannot be reached"):
        await Database.open(dsn)


@pytest.mark.parametrize("kind", ["json", "jsonb"])
@pytest.mark.parametrize("value", [None, True, 2**53, 1.5, "中文", [], {"a": [{"b": None}]}])
async def test_objects_go_in_and_come_out_as_they_are(database: Database, kind: str, value: Any) -> None:
    async with database.connection() as connection:
        assert await connection.fetchval(f"select $1::{kind}", value) == value


async def test_a_failed_transaction_changes_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as tx:
            await tx.execute("create table half (n int)")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()

    async with database.connection() as connection:
        assert await connection.fetchval("select to_regclass('half')") is None


async def test_a_connection_whose_use_was_cut_short_can_be_used_again(database_dsn: str) -> None:
    database = await Database.open(database_dsn, pool_size=1)

    async def be_slow() -> None:
        async with database.transaction() as tx:
            await tx.execute("create table half (n int)")
            await tx.execute("select pg_sleep(60)")

    slow = asyncio.create_task(be_slow())
    await asyncio.sleep(0.05)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow

    async with database.connection() as connection:
        assert await connection.fetchval("select to_regclass('half')") is None
    await database.close()

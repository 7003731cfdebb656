"""Nonces are used up once, for all gateways of one cloud and beyond a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tidegate.errors import StoreError
from tidegate.store import nonces as nonces_module
from tidegate.store.database import Database
from tidegate.store.nonces import MEMORY, Nonces

NOW = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
async def nonces(database: Database) -> AsyncIterator[Nonces]:
    book = Nonces(database)
    yield book
    await book.close()


async def remembered(database: Database) -> int:
    async with database.connection() as connection:
        return int(await connection.fetchval("select count(*) from nonce"))


async def test_a_nonce_is_used_up_by_its_first_call(nonces: Nonces) -> None:
    assert await nonces.spend("k", "n", NOW) is not None
    assert await nonces.spend("k", "n", NOW) is None
    assert await nonces.spend("other", "n", NOW) is not None
    assert await nonces.spend("k", "other", NOW) is not None


async def test_another_gateway_and_the_next_start_know_it_too(nonces: Nonces, database: Database) -> None:
    await nonces.spend("k", "n", NOW)
    second = Nonces(database)

    try:
        assert await second.spend("k", "n", NOW) is None
    finally:
        await second.close()


async def test_of_many_at_once_exactly_one_wins(nonces: Nonces, database: Database) -> None:
    second = Nonces(database)

    try:
        answers = await asyncio.gather(
            *(book.spend("k", f"n-{n % 50}", NOW) for n in range(500) for book in (nonces, second))
        )
    finally:
        await second.close()

    assert sum(answer is not None for answer in answers) == 50


async def test_it_tells_the_present_epoch_of_ram(nonces: Nonces, database: Database) -> None:
    before = await nonces.epoch()
    async with database.transaction() as tx:
        await tx.execute("update ram_epoch set epoch = epoch + 1")

    assert await nonces.epoch() == before + 1
    assert await nonces.spend("k", "n", NOW) == before + 1


async def test_what_is_out_of_time_is_forgotten_by_and_by(
    nonces: Nonces, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nonces_module, "_CLEAN_EVERY", 10)
    await asyncio.gather(*(nonces.spend("k", f"old-{n}", NOW) for n in range(9)))
    later = NOW + MEMORY + timedelta(seconds=1)

    await nonces.spend("k", "new", later)
    await nonces.spend("k", "newer", later)  # waits for the cleaning that the one before started

    assert await remembered(database) == 2


async def test_a_lost_connection_refuses_what_was_under_way_and_is_opened_again(
    nonces: Nonces, database: Database
) -> None:
    await nonces.spend("k", "n-1", NOW)
    assert nonces._connection is not None
    nonces._connection.terminate()

    assert await nonces.spend("k", "n-2", NOW) is not None


async def test_without_a_database_a_call_is_refused(nonces: Nonces, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away() -> None:
        raise OSError("away")

    monkeypatch.setattr(nonces._database, "dedicated", away)

    with pytest.raises(StoreError):
        await nonces.spend("k", "n", NOW)


async def test_too_many_waiting_calls_are_refused(nonces: Nonces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nonces_module, "MAX_WAITING", 3)

    answers = await asyncio.gather(*(nonces.spend("k", f"n-{n}", NOW) for n in range(5)), return_exceptions=True)

    assert sum(isinstance(answer, StoreError) for answer in answers) == 2


async def test_closing_refuses_those_who_wait(nonces: Nonces) -> None:
    waiting = asyncio.ensure_future(nonces.spend("k", "n", NOW))
    await asyncio.sleep(0)

    await nonces.close()

    with pytest.raises(StoreError):
        await waiting

"""A repeated call with a ClientToken gets the first answer and changes nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.store import tokens
from tidegate.store.database import Database


async def call(
    database: Database, clock: AdjustableClock, fingerprint: str = "f", made: list[int] | None = None
) -> int:
    """An operation that makes something and answers with its number."""
    async with database.transaction() as tx:
        known = await tokens.recall(tx, "1", "Make", "token", fingerprint, now=clock.now())
        if known is not None:
            return int(known["number"])
        if made is not None:
            made.append(len(made))
        await asyncio.sleep(0)
        answer = {"number": len(made or [])}
        await tokens.remember(tx, "1", "Make", "token", fingerprint, answer, now=clock.now())
        return answer["number"]


async def test_repeats_at_the_same_time_make_one_thing(database: Database, clock: AdjustableClock) -> None:
    made: list[int] = []

    answers = await asyncio.gather(*(call(database, clock, made=made) for _ in range(8)))

    assert answers == [1] * 8
    assert made == [0]


async def test_other_parameters_with_the_same_token_are_refused(database: Database, clock: AdjustableClock) -> None:
    await call(database, clock, "f")

    with pytest.raises(CloudError) as refusal:
        await call(database, clock, "g")

    assert (refusal.value.code, refusal.value.status) == ("IdempotentParameterMismatch", 400)


async def test_a_token_is_free_again_after_a_day(database: Database, clock: AdjustableClock) -> None:
    made: list[int] = []
    await call(database, clock, made=made)
    clock.advance(timedelta(hours=24))

    assert await call(database, clock, "g", made=made) == 2
    async with database.transaction() as tx:
        await tokens.forget(tx, now=clock.now() + timedelta(hours=24))
        assert await tx.fetchval("select count(*) from client_token") == 0


async def test_a_failed_call_leaves_the_token_unused(database: Database, clock: AdjustableClock) -> None:
    async def fail() -> None:
        async with database.transaction() as tx:
            await tokens.remember(tx, "1", "Make", "token", "f", {}, now=clock.now())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()

    async with database.transaction() as tx:
        assert await tokens.recall(tx, "1", "Make", "token", "f", now=clock.now()) is None


async def test_a_call_without_a_token_is_never_a_repeat(database: Database, clock: AdjustableClock) -> None:
    async with database.transaction() as tx:
        await tokens.remember(tx, "1", "Make", None, "f", {}, now=clock.now())
        assert await tokens.recall(tx, "1", "Make", None, "f", now=clock.now()) is None
        assert await tokens.recall(tx, "1", "Make", "", "f", now=clock.now()) is None

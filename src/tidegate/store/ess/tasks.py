"""Scheduled tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from tidegate.store.ess.records import Task
from tidegate.store.table import Table

if TYPE_CHECKING:
    from tidegate.store.database import Connection

table = Table(Task, "ess_task", generated=["position"])


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which tasks of an account and region are wanted; None means "any"."""

    account_id: str
    region: str
    ids: Sequence[str] | None = None
    names: Sequence[str] | None = None
    #: a part of the name
    like: str | None = None
    rule_ids: Sequence[str] | None = None
    #: of tasks that set the bounds of a group
    group_id: str | None = None
    recurrence_type: str | None = None
    recurrence_value: str | None = None
    enabled: bool | None = None


_MATCHING = """
    where account_id = $1 and region = $2
      and ($3::text[] is null or id = any($3)) and ($4::text[] is null or name = any($4))
      and ($5::text is null or strpos(name, $5) > 0)
      and ($6::text[] is null or rule_id = any($6))
      and ($7::text is null or (group_id = $7 and rule_id is null))
      and ($8::text is null or recurrence_type = $8) and ($9::text is null or recurrence_value = $9)
      and ($10::boolean is null or enabled = $10)
"""


def _arguments(query: Query) -> tuple[object, ...]:
    return msgspec.structs.astuple(query)


async def find(db: Connection, task_id: str) -> Task | None:
    """Return a task."""
    return await table.one(db, "where id = $1", task_id)


async def lock(tx: Connection, task_id: str) -> Task | None:
    """Return a task and let no other transaction change or run it before this one has ended."""
    return await table.one(tx, "where id = $1 for update", task_id)


async def page(db: Connection, query: Query, *, limit: int, offset: int) -> list[Task]:
    """Return a page of the matching tasks, newest first."""
    condition = _MATCHING + "order by position desc limit $11 offset $12"
    return await table.every(db, condition, *_arguments(query), limit, offset)


async def count(db: Connection, query: Query) -> int:
    """Return how many tasks match."""
    return await table.count(db, _MATCHING, *_arguments(query))


async def lock_names(tx: Connection, account_id: str, region: str) -> None:
    """Let no other transaction count or name tasks of the account and region before this one has ended."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended($1, 5))", f"ess_task/{account_id}/{region}")


async def has_name(db: Connection, account_id: str, region: str, name: str, *, but: str | None = None) -> bool:
    """Return whether another task than ``but`` has the name."""
    condition = "where account_id = $1 and region = $2 and name = $3 and id is distinct from $4"
    return await table.count(db, condition, account_id, region, name, but) > 0


async def newer_are_due(db: Connection, task: Task) -> bool:
    """Return whether a newer task of the same group is due in the same minute and was not tried yet."""
    condition = (
        "where group_id = $1 and due_at = $2 and enabled and retry_at is null"
        " and position > (select position from ess_task where id = $3)"
    )
    return await table.count(db, condition, task.group_id, task.due_at, task.id) > 0


async def remove(tx: Connection, task_id: str) -> None:
    """Delete a task."""
    await tx.execute("delete from ess_task where id = $1", task_id)

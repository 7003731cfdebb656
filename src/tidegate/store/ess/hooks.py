"""Lifecycle hooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tidegate.store.ess.records import Direction, Hook
from tidegate.store.table import Table

if TYPE_CHECKING:
    from tidegate.store.database import Connection

table = Table(Hook, "ess_hook", generated=["position"])

_MATCHING = """
    where group_id in (select id from ess_group where account_id = $1 and ($2::text is null or region = $2))
      and ($3::text[] is null or id = any($3)) and ($4::text is null or group_id = $4)
      and ($5::text is null or name = $5)
"""


async def find(db: Connection, hook_id: str) -> Hook | None:
    """Return a hook."""
    return await table.one(db, "where id = $1", hook_id)


async def named(db: Connection, group_id: str, name: str) -> Hook | None:
    """Return the hook of that name in a group."""
    return await table.one(db, "where group_id = $1 and name = $2", group_id, name)


async def of_group(db: Connection, group_id: str) -> list[Hook]:
    """Return the hooks of a group, oldest first."""
    return await table.every(db, "where group_id = $1 order by position", group_id)


async def active(db: Connection, group_id: str, direction: Direction) -> list[Hook]:
    """Return the hooks that run in one direction, oldest first."""
    condition = "where group_id = $1 and transition = $2 and status = 'Active' order by position"
    return await table.every(db, condition, group_id, direction)


async def page(
    db: Connection,
    account_id: str,
    region: str | None,
    *,
    ids: Sequence[str] | None,
    group_id: str | None,
    name: str | None,
    limit: int,
    offset: int,
) -> tuple[int, list[Hook]]:
    """Return how many hooks match and a page of them, oldest first."""
    arguments = account_id, region, ids, group_id, name
    total = await table.count(db, _MATCHING, *arguments)
    found = await table.every(db, _MATCHING + "order by position limit $6 offset $7", *arguments, limit, offset)
    return total, found


async def remove(tx: Connection, hook_id: str) -> None:
    """Delete a hook."""
    await tx.execute("delete from ess_hook where id = $1", hook_id)

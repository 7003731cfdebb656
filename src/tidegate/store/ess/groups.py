"""Scaling groups: finding, locking, counting."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tidegate.store.ess.records import Binding, Group, GroupTag
from tidegate.store.table import Table

if TYPE_CHECKING:
    from tidegate.store.database import Connection

table = Table(Group, "ess_group", generated=["position"])


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which groups of an account and region are wanted; None means "any"."""

    account_id: str
    region: str
    ids: Sequence[str] | None = None
    names: Sequence[str] | None = None
    #: a part of the name
    like: str | None = None
    group_type: str | None = None
    resource_group_id: str | None = None
    #: all of these, as stored: ``{"key": …, "value": …}``
    tags: Sequence[dict[str, str]] = ()


_MATCHING = """
    where account_id = $1 and region = $2
      and ($3::text[] is null or id = any($3)) and ($4::text[] is null or name = any($4))
      and ($5::text is null or strpos(name, $5) > 0)
      and ($6::text is null or options ->> 'GroupType' = $6)
      and ($7::text is null or options ->> 'ResourceGroupId' = $7)
      and tags @> $8
"""


def _arguments(query: Query) -> tuple[object, ...]:
    return (
        query.account_id,
        query.region,
        query.ids,
        query.names,
        query.like,
        query.group_type,
        query.resource_group_id,
        list(query.tags),
    )


async def bind(tx: Connection, group_id: str, bindings: Sequence[Binding]) -> None:
    """Write what a locked group is bound to."""
    await tx.execute("update ess_group set bindings = $2 where id = $1", group_id, msgspec.to_builtins(list(bindings)))


async def find(db: Connection, account_id: str, group_id: str) -> Group | None:
    """Return a group of the account."""
    return await table.one(db, "where id = $1 and account_id = $2", group_id, account_id)


async def find_any(db: Connection, group_id: str) -> Group | None:
    """Return a group of whatever account: for those who act for the service."""
    return await table.one(db, "where id = $1", group_id)


async def lock(tx: Connection, group_id: str) -> Group | None:
    """Return a group and let no other transaction decide anything about it before this one has ended."""
    return await table.one(tx, "where id = $1 for no key update", group_id)


async def page(db: Connection, query: Query, *, limit: int, offset: int) -> list[Group]:
    """Return a page of the matching groups, newest first."""
    condition = _MATCHING + "order by position desc limit $9 offset $10"
    return await table.every(db, condition, *_arguments(query), limit, offset)


async def count(db: Connection, query: Query) -> int:
    """Return how many groups match."""
    return await table.count(db, _MATCHING, *_arguments(query))


async def lock_names(tx: Connection, account_id: str, region: str) -> None:
    """Let no other transaction count or name groups of the account and region before this one has ended."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended($1, 5))", f"ess_group/{account_id}/{region}")


async def has_name(db: Connection, account_id: str, region: str, name: str, *, but: str | None = None) -> bool:
    """Return whether another group than ``but`` has the name."""
    condition = "where account_id = $1 and region = $2 and name = $3 and id is distinct from $4"
    return await table.count(db, condition, account_id, region, name, but) > 0


async def set_desired(tx: Connection, group_id: str, desired: int) -> None:
    """Move the desired capacity."""
    await tx.execute("update ess_group set desired_capacity = $2 where id = $1", group_id, desired)


async def set_tags(tx: Connection, group_id: str, tags: Sequence[GroupTag]) -> None:
    """Replace the tags of a group."""
    await tx.execute("update ess_group set tags = $2 where id = $1", group_id, list(tags))


async def end_activity(
    tx: Connection,
    group_id: str,
    *,
    cooldown_until: datetime | None,
    paused_until: datetime | None,
    failing_since: datetime | None,
    desired: int | None,
) -> None:
    """Note what the end of an activity means for its group; None leaves cooldown and desired capacity alone."""
    await tx.execute(
        "update ess_group set cooldown_until = coalesce($2, cooldown_until), paused_until = $3, "
        "desired_capacity = coalesce($4, desired_capacity), failing_since = $5 where id = $1",
        group_id,
        cooldown_until,
        paused_until,
        desired,
        failing_since,
    )


async def remove(tx: Connection, group_id: str) -> None:
    """Delete a group with everything in it."""
    await tx.execute("delete from ess_group where id = $1", group_id)

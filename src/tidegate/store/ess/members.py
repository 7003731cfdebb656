"""The instances of groups. Every change takes any number of them in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tidegate.store.ess.records import Count, Member
from tidegate.store.table import Table

if TYPE_CHECKING:
    from tidegate.store.database import Connection

table = Table(Member, "ess_member", key="instance_id", generated=["position"])


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which members of an account's groups in a region are wanted; None means "any"."""

    account_id: str
    region: str
    group_id: str | None = None
    configuration_id: str | None = None
    activity_id: str | None = None
    ids: Sequence[str] | None = None
    health: str | None = None
    states: Sequence[str] | None = None
    creation_types: Sequence[str] | None = None


_MATCHING = """
    where group_id in (select id from ess_group where account_id = $1 and region = $2)
      and ($3::text is null or group_id = $3)
      and ($4::text is null or configuration_id = $4) and ($5::text is null or activity_id = $5)
      and ($6::text[] is null or instance_id = any($6)) and ($7::text is null or health = $7)
      and ($8::text[] is null or state = any($8)) and ($9::text[] is null or creation_type = any($9))
"""


def _arguments(query: Query) -> tuple[object, ...]:
    return (
        query.account_id,
        query.region,
        query.group_id,
        query.configuration_id,
        query.activity_id,
        query.ids,
        query.health,
        query.states,
        query.creation_types,
    )


async def page(db: Connection, query: Query, *, limit: int, offset: int) -> list[Member]:
    """Return a page of the matching members in the order in which they came."""
    condition = _MATCHING + "order by position limit $10 offset $11"
    return await table.every(db, condition, *_arguments(query), limit, offset)


async def count(db: Connection, query: Query) -> int:
    """Return how many members match."""
    return await table.count(db, _MATCHING, *_arguments(query))


async def count_spot(db: Connection, query: Query) -> int:
    """Return how many of the matching members are spot instances."""
    return await table.count(db, _MATCHING + " and spot_strategy <> 'NoSpot'", *_arguments(query))


async def of_group(db: Connection, group_id: str) -> list[Member]:
    """Return the members of a group in the order in which they came."""
    return await table.every(db, "where group_id = $1 order by position", group_id)


async def by_id(db: Connection, instance_ids: Sequence[str]) -> dict[str, Member]:
    """Return those of the instances that are members of any group."""
    found = await table.every(db, "where instance_id = any($1)", list(instance_ids))
    return {member.instance_id: member for member in found}


async def in_states(db: Connection, instance_ids: Sequence[str], states: Sequence[str]) -> list[tuple[str, str]]:
    """Return instance and group of those of the instances that are members in one of the states."""
    rows = await db.fetch(
        "select instance_id, group_id from ess_member where instance_id = any($1) and state = any($2)",
        list(instance_ids),
        list(states),
    )
    return [(row["instance_id"], row["group_id"]) for row in rows]


async def handled_by(db: Connection, activity_id: str) -> list[Member]:
    """Return the members that a running activity moves, in the order in which they came."""
    return await table.every(db, "where busy_with = $1 order by position", activity_id)


async def counts(db: Connection, group_ids: Sequence[str]) -> list[Count]:
    """Count the members of groups by state, by how they came and by how they are paid for."""
    rows = await db.fetch(
        "select group_id, state, creation_type, spot_strategy <> 'NoSpot' as is_spot, count(*) as members, "
        "sum(capacity) as capacity from ess_member where group_id = any($1) "
        "group by group_id, state, creation_type, spot_strategy <> 'NoSpot'",
        list(group_ids),
    )
    return [Count(**row) for row in rows]


async def total_in_region(db: Connection, account_id: str, region: str) -> int:
    """Count the instances in all groups of an account and region, those that are ordered included."""
    total = await db.fetchval(
        "with mine as (select id from ess_group where account_id = $1 and region = $2) "
        "select (select count(*) from ess_member where group_id in (select id from mine)) + "
        "(select coalesce(sum(ordered), 0) from ess_activity where status = 'InProgress' "
        "and group_id in (select id from mine))",
        account_id,
        region,
    )
    return int(total)


async def move(
    tx: Connection,
    instance_ids: Sequence[str],
    moves: Mapping[str, str],
    *,
    busy_with: str | None,
    joined_at: datetime | None = None,
) -> list[str]:
    """Move members from state to state as ``moves`` says; returns those that moved, others stay as they are.

    ``busy_with`` is the activity that has them afterwards; ``joined_at`` is set for those that never joined before.
    """
    rows = await tx.fetch(
        "update ess_member set state = target, busy_with = $4, joined_at = coalesce(joined_at, $5) "
        "from unnest($2::text[], $3::text[]) as move (source, target) "
        "where instance_id = any($1) and state = source returning instance_id",
        list(instance_ids),
        list(moves.keys()),
        list(moves.values()),
        busy_with,
        joined_at,
    )
    return [row["instance_id"] for row in rows]


async def drop(tx: Connection, instance_ids: Sequence[str], states: Sequence[str]) -> list[str]:
    """Take members that are in one of ``states`` out of their groups; returns those that were."""
    rows = await tx.fetch(
        "delete from ess_member where instance_id = any($1) and state = any($2) returning instance_id",
        list(instance_ids),
        list(states),
    )
    return [row["instance_id"] for row in rows]


async def set_health(tx: Connection, instance_ids: Sequence[str], health: str) -> None:
    """Mark members as healthy or not."""
    await tx.execute("update ess_member set health = $2 where instance_id = any($1)", list(instance_ids), health)


async def set_entrusted(tx: Connection, instance_ids: Sequence[str], *, entrusted: bool) -> None:
    """Entrust the life cycle of members to their group, or take it back."""
    await tx.execute("update ess_member set entrusted = $2 where instance_id = any($1)", list(instance_ids), entrusted)

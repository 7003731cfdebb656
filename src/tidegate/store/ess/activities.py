"""Scaling activities."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tidegate.store.ess.records import Activity
from tidegate.store.table import Table

if TYPE_CHECKING:
    from tidegate.store.database import Connection

table = Table(Activity, "ess_activity", generated=["position"])


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which activities of an account and region are wanted; None means "any"."""

    account_id: str
    region: str
    group_id: str | None = None
    ids: Sequence[str] | None = None
    status: str | None = None
    refresh_id: str | None = None


_MATCHING = """
    where group_id in (select id from ess_group where account_id = $1 and region = $2)
      and ($3::text is null or group_id = $3)
      and ($4::text[] is null or id = any($4)) and ($5::text is null or status = $5)
      and ($6::text is null or refresh_id = $6)
"""


def _arguments(query: Query) -> tuple[object, ...]:
    return query.account_id, query.region, query.group_id, query.ids, query.status, query.refresh_id


async def find(db: Connection, activity_id: str) -> Activity | None:
    """Return an activity."""
    return await table.one(db, "where id = $1", activity_id)


async def lock(tx: Connection, activity_id: str) -> Activity | None:
    """Return an activity and let no other transaction end one of its waits before this one has ended."""
    return await table.one(tx, "where id = $1 for no key update", activity_id)


async def running(db: Connection, group_id: str) -> list[Activity]:
    """Return the activities of a group that have not ended, oldest first."""
    return await table.every(db, "where group_id = $1 and status = 'InProgress' order by position", group_id)


async def page(db: Connection, query: Query, *, limit: int, offset: int) -> list[Activity]:
    """Return a page of the matching activities, newest first."""
    condition = _MATCHING + "order by position desc limit $7 offset $8"
    return await table.every(db, condition, *_arguments(query), limit, offset)


async def count(db: Connection, query: Query) -> int:
    """Return how many activities match."""
    return await table.count(db, _MATCHING, *_arguments(query))


async def ended_between(
    db: Connection, account_id: str, region: str, group_id: str | None, begin: datetime, end: datetime
) -> list[Activity]:
    """Return the activities of an account (of a group) that ended in a stretch of time, oldest first."""
    return await table.every(
        db,
        "where group_id in (select id from ess_group where account_id = $1 and region = $2) "
        "and ($3::text is null or group_id = $3) and ended_at >= $4 and ended_at < $5 "
        "and status <> 'Rejected' order by position",
        account_id,
        region,
        group_id,
        begin,
        end,
    )


async def of_refresh(db: Connection, refresh_id: str) -> list[Activity]:
    """Return the activities of an instance refresh, oldest first."""
    return await table.every(db, "where refresh_id = $1 order by position", refresh_id)


async def decide(tx: Connection, activity_id: str, batch: int, outcome: str) -> None:
    """Note what the hooks of an activity decided for a batch of its instances."""
    await tx.execute(
        "update ess_activity set outcomes = outcomes || jsonb_build_object($2::text, $3::text) where id = $1",
        activity_id,
        str(batch),
        outcome,
    )


async def order(tx: Connection, activity_id: str, capacity: int) -> None:
    """Note what is still to be created, where that is more than was thought at the start."""
    await tx.execute("update ess_activity set ordered = $2 where id = $1", activity_id, capacity)


async def enrol(tx: Connection, activity_id: str, created_ids: Sequence[str]) -> None:
    """Note which instances were made: from now on they are members and no longer orders."""
    await tx.execute(
        "update ess_activity set created_ids = $2, ordered = 0 where id = $1", activity_id, list(created_ids)
    )


async def tell(tx: Connection, activity_id: str, line: str) -> None:
    """Add a line to the detail of an activity, unless it is there."""
    await tx.execute(
        "update ess_activity set detail = detail || $2 where id = $1 and strpos(detail, $2) = 0", activity_id, line
    )


async def forget(tx: Connection, group_id: str, before: datetime) -> None:
    """Delete the activities of a group that ended long ago, with their actions."""
    await tx.execute("delete from ess_activity where group_id = $1 and ended_at < $2", group_id, before)

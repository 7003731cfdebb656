"""Instance refreshes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from tidegate.store.ess.records import Refresh
from tidegate.store.table import Table

if TYPE_CHECKING:
    from tidegate.store.database import Connection

table = Table(Refresh, "ess_refresh", generated=["position"])


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which refreshes of an account and region are wanted; None means "any"."""

    account_id: str
    region: str
    group_id: str | None = None
    ids: Sequence[str] | None = None


_MATCHING = """
    where group_id in (select id from ess_group where account_id = $1 and region = $2)
      and ($3::text is null or group_id = $3) and ($4::text[] is null or id = any($4))
"""


async def find(db: Connection, refresh_id: str) -> Refresh | None:
    """Return a refresh."""
    return await table.one(db, "where id = $1", refresh_id)


async def unended(db: Connection, group_id: str) -> Refresh | None:
    """Return the refresh of a group that has not ended; there is one at most."""
    return await table.one(db, "where group_id = $1 and ended_at is null", group_id)


async def page(db: Connection, query: Query, *, limit: int, offset: int) -> list[Refresh]:
    """Return a page of the matching refreshes, newest first."""
    condition = _MATCHING + "order by position desc limit $5 offset $6"
    return await table.every(db, condition, query.account_id, query.region, query.group_id, query.ids, limit, offset)


async def count(db: Connection, query: Query) -> int:
    """Return how many refreshes match."""
    return await table.count(db, _MATCHING, query.account_id, query.region, query.group_id, query.ids)

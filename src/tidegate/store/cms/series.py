"""Whose samples there are: hosts, scaling groups, and the custom metrics of accounts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from tidegate.store.table import Table

if TYPE_CHECKING:
    from tidegate.store.database import Connection

Kind = Literal["host", "group", "custom"]


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Whose samples; the last three fields are those of a custom metric."""

    id: str
    account_id: str
    kind: Kind
    created_at: datetime
    group_id: str = ""
    metric: str = ""
    dimension: str = ""


table = Table(Series, "cms_series")


class CustomQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which custom metrics of an account are wanted; None means "any"."""

    account_id: str
    group_id: str | None = None
    metric: str | None = None
    dimension: str | None = None


_CUSTOM = """
    where kind = 'custom' and account_id = $1 and ($2::text is null or group_id = $2)
      and ($3::text is null or metric = $3) and ($4::text is null or dimension = $4)
"""


async def add(tx: Connection, *series: Series) -> None:
    """Note series; those that are known stay as they are."""
    await table.add(tx, *series, unless_there=True)


async def ensure_custom(tx: Connection, series: Series) -> str:
    """Return the id of a custom metric, which is noted under the id of ``series`` when it is reported first."""
    # What conflicts is looked up afterwards: another report of the same metric may have been first.
    await table.add(tx, series, unless_there=True)
    found = await custom(tx, _query_of(series), limit=1)
    return found[0].id


def _query_of(series: Series) -> CustomQuery:
    return CustomQuery(
        account_id=series.account_id, group_id=series.group_id, metric=series.metric, dimension=series.dimension
    )


async def known(db: Connection, account_id: str, kind: Kind, ids: Sequence[str] | None, *, limit: int) -> list[str]:
    """Return which of these an account has, or the first of all it has."""
    rows = await db.fetch(
        "select id from cms_series where account_id = $1 and kind = $2 and ($3::text[] is null or id = any($3))"
        " order by id limit $4",
        account_id,
        kind,
        ids,
        limit,
    )
    return [row["id"] for row in rows]


async def custom(db: Connection, query: CustomQuery, *, limit: int, offset: int = 0) -> list[Series]:
    """Return a page of the matching custom metrics, oldest first."""
    condition = _CUSTOM + "order by created_at, id limit $5 offset $6"
    return await table.every(db, condition, *msgspec.structs.astuple(query), limit, offset)


async def count_custom(db: Connection, query: CustomQuery) -> int:
    """Return how many custom metrics match."""
    return await table.count(db, _CUSTOM, *msgspec.structs.astuple(query))


async def forget_empty(tx: Connection, before: datetime) -> None:
    """Forget the series that were begun before a moment and have no sample any more."""
    await tx.execute(
        "delete from cms_series old where created_at < $1"
        " and not exists (select from cms_sample where series = old.id and grain = any('{15,300,3600}'))",
        before,
    )

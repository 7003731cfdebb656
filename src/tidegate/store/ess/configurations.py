"""Scaling configurations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from tidegate.store.ess.records import Configuration
from tidegate.store.table import Table

if TYPE_CHECKING:
    from tidegate.store.database import Connection

table = Table(Configuration, "ess_configuration", generated=["position"])


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which configurations of an account and region are wanted; None means "any"."""

    account_id: str
    region: str
    group_id: str | None = None
    ids: Sequence[str] | None = None
    names: Sequence[str] | None = None


_MATCHING = """
    where group_id in (select id from ess_group where account_id = $1 and region = $2)
      and ($3::text is null or group_id = $3)
      and ($4::text[] is null or id = any($4)) and ($5::text[] is null or name = any($5))
"""


def _arguments(query: Query) -> tuple[object, ...]:
    return query.account_id, query.region, query.group_id, query.ids, query.names


async def find(db: Connection, configuration_id: str) -> Configuration | None:
    """Return a configuration."""
    return await table.one(db, "where id = $1", configuration_id)


async def of_group(db: Connection, group_id: str) -> list[Configuration]:
    """Return the configurations of a group in the order in which they were added."""
    return await table.every(db, "where group_id = $1 order by position", group_id)


async def page(db: Connection, query: Query, *, limit: int, offset: int) -> list[Configuration]:
    """Return a page of the matching configurations, newest first."""
    condition = _MATCHING + "order by position desc limit $6 offset $7"
    return await table.every(db, condition, *_arguments(query), limit, offset)


async def count(db: Connection, query: Query) -> int:
    """Return how many configurations match."""
    return await table.count(db, _MATCHING, *_arguments(query))


async def remove(tx: Connection, configuration_id: str) -> None:
    """Delete a configuration."""
    await tx.execute("delete from ess_configuration where id = $1", configuration_id)

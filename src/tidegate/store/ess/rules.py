"""Scaling rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from tidegate.store.ess.records import Rule
from tidegate.store.table import Table

if TYPE_CHECKING:
    from tidegate.store.database import Connection

table = Table(Rule, "ess_rule", generated=["position"])


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which rules of an account and region are wanted; None means "any"."""

    account_id: str
    region: str
    group_id: str | None = None
    ids: Sequence[str] | None = None
    names: Sequence[str] | None = None
    type: str | None = None


_MATCHING = """
    where group_id in (select id from ess_group where account_id = $1 and region = $2)
      and ($3::text is null or group_id = $3)
      and ($4::text[] is null or id = any($4)) and ($5::text[] is null or name = any($5))
      and ($6::text is null or type = $6)
"""


def _arguments(query: Query) -> tuple[object, ...]:
    return query.account_id, query.region, query.group_id, query.ids, query.names, query.type


async def find(db: Connection, rule_id: str) -> Rule | None:
    """Return a rule."""
    return await table.one(db, "where id = $1", rule_id)


async def of_group(db: Connection, group_id: str) -> list[Rule]:
    """Return the rules of a group, oldest first."""
    return await table.every(db, "where group_id = $1 order by position", group_id)


async def page(db: Connection, query: Query, *, limit: int, offset: int) -> list[Rule]:
    """Return a page of the matching rules, newest first."""
    condition = _MATCHING + "order by position desc limit $7 offset $8"
    return await table.every(db, condition, *_arguments(query), limit, offset)


async def count(db: Connection, query: Query) -> int:
    """Return how many rules match."""
    return await table.count(db, _MATCHING, *_arguments(query))


async def remove(tx: Connection, rule_id: str) -> None:
    """Delete a rule."""
    await tx.execute("delete from ess_rule where id = $1", rule_id)

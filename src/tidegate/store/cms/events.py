"""Events that users report."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tidegate.store.table import Table

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a user says has happened."""

    id: int = 0
    account_id: str
    group_id: str
    name: str
    content: str
    at: datetime


_table = Table(Event, "cms_event", generated=["id"])


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which events of an account are wanted; None means "any"."""

    account_id: str
    since: datetime
    until: datetime
    name: str | None = None
    group_id: str | None = None
    #: a part of the name or of the content
    like: str | None = None


_MATCHING = """
    where account_id = $1 and at >= $2 and at < $3 and ($4::text is null or name = $4)
      and ($5::text is null or group_id = $5)
      and ($6::text is null or strpos(name, $6) > 0 or strpos(content, $6) > 0)
"""


async def add(tx: Connection, *events: Event) -> None:
    """Write events."""
    await _table.add(tx, *events)


async def page(db: Connection, query: Query, *, limit: int, offset: int) -> list[Event]:
    """Return a page of the matching events, newest first."""
    condition = _MATCHING + "order by at desc, id desc limit $7 offset $8"
    return await _table.every(db, condition, *msgspec.structs.astuple(query), limit, offset)


async def counts(db: Connection, query: Query) -> list[tuple[str, int, datetime]]:
    """Return for each name how many events match and when the last one was."""
    rows = await db.fetch(
        f"select name, count(*) as count, max(at) as last from cms_event {_MATCHING} group by name order by name",
        *msgspec.structs.astuple(query),
    )
    return [(row["name"], row["count"], row["last"]) for row in rows]


async def forget(tx: Connection, before: datetime) -> None:
    """Delete events from before a moment."""
    await tx.execute("delete from cms_event where at < $1", before)

"""Queries about the tags of templates, executions and parameters, which stand in their own rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class _Table(msgspec.Struct, frozen=True):
    """Where the resources of a type stand: the table, what their ids are there, and which rows."""

    name: str
    id: str
    only: str = "true"


_TABLES: Final[Mapping[str, _Table]] = MappingProxyType(
    {
        "template": _Table("oos_template", "name"),
        "execution": _Table("oos_execution", "id"),
        "parameter": _Table("oos_parameter", "name", "not is_secret"),
        "secretparameter": _Table("oos_parameter", "name", "is_secret"),
    }
)

#: the types of resources that carry tags
TYPES: Final = frozenset(_TABLES)


class Where(msgspec.Struct, frozen=True):
    """Whose resources, of which type."""

    account_id: str
    region: str
    type: str


class Tag(msgspec.Struct, frozen=True):
    """One tag of one resource."""

    resource_id: str
    key: str
    value: str


async def lock(tx: Connection, where: Where, ids: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    """Return the tags of those of these resources that exist, and let no other transaction change them meanwhile."""
    table = _TABLES[where.type]
    rows = await tx.fetch(
        f"select {table.id} as id, tags from {table.name} where account_id = $1 and region = $2 and {table.only}"
        f" and {table.id} = any($3) order by {table.id} for update",
        where.account_id,
        where.region,
        list(ids),
    )
    return {row["id"]: row["tags"] for row in rows}


async def put(tx: Connection, where: Where, resource_id: str, tags: Mapping[str, str]) -> None:
    """Write the tags of a locked resource."""
    table = _TABLES[where.type]
    await tx.execute(
        f"update {table.name} set tags = $4 where account_id = $1 and region = $2 and {table.only} and {table.id} = $3",
        where.account_id,
        where.region,
        resource_id,
        tags,
    )


async def tags_of(
    connection: Connection,
    where: Where,
    *,
    ids: Sequence[str] | None,
    with_tags: Mapping[str, str],
    offset: int,
    limit: int,
) -> Sequence[Tag]:
    """Return one page of tags by resource and key: of all resources or of these, of those that carry ``with_tags``."""
    rows = await connection.fetch(
        f"select resource_id, key, value from {_each(where)} where ($3::text[] is null or resource_id = any($3))"
        " and tags @> $4 order by resource_id, key offset $5 limit $6",
        where.account_id,
        where.region,
        None if ids is None else list(ids),
        with_tags,
        offset,
        limit,
    )
    return [Tag(**row) for row in rows]


async def keys(connection: Connection, where: Where, *, offset: int, limit: int) -> Sequence[str]:
    """Return one page of the keys in use."""
    rows = await connection.fetch(
        f"select distinct key from {_each(where)} order by key offset $3 limit $4",
        where.account_id,
        where.region,
        offset,
        limit,
    )
    return [row["key"] for row in rows]


async def values(connection: Connection, where: Where, key: str, *, offset: int, limit: int) -> Sequence[str]:
    """Return one page of the values in use for a key."""
    rows = await connection.fetch(
        f"select distinct value from {_each(where)} where key = $3 order by value offset $4 limit $5",
        where.account_id,
        where.region,
        key,
        offset,
        limit,
    )
    return [row["value"] for row in rows]


def _each(where: Where) -> str:
    """Return a table of (resource_id, tags, key, value) with one row per tag; $1 is the account, $2 the region."""
    table = _TABLES[where.type]
    return (
        f"(select {table.id} as resource_id, tags, each.key, each.value from {table.name},"
        f" jsonb_each_text(tags) as each where account_id = $1 and region = $2 and {table.only}) as tagged"
    )

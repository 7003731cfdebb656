"""Tags of every kind of resource, in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """One tag of one resource."""

    resource_type: str
    resource_id: str
    key: str
    value: str


async def put(
    tx: Connection, account_id: str, region: str, resource_type: str, *, ids: Sequence[str], tags: Mapping[str, str]
) -> None:
    """Give every resource every tag; a key that is there gets the new value."""
    if not ids or not tags:
        return
    await tx.execute(
        """
        insert into ecs_tag
        select $1, $2, $3, id, key, value
        from unnest($4::text[]) as id, unnest($5::text[], $6::text[]) as tag (key, value)
        on conflict (resource_type, resource_id, key) do update set value = excluded.value
        """,
        account_id,
        region,
        resource_type,
        list(ids),
        list(tags.keys()),
        list(tags.values()),
    )


_RESERVED = "exists (select from unnest($4::text[]) as prefix where starts_with(key, prefix))"


async def remove(
    tx: Connection, resource_type: str, ids: Sequence[str], keys: Sequence[str] | None, *, prefixes: Sequence[str] = ()
) -> None:
    """Take tags away: those with the given keys, or all; keys that start with one of ``prefixes`` stay."""
    await tx.execute(
        f"""
        delete from ecs_tag
        where resource_type = $1 and resource_id = any($2) and ($3::text[] is null or key = any($3)) and not {_RESERVED}
        """,
        resource_type,
        list(ids),
        None if keys is None else list(keys),
        list(prefixes),
    )


async def most_tags(
    tx: Connection, resource_type: str, ids: Sequence[str], *, keys: Sequence[str], prefixes: Sequence[str]
) -> int:
    """Return how many tags the fullest of the resources has, besides ``keys`` and what starts with ``prefixes``."""
    most = await tx.fetchval(
        f"""
        select max(tags) from (
            select count(*) as tags from ecs_tag
            where resource_type = $1 and resource_id = any($2) and key <> all($3) and not {_RESERVED}
            group by resource_id
        ) as counted
        """,
        resource_type,
        list(ids),
        list(keys),
        list(prefixes),
    )
    return int(most or 0)


async def of_resources(tx: Connection, resource_type: str, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the tags of each resource that has any, keys in order."""
    rows = await tx.fetch(
        "select resource_id, key, value from ecs_tag where resource_type = $1 and resource_id = any($2) order by key",
        resource_type,
        list(ids),
    )
    found: dict[str, dict[str, str]] = {}
    for resource_id, key, value in rows:
        found.setdefault(resource_id, {})[key] = value
    return found


async def page(
    tx: Connection,
    account_id: str,
    region: str,
    resource_type: str,
    *,
    ids: Sequence[str] | None,
    wanted: Sequence[tuple[str, str | None]],
    after: Sequence[str] | None,
    count: int,
) -> list[Tag]:
    """Return up to ``count`` tags of resources that carry all ``wanted`` ones (value None: any), after a position.

    The position is (resource id, key) of the last one seen.
    """
    rows = await tx.fetch(
        """
        select resource_type, resource_id, key, value from ecs_tag
        where account_id = $1 and region = $2 and resource_type = $3
          and ($4::text[] is null or resource_id = any($4))
          and ($5::text[] is null or (resource_id, key) > ($5[1], $5[2]))
          and (cardinality($6::text[]) = 0 or resource_id in (
              select carrier.resource_id
              from ecs_tag as carrier
              join unnest($6::text[], $7::text[]) as wish (key, value)
                on carrier.key = wish.key and (wish.value is null or carrier.value = wish.value)
              where carrier.account_id = $1 and carrier.region = $2 and carrier.resource_type = $3
              group by carrier.resource_id
              having count(distinct wish.key) = cardinality($6)
          ))
        order by resource_id, key
        limit $8
        """,
        account_id,
        region,
        resource_type,
        None if ids is None else list(ids),
        None if after is None else list(after),
        [key for key, _ in wanted],
        [value for _, value in wanted],
        count,
    )
    return [Tag(**row) for row in rows]

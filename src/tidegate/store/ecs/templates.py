"""Launch templates and their versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A launch template: a name, and which of its versions is meant when none is named."""

    id: str
    account_id: str
    region: str
    name: str
    created_by: str
    resource_group_id: str
    tags: Mapping[str, str]
    default_version: int
    latest_version: int
    created_at: datetime
    modified_at: datetime


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version: what instances are made of, under the names of RunInstances. It never changes."""

    template_id: str
    number: int
    description: str
    fields: Mapping[str, Any]
    created_by: str
    created_at: datetime


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which templates of an account and region are wanted; None means "any"."""

    account_id: str
    region: str
    ids: Sequence[str] | None = None
    names: Sequence[str] | None = None
    resource_group_id: str | None = None
    tags: Mapping[str, str] = {}


_COLUMNS = ", ".join(Template.__struct_fields__)
_VERSION_COLUMNS = ", ".join(Version.__struct_fields__)
_MATCHING = """
    from ecs_launch_template where account_id = $1 and region = $2
      and ($3::text[] is null or id = any($3)) and ($4::text[] is null or name = any($4))
      and ($5::text is null or resource_group_id = $5) and tags @> $6
"""


async def lock_names(tx: Connection, account_id: str, region: str) -> None:
    """Let no other transaction count or name templates of the account and region before this one has ended."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended($1, 39))", f"{account_id}/{region}")


async def add(tx: Connection, template: Template, version: Version) -> None:
    """Write a new template with its first version."""
    await tx.execute(
        f"insert into ecs_launch_template ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        *(getattr(template, field) for field in Template.__struct_fields__),
    )
    await add_version(tx, version)


async def add_version(tx: Connection, version: Version) -> None:
    """Write a new version, which is the latest from now on."""
    await tx.execute(
        f"insert into ecs_launch_template_version ({_VERSION_COLUMNS}) values ($1, $2, $3, $4, $5, $6)",
        *(getattr(version, field) for field in Version.__struct_fields__),
    )
    await tx.execute(
        "update ecs_launch_template set latest_version = $2, modified_at = $3 where id = $1",
        version.template_id,
        version.number,
        version.created_at,
    )


async def find(
    db: Connection, account_id: str, region: str, *, template_id: str | None, name: str | None, lock: bool = False
) -> Template | None:
    """Return the template with an id or, where none is given, a name; ``lock`` keeps others from changing it."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from ecs_launch_template where account_id = $1 and region = $2 "
        "and case when $3::text is null then name = $4 else id = $3 end" + (" for no key update" if lock else ""),
        account_id,
        region,
        template_id,
        name,
    )
    return None if row is None else msgspec.convert(dict(row), Template)


async def count(db: Connection, query: Query) -> int:
    """Return how many templates match."""
    return int(await db.fetchval(f"select count(*) {_MATCHING}", *_arguments(query)))


async def page(db: Connection, query: Query, *, limit: int, offset: int) -> list[Template]:
    """Return a page of the matching templates, newest first."""
    rows = await db.fetch(
        f"select {_COLUMNS} {_MATCHING} order by position desc limit $7 offset $8", *_arguments(query), limit, offset
    )
    return msgspec.convert([dict(row) for row in rows], list[Template])


def _arguments(query: Query) -> tuple[object, ...]:
    return query.account_id, query.region, query.ids, query.names, query.resource_group_id, query.tags


async def versions(db: Connection, template_id: str) -> list[Version]:
    """Return the versions of a template, newest first."""
    rows = await db.fetch(
        f"select {_VERSION_COLUMNS} from ecs_launch_template_version where template_id = $1 order by number desc",
        template_id,
    )
    return msgspec.convert([dict(row) for row in rows], list[Version])


async def set_default(tx: Connection, template_id: str, number: int, now: datetime) -> None:
    """Make another version the default."""
    await tx.execute(
        "update ecs_launch_template set default_version = $2, modified_at = $3 where id = $1", template_id, number, now
    )


async def remove(tx: Connection, template_id: str) -> None:
    """Delete a template with its versions."""
    await tx.execute("delete from ecs_launch_template where id = $1", template_id)


async def remove_versions(tx: Connection, template_id: str, numbers: Sequence[int]) -> None:
    """Delete versions; their numbers are not used again."""
    await tx.execute(
        "delete from ecs_launch_template_version where template_id = $1 and number = any($2)",
        template_id,
        list(numbers),
    )

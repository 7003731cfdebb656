"""Queries about templates. ``account_id`` and ``region`` come first everywhere: templates belong to both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tidegate.store.oos.records import TemplateRecord, VersionRecord

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_COLUMNS = ", ".join(TemplateRecord.__struct_fields__)
_VERSION_COLUMNS = ", ".join(VersionRecord.__struct_fields__)


async def keep_content(connection: Connection, content_hash: str, content: str) -> None:
    """Keep a text under its hash; one that is there already stays."""
    await connection.execute(
        "insert into oos_content (hash, content) values ($1, $2) on conflict do nothing", content_hash, content
    )


async def content(connection: Connection, content_hash: str) -> str | None:
    """Return a kept text."""
    found: str | None = await connection.fetchval("select content from oos_content where hash = $1", content_hash)
    return found


async def add(tx: Connection, template: TemplateRecord, version: VersionRecord) -> bool:
    """Add a template with its first version; False, changing nothing, when the name is taken."""
    values = [getattr(template, field) for field in TemplateRecord.__struct_fields__]
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    added = await tx.fetchval(
        f"insert into oos_template ({_COLUMNS}) values ({places}) on conflict do nothing returning id", *values
    )
    if added is None:
        return False
    await add_version(tx, version)
    return True


async def add_version(tx: Connection, version: VersionRecord) -> None:
    """Add a version."""
    values = [getattr(version, field) for field in VersionRecord.__struct_fields__]
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    await tx.execute(f"insert into oos_template_version ({_VERSION_COLUMNS}) values ({places})", *values)


async def update(tx: Connection, template: TemplateRecord) -> None:
    """Write what can change of a template."""
    await tx.execute(
        "update oos_template set version = $2, kind = $3, format = $4, description = $5, hash = $6, category = $7,"
        " tags = $8, resource_group_id = $9, updated_by = $10, updated_at = $11 where id = $1",
        template.id,
        template.version,
        template.kind,
        template.format,
        template.description,
        template.hash,
        template.category,
        template.tags,
        template.resource_group_id,
        template.updated_by,
        template.updated_at,
    )


async def find(
    connection: Connection, account_id: str, region: str, name: str, *, lock: bool = False
) -> TemplateRecord | None:
    """Return a template; ``lock`` keeps others from changing it until the transaction ends."""
    row = await connection.fetchrow(
        f"select {_COLUMNS} from oos_template where account_id = $1 and region = $2 and name = $3"
        + (" for update" if lock else ""),
        account_id,
        region,
        name,
    )
    return TemplateRecord(**row) if row else None


async def find_version(connection: Connection, template_id: str, version: int) -> VersionRecord | None:
    """Return one version of a template."""
    row = await connection.fetchrow(
        f"select {_VERSION_COLUMNS} from oos_template_version where template_id = $1 and version = $2",
        template_id,
        version,
    )
    return VersionRecord(**row) if row else None


async def versions(connection: Connection, template_id: str) -> Sequence[VersionRecord]:
    """Return all versions of a template, newest first."""
    rows = await connection.fetch(
        f"select {_VERSION_COLUMNS} from oos_template_version where template_id = $1 order by version desc",
        template_id,
    )
    return [VersionRecord(**row) for row in rows]


async def all_of(connection: Connection, account_id: str, region: str) -> Sequence[TemplateRecord]:
    """Return every template of an account in a region; ``limits.TEMPLATES`` bounds how many there are."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from oos_template where account_id = $1 and region = $2 order by name", account_id, region
    )
    return [TemplateRecord(**row) for row in rows]


async def count(connection: Connection, account_id: str, region: str) -> int:
    """Return how many templates an account has in a region."""
    return int(
        await connection.fetchval(
            "select count(*) from oos_template where account_id = $1 and region = $2", account_id, region
        )
    )


async def executions_of(connection: Connection, account_id: str, region: str) -> Mapping[str, int]:
    """Return how many executions each template has had, by the template's name."""
    rows = await connection.fetch(
        "select template_name, count(*) as executions from oos_execution"
        " where account_id = $1 and region = $2 and template_name is not null group by template_name",
        account_id,
        region,
    )
    return {row["template_name"]: row["executions"] for row in rows}


async def delete(tx: Connection, template_id: str) -> None:
    """Delete a template with all its versions. Executions keep the text they were started with."""
    await tx.execute("delete from oos_template where id = $1", template_id)

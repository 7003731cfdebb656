"""Queries about Parameter Store: parameters and their versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from asyncpg import Record

    from tidegate.store.database import Connection


class ParameterRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter; one row of ``oos_parameter``."""

    account_id: str
    region: str
    is_secret: bool
    name: str
    id: str
    kind: str
    version: int
    constraints: Mapping[str, Any] | None
    description: str | None
    tags: Mapping[str, str]
    resource_group_id: str | None
    key_id: str | None = None
    dkms_instance_id: str | None = None
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime


class ParameterVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A value of a parameter; one row of ``oos_parameter_version``. ``value`` or ``sealed`` is there, never both."""

    version: int
    value: str | None
    sealed: bytes | None
    updated_by: str
    updated_at: datetime


class Owner(msgspec.Struct, frozen=True):
    """Whose parameters, of which of the two kinds."""

    account_id: str
    region: str
    is_secret: bool


_COLUMNS = ", ".join(ParameterRecord.__struct_fields__)
_VERSION = ", ".join(ParameterVersion.__struct_fields__)
_OWNED = "account_id = $1 and region = $2 and is_secret = $3"


async def add(tx: Connection, record: ParameterRecord, version: ParameterVersion) -> bool:
    """Write a new parameter with its first version; False, and nothing written, when the name is taken."""
    values = msgspec.structs.astuple(record)
    marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    query = f"insert into oos_parameter ({_COLUMNS}) values ({marks}) on conflict do nothing returning id"
    if await tx.fetchval(query, *values) is None:
        return False
    await add_version(tx, record.id, version)
    return True


async def add_version(tx: Connection, parameter_id: str, version: ParameterVersion) -> None:
    """Write one more version."""
    values = msgspec.structs.astuple(version)
    marks = ", ".join(f"${number}" for number in range(2, len(values) + 2))
    await tx.execute(
        f"insert into oos_parameter_version (parameter_id, {_VERSION}) values ($1, {marks})", parameter_id, *values
    )


async def update(tx: Connection, record: ParameterRecord) -> None:
    """Write what can change about a parameter."""
    await tx.execute(
        "update oos_parameter set version = $2, description = $3, tags = $4, resource_group_id = $5, updated_by = $6,"
        " updated_at = $7 where id = $1",
        record.id,
        record.version,
        record.description,
        record.tags,
        record.resource_group_id,
        record.updated_by,
        record.updated_at,
    )


async def forget_versions(tx: Connection, parameter_id: str, before: int) -> None:
    """Delete the versions older than ``before``."""
    await tx.execute("delete from oos_parameter_version where parameter_id = $1 and version < $2", parameter_id, before)


async def count(tx: Connection, owner: Owner) -> int:
    """Return how many parameters there are, and let no other transaction add one meanwhile."""
    key = f"{owner.account_id}/{owner.region}/{owner.is_secret}"
    await tx.execute("select pg_advisory_xact_lock(hashtext('oos_parameter'), hashtext($1))", key)
    query = f"select count(*) from oos_parameter where {_OWNED}"
    return int(await tx.fetchval(query, *msgspec.structs.astuple(owner)))


async def find(
    connection: Connection, owner: Owner, names: Sequence[str], *, lock: bool = False
) -> Mapping[str, ParameterRecord]:
    """Return those of the named parameters that exist, by name."""
    locking = " order by name for update" if lock else ""
    rows = await connection.fetch(
        f"select {_COLUMNS} from oos_parameter where {_OWNED} and name = any($4){locking}",
        *msgspec.structs.astuple(owner),
        list(names),
    )
    return {row["name"]: ParameterRecord(**row) for row in rows}


async def all_of(connection: Connection, owner: Owner) -> Sequence[ParameterRecord]:
    """Return every parameter, by name; a quota bounds how many there are."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from oos_parameter where {_OWNED} order by name", *msgspec.structs.astuple(owner)
    )
    return [ParameterRecord(**row) for row in rows]


async def values(connection: Connection, parameter_ids: Sequence[str]) -> Mapping[str, ParameterVersion]:
    """Return the newest version of each of these parameters, by their ids."""
    rows = await connection.fetch(
        f"select distinct on (parameter_id) parameter_id, {_VERSION} from oos_parameter_version"
        " where parameter_id = any($1) order by parameter_id, version desc",
        list(parameter_ids),
    )
    return {row["parameter_id"]: _version(row) for row in rows}


async def versions(connection: Connection, parameter_id: str) -> Sequence[ParameterVersion]:
    """Return all versions that are kept, newest first."""
    rows = await connection.fetch(
        f"select {_VERSION} from oos_parameter_version where parameter_id = $1 order by version desc", parameter_id
    )
    return [_version(row) for row in rows]


async def delete(tx: Connection, owner: Owner, name: str) -> bool:
    """Delete a parameter with all its versions; False when there is none."""
    query = f"delete from oos_parameter where {_OWNED} and name = $4 returning id"
    return await tx.fetchval(query, *msgspec.structs.astuple(owner), name) is not None


def _version(row: Record) -> ParameterVersion:
    return ParameterVersion(**{field: row[field] for field in ParameterVersion.__struct_fields__})

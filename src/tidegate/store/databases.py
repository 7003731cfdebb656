"""Databases without a server: their rows, each with its whole whitelist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from asyncpg import Record

    from tidegate.store.database import Connection

#: RAM code of the product a database belongs to
ProductCode = Literal["polardb", "dds", "adb", "rds"]


class DatabaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """A database. ``storage`` is GB; ``whitelist`` are groups as plain maps, in their order."""

    id: str
    account_id: str
    region: str
    product: ProductCode
    zone: str
    vpc_id: str
    vswitch_id: str
    description: str
    engine: str
    engine_version: str
    node_class: str
    nodes: int
    storage: int
    charge_type: str
    resource_group_id: str
    order_id: str
    created_at: datetime
    tags: Mapping[str, str] = {}
    whitelist: Sequence[Mapping[str, Any]]
    security_groups: Sequence[str] = ()


_COLUMNS = ", ".join(DatabaseRow.__struct_fields__)


async def add(tx: Connection, row: DatabaseRow) -> None:
    """Write a new database."""
    marks = ", ".join(f"${n}" for n in range(1, len(DatabaseRow.__struct_fields__) + 1))
    await tx.execute(f"insert into database ({_COLUMNS}) values ({marks})", *msgspec.structs.astuple(row))


async def count(tx: Connection, account_id: str, region: str, product: ProductCode) -> int:
    """Return how many databases of a product the account has, and let no other transaction add one meanwhile."""
    key = f"{account_id}/{region}/{product}"
    await tx.execute("select pg_advisory_xact_lock(hashtext('database_quota'), hashtext($1))", key)
    query = "select count(*) from database where account_id = $1 and region = $2 and product = $3"
    return int(await tx.fetchval(query, account_id, region, product))


async def find(connection: Connection, account_id: str, product: ProductCode, database_id: str) -> DatabaseRow | None:
    """Return one database of the account."""
    return await _one(connection, account_id, product, database_id, "")


async def lock(tx: Connection, account_id: str, product: ProductCode, database_id: str) -> DatabaseRow | None:
    """Return one database and let no other transaction change it before this one has ended."""
    return await _one(tx, account_id, product, database_id, " for update")


async def of_account(
    connection: Connection, account_id: str, region: str, product: ProductCode
) -> Sequence[DatabaseRow]:
    """Return the account's databases of a product in a region, newest first; how many is bounded by a quota."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from database where account_id = $1 and region = $2 and product = $3"
        " order by created_at desc, id",
        account_id,
        region,
        product,
    )
    return [_read(row) for row in rows]


async def put_whitelist(tx: Connection, database_id: str, whitelist: Sequence[Mapping[str, Any]]) -> None:
    """Write the whitelist of a locked database."""
    await tx.execute("update database set whitelist = $2 where id = $1", database_id, whitelist)


async def put_security_groups(tx: Connection, database_id: str, security_groups: Sequence[str]) -> None:
    """Write the security groups of a locked database."""
    await tx.execute("update database set security_groups = $2 where id = $1", database_id, list(security_groups))


async def remove(tx: Connection, database_id: str) -> None:
    """Forget a database."""
    await tx.execute("delete from database where id = $1", database_id)


async def _one(
    connection: Connection, account_id: str, product: ProductCode, database_id: str, locking: str
) -> DatabaseRow | None:
    row = await connection.fetchrow(
        f"select {_COLUMNS} from database where id = $1 and account_id = $2 and product = $3{locking}",
        database_id,
        account_id,
        product,
    )
    return None if row is None else _read(row)


def _read(row: Record) -> DatabaseRow:
    return DatabaseRow(**row)

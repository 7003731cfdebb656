"""Redis instances, the groups of their whitelists, and the history of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import asyncpg
import msgspec

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class LockedError(Exception):
    """Another transaction holds the instance and did not let it go in time."""


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """A Redis instance. ``capacity`` is MB; ``network`` and ``gateway`` are those of its vSwitch."""

    id: str
    account_id: str
    region: str
    zone: str
    vpc_id: str
    vswitch_id: str
    network: str
    gateway: str
    private_ip: str
    port: int
    connection_domain: str
    name: str
    status: Literal["Creating", "Normal", "Released"]
    instance_class: str
    capacity: int
    engine_version: str
    node_type: str
    charge_type: Literal["PostPaid", "PrePaid"]
    created_at: datetime
    end_at: datetime | None
    order_id: int
    resource_group_id: str
    release_protection: bool = False
    vpc_auth_mode: Literal["Open", "Close"] = "Open"
    sealed_password: bytes | None = None
    changing_until: datetime | None = None
    tags: Mapping[str, str] = {}


class GroupRow(msgspec.Struct, frozen=True, kw_only=True):
    """A group of a whitelist."""

    name: str
    attribute: str
    entries: Sequence[str]


class ChangeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a whitelist: what came and went, who did it, and when it was on the wire."""

    at: datetime
    group_name: str
    mode: str
    added: Sequence[str]
    removed: Sequence[str]
    caller: str
    source_ip: str
    request_id: str
    applied_at: datetime | None = None
    milliseconds: float | None = None


_INSTANCE = ", ".join(Instance.__struct_fields__)
_CHANGE = ", ".join(ChangeRow.__struct_fields__)
_PUT_GROUP = (
    "insert into kvstore_group (instance_id, name, attribute, entries) values ($1, $2, $3, $4)"
    " on conflict (instance_id, name) do update set attribute = excluded.attribute, entries = excluded.entries"
)


async def add_instance(tx: Connection, instance: Instance) -> None:
    """Write a new instance."""
    marks = ", ".join(f"${n}" for n in range(1, len(Instance.__struct_fields__) + 1))
    await tx.execute(f"insert into kvstore_instance ({_INSTANCE}) values ({marks})", *msgspec.structs.astuple(instance))


async def count_instances(tx: Connection, account_id: str, region: str) -> int:
    """Return how many instances the account has in the region, and let no other transaction add one meanwhile."""
    await tx.execute("select pg_advisory_xact_lock(hashtext('kvstore_quota'), hashtext($1))", account_id + region)
    query = "select count(*) from kvstore_instance where account_id = $1 and region = $2 and status <> 'Released'"
    return int(await tx.fetchval(query, account_id, region))


async def find(connection: Connection, instance_id: str) -> Instance | None:
    """Return the instance, whoever has it and whatever has become of it."""
    row = await connection.fetchrow(f"select {_INSTANCE} from kvstore_instance where id = $1", instance_id)
    return Instance(**row) if row else None


async def lock(tx: Connection, instance_id: str, *, seconds: float) -> Instance | None:
    """Return the instance and let no other transaction have it before this one has ended.

    Raises LockedError when that takes longer than ``seconds`` to begin; the transaction is void then.
    """
    try:
        row = await tx.fetchrow(
            # The row is locked after it was joined, so the limit is in force by then.
            f"select {_INSTANCE} from (select set_config('lock_timeout', $2, true) as limited) as settings,"
            " kvstore_instance where id = $1 and limited <> '' for update of kvstore_instance",
            instance_id,
            f"{max(1, int(seconds * 1000))}ms",
        )
    except asyncpg.LockNotAvailableError as error:
        raise LockedError(instance_id) from error
    return Instance(**row) if row else None


async def of_account(connection: Connection, account_id: str, region: str | None) -> list[Instance]:
    """Return the account's instances that are not released, in one region or in all, newest first."""
    rows = await connection.fetch(
        f"select {_INSTANCE} from kvstore_instance"
        " where account_id = $1 and ($2::text is null or region = $2) and status <> 'Released'"
        " order by created_at desc, id",
        account_id,
        region,
    )
    return [Instance(**row) for row in rows]


async def ids(connection: Connection) -> list[str]:
    """Return the ids of all instances of all accounts."""
    return [row["id"] for row in await connection.fetch("select id from kvstore_instance order by id")]


async def update(tx: Connection, instance: Instance) -> None:
    """Write what can change about an instance."""
    await tx.execute(
        "update kvstore_instance set name = $2, status = $3, release_protection = $4, vpc_auth_mode = $5,"
        " sealed_password = $6, changing_until = $7, tags = $8 where id = $1",
        instance.id,
        instance.name,
        instance.status,
        instance.release_protection,
        instance.vpc_auth_mode,
        instance.sealed_password,
        instance.changing_until,
        instance.tags,
    )


async def set_changing(tx: Connection, instance_id: str, until: datetime) -> None:
    """Note until when the instance is shown as Changing."""
    await tx.execute("update kvstore_instance set changing_until = $2 where id = $1", instance_id, until)


async def remove(tx: Connection, instance_id: str) -> None:
    """Forget the instance, its whitelist and its history."""
    await tx.execute("delete from kvstore_instance where id = $1", instance_id)


async def groups(connection: Connection, instance_id: str) -> list[GroupRow]:
    """Return the groups of the whitelist in order of creation."""
    query = "select name, attribute, entries from kvstore_group where instance_id = $1 order by position"
    return [GroupRow(**row) for row in await connection.fetch(query, instance_id)]


async def put_group(tx: Connection, instance_id: str, group: GroupRow, change: ChangeRow | None = None) -> None:
    """Write a group, one of this name that is there keeps its place, and write down the ``change`` that made it so."""
    group_values = (instance_id, group.name, group.attribute, list(group.entries))
    if change is None:
        await tx.execute(_PUT_GROUP, *group_values)
        return
    marks = ", ".join(f"${n}" for n in range(5, len(ChangeRow.__struct_fields__) + 5))
    await tx.execute(
        f"with grouped as ({_PUT_GROUP}) insert into kvstore_change (instance_id, {_CHANGE}) values ($1, {marks})",
        *group_values,
        *msgspec.structs.astuple(change),
    )


async def mark_applied(tx: Connection, instance_id: str, at: datetime, milliseconds: float) -> None:
    """Note that every change so far is on the wire. Not worth waiting for the disk: it is found out anew at a restart."""
    await tx.execute(
        "update kvstore_change set applied_at = $2, milliseconds = $3"
        " where instance_id = $1 and applied_at is null and set_config('synchronous_commit', 'off', true) = 'off'",
        instance_id,
        at,
        milliseconds,
    )


async def history(connection: Connection, instance_id: str, limit: int) -> list[ChangeRow]:
    """Return the latest changes of the whitelist, newest first."""
    query = f"select {_CHANGE} from kvstore_change where instance_id = $1 order by id desc limit $2"
    return [ChangeRow(**row) for row in await connection.fetch(query, instance_id, limit)]


async def forget_changes(tx: Connection, instance_id: str, keep: int) -> None:
    """Delete all but the latest ``keep`` changes, and those that brought an entry which is still there."""
    await tx.execute(
        "delete from kvstore_change where instance_id = $1 and id <="
        " (select id from kvstore_change where instance_id = $1 order by id desc offset $2 limit 1)"
        " and not exists (select from kvstore_group g"
        " where g.instance_id = $1 and g.name = group_name and g.entries && added)",
        instance_id,
        keep,
    )


async def note_connections(tx: Connection, instance_id: str, firsts: Mapping[str, datetime]) -> None:
    """Write down when addresses first came in; what is known already, give or take a second, is not written again."""
    await tx.execute(
        "insert into kvstore_connection (instance_id, address, at)"
        " select $1, address, at from unnest($2::text[], $3::timestamptz[]) seen(address, at)"
        " where not exists (select from kvstore_connection known where known.instance_id = $1"
        " and known.address = seen.address and abs(extract(epoch from known.at - seen.at)) < 1)",
        instance_id,
        list(firsts),
        list(firsts.values()),
    )


async def forget_connections(tx: Connection, instance_id: str, keep: int) -> None:
    """Delete all but the latest ``keep`` first connections."""
    await tx.execute(
        "delete from kvstore_connection where instance_id = $1 and id <="
        " (select id from kvstore_connection where instance_id = $1 order by id desc offset $2 limit 1)",
        instance_id,
        keep,
    )

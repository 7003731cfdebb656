"""Instances: their rows, the moves between statuses, and the pages callers read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Options(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is stored and shown, and changes nothing else."""

    expired_at: str = "2099-12-31T15:59Z"
    auto_release_at: str = ""
    spot_strategy: str = "NoSpot"
    spot_price_limit: float = 0.0
    internet_charge_type: str = "PayByTraffic"
    bandwidth_in: int = 10
    bandwidth_out: int = 0
    disk_category: str = "cloud_essd"
    disk_size: int = 20
    disk_name: str = ""
    ram_role_name: str = ""
    credit_specification: str = ""
    deployment_set_id: str = ""
    disk_description: str = ""
    #: the snapshot policy of the system disk
    disk_policy_id: str = ""
    #: the system image that an image of the account's own descends from
    base_image_id: str = ""
    key_pair_name: str = ""
    #: Normal | AutoRenewal | NotRenewal; how many of which unit a renewal adds
    renewal_status: str = "Normal"
    renewal_duration: int = 1
    renewal_unit: str = "Month"


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """An instance. Fields stand in the order of the table's columns."""

    id: str
    account_id: str
    region: str
    zone: str
    launch_id: str
    position: int
    status: str
    name: str
    host_name: str
    description: str
    serial_number: str
    image_id: str
    instance_type: str
    charge_type: str
    vpc_id: str
    vswitch_id: str
    address: str
    security_group_ids: list[str]
    interface_id: str
    disk_id: str
    user_data: bytes
    deletion_protection: bool
    stopped_mode: str
    resource_group_id: str
    options: Options
    created_at: datetime
    started_at: datetime | None
    watcher: str | None
    attempts: int
    due_at: datetime
    version: int


class Moved(msgspec.Struct, frozen=True):
    """A status that has changed: whose, from what to what, and who cares. ``version`` grows with every change."""

    id: str
    before: str
    after: str
    launch_id: str
    watcher: str | None
    account_id: str
    region: str
    version: int


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which instances of an account are wanted; None means "any"."""

    account_id: str
    region: str
    ids: Sequence[str] | None = None
    statuses: Sequence[str] | None = None
    #: a LIKE pattern
    name: str | None = None
    zone: str | None = None
    vpc_id: str | None = None
    vswitch_id: str | None = None
    image_id: str | None = None
    instance_types: Sequence[str] | None = None
    charge_type: str | None = None
    security_group_id: str | None = None
    resource_group_id: str | None = None
    addresses: Sequence[str] | None = None
    internet_charge_type: str | None = None
    #: elastic addresses
    eip_addresses: Sequence[str] | None = None
    key_pair: str | None = None
    created_from: datetime | None = None
    created_until: datetime | None = None
    #: (key, value) pairs that must all be there; value None: any
    tags: Sequence[tuple[str, str | None]] = ()


_CONDITIONS = {
    "ids": "id = any({})",
    "statuses": "status = any({})",
    "name": "name like {}",
    "zone": "zone = {}",
    "vpc_id": "vpc_id = {}",
    "vswitch_id": "vswitch_id = {}",
    "image_id": "image_id = {}",
    "instance_types": "instance_type = any({})",
    "charge_type": "charge_type = {}",
    "security_group_id": "{} = any(security_group_ids)",
    "resource_group_id": "resource_group_id = {}",
    "addresses": "address = any({})",
    "internet_charge_type": "coalesce(options ->> 'internet_charge_type', 'PayByTraffic') = {}",
    "eip_addresses": "id in (select instance_id from ecs_eip where address = any({}))",
    "key_pair": "options ->> 'key_pair_name' = {}",
    "created_from": "created_at >= {}",
    "created_until": "created_at <= {}",
}
_TAGGED = """exists (
    select from ecs_tag
    where resource_type = 'instance' and resource_id = ecs_instance.id
      and key = {} and ({}::text is null or value = {})
)"""


def _where(query: Query) -> tuple[str, list[Any]]:
    """Return the condition of a query and its arguments; every text comes from the tables above."""
    arguments: list[Any] = [query.account_id, query.region]
    conditions = ["account_id = $1", "region = $2"]
    for name, condition in _CONDITIONS.items():
        value = getattr(query, name)
        if value is not None:
            arguments.append(value)
            conditions.append(condition.format(f"${len(arguments)}"))
    for key, value in query.tags:
        arguments += [key, value]
        conditions.append(_TAGGED.format(f"${len(arguments) - 1}", f"${len(arguments)}", f"${len(arguments)}"))
    return " and ".join(conditions), arguments


async def page(tx: Connection, query: Query, *, offset: int, count: int) -> tuple[list[tuple[str, int]], int]:
    """Return (id, version) of the wanted instances, newest first, and how many there are in all."""
    where, arguments = _where(query)
    rows = await tx.fetch(
        f"select id, version, count(*) over () as total from ecs_instance where {where} "
        f"order by created_at desc, id desc offset ${len(arguments) + 1} limit ${len(arguments) + 2}",
        *arguments,
        offset,
        count,
    )
    if rows or not offset:
        return [(row[0], row[1]) for row in rows], rows[0][2] if rows else 0
    total = await tx.fetchval(f"select count(*) from ecs_instance where {where}", *arguments)
    return [], int(total)


async def page_after(
    tx: Connection, query: Query, *, after: tuple[datetime, str] | None, count: int
) -> list[tuple[str, int, datetime]]:
    """Return (id, version, created) of up to ``count`` wanted instances that follow ``after``, newest first."""
    where, arguments = _where(query)
    if after is not None:
        arguments += after
        where += f" and (created_at, id) < (${len(arguments) - 1}, ${len(arguments)})"
    rows = await tx.fetch(
        f"select id, version, created_at from ecs_instance where {where} "
        f"order by created_at desc, id desc limit ${len(arguments) + 1}",
        *arguments,
        count,
    )
    return [(row[0], row[1], row[2]) for row in rows]


class Summary(msgspec.Struct, frozen=True):
    """The few columns that other products ask for."""

    id: str
    status: str
    address: str
    zone: str
    vswitch_id: str
    vpc_id: str
    instance_type: str
    created_at: datetime


async def summaries(tx: Connection, query: Query) -> list[Summary]:
    """Return the few columns of the wanted instances."""
    where, arguments = _where(query)
    columns = ", ".join(Summary.__struct_fields__)
    rows = await tx.fetch(f"select {columns} from ecs_instance where {where}", *arguments)
    return [Summary(*row) for row in rows]


async def count(tx: Connection, query: Query) -> int:
    """Return how many instances are wanted."""
    where, arguments = _where(query)
    return int(await tx.fetchval(f"select count(*) from ecs_instance where {where}", *arguments))


def _instance(row: asyncpg.Record) -> Instance:
    fields = dict(row)
    fields["options"] = msgspec.convert(fields["options"], Options)
    return Instance(**fields)


async def add(tx: Connection, instances: Sequence[Instance]) -> None:
    """Write new instances."""
    columns = len(Instance.__struct_fields__)
    values = ", ".join(f"${number}" for number in range(1, columns + 1))
    await tx.executemany(
        f"insert into ecs_instance values ({values})",
        [msgspec.structs.astuple(one) for one in instances],
    )


async def by_ids(tx: Connection, ids: Iterable[str]) -> list[Instance]:
    """Return the instances with these ids, of any account; unknown ones are left out."""
    return [_instance(row) for row in await tx.fetch("select * from ecs_instance where id = any($1)", list(ids))]


async def kinds(tx: Connection, ids: Iterable[str]) -> list[tuple[str, str, str]]:
    """Return id, account and instance type of those of the instances that exist."""
    rows = await tx.fetch("select id, account_id, instance_type from ecs_instance where id = any($1)", list(ids))
    return [(row["id"], row["account_id"], row["instance_type"]) for row in rows]


async def lock(tx: Connection, account_id: str, ids: Iterable[str]) -> dict[str, Instance]:
    """Return the account's instances with these ids and let nobody change them before this transaction has ended."""
    rows = await tx.fetch(
        "select * from ecs_instance where account_id = $1 and id = any($2) order by id for update",
        account_id,
        list(ids),
    )
    return {row["id"]: _instance(row) for row in rows}


async def of_launch(tx: Connection, launch_id: str, settled: Iterable[str]) -> list[Instance]:
    """Return the instances of a launch that are not ``settled``, in the order of the batch."""
    rows = await tx.fetch(
        "select * from ecs_instance where launch_id = $1 and status <> all($2) order by position",
        launch_id,
        list(settled),
    )
    return [_instance(row) for row in rows]


async def images_in_use(db: Connection, account_id: str, ids: Iterable[str]) -> set[str]:
    """Return which of these images the account has instances of."""
    query = "select distinct image_id from ecs_instance where account_id = $1 and image_id = any($2)"
    return {row[0] for row in await db.fetch(query, account_id, list(ids))}


async def launch_has_instances(tx: Connection, launch_id: str) -> bool:
    """Tell whether anything of the launch is left."""
    return bool(await tx.fetchval("select exists (select from ecs_instance where launch_id = $1)", launch_id))


async def with_status(tx: Connection, statuses: Iterable[str]) -> list[str]:
    """Return the ids of every account's instances in one of the statuses."""
    return [row[0] for row in await tx.fetch("select id from ecs_instance where status = any($1)", list(statuses))]


async def every_id(tx: Connection) -> set[str]:
    """Return the ids of all instances there are."""
    return {row[0] for row in await tx.fetch("select id from ecs_instance")}


async def move(
    tx: Connection,
    ids: Iterable[str],
    ways: Mapping[str, str],
    *,
    due_at: datetime,
    started_at: datetime | None = None,
    stopped_mode: str | None = None,
) -> list[Moved]:
    """Give instances the status that ``ways`` leads to from theirs; others are left alone. Return those moved.

    Rows are locked in the order of their ids, so that batches that overlap wait for each other.
    """
    rows = await tx.fetch(
        """
        with candidate as (
            select id, status from ecs_instance where id = any($1) order by id for update
        )
        update ecs_instance as instance
        set status = way.target,
            version = instance.version + 1,
            attempts = 0,
            due_at = $4,
            started_at = coalesce($5, instance.started_at),
            stopped_mode = coalesce($6, instance.stopped_mode)
        from candidate join unnest($2::text[], $3::text[]) as way (source, target) on way.source = candidate.status
        where instance.id = candidate.id
        returning instance.id, way.source, way.target, instance.launch_id, instance.watcher, instance.account_id,
                  instance.region, instance.version
        """,
        list(ids),
        list(ways.keys()),
        list(ways.values()),
        due_at,
        started_at,
        stopped_mode,
    )
    return [Moved(*row) for row in rows]


async def watch(tx: Connection, ids: Iterable[str], watcher: str) -> None:
    """Have ``watcher`` woken, and nobody else, when one of the instances settles."""
    await tx.execute("update ecs_instance set watcher = $2 where id = any($1)", list(ids), watcher)


async def watched_by(tx: Connection, watcher: str) -> list[str]:
    """Return the instances that have a watcher."""
    rows = await tx.fetch("select id from ecs_instance where watcher = $1 order by launch_id, position", watcher)
    return [row["id"] for row in rows]


async def postpone(tx: Connection, instance_id: str, attempts: int, due_at: datetime) -> None:
    """Note that a try has failed and when the next one is due."""
    await tx.execute("update ecs_instance set attempts = $2, due_at = $3 where id = $1", instance_id, attempts, due_at)


async def change(tx: Connection, instance_id: str, changes: Mapping[str, Any]) -> None:
    """Set columns of an instance; the names must be fields of ``Instance``."""
    assignments = ", ".join(f"{name} = ${number}" for number, name in enumerate(changes, 2))
    await tx.execute(
        f"update ecs_instance set version = version + 1, {assignments} where id = $1",
        instance_id,
        *changes.values(),
    )


async def touch(tx: Connection, ids: Iterable[str]) -> None:
    """Raise the version of instances whose tags have changed."""
    await tx.execute("update ecs_instance set version = version + 1 where id = any($1)", list(ids))


async def delete(tx: Connection, ids: Iterable[str]) -> list[Moved]:
    """Remove the rows of released instances; return who they were."""
    rows = await tx.fetch(
        "delete from ecs_instance where id = any($1)"
        " returning id, status, '', launch_id, watcher, account_id, region, version + 1",
        list(ids),
    )
    return [Moved(*row) for row in rows]

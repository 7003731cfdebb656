"""What happened, to the microsecond: the times that the APIs round to seconds and minutes.

Reads only, by ids that the reader was shown by an authorized call.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class ActionTimes(msgspec.Struct, frozen=True, kw_only=True):
    """One wait of an activity on a hook."""

    token: str
    activity_id: str
    hook_id: str
    hook_name: str
    instance_ids: list[str]
    status: str
    result: str | None
    started_at: datetime
    deadline: datetime
    ended_at: datetime | None
    execution_id: str | None


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """When something began and ended; ``ended_at`` is None while it goes on."""

    id: str
    started_at: datetime
    ended_at: datetime | None


class ActivityTimes(msgspec.Struct, frozen=True, kw_only=True):
    """One scaling activity and the instances it handled."""

    id: str
    group_id: str
    started_at: datetime
    ended_at: datetime | None
    created_ids: list[str]
    destroyed_ids: list[str]
    instance_ids: list[str]


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """An instance's moments: made, started, in service in a group. Gone instances have none."""

    id: str
    address: str
    created_at: datetime
    started_at: datetime | None
    joined_at: datetime | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a whitelist and who made it; ``milliseconds`` is what the gate took."""

    instance_id: str
    at: datetime
    group_name: str
    mode: str
    added: list[str]
    removed: list[str]
    caller: str
    request_id: str
    applied_at: datetime | None
    milliseconds: float | None


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """When an address first came in to a Redis instance since it is on its whitelist."""

    instance_id: str
    address: str
    at: datetime


class SizeChange(msgspec.Struct, frozen=True):
    """An activity as far as it changes the size of its group: ``total_capacity`` is the size at its end, or before."""

    id: str
    direction: str
    amount: int
    total_capacity: int
    started_at: datetime
    ended_at: datetime | None

    @property
    def joins(self) -> bool:
        """Whether its instances join."""
        return self.direction == "SCALE_OUT"


async def position(connection: Connection) -> str:
    """Return a mark that moves with every write to the database."""
    return str(await connection.fetchval("select pg_current_wal_insert_lsn()"))


async def activities(connection: Connection, ids: Sequence[str]) -> dict[str, ActivityTimes]:
    """Return when scaling activities ran, and with which instances."""
    rows = await connection.fetch(
        f"select {', '.join(ActivityTimes.__struct_fields__)} from ess_activity where id = any($1)", list(ids)
    )
    return {row["id"]: ActivityTimes(**row) for row in rows}


async def executions(connection: Connection, ids: Sequence[str]) -> dict[str, Span]:
    """Return when executions ran."""
    return await _spans(connection, "oos_execution", "id", ids)


async def tasks(connection: Connection, execution_ids: Sequence[str]) -> dict[str, Span]:
    """Return when the tasks of executions ran, by task execution id."""
    return await _spans(connection, "oos_task", "execution_id", execution_ids)


async def waiting_for(connection: Connection, execution_id: str) -> str:
    """Return what an execution waits for people to say; empty when it does not."""
    return str(await connection.fetchval("select waiting from oos_execution where id = $1", execution_id) or "")


async def actions(connection: Connection, activity_ids: Sequence[str]) -> list[ActionTimes]:
    """Return the waits of activities, in the order in which they began."""
    rows = await connection.fetch(
        f"select {', '.join(ActionTimes.__struct_fields__)} from ess_action"
        " where activity_id = any($1) order by started_at, position",
        list(activity_ids),
    )
    return [ActionTimes(**row) for row in rows]


async def pending(connection: Connection, instance_ids: Sequence[str]) -> list[ActionTimes]:
    """Return the waits that hold these instances now."""
    rows = await connection.fetch(
        f"select {', '.join(ActionTimes.__struct_fields__)} from ess_action"
        " where status = 'Pending' and instance_ids && $1 order by started_at, position",
        list(instance_ids),
    )
    return [ActionTimes(**row) for row in rows]


async def activities_of_executions(connection: Connection, execution_ids: Sequence[str]) -> dict[str, str]:
    """Return the scaling activities whose hooks started executions."""
    rows = await connection.fetch(
        "select execution_id, activity_id from ess_action where execution_id = any($1)", list(execution_ids)
    )
    return {row["execution_id"]: row["activity_id"] for row in rows}


async def activities_of_instance(connection: Connection, instance_id: str, limit: int) -> list[str]:
    """Return the scaling activities that handled an instance, the latest first."""
    rows = await connection.fetch(
        "select id from ess_activity where $1 = any(created_ids || destroyed_ids || instance_ids || started_ids"
        " || stopped_ids) order by position desc limit $2",
        instance_id,
        limit,
    )
    return [row["id"] for row in rows]


async def sizes(connection: Connection, group_id: str, since: datetime, limit: int) -> list[SizeChange]:
    """Return the activities of a group that ended after ``since`` or still run, and the last one before."""
    fields = ", ".join(SizeChange.__struct_fields__)
    rows = await connection.fetch(
        f"(select {fields} from ess_activity where group_id = $1 and status <> 'Rejected'"
        " and (ended_at is null or ended_at > $2) order by position desc limit $3)"
        f" union all (select {fields} from ess_activity where group_id = $1 and status <> 'Rejected'"
        " and ended_at <= $2 order by position desc limit 1)",
        group_id,
        since,
        limit,
    )
    return [SizeChange(*row) for row in rows]


async def presences(connection: Connection, instance_ids: Sequence[str]) -> dict[str, Presence]:
    """Return the moments of the instances that there still are."""
    rows = await connection.fetch(
        "select i.id, i.address, i.created_at, i.started_at, m.joined_at from ecs_instance i"
        " left join ess_member m on m.instance_id = i.id where i.id = any($1)",
        list(instance_ids),
    )
    return {row["id"]: Presence(**row) for row in rows}


async def instances_at(connection: Connection, addresses: Sequence[str]) -> dict[str, str]:
    """Return the instances that have these addresses now, by address."""
    rows = await connection.fetch("select address, id from ecs_instance where address = any($1)", list(addresses))
    return {row["address"]: row["id"] for row in rows}


async def changes(connection: Connection, instance_id: str, limit: int) -> list[Change]:
    """Return the latest changes of a Redis instance's whitelist, the latest first."""
    rows = await connection.fetch(
        f"select {', '.join(Change.__struct_fields__)} from kvstore_change where instance_id = $1"
        " order by id desc limit $2",
        instance_id,
        limit,
    )
    return [Change(**row) for row in rows]


async def sources(connection: Connection, instance_id: str) -> dict[tuple[str, str], Change]:
    """Return the change that brought each entry: (group, entry) → the latest that added it."""
    rows = await connection.fetch(
        f"select distinct on (group_name, entry) entry, {', '.join(Change.__struct_fields__)} from"
        " (select unnest(added) as entry, * from kvstore_change where instance_id = $1) each"
        " order by group_name, entry, id desc",
        instance_id,
    )
    return {
        (row["group_name"], row["entry"]): Change(**{key: row[key] for key in Change.__struct_fields__}) for row in rows
    }


async def arrivals(connection: Connection, instance_ids: Sequence[str], limit: int) -> list[Arrival]:
    """Return the first connections to Redis instances, the latest first."""
    rows = await connection.fetch(
        "select instance_id, address, at from kvstore_connection where instance_id = any($1) order by at desc limit $2",
        list(instance_ids),
        limit,
    )
    return [Arrival(**row) for row in rows]


async def _spans(connection: Connection, table: str, column: str, ids: Sequence[str]) -> dict[str, Span]:
    rows = await connection.fetch(f"select id, started_at, ended_at from {table} where {column} = any($1)", list(ids))
    return {row["id"]: Span(**row) for row in rows}

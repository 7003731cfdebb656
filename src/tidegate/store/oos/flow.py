"""Queries of flow control: how many executions run, and which are queued."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from tidegate.store.oos.records import LogLine

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: those that run or are queued: what the partial index ``oos_execution_flow`` holds
_FLOWING = "account_id = $1 and region = $2 and ended_at is null and parent_id is null and waiting = ''"


async def is_full(tx: Connection, account_id: str, region: str, limit: int) -> bool:
    """Whether ``limit`` executions run or are queued."""
    return bool(
        await tx.fetchval(
            f"select count(*) >= $3 from (select from oos_execution where {_FLOWING} limit $3) flowing",
            account_id,
            region,
            limit,
        )
    )


async def admit(tx: Connection, account_id: str, region: str, limit: int, now: datetime) -> Sequence[str]:
    """Start as many queued executions as there is room for, oldest first, and return their ids."""
    rows = await tx.fetch(
        f"with running as (select count(*) as n from oos_execution where {_FLOWING} and status <> 'Queued'),"
        f" first as (select id from oos_execution where {_FLOWING} and status = 'Queued' order by created_at, id"
        "   limit greatest($3 - (select n from running), 0) for update skip locked)"
        " update oos_execution set status = 'Started', started_at = $4, updated_at = $4 where id in (select id from first)"
        " returning id",
        account_id,
        region,
        limit,
        now,
    )
    return [row["id"] for row in rows]


async def has_queue(tx: Connection, account_id: str, region: str) -> bool:
    """Whether any execution is queued."""
    return bool(
        await tx.fetchval(
            f"select exists (select from oos_execution where {_FLOWING} and status = 'Queued')", account_id, region
        )
    )


async def cancel(tx: Connection, execution_id: str, now: datetime) -> bool:
    """End a queued execution; False when it is not queued (any more)."""
    return bool(
        await tx.fetchval(
            "update oos_execution set status = 'Cancelled', ended_at = $2, updated_at = $2"
            " where id = $1 and status = 'Queued' returning true",
            execution_id,
            now,
        )
    )


async def note(tx: Connection, execution_id: str, line: LogLine) -> None:
    """Add a line to the log of an execution that nobody drives."""
    await tx.execute(
        "insert into oos_log (execution_id, at, task_execution_id, message) values ($1, $2, $3, $4)",
        execution_id,
        line.at,
        line.task_execution_id,
        line.message,
    )


async def delete_ended(tx: Connection, before: datetime, *, limit: int) -> int:
    """Delete executions that ended before a moment; returns how many. Those that a living parent may look at stay."""
    return int(
        await tx.fetchval(
            "with old as (select id from oos_execution old where ended_at < $1 and not exists"
            "    (select from oos_execution above where above.id = old.parent_id and above.ended_at is null"
            "     and above.category not like '%Trigger') order by ended_at limit $2),"
            " gone as (delete from oos_execution where id in (select id from old) returning 1)"
            " select count(*) from gone",
            before,
            limit,
        )
    )

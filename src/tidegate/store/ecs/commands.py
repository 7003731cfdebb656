"""Cloud Assistant: commands, invocations, and their runs on each instance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg
import msgspec

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command; ``kept`` is false for those that RunCommand made for itself."""

    id: str
    account_id: str
    region: str
    name: str
    description: str
    type: str
    content: bytes
    working_dir: str
    timeout: int
    enable_parameter: bool
    kept: bool
    created_at: datetime


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """One use of a command on some instances, with a copy of what was run. ``script`` has its parameters filled in."""

    id: str
    account_id: str
    region: str
    command_id: str
    name: str
    description: str
    type: str
    content: bytes
    script: bytes
    working_dir: str
    timeout: int
    parameters: dict[str, str]
    username: str
    created_at: datetime
    runner: str | None = None
    beat_at: datetime | None = None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """An invocation on one instance."""

    invocation_id: str
    instance_id: str
    position: int
    status: str
    exit_code: int | None = None
    output: bytes = b""
    dropped: int = 0
    error_code: str = ""
    error_info: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    stopped_at: datetime | None = None
    updated_at: datetime


async def add_command(tx: Connection, command: Command) -> None:
    """Write a new command."""
    await tx.execute(
        "insert into ecs_command values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        *msgspec.structs.astuple(command),
    )


async def command(tx: Connection, account_id: str, region: str, command_id: str) -> Command | None:
    """Return the account's command, if there is one."""
    query = "select * from ecs_command where account_id = $1 and region = $2 and id = $3"
    row = await tx.fetchrow(query, account_id, region, command_id)
    return Command(**row) if row else None


async def commands(
    tx: Connection,
    account_id: str,
    region: str,
    *,
    command_id: str | None,
    name: str | None,
    kind: str | None,
    offset: int,
    count: int,
) -> tuple[list[Command], int]:
    """Return one page of the commands that are kept, newest first, and how many there are in all."""
    where = """
        from ecs_command
        where account_id = $1 and region = $2 and kept and ($3::text is null or id = $3)
          and ($4::text is null or name = $4) and ($5::text is null or type = $5)
    """
    wanted = (account_id, region, command_id, name, kind)
    rows = await tx.fetch(
        f"select * {where} order by created_at desc, id offset $6 limit $7",
        *wanted,
        offset,
        count,
    )
    total = await tx.fetchval(f"select count(*) {where}", *wanted)
    return [Command(**row) for row in rows], int(total)


async def delete_command(tx: Connection, account_id: str, region: str, command_id: str) -> bool:
    """Remove a command; False when there is none. What it ran stays on record."""
    query = "delete from ecs_command where account_id = $1 and region = $2 and id = $3 returning true"
    return bool(await tx.fetchval(query, account_id, region, command_id))


async def add_invocation(tx: Connection, invocation: Invocation, runs: Iterable[Run]) -> None:
    """Write a new invocation and its runs."""
    await tx.execute(
        "insert into ecs_invocation values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        *msgspec.structs.astuple(invocation),
    )
    await tx.executemany(
        "insert into ecs_run values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        [msgspec.structs.astuple(run) for run in runs],
    )


async def invocation(tx: Connection, invocation_id: str) -> Invocation | None:
    """Return an invocation of any account, if there is one."""
    row = await tx.fetchrow("select * from ecs_invocation where id = $1", invocation_id)
    return _invocation(row) if row else None


def _invocation(row: asyncpg.Record) -> Invocation:
    return Invocation(**row)


async def invocations(
    tx: Connection,
    account_id: str,
    region: str,
    *,
    invocation_id: str | None,
    command_id: str | None,
    name: str | None,
    kind: str | None,
    instance_ids: Sequence[str] | None,
    offset: int,
    count: int,
) -> tuple[list[Invocation], int]:
    """Return one page of the account's invocations, newest first, and how many there are in all."""
    where = """
        from ecs_invocation
        where account_id = $1 and region = $2 and ($3::text is null or id = $3)
          and ($4::text is null or command_id = $4) and ($5::text is null or name = $5)
          and ($6::text is null or type = $6)
          and ($7::text[] is null or exists (
              select from ecs_run where invocation_id = ecs_invocation.id and instance_id = any($7)))
    """
    ids = None if instance_ids is None else list(instance_ids)
    wanted = (account_id, region, invocation_id, command_id, name, kind, ids)
    rows = await tx.fetch(
        f"select * {where} order by created_at desc, id offset $8 limit $9",
        *wanted,
        offset,
        count,
    )
    total = await tx.fetchval(f"select count(*) {where}", *wanted)
    return [_invocation(row) for row in rows], int(total)


async def runs(tx: Connection, invocation_ids: Iterable[str]) -> list[Run]:
    """Return the runs of these invocations, in the order the instances were named."""
    rows = await tx.fetch(
        "select * from ecs_run where invocation_id = any($1) order by invocation_id, position", list(invocation_ids)
    )
    return [Run(**row) for row in rows]


async def own(tx: Connection, invocation_id: str, runner: str, now: datetime) -> None:
    """Note which process runs the invocation from now on."""
    await tx.execute("update ecs_invocation set runner = $2, beat_at = $3 where id = $1", invocation_id, runner, now)


async def beat(tx: Connection, invocation_id: str, runner: str, now: datetime) -> set[str] | None:
    """Say that ``runner`` lives; return the instances whose run is to be stopped. None: somebody else runs it now."""
    query = "update ecs_invocation set beat_at = $3 where id = $1 and runner = $2 returning true"
    if not await tx.fetchval(query, invocation_id, runner, now):
        return None
    asked = "select instance_id from ecs_run where invocation_id = $1 and status = 'Stopping'"
    return {row[0] for row in await tx.fetch(asked, invocation_id)}


async def begin(tx: Connection, invocation_id: str, now: datetime) -> list[str]:
    """Mark the waiting runs as running; return their instances."""
    rows = await tx.fetch(
        """
        update ecs_run set status = 'Running', started_at = $2, updated_at = $2
        where invocation_id = $1 and status = 'Pending'
        returning instance_id
        """,
        invocation_id,
        now,
    )
    return [row[0] for row in rows]


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended."""

    status: str
    exit_code: int | None = None
    output: bytes = b""
    dropped: int = 0
    error_code: str = ""
    error_info: str = ""


async def end(tx: Connection, invocation_id: str, instance_id: str, ending: Ending, now: datetime) -> None:
    """Write how a run ended, unless it has ended already."""
    await tx.execute(
        """
        update ecs_run
        set status = $3, exit_code = $4, output = $5, dropped = $6, error_code = $7, error_info = $8,
            finished_at = $9, updated_at = $9,
            stopped_at = case when $3 = 'Terminated' then $9 else stopped_at end
        where invocation_id = $1 and instance_id = $2 and status in ('Pending', 'Running', 'Stopping')
        """,
        invocation_id,
        instance_id,
        *msgspec.structs.astuple(ending),
        now,
    )


async def ask_to_stop(tx: Connection, invocation_id: str, instance_ids: Sequence[str] | None, now: datetime) -> None:
    """Cancel the runs that wait and mark the running ones as stopping; None: on every instance."""
    await tx.execute(
        """
        update ecs_run
        set status = case status when 'Pending' then 'Cancelled' else 'Stopping' end,
            stopped_at = case status when 'Pending' then $3 else stopped_at end,
            updated_at = $3
        where invocation_id = $1 and ($2::text[] is null or instance_id = any($2)) and status in ('Pending', 'Running')
        """,
        invocation_id,
        None if instance_ids is None else list(instance_ids),
        now,
    )


async def forget(tx: Connection, before: datetime) -> None:
    """Remove the invocations that were made before a moment, whoever made them."""
    await tx.execute("delete from ecs_invocation where created_at < $1", before)

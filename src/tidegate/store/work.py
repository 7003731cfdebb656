"""Work: the things that are driven to a goal, as everybody but their controllers sees them.

Every function runs inside the caller's transaction, so a change and the wake-up it calls for are one commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from tidegate.store.database import Connection

Status = Literal["Active", "Success", "Failed", "Cancelled"]
Control = Literal["run", "pause", "cancel"]


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One thing driven to its goal. ``key`` is ``<kind of thing>/<its id>``, ``kind`` names its controller.

    ``due_at`` is when it is looked at again without being woken; ``attempts`` counts failures in a row; ``error`` is the
    text of the last one, or why it Failed.
    """

    key: str
    kind: str
    parent: str | None
    input: Any
    status: Status
    control: Control
    due_at: datetime | None
    attempts: int
    output: Any
    error: str | None
    started_at: datetime
    finished_at: datetime | None


_COLUMNS = ", ".join(Work.__struct_fields__)


async def start(
    tx: Connection,
    key: str,
    kind: str,
    input: Any = None,  # noqa: A002 - the name of the column and of ``Run.input``
    *,
    now: datetime,
    parent: str | None = None,
) -> bool:
    """Begin the work ``key`` once and for all. Returns False, changing nothing, when it was there already, even ended."""
    return bool(
        await tx.fetchval(
            "with made as (insert into work (key, kind, input, parent, due_at, started_at) values ($1, $2, $3, $4, $5, $5)"
            " on conflict (key) do nothing returning key)"
            " select enqueue(array[key]) from made",
            key,
            kind,
            input,
            parent,
            now,
        )
    )


async def drive(
    tx: Connection,
    key: str,
    kind: str,
    input: Any = None,  # noqa: A002
    *,
    now: datetime,
) -> None:
    """Ask again and again for a goal: begin the work, wake it when it is active, reopen it when it has ended.

    Reopening forgets the steps and waits of the life before. For things that are compared with their goal (a group, an
    instance) rather than run once; an end that its controller decided before this call does not count.
    """
    await tx.execute(
        # The row is locked before it is changed, so an end that is being committed is seen, and reopened.
        "with before as (select finished_at is not null as ended from work where key = $1 for no key update),"
        " asked as (insert into work as was (key, kind, input, due_at, started_at)"
        "   select $1, $2, $3, $4, $4 from (select count(*) from before) locked"
        "   on conflict (key) do update set generation = was.generation + 1, input = $3, due_at = least(was.due_at, $4),"
        "     status = 'Active', control = case was.status when 'Active' then was.control else 'run' end,"
        "     attempts = 0, output = null, error = null, finished_at = null"
        "   returning key),"
        " told as (insert into signal (work, at) select key, $4 from asked),"
        " unjournaled as (delete from journal using before where work = $1 and ended),"
        " unasked as (delete from wait using before where work = $1 and ended)"
        " select enqueue(array[key]) from asked",
        key,
        kind,
        input,
        now,
    )


async def wake(tx: Connection, *keys: str, now: datetime) -> None:
    """Have these looked at now. Unknown and ended ones are left alone."""
    await tx.execute(
        "with told as (insert into signal (work, at) select key, $2 from work"
        "  where key = any($1) and status = 'Active' returning work)"
        " select enqueue(array_agg(work)) from told",
        list(keys),
        now,
    )


async def answer(tx: Connection, wait_key: str, result: Any, *, now: datetime) -> bool:
    """Answer the open question ``<work key>/<name>``. False: unknown, answered before, or too late."""
    work = await tx.fetchval(
        "update wait set result = $2, answered_at = $3"
        " where key = $1 and answered_at is null and not late and (deadline is null or deadline > $3) returning work",
        wait_key,
        result,
        now,
    )
    if work is None:
        return False
    await wake(tx, work, now=now)
    return True


async def cancel(tx: Connection, key: str, *, now: datetime) -> bool:
    """Ask the work to undo what it did and end as Cancelled. False: unknown or ended."""
    return await _control(tx, key, "cancel", "status = 'Active'", now)


async def pause(tx: Connection, key: str, *, now: datetime) -> bool:
    """Let the running step end and begin no other. Answers are kept, deadlines go on. False: not running freely."""
    return await _control(tx, key, "pause", "control = 'run'", now)


async def resume(tx: Connection, key: str, *, now: datetime) -> bool:
    """Go on after ``pause``. False: not paused."""
    return await _control(tx, key, "run", "control = 'pause'", now)


async def _control(tx: Connection, key: str, control: Control, condition: str, now: datetime) -> bool:
    told = await tx.fetchval(
        f"update work set control = $2 where key = $1 and status = 'Active' and {condition} returning key",
        key,
        control,
    )
    if told is None:
        return False
    await wake(tx, key, now=now)
    return True


async def find(tx: Connection, key: str) -> Work | None:
    """Return the work, or None."""
    row = await tx.fetchrow(f"select {_COLUMNS} from work where key = $1", key)
    return Work(**row) if row else None


async def children(tx: Connection, parent: str) -> Sequence[Work]:
    """Return the works started with ``parent``, oldest first."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from work where parent = $1 order by started_at, key",
        parent,
    )
    return [Work(**row) for row in rows]


async def forget(tx: Connection, before: datetime, *, limit: int = 1000) -> int:
    """Delete works that ended before a moment, with their journals; returns how many, at most ``limit``.

    Children stay as long as their parent is active, which may still look at them.
    """
    return int(
        await tx.fetchval(
            "with old as (delete from work where key in (select child.key from work child"
            "    where child.finished_at < $1 and not exists"
            "      (select from work p where p.key = child.parent and p.status = 'Active') limit $2) returning 1)"
            " select count(*) from old",
            before,
            limit,
        )
    )

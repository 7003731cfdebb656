"""The progress of an execution: its row and the rows of its tasks are the journal of its controller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.store.leases import FENCE
from tidegate.store.oos.records import ExecutionRecord, LogLine, Notice, TaskRecord
from tidegate.store.work import Control

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_EXECUTION = ", ".join(ExecutionRecord.__struct_fields__)
_TASK = ", ".join(TaskRecord.__struct_fields__)


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """What one step forward changes, all of it or nothing: tasks that ended, were skipped or begin, and the log."""

    execution_id: str
    status: str
    status_message: str
    waiting: str = ""
    #: up to this number, notices have been taken into account
    noticed: int | None = None
    outputs: Any = None
    #: everything of the execution that is secret; None: as it was
    sealed: str | None = None
    ended_at: datetime | None = None
    tasks: Sequence[TaskRecord]
    lines: Sequence[LogLine]
    now: datetime


async def add(tx: Connection, execution: ExecutionRecord, line: LogLine) -> bool:
    """Add a new execution and the first line of its log. False, changing nothing: it was there already."""
    values = [getattr(execution, field) for field in ExecutionRecord.__struct_fields__]
    places = ", ".join(f"${number}" for number in range(4, len(values) + 4))
    made = await tx.fetchval(
        f"with made as (insert into oos_execution ({_EXECUTION}) values ({places}) on conflict do nothing returning id)"
        " insert into oos_log (execution_id, at, task_execution_id, message) select id, $1, $2, $3 from made"
        " returning execution_id",
        line.at,
        line.task_execution_id,
        line.message,
        *values,
    )
    return made is not None


async def unended_children(connection: Connection, execution_id: str) -> list[str]:
    """Return the children of an execution that have not ended."""
    rows = await connection.fetch(
        "select id from oos_execution where parent_id = $1 and ended_at is null order by id", execution_id
    )
    return [row["id"] for row in rows]


async def load(connection: Connection, execution_id: str) -> tuple[ExecutionRecord, list[TaskRecord]] | None:
    """Return an execution and its tasks in the order of their start; None when it was deleted."""
    row = await connection.fetchrow(f"select {_EXECUTION} from oos_execution where id = $1", execution_id)
    if row is None:
        return None
    execution = ExecutionRecord(**row)
    if execution.status == "Started":  # no task has begun
        return execution, []
    rows = await connection.fetch(
        f"select {_TASK} from oos_task where execution_id = $1 and parent_id is null order by number", execution_id
    )
    return execution, [TaskRecord(**task) for task in rows]


async def load_items(connection: Connection, parent_id: str) -> list[TaskRecord]:
    """Return the items of a looped task that have begun, in their order."""
    rows = await connection.fetch(f"select {_TASK} from oos_task where parent_id = $1 order by number", parent_id)
    return [TaskRecord(**item) for item in rows]


#: what a task that has begun can still change
_CHANGING = ("status", "status_message", "outputs", "jump", "memo", "due_at", "sealed", "updated_at", "ended_at")
_JSON = ("loop", "item", "properties", "polling", "outputs", "memo")
_MOMENTS = ("due_at", "created_at", "started_at", "updated_at", "ended_at")
_TYPES = {"number": "integer", "batch": "integer"} | dict.fromkeys(_MOMENTS, "timestamptz")
#: json inside the given json travels as text: PostgreSQL takes no NUL character out of json otherwise
_VALUES = ", ".join(f"{name}::json" if name in _JSON else name for name in TaskRecord.__struct_fields__)
_GIVEN = ", ".join(f"{name} {_TYPES.get(name, 'text')}" for name in TaskRecord.__struct_fields__)
_CHANGES = ", ".join(f"{name} = excluded.{name}" for name in _CHANGING)
_ADVANCE = (
    f"with {FENCE},"
    f" tasks as (insert into oos_task ({_TASK}) select {_VALUES} from json_to_recordset($3) as given ({_GIVEN})"
    f"   where exists (select from owned) on conflict (id) do update set {_CHANGES}),"
    " lines as (insert into oos_log (execution_id, at, task_execution_id, message) select $4, at, task_execution_id, message"
    "   from json_to_recordset($5) as given (at timestamptz, task_execution_id text, message text)"
    "   where exists (select from owned)),"
    " execution as (update oos_execution set status = $6, status_message = $7, outputs = $8, ended_at = $9, updated_at = $10,"
    "   waiting = $11, sealed = coalesce($12, sealed)"
    "   where id = $4 and exists (select from owned))"
    "{more} select control from owned"
)
_FORGET = ", told as (delete from oos_notice where execution_id = $4 and number <= $13 and exists (select from owned))"
_ADVANCE_UNNOTICED, _ADVANCE_NOTICED = (_ADVANCE.replace("{more}", more) for more in ("", _FORGET))
#: more than any notice has: whatever was said before an execution begins to wait is not about this wait
ALL_NOTICES = 2**62


async def advance(connection: Connection, key: str, token: int, progress: Progress) -> Control | None:
    """Write one step forward, in one statement; returns what is asked of the work now. None: fenced, nothing written."""
    more = () if progress.noticed is None else (progress.noticed,)
    control: Control | None = await connection.fetchval(
        _ADVANCE_NOTICED if more else _ADVANCE_UNNOTICED,
        key,
        token,
        [_given(task) for task in progress.tasks],
        progress.execution_id,
        progress.lines,
        progress.status,
        progress.status_message,
        progress.outputs,
        progress.ended_at,
        progress.now,
        progress.waiting,
        progress.sealed,
        *more,
    )
    return control


async def tell(
    tx: Connection, execution_id: str, kind: str, *, sender: str, note: str, said: Mapping[str, Any] | None = None
) -> None:
    """Keep what somebody answered until the execution takes it into account."""
    await tx.execute(
        "insert into oos_notice (execution_id, kind, sender, note, said) values ($1, $2, $3, $4, $5)",
        execution_id,
        kind,
        sender,
        note,
        said or {},
    )


async def notices(connection: Connection, execution_id: str) -> list[Notice]:
    """Return what was answered and not taken into account yet, oldest first."""
    rows = await connection.fetch(
        "select number, kind, sender, note, said from oos_notice where execution_id = $1 order by number", execution_id
    )
    return [Notice(**row) for row in rows]


def _given(task: TaskRecord) -> dict[str, Any]:
    fields = msgspec.structs.asdict(task)
    return fields | {name: msgspec.json.encode(fields[name]).decode() for name in _JSON}

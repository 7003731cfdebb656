"""Queries about executions, their tasks and their logs, for those who look at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.store.oos.records import ExecutionRecord, Firings, LogLine, Overview, TaskGlance, TaskRecord

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_EXECUTION = ", ".join(f"execution.{field}" for field in ExecutionRecord.__struct_fields__)
_TASK = ", ".join(f"task.{field}" for field in TaskRecord.__struct_fields__)


class ExecutionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What ListExecutions may ask for; None: no matter. Texts are exact, ``template_name`` and ``description`` parts."""

    execution_id: str | None = None
    template_name: str | None = None
    status: str | None = None
    mode: str | None = None
    executed_by: str | None = None
    ram_role: str | None = None
    parent_id: str | None = None
    #: 0: without parents only, 1: children of those too, None: all
    depth: int | None = 0
    categories: Sequence[str] | None = None
    started_before: datetime | None = None
    started_after: datetime | None = None
    ended_before: datetime | None = None
    ended_after: datetime | None = None
    description: str | None = None
    resource_group_id: str | None = None
    #: text of an identifier that must stand in the parameters
    resource_id: str | None = None
    #: exact name of the template that the resources are worked on with (ASSUMPTION: the execution's own)
    resource_template_name: str | None = None
    tags: Mapping[str, str] | None = None
    sort_by: str = "started_at"
    descending: bool = True


class TaskFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What ListTaskExecutions may ask for; None: no matter."""

    execution_id: str | None = None
    task_id: str | None = None
    name: str | None = None
    action: str | None = None
    status: str | None = None
    #: the looped task whose items are asked for
    parent_id: str | None = None
    has_items: bool = False
    started_before: datetime | None = None
    started_after: datetime | None = None
    ended_before: datetime | None = None
    ended_after: datetime | None = None
    sort_by: str = "started_at"
    descending: bool = True


class _Conditions:
    """Collects SQL conditions with numbered arguments."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = list(arguments)
        self._conditions: list[str] = []

    def add(self, condition: str, value: Any) -> None:
        """Add a condition with one ``?``, unless ``value`` is None."""
        if value is not None:
            self.arguments.append(value)
            self._conditions.append(condition.replace("?", f"${len(self.arguments)}"))

    def __str__(self) -> str:
        return "".join(f" and {condition}" for condition in self._conditions)


_DEPTHS = {
    0: "execution.parent_id is null",
    1: "(execution.parent_id is null or exists (select from oos_execution above"
    " where above.id = execution.parent_id and above.parent_id is null))",
}


def _execution_conditions(account_id: str, region: str, wanted: ExecutionFilter) -> _Conditions:
    conditions = _Conditions(account_id, region)
    conditions.add("execution.id = ?", wanted.execution_id)
    conditions.add("position(lower(?) in lower(execution.template_name)) > 0", wanted.template_name)
    conditions.add("execution.status = ?", wanted.status)
    conditions.add("execution.mode = ?", wanted.mode)
    conditions.add("execution.executed_by = ?", wanted.executed_by)
    conditions.add("execution.ram_role = ?", wanted.ram_role)
    conditions.add("execution.parent_id = ?", wanted.parent_id)
    conditions.add("execution.category = any(?)", wanted.categories)
    conditions.add("execution.started_at <= ?", wanted.started_before)
    conditions.add("execution.started_at >= ?", wanted.started_after)
    conditions.add("execution.ended_at <= ?", wanted.ended_before)
    conditions.add("execution.ended_at >= ?", wanted.ended_after)
    conditions.add("position(lower(?) in lower(execution.description)) > 0", wanted.description)
    conditions.add("execution.resource_group_id = ?", wanted.resource_group_id)
    conditions.add(
        "(position(? in execution.parameters::text) > 0 or exists (select from oos_task task"
        " where task.execution_id = execution.id and task.memo->'targets' is not null and position(? in task.memo::text) > 0))",
        wanted.resource_id,
    )
    conditions.add("execution.template_name = ?", wanted.resource_template_name)
    conditions.add("execution.tags @> ?", wanted.tags)
    return conditions


async def list_executions(
    connection: Connection, account_id: str, region: str, wanted: ExecutionFilter, *, offset: int, limit: int
) -> tuple[Sequence[ExecutionRecord], int]:
    """Return one page of executions and how many there are in all."""
    conditions = _execution_conditions(account_id, region, wanted)
    depth = _DEPTHS.get(wanted.depth) if wanted.depth is not None else None
    source = (
        "from oos_execution execution where execution.account_id = $1 and execution.region = $2"
        f"{conditions}{f' and {depth}' if depth else ''}"
    )
    order = "desc" if wanted.descending else "asc"
    rows = await connection.fetch(
        f"select {_EXECUTION} {source} order by execution.{wanted.sort_by} {order}, execution.id {order}"
        f" offset {offset:d} limit {limit:d}",
        *conditions.arguments,
    )
    total = offset + len(rows)
    if len(rows) == limit or (offset and not rows):
        total = await connection.fetchval(f"select count(*) {source}", *conditions.arguments)
    return [ExecutionRecord(**row) for row in rows], total


async def find(connection: Connection, account_id: str, region: str, execution_id: str) -> ExecutionRecord | None:
    """Return one execution."""
    row = await connection.fetchrow(
        f"select {_EXECUTION} from oos_execution execution where account_id = $1 and region = $2 and id = $3",
        account_id,
        region,
        execution_id,
    )
    return ExecutionRecord(**row) if row else None


async def overviews(connection: Connection, records: Sequence[ExecutionRecord]) -> Mapping[str, Overview]:
    """Return what lists show beside the rows, for each of these executions."""
    rows = await connection.fetch(
        "select id, (select json_object_agg(status, tasks) from (select status, count(*) as tasks from oos_task"
        "   where execution_id = wanted.id and parent_id is null group by status) counted) as counters,"
        " (select json_agg(json_build_object('id', task.id, 'name', name, 'action', action) order by number)"
        "   from oos_task task where execution_id = wanted.id and parent_id is null and status in ('Running', 'Waiting')) as current,"
        " exists (select from oos_execution child where child.parent_id = wanted.id) as has_children,"
        " (select memo->'targets' from oos_task where execution_id = wanted.id and parent_id is null"
        "   and action = 'ACS::SelectTargets' and memo->'targets' is not null order by number desc limit 1) as targets"
        " from unnest($1::text[]) as wanted (id)",
        [record.id for record in records],
    )
    firings = await _firings(connection, [record.id for record in records if record.is_trigger])
    return {
        row["id"]: Overview(
            counters=(firings[row["id"]].counters if row["id"] in firings else row["counters"]) or {},
            current=tuple(TaskGlance(**task) for task in row["current"] or ()),
            has_children=row["has_children"],
            targets=row["targets"],
            firings=firings.get(row["id"]),
        )
        for row in rows
    }


async def _firings(connection: Connection, execution_ids: Sequence[str]) -> Mapping[str, Firings]:
    """Return what the triggers of executions have started."""
    if not execution_ids:
        return {}
    rows = await connection.fetch(
        "select wanted.id, (select json_object_agg(status, children) from (select status, count(*) as children"
        "   from oos_execution where parent_id = wanted.id group by status) counted) as counters,"
        " last.started_at as last_at, last.status as last_status, last.status_message as last_message,"
        " last.outputs as last_outputs,"
        " (select max(started_at) from oos_execution where parent_id = wanted.id and status = 'Success') as last_success_at,"
        " (select due_at from oos_task where execution_id = wanted.id and number = 1 and parent_id is null"
        "   and ended_at is null) as next_at"
        " from unnest($1::text[]) as wanted (id)"
        " left join lateral (select * from oos_execution where parent_id = wanted.id"
        "   order by started_at desc, id desc limit 1) last on true",
        list(execution_ids),
    )
    return {row["id"]: Firings(**{name: row[name] for name in Firings.__struct_fields__}) for row in rows}


async def list_tasks(
    connection: Connection, account_id: str, region: str, wanted: TaskFilter, *, offset: int, limit: int
) -> Sequence[tuple[TaskRecord, ExecutionRecord]]:
    """Return one page of task executions, each with its execution."""
    conditions = _Conditions(account_id, region)
    conditions.add("task.execution_id = ?", wanted.execution_id)
    conditions.add("task.id = ?", wanted.task_id)
    conditions.add("task.name = ?", wanted.name)
    conditions.add("lower(task.action) = lower(?)", wanted.action)
    conditions.add("task.status = ?", wanted.status)
    conditions.add("task.parent_id = ?", wanted.parent_id)
    conditions.add("task.started_at <= ?", wanted.started_before)
    conditions.add("task.started_at >= ?", wanted.started_after)
    conditions.add("task.ended_at <= ?", wanted.ended_before)
    conditions.add("task.ended_at >= ?", wanted.ended_after)
    order = "desc" if wanted.descending else "asc"
    rows = await connection.fetch(
        f"select {_TASK} from oos_task task join oos_execution execution on execution.id = task.execution_id"
        f" where execution.account_id = $1 and execution.region = $2{conditions}"
        f"{'' if wanted.has_items else ' and task.parent_id is null'}"
        f" order by task.{wanted.sort_by} {order}, task.execution_id {order}, task.number {order}"
        f" offset {offset:d} limit {limit:d}",
        *conditions.arguments,
    )
    tasks = [TaskRecord(**row) for row in rows]
    owners = await connection.fetch(
        f"select {_EXECUTION} from oos_execution execution where id = any($1)", [task.execution_id for task in tasks]
    )
    by_id = {row["id"]: ExecutionRecord(**row) for row in owners}
    return [(task, by_id[task.execution_id]) for task in tasks if task.execution_id in by_id]


async def count_items(connection: Connection, task_ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
    """Return how many items of looped tasks have which status, by the id of the task."""
    rows = await connection.fetch(
        "select parent_id, json_object_agg(status, items) as counters from (select parent_id, status, count(*) as items"
        "   from oos_task where parent_id = any($1) group by parent_id, status) counted group by parent_id",
        list(task_ids),
    )
    return {row["parent_id"]: row["counters"] for row in rows}


async def list_log(
    connection: Connection, execution_id: str, task_execution_id: str | None, *, offset: int, limit: int
) -> Sequence[LogLine]:
    """Return one page of an execution's log, oldest line first."""
    rows = await connection.fetch(
        "select at, task_execution_id, message from oos_log where execution_id = $1"
        " and ($2::text is null or task_execution_id = $2) order by number offset $3 limit $4",
        execution_id,
        task_execution_id,
        offset,
        limit,
    )
    return [LogLine(**row) for row in rows]


async def current_task(connection: Connection, execution_id: str) -> TaskRecord | None:
    """Return the task that is under way or waits, when one does."""
    row = await connection.fetchrow(
        f"select {_TASK} from oos_task task where execution_id = $1 and parent_id is null"
        " and status in ('Running', 'Waiting') order by number desc limit 1",
        execution_id,
    )
    return TaskRecord(**row) if row else None


async def statuses(
    connection: Connection, account_id: str, region: str, execution_ids: Sequence[str]
) -> Mapping[str, str]:
    """Return the status of each of these executions that exists."""
    rows = await connection.fetch(
        "select id, status from oos_execution where account_id = $1 and region = $2 and id = any($3)",
        account_id,
        region,
        list(execution_ids),
    )
    return {row["id"]: row["status"] for row in rows}


async def of_template(connection: Connection, account_id: str, region: str, template_name: str) -> Mapping[str, str]:
    """Return the status of every execution of a template, by id."""
    rows = await connection.fetch(
        "select id, status from oos_execution where account_id = $1 and region = $2 and template_name = $3",
        account_id,
        region,
        template_name,
    )
    return {row["id"]: row["status"] for row in rows}


async def count_descendant(tx: Connection, root_id: str, limit: int) -> bool:
    """Count one more execution below a root; False when there are as many as there may be."""
    counted = await tx.fetchval(
        "update oos_execution set descendants = descendants + 1 where id = $1 and descendants < $2 returning true",
        root_id,
        limit,
    )
    return bool(counted) or await tx.fetchval("select true from oos_execution where id = $1", root_id) is None


async def hashes_above(connection: Connection, execution_id: str) -> set[str]:
    """Return the texts that an execution and those above it run."""
    rows = await connection.fetch(
        "with recursive above as (select parent_id, hash from oos_execution where id = $1"
        " union all select parent.parent_id, parent.hash from oos_execution parent join above on parent.id = above.parent_id)"
        " select hash from above",
        execution_id,
    )
    return {row["hash"] for row in rows}


async def descendants(connection: Connection, execution_ids: Sequence[str]) -> Sequence[str]:
    """Return the children of executions, and theirs, down to the last."""
    rows = await connection.fetch(
        "with recursive below as (select id from oos_execution where parent_id = any($1)"
        " union all select child.id from oos_execution child join below on child.parent_id = below.id)"
        " select id from below order by id",
        list(execution_ids),
    )
    return [row["id"] for row in rows]


async def update(
    tx: Connection,
    execution_id: str,
    *,
    description: str | None,
    parameters: Mapping[str, Any] | None,
    sealed: str | None,
    tags: Mapping[str, str] | None,
    resource_group_id: str | None,
    now: datetime,
) -> None:
    """Change what is given of an execution."""
    await tx.execute(
        "update oos_execution set description = coalesce($2, description), parameters = coalesce($3, parameters),"
        " tags = coalesce($4, tags), resource_group_id = coalesce($5, resource_group_id), updated_at = $6,"
        " sealed = coalesce($7, sealed) where id = $1",
        execution_id,
        description,
        parameters,
        tags,
        resource_group_id,
        now,
        sealed,
    )


async def delete(tx: Connection, execution_ids: Sequence[str]) -> None:
    """Delete executions with their tasks and logs."""
    await tx.execute("delete from oos_execution where id = any($1)", list(execution_ids))

"""Operations that show what executions did: lists, tasks, logs, the template they run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.oos.actions import has_child
from tidegate.services.oos.api.executions import ExecutionItem, ExecutionRequest, execution_fields
from tidegate.services.oos.api.product import (
    Paged,
    PagedAnswer,
    SortOrder,
    execution_resource,
    given,
    json_text,
    moment,
    oos,
    short_json_text,
    token,
)
from tidegate.services.oos.executions import ExecutionView
from tidegate.services.oos.masking import Mask
from tidegate.services.oos.paging import Page
from tidegate.services.oos.service import Oos
from tidegate.services.operation import Answer, Call
from tidegate.store.oos.executions import ExecutionFilter, TaskFilter
from tidegate.store.oos.records import ExecutionRecord, TaskRecord
from tidegate.wire.shapes import JsonText


class ListExecutionsRequest(Paged):
    """Which executions, in which order."""

    execution_id: str | None = None
    template_name: str | None = None
    status: str | None = None
    mode: str | None = None
    executed_by: str | None = None
    ram_role: str | None = None
    parent_execution_id: str | None = None
    include_child_execution: bool = False
    depth: Literal["RootDepth", "FirstChildDepth"] | None = None
    category: str | None = None
    categories: JsonText[list[str]] | None = None
    start_date_before: datetime | None = None
    start_date_after: datetime | None = None
    end_date_before: datetime | None = None
    end_date_after: datetime | None = None
    description: str | None = None
    resource_id: str | None = None
    resource_template_name: str | None = None
    resource_group_id: str | None = None
    account_id: str | None = None
    tags: JsonText[dict[str, str]] | None = None
    sort_field: Literal["StartDate", "EndDate", "Status"] = "StartDate"
    sort_order: SortOrder = "Descending"


class ListTaskExecutionsRequest(Paged):
    """Which task executions, in which order."""

    execution_id: str | None = None
    task_execution_id: str | None = None
    task_name: str | None = None
    task_action: str | None = None
    status: str | None = None
    parent_task_execution_id: str | None = None
    include_child_task_execution: bool = False
    start_date_before: datetime | None = None
    start_date_after: datetime | None = None
    end_date_before: datetime | None = None
    end_date_after: datetime | None = None
    sort_field: Literal["StartDate", "EndDate", "Status"] = "StartDate"
    sort_order: SortOrder = "Descending"


class ListExecutionLogsRequest(Paged, kw_only=True):
    """Whose log."""

    execution_id: str
    task_execution_id: str | None = None
    log_type: str | None = None


class ListedExecution(ExecutionItem, kw_only=True):
    """An execution in a list."""

    category: str
    account_id: str
    waiting_status: str
    targets: str | msgspec.UnsetType
    last_trigger_time: str | msgspec.UnsetType = msgspec.UNSET
    last_trigger_status: str | msgspec.UnsetType = msgspec.UNSET
    last_trigger_status_message: str | msgspec.UnsetType = msgspec.UNSET
    last_trigger_outputs: str | msgspec.UnsetType = msgspec.UNSET
    last_successful_trigger_time: str | msgspec.UnsetType = msgspec.UNSET
    next_schedule_time: str | msgspec.UnsetType = msgspec.UNSET


class ListExecutionsAnswer(PagedAnswer, kw_only=True):
    """Part of the executions."""

    executions: Sequence[ListedExecution]
    total_count: int


class TaskExecutionItem(Answer, kw_only=True):
    """One start of a task or of one item of it; ``Properties`` and ``Outputs`` are JSON text."""

    task_execution_id: str
    execution_id: str
    task_name: str
    task_action: str
    status: str
    status_message: str
    properties: str
    outputs: str
    loop: Mapping[str, Any] | msgspec.UnsetType
    loop_item: str | msgspec.UnsetType
    loop_batch_number: int | msgspec.UnsetType
    parent_task_execution_id: str | msgspec.UnsetType
    child_execution_id: str | msgspec.UnsetType
    extra_data: Mapping[str, Any]
    template_id: str | msgspec.UnsetType
    create_date: str
    start_date: str
    update_date: str
    end_date: str | msgspec.UnsetType


class ListTaskExecutionsAnswer(PagedAnswer, kw_only=True):
    """Part of the task executions."""

    task_executions: Sequence[TaskExecutionItem]


class LogItem(Answer):
    """One line of a log."""

    timestamp: str
    log_type: str
    task_execution_id: str
    message: str


class ListExecutionLogsAnswer(PagedAnswer, kw_only=True):
    """Part of a log."""

    execution_logs: Sequence[LogItem]
    is_truncated: bool


class ExecutionTemplateItem(Answer, kw_only=True):
    """The template an execution runs, as it was at the start."""

    template_name: str | msgspec.UnsetType
    template_id: str | msgspec.UnsetType
    template_version: str | msgspec.UnsetType
    template_format: str
    share_type: str
    hash: str


class ExecutionTemplateAnswer(Answer):
    """The template an execution runs, and its text."""

    template: ExecutionTemplateItem
    content: str


_SORT_COLUMNS = {"StartDate": "started_at", "EndDate": "ended_at", "Status": "status"}
#: the only type of line there is (oos.md 7.7)
_SYSTEM = "System"


def _depth(request: ListExecutionsRequest) -> int | None:
    """Return how far below the roots to look (oos.md 8.2); a parent or an id asks for exactly what it names."""
    if request.include_child_execution and request.depth is not None:
        raise oos.invalid("Depth")
    if request.include_child_execution or request.parent_execution_id or request.execution_id:
        return None
    return 1 if request.depth == "FirstChildDepth" else 0


def _asked(_service: Any, _call: Call, request: Any) -> Sequence[str]:
    return execution_resource(request.execution_id)


@oos.operation("ListExecutions", on=_asked)
async def list_executions(service: Oos, call: Call, request: ListExecutionsRequest) -> ListExecutionsAnswer:
    """List executions; children only when asked for."""
    wanted = ExecutionFilter(
        execution_id=request.execution_id,
        template_name=request.template_name,
        status=request.status,
        mode=request.mode,
        executed_by=request.executed_by,
        ram_role=request.ram_role,
        parent_id=request.parent_execution_id,
        depth=_depth(request),
        categories=request.categories or ([request.category] if request.category else None),
        started_before=request.start_date_before,
        started_after=request.start_date_after,
        ended_before=request.end_date_before,
        ended_after=request.end_date_after,
        description=request.description,
        resource_id=request.resource_id,
        resource_template_name=request.resource_template_name,
        resource_group_id=request.resource_group_id,
        tags=request.tags,
        sort_by=_SORT_COLUMNS[request.sort_field],
        descending=request.sort_order == "Descending",
    )
    page = Page.read(request.max_results, request.next_token)
    if request.account_id not in (
        None,
        call.account_id,
    ):  # there is no resource directory: nobody sees others' executions
        return ListExecutionsAnswer(executions=[], total_count=0, max_results=page.size)
    part, total = await service.executions.list(call.account_id, call.region, wanted, page)
    items = [
        ListedExecution(
            **execution_fields(view.record, view.overview),
            category=view.record.category,
            account_id=view.record.account_id,
            waiting_status=view.record.waiting,
            targets=msgspec.UNSET if view.overview.targets is None else json_text(view.overview.targets),
            **_firing_fields(view),
        )
        for view in part.items
    ]
    return ListExecutionsAnswer(
        executions=items, total_count=total, max_results=part.size, next_token=token(part.next_token)
    )


def _firing_fields(view: ExecutionView) -> dict[str, Any]:
    """Return what a trigger has done last and does next (oos.md 7.7)."""
    firings = view.overview.firings
    if firings is None:
        return {}
    fields: dict[str, Any] = {
        "last_trigger_time": moment(firings.last_at),
        "last_trigger_status": given(firings.last_status),
        "last_trigger_status_message": given(firings.last_message),
        "last_successful_trigger_time": moment(firings.last_success_at),
        "next_schedule_time": moment(firings.next_at),
    }
    if firings.last_at is not None:
        mask = Mask(view.record.parameters, view.record.secrets)
        fields["last_trigger_outputs"] = short_json_text(mask.value(firings.last_outputs or {}))
    return fields


@oos.operation("ListTaskExecutions", on=_asked)
async def list_task_executions(
    service: Oos, call: Call, request: ListTaskExecutionsRequest
) -> ListTaskExecutionsAnswer:
    """List the starts of tasks."""
    wanted = TaskFilter(
        execution_id=request.execution_id,
        task_id=request.task_execution_id,
        name=request.task_name,
        action=request.task_action,
        status=request.status,
        parent_id=request.parent_task_execution_id,
        has_items=_wants_items(request),
        started_before=request.start_date_before,
        started_after=request.start_date_after,
        ended_before=request.end_date_before,
        ended_after=request.end_date_after,
        sort_by=_SORT_COLUMNS[request.sort_field],
        descending=request.sort_order == "Descending",
    )
    page = Page.read(request.max_results, request.next_token)
    part = await service.executions.tasks(call.account_id, call.region, wanted, page)
    counted = await service.executions.count_items([task.id for task, _ in part.items if task.loop is not None])
    return ListTaskExecutionsAnswer(
        task_executions=[
            _task_item(task, execution, None if task.loop is None else counted.get(task.id, {}))
            for task, execution in part.items
        ],
        max_results=part.size,
        next_token=token(part.next_token),
    )


def _wants_items(request: ListTaskExecutionsRequest) -> bool:
    """Whether items of loops are shown (oos.md 8.2); a parent or an id asks for exactly what it names."""
    return bool(request.include_child_task_execution or request.parent_task_execution_id or request.task_execution_id)


def _task_item(
    task: TaskRecord, execution: ExecutionRecord, counters: Mapping[str, int] | None = None
) -> TaskExecutionItem:
    """Return one task; ``counters`` are the items of a looped one by status."""
    mask = Mask(execution.parameters, execution.secrets)
    return TaskExecutionItem(
        task_execution_id=task.id,
        execution_id=task.execution_id,
        task_name=task.name,
        task_action=task.action,
        status=task.status,
        status_message=task.status_message,
        properties=short_json_text(mask.value(task.properties)),
        outputs=short_json_text(mask.value(task.outputs)),
        loop=msgspec.UNSET if task.loop is None else {**mask.value(task.loop), "Counters": counters},
        loop_item=_loop_item(task, mask),
        loop_batch_number=msgspec.UNSET if task.batch is None else task.batch,
        parent_task_execution_id=given(task.parent_id),
        child_execution_id=task.id if _has_begun_child(task) else msgspec.UNSET,
        extra_data={},
        template_id=given(execution.template_id),
        create_date=to_seconds(task.created_at),
        start_date=to_seconds(task.started_at),
        update_date=to_seconds(task.updated_at),
        end_date=moment(task.ended_at),
    )


def _has_begun_child(task: TaskRecord) -> bool:
    """Whether an execution of the same id was started for a task or an item."""
    return has_child(task.action) and task.loop is None and bool(task.memo.get("started"))


def _loop_item(task: TaskRecord, mask: Mask) -> str | msgspec.UnsetType:
    """Return the item of a loop: a text as it is, anything else as JSON text."""
    if task.parent_id is None:
        return msgspec.UNSET
    item = mask.value(task.item)
    return item if isinstance(item, str) else short_json_text(item)


@oos.operation("ListExecutionLogs", on=_asked)
async def list_execution_logs(service: Oos, call: Call, request: ListExecutionLogsRequest) -> ListExecutionLogsAnswer:
    """List the lines of an execution's log, oldest first."""
    page = Page.read(request.max_results, request.next_token)
    part = await service.executions.log(
        call.account_id, call.region, request.execution_id, request.task_execution_id, page
    )
    lines = part.items if request.log_type in (None, _SYSTEM) else []
    return ListExecutionLogsAnswer(
        execution_logs=[LogItem(to_seconds(line.at), _SYSTEM, line.task_execution_id, line.message) for line in lines],
        is_truncated=part.next_token is not None,
        max_results=part.size,
        next_token=token(part.next_token),
    )


@oos.operation("GetExecutionTemplate", on=_asked)
async def get_execution_template(service: Oos, call: Call, request: ExecutionRequest) -> ExecutionTemplateAnswer:
    """Return the text an execution was started with, whatever became of its template."""
    record = await service.executions.find(call.account_id, call.region, request.execution_id)
    template = await service.library.template(record.hash)
    item = ExecutionTemplateItem(
        template_name=given(record.template_name),
        template_id=given(record.template_id),
        template_version=given(record.template_version),
        template_format=template.format,
        share_type=record.share_type,
        hash=record.hash,
    )
    return ExecutionTemplateAnswer(item, await service.library.text(record.hash))

"""Operations that start, stop and delete executions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.oos import limits
from tidegate.services.oos.answers import NotifyType, Said
from tidegate.services.oos.api.product import (
    execution_resource,
    given,
    json_text,
    moment,
    oos,
    short_json_text,
    tags_of,
    template_resource,
)
from tidegate.services.oos.executions import read_parameters
from tidegate.services.oos.masking import Mask, mask_parameters
from tidegate.services.oos.model import AUTOMATION
from tidegate.services.oos.notifying import read_ids, read_item
from tidegate.services.oos.orders import Order
from tidegate.services.oos.service import Oos
from tidegate.services.operation import Answer, Call, Done, Request
from tidegate.store.oos.records import ExecutionRecord, Overview
from tidegate.wire.shapes import JsonText


class StartExecutionRequest(Request):
    """What to run, with what, and how."""

    template_name: str | None = None
    template_version: str | None = None
    template_content: str | None = None
    template_url: str | None = msgspec.field(name="TemplateURL", default=None)
    parameters: str | None = None
    mode: str = "Automatic"
    loop_mode: str = "Automatic"
    safety_check: str = "Skip"
    parent_execution_id: str | None = None
    description: str | None = None
    tags: JsonText[dict[str, str]] | None = None
    resource_group_id: str | None = None


class ExecutionRequest(Request):
    """Which execution."""

    execution_id: str


class NotifyExecutionRequest(Request, kw_only=True):
    """What people decided about an execution that waits for them."""

    execution_id: str
    notify_type: str
    notify_note: str = ""
    task_name: str | None = None
    task_execution_id: str | None = None
    task_execution_ids: JsonText[list[str]] | None = None
    parameters: str | None = None
    loop_item: str | None = None
    execution_status: str | None = None


class DeleteExecutionsRequest(Request):
    """Which executions; ``force`` includes those that have not ended."""

    execution_ids: JsonText[list[str]]
    force: bool = False


class CurrentTask(Answer):
    """A task that is under way."""

    task_name: str
    task_action: str
    task_execution_id: str


class ExecutionItem(Answer, kw_only=True):
    """What every answer says of an execution. ``Parameters`` is JSON text after the start, an object in lists."""

    execution_id: str
    template_name: str | msgspec.UnsetType
    template_id: str | msgspec.UnsetType
    template_version: str | msgspec.UnsetType
    status: str
    status_message: str
    mode: str
    loop_mode: str
    safety_check: str
    executed_by: str
    ram_role: str
    parameters: str | Mapping[str, Any]
    outputs: str
    counters: Mapping[str, int]
    current_tasks: Sequence[CurrentTask]
    parent_execution_id: str | msgspec.UnsetType
    is_parent: bool
    description: str | msgspec.UnsetType
    tags: Mapping[str, str]
    resource_group_id: str | msgspec.UnsetType
    create_date: str
    start_date: str
    update_date: str
    end_date: str | msgspec.UnsetType


class ExecutionAnswer(Answer):
    """The execution that was started."""

    execution: ExecutionItem


_NOTHING_YET = Overview(counters={}, current=(), has_children=False)


def execution_fields(record: ExecutionRecord, overview: Overview) -> dict[str, Any]:
    """Return the fields of ``ExecutionItem``, parameters as an object, secrets masked."""
    mask = Mask(record.parameters, record.secrets)
    return {
        "execution_id": record.id,
        "template_name": given(record.template_name),
        "template_id": given(record.template_id),
        "template_version": given(record.template_version),
        "status": record.status,
        "status_message": record.status_message,
        "mode": record.mode,
        "loop_mode": record.loop_mode,
        "safety_check": record.safety_check,
        "executed_by": record.executed_by,
        "ram_role": record.ram_role,
        "parameters": mask_parameters(record.parameters, record.secrets),
        "outputs": short_json_text(mask.value(record.outputs or {})),
        "counters": {**overview.counters, "Total": sum(overview.counters.values())},
        "current_tasks": [CurrentTask(task.name, task.action, task.id) for task in overview.current],
        "parent_execution_id": given(record.parent_id),
        "is_parent": overview.has_children or record.is_trigger,
        "description": given(record.description),
        "tags": record.tags,
        "resource_group_id": given(record.resource_group_id),
        "create_date": to_seconds(record.created_at),
        "start_date": to_seconds(record.started_at),
        "update_date": to_seconds(record.updated_at),
        "end_date": moment(record.ended_at),
    }


def _started(_service: Any, _call: Call, request: StartExecutionRequest) -> Sequence[str]:
    return [*template_resource(request.template_name), *execution_resource(None)]


@oos.operation("StartExecution", on=_started)
async def start_execution(service: Oos, call: Call, request: StartExecutionRequest) -> ExecutionAnswer:
    """Start an execution."""
    content = request.template_content
    if content is None and request.template_url is not None:
        content = await service.fetch(request.template_url)
    record = await service.executions.start(
        Order(
            principal=call.principal,
            region=call.region,
            template_name=request.template_name,
            template_version=request.template_version,
            template_content=content,
            parameters=read_parameters(request.parameters),
            mode=request.mode,
            loop_mode=request.loop_mode,
            safety_check=request.safety_check,
            parent_execution_id=request.parent_execution_id,
            description=request.description,
            tags=tags_of(request.tags),
            resource_group_id=request.resource_group_id,
            client_token=call.client_token,
            fingerprint=call.fingerprint,
        )
    )
    fields = execution_fields(record, _NOTHING_YET)
    return ExecutionAnswer(ExecutionItem(**{**fields, "parameters": json_text(fields["parameters"])}))


class StartDebugExecutionRequest(Request):
    """An action to be tried by itself; its properties are JSON text."""

    task_type: str
    properties: str | None = None


class DebugExecutionAnswer(Answer):
    """The execution that tries it."""

    execution_id: str


def _any(_service: Any, _call: Call, _request: StartDebugExecutionRequest) -> Sequence[str]:
    return execution_resource(None)


@oos.operation("StartDebugExecution", on=_any)
async def start_debug_execution(service: Oos, call: Call, request: StartDebugExecutionRequest) -> DebugExecutionAnswer:
    """Run one task by itself, with the caller's rights."""
    task = {"Name": "debug", "Action": request.task_type, "Properties": read_parameters(request.properties)}
    record = await service.executions.start(
        Order(
            principal=call.principal,
            region=call.region,
            template_content=json_text({"FormatVersion": AUTOMATION, "RamRole": "", "Tasks": [task]}),
            client_token=call.client_token,
            fingerprint=call.fingerprint,
        )
    )
    return DebugExecutionAnswer(record.id)


def _one(_service: Any, _call: Call, request: ExecutionRequest | NotifyExecutionRequest) -> Sequence[str]:
    return execution_resource(request.execution_id)


@oos.operation("CancelExecution", on=_one)
async def cancel_execution(service: Oos, call: Call, request: ExecutionRequest) -> Done:
    """Start nothing more of an execution."""
    await service.executions.cancel(call.account_id, call.region, request.execution_id)
    return Done()


@oos.operation("NotifyExecution", on=_one)
async def notify_execution(service: Oos, call: Call, request: NotifyExecutionRequest) -> Done:
    """Tell an execution that waits what people decided."""
    if request.notify_type not in get_args(NotifyType):
        raise oos.invalid("NotifyType")
    said = Said(
        task_name=request.task_name,
        task_ids=read_ids(request.task_execution_id, request.task_execution_ids),
        parameters=read_parameters(request.parameters),
        item=None if request.loop_item is None else read_item(request.loop_item),
        has_item=request.loop_item is not None,
        status=request.execution_status,
    )
    await service.notifying.notify(
        call.principal,
        call.region,
        request.execution_id,
        cast("NotifyType", request.notify_type),
        note=request.notify_note[: limits.MESSAGE_CHARACTERS],
        said=said,
    )
    return Done()


def _many(_service: Any, _call: Call, request: DeleteExecutionsRequest) -> Sequence[str]:
    return [resource for one in request.execution_ids for resource in execution_resource(one)]


@oos.operation("DeleteExecutions", on=_many)
async def delete_executions(service: Oos, call: Call, request: DeleteExecutionsRequest) -> Done:
    """Delete executions, all or none."""
    if not 1 <= len(request.execution_ids) <= limits.DELETE_EXECUTIONS:
        raise oos.invalid("ExecutionIds")
    await service.executions.delete(call.account_id, call.region, request.execution_ids, force=request.force)
    return Done()

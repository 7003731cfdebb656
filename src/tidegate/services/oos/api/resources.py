"""Operations about what executions work on, and what they risk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.oos.api.product import (
    Paged,
    PagedAnswer,
    execution_resource,
    oos,
    short_json_text,
    template_resource,
    token,
)
from tidegate.services.oos.masking import Mask
from tidegate.services.oos.paging import Page
from tidegate.services.oos.resources import ResourceStatus
from tidegate.services.oos.service import Oos
from tidegate.services.operation import Answer, Call, Request
from tidegate.store.oos.records import ExecutionRecord


class ListResourceExecutionStatusRequest(Paged, kw_only=True):
    """Of which execution."""

    execution_id: str


class ResourceItem(Answer):
    """What became of one resource; outputs are JSON text."""

    resource_id: str
    execution_id: str
    status: str
    outputs: str
    execution_time: str


class ResourcesAnswer(PagedAnswer, kw_only=True):
    """Part of the resources."""

    resource_execution_status: Sequence[ResourceItem]


def _one(_service: Any, _call: Call, request: ListResourceExecutionStatusRequest) -> Sequence[str]:
    return execution_resource(request.execution_id)


@oos.operation("ListResourceExecutionStatus", on=_one)
async def list_resource_execution_status(
    service: Oos, call: Call, request: ListResourceExecutionStatusRequest
) -> ResourcesAnswer:
    """List the resources that a loop over targets works on."""
    page = Page.read(request.max_results, request.next_token)
    record, found = await service.executions.resources(call.account_id, call.region, request.execution_id)
    part = page.cut(found)
    return ResourcesAnswer(
        resource_execution_status=[_item(record, one) for one in part.items],
        max_results=part.size,
        next_token=token(part.next_token),
    )


def _item(record: ExecutionRecord, one: ResourceStatus) -> ResourceItem:
    mask, item = Mask(record.parameters, record.secrets), one.item
    return ResourceItem(
        resource_id=mask.text(one.resource_id),
        execution_id=record.id,
        status="Pending" if item is None else item.status,
        outputs=short_json_text(mask.value({} if item is None else item.outputs)),
        execution_time="" if item is None else to_seconds(item.started_at),
    )


class RiskyTasksRequest(Request):
    """Of which template."""

    template_name: str
    template_version: str | None = None


class RiskyTask(Answer):
    """A high-risk operation: the tasks that call it, and their templates."""

    service: str
    api: str = msgspec.field(name="API")
    task: Sequence[str]
    template: Sequence[str]


class RiskyTasksAnswer(Answer):
    """All of them."""

    risky_tasks: Sequence[RiskyTask]


def _template(_service: Any, _call: Call, request: RiskyTasksRequest) -> Sequence[str]:
    return template_resource(request.template_name)


@oos.operation("ListExecutionRiskyTasks", on=_template)
async def list_execution_risky_tasks(service: Oos, call: Call, request: RiskyTasksRequest) -> RiskyTasksAnswer:
    """List what an execution of a template would ask people to confirm."""
    found = await service.risky_calls(
        call.account_id, call.region, name=request.template_name, version=request.template_version
    )
    return RiskyTasksAnswer(
        [
            RiskyTask(
                service=one.service,
                api=one.api,
                task=list(dict.fromkeys(one.tasks)),
                template=sorted(set(one.templates)),
            )
            for one in found
        ]
    )

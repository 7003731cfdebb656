"""Scheduled tasks (ess.md 12.8)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tidegate.clock import to_minutes
from tidegate.services.ess import naming
from tidegate.services.ess.api.product import Page, ess, on
from tidegate.services.ess.requests.tasks import (
    CreateScheduledTask,
    DescribeScheduledTasks,
    ModifyScheduledTask,
    OnTask,
)
from tidegate.services.ess.service import Ess
from tidegate.services.operation import Answer, Call, Done
from tidegate.store.ess.records import Task

_ON_TASK = on(task_id="scheduled_task_id")


class TaskCreated(Answer):
    """The new task."""

    scheduled_task_id: str


class TaskView(Answer, kw_only=True):
    """A task; what was not set is left out."""

    scheduled_task_id: str
    scheduled_task_name: str
    description: str
    scheduled_action: str | msgspec.UnsetType
    scaling_group_id: str | msgspec.UnsetType
    min_value: int | msgspec.UnsetType
    max_value: int | msgspec.UnsetType
    desired_capacity: int | msgspec.UnsetType
    launch_time: str | msgspec.UnsetType
    recurrence_type: str | msgspec.UnsetType
    recurrence_value: str | msgspec.UnsetType
    recurrence_end_time: str | msgspec.UnsetType
    launch_expiration_time: int
    task_enabled: bool


class TaskPage(Page, kw_only=True):
    """A page of tasks."""

    scheduled_tasks: list[TaskView]


def _shown(task: Task) -> TaskView:
    return TaskView(
        scheduled_task_id=task.id,
        scheduled_task_name=task.name,
        description=task.description,
        scheduled_action=(
            naming.rule_ari(task.region, task.account_id, task.rule_id) if task.rule_id else msgspec.UNSET
        ),
        scaling_group_id=msgspec.UNSET if task.rule_id else task.group_id,
        min_value=msgspec.UNSET if task.min_value is None else task.min_value,
        max_value=msgspec.UNSET if task.max_value is None else task.max_value,
        desired_capacity=msgspec.UNSET if task.desired_value is None else task.desired_value,
        launch_time=_moment(task.launch_at),
        recurrence_type=task.recurrence_type or msgspec.UNSET,
        recurrence_value=task.recurrence_value or msgspec.UNSET,
        recurrence_end_time=_moment(task.recurrence_end),
        launch_expiration_time=task.launch_expiration,
        task_enabled=task.enabled,
    )


def _moment(moment: datetime | None) -> str | msgspec.UnsetType:
    return msgspec.UNSET if moment is None else to_minutes(moment)


async def _on_planned_group(service: Ess, call: Call, request: CreateScheduledTask) -> list[str]:
    named = naming.rule_of_ari(request.scheduled_action or "", call.account_id)
    resource = await service.group_of(
        call.account_id, group_id=request.scaling_group_id, rule_id=named[1] if named else None
    )
    return [resource or "*"]


@ess.operation("CreateScheduledTask", on=_on_planned_group)
async def create_scheduled_task(service: Ess, call: Call, request: CreateScheduledTask) -> TaskCreated:
    """Plan to run a rule, or to set the bounds of a group, once or again and again."""
    return TaskCreated(await service.schedule.create(call, request))


@ess.operation("ModifyScheduledTask", on=_ON_TASK)
async def modify_scheduled_task(service: Ess, call: Call, request: ModifyScheduledTask) -> Done:
    """Change a task."""
    await service.schedule.modify(call, request)
    return Done()


@ess.operation("DeleteScheduledTask", on=_ON_TASK)
async def delete_scheduled_task(service: Ess, call: Call, request: OnTask) -> Done:
    """Delete a task."""
    await service.schedule.delete(call, request)
    return Done()


@ess.operation("DescribeScheduledTasks")
async def describe_scheduled_tasks(service: Ess, call: Call, request: DescribeScheduledTasks) -> TaskPage:
    """List tasks."""
    total, found = await service.schedule.describe(call, request)
    return TaskPage(
        page_number=request.page_number,
        page_size=request.page_size,
        total_count=total,
        scheduled_tasks=[_shown(task) for task in found],
    )

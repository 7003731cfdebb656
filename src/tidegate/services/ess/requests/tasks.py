"""Scheduled tasks (ess.md 12.8)."""

from __future__ import annotations

from tidegate.services.ess.requests.shape import Page
from tidegate.services.operation import Request


class TaskValues(Request, kw_only=True):
    """What can be set when a task is created and changed later."""

    scheduled_task_name: str | None = None
    description: str | None = None
    scheduled_action: str | None = None
    scaling_group_id: str | None = None
    min_value: int | None = None
    max_value: int | None = None
    desired_capacity: int | None = None
    launch_time: str | None = None
    recurrence_type: str | None = None
    recurrence_value: str | None = None
    recurrence_end_time: str | None = None
    launch_expiration_time: int | None = None
    task_enabled: bool | None = None


class CreateScheduledTask(TaskValues, kw_only=True):
    """CreateScheduledTask."""

    region_id: str


class ModifyScheduledTask(TaskValues, kw_only=True):
    """ModifyScheduledTask."""

    scheduled_task_id: str
    region_id: str | None = None


class OnTask(Request, kw_only=True):
    """Names one task."""

    scheduled_task_id: str
    region_id: str | None = None


class DescribeScheduledTasks(Page, kw_only=True):
    """DescribeScheduledTasks."""

    region_id: str
    scheduled_task_ids: tuple[str, ...] = ()
    scheduled_task_names: tuple[str, ...] = ()
    scheduled_actions: tuple[str, ...] = ()
    scaling_group_id: str | None = None
    recurrence_type: str | None = None
    recurrence_value: str | None = None
    task_enabled: bool | None = None
    task_name: str | None = None

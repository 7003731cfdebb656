"""Alarm tasks (ess.md 9.2, 12.8)."""

from __future__ import annotations

from tidegate.services.ess.requests.shape import Page
from tidegate.services.operation import Request


class Dimension(Request, kw_only=True):
    """One word by which a metric is narrowed."""

    dimension_key: str
    dimension_value: str


class Expression(Request, kw_only=True):
    """One of several metrics and what it is compared with."""

    metric_name: str
    threshold: float
    statistics: str | None = None
    comparison_operator: str | None = None
    period: int | None = None


class AlarmValues(Request, kw_only=True):
    """What can be set when an alarm task is created and changed later."""

    name: str | None = None
    description: str | None = None
    metric_name: str | None = None
    metric_type: str | None = None
    dimensions: list[Dimension] | None = None
    statistics: str | None = None
    comparison_operator: str | None = None
    threshold: float | None = None
    period: int | None = None
    evaluation_count: int | None = None
    expressions: list[Expression] | None = None
    expressions_logic_operator: str | None = None
    alarm_actions: list[str] | None = None
    effective: str | None = None
    group_id: str | None = None


class CreateAlarm(AlarmValues, kw_only=True):
    """CreateAlarm."""

    region_id: str
    scaling_group_id: str


class ModifyAlarm(AlarmValues, kw_only=True):
    """ModifyAlarm."""

    region_id: str
    alarm_task_id: str


class OnAlarm(Request, kw_only=True):
    """Names one alarm task."""

    region_id: str
    alarm_task_id: str


class DescribeAlarms(Page, kw_only=True):
    """DescribeAlarms."""

    region_id: str
    scaling_group_id: str | None = None
    alarm_task_id: str | None = None
    is_enable: bool | None = None
    state: str | None = None
    metric_type: str | None = None
    metric_name: str | None = None

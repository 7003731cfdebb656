"""Alarm tasks (ess.md 9.2, 12.8)."""

from __future__ import annotations

import msgspec

from tidegate.services.ess import naming
from tidegate.services.ess.alarms import shown_dimensions
from tidegate.services.ess.api.product import Page, ess, on, on_group
from tidegate.services.ess.requests.alarms import CreateAlarm, DescribeAlarms, ModifyAlarm, OnAlarm
from tidegate.services.ess.service import Ess
from tidegate.services.operation import Answer, Call, Done
from tidegate.store.ess.alarms import Alarm

_ON_ALARM = on(alarm_id="alarm_task_id")


class AlarmNamed(Answer):
    """The alarm task that was created or changed."""

    alarm_task_id: str


class DimensionView(Answer):
    """One word by which a metric is narrowed."""

    dimension_key: str
    dimension_value: str


class ExpressionView(Answer, kw_only=True):
    """One of several metrics."""

    metric_name: str
    statistics: str
    comparison_operator: str
    threshold: float
    period: int


class AlarmView(Answer, kw_only=True):
    """An alarm task. With expressions the fields of the single metric are left out."""

    alarm_task_id: str
    name: str
    description: str
    scaling_group_id: str
    metric_type: str
    metric_name: str | msgspec.UnsetType = msgspec.UNSET
    statistics: str | msgspec.UnsetType = msgspec.UNSET
    comparison_operator: str | msgspec.UnsetType = msgspec.UNSET
    threshold: float | msgspec.UnsetType = msgspec.UNSET
    period: int | msgspec.UnsetType = msgspec.UNSET
    expressions: list[ExpressionView]
    expressions_logic_operator: str | msgspec.UnsetType = msgspec.UNSET
    dimensions: list[DimensionView]
    evaluation_count: int
    effective: str | msgspec.UnsetType = msgspec.UNSET
    alarm_actions: list[str]
    enable: bool
    state: str


class AlarmPage(Page, kw_only=True):
    """A page of alarm tasks."""

    alarm_list: list[AlarmView]


def dimension_views(alarm: Alarm) -> list[DimensionView]:
    """Return the dimensions of an alarm task as answers show them."""
    return [DimensionView(key, word) for key, word in shown_dimensions(alarm).items()]


def _shown(alarm: Alarm) -> AlarmView:
    view = AlarmView(
        alarm_task_id=alarm.id,
        name=alarm.name,
        description=alarm.description,
        scaling_group_id=alarm.group_id,
        metric_type=alarm.metric_type,
        expressions=[],
        dimensions=dimension_views(alarm),
        evaluation_count=alarm.evaluation_count,
        effective=alarm.effective or msgspec.UNSET,
        alarm_actions=[naming.rule_ari(alarm.region, alarm.account_id, rule) for rule in alarm.rule_ids],
        enable=alarm.enabled,
        state=alarm.state,
    )
    conditions = [
        ExpressionView(
            metric_name=one.metric,
            statistics=one.statistics,
            comparison_operator=one.operator,
            threshold=one.threshold,
            period=one.period,
        )
        for one in alarm.conditions
    ]
    if alarm.logic is not None:
        return msgspec.structs.replace(view, expressions=conditions, expressions_logic_operator=alarm.logic)
    return msgspec.structs.replace(view, **msgspec.structs.asdict(conditions[0]))


@ess.operation("CreateAlarm", on=on_group)
async def create_alarm(service: Ess, call: Call, request: CreateAlarm) -> AlarmNamed:
    """Have a metric of a group watched, and rules executed when it is out of bounds."""
    return AlarmNamed(await service.alarms.create(call, request))


@ess.operation("ModifyAlarm", on=_ON_ALARM)
async def modify_alarm(service: Ess, call: Call, request: ModifyAlarm) -> AlarmNamed:
    """Change an alarm task."""
    return AlarmNamed(await service.alarms.modify(call, request))


@ess.operation("EnableAlarm", on=_ON_ALARM)
async def enable_alarm(service: Ess, call: Call, request: OnAlarm) -> Done:
    """Have an alarm task watched."""
    await service.alarms.enable(call, request, enabled=True)
    return Done()


@ess.operation("DisableAlarm", on=_ON_ALARM)
async def disable_alarm(service: Ess, call: Call, request: OnAlarm) -> Done:
    """Have an alarm task watched no more."""
    await service.alarms.enable(call, request, enabled=False)
    return Done()


@ess.operation("DeleteAlarm", on=_ON_ALARM)
async def delete_alarm(service: Ess, call: Call, request: OnAlarm) -> Done:
    """Delete an alarm task."""
    await service.alarms.delete(call, request)
    return Done()


@ess.operation("DescribeAlarms")
async def describe_alarms(service: Ess, call: Call, request: DescribeAlarms) -> AlarmPage:
    """List alarm tasks."""
    total, found = await service.alarms.describe(call, request)
    return AlarmPage(
        page_number=request.page_number,
        page_size=request.page_size,
        total_count=total,
        alarm_list=[_shown(alarm) for alarm in found],
    )

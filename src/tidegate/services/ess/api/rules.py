"""Scaling rules and scaling by hand (ess.md 12.5)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tidegate.services.ess import naming, refusals
from tidegate.services.ess.alarms import SYSTEM
from tidegate.services.ess.api.alarms import DimensionView, dimension_views
from tidegate.services.ess.api.product import Page, Started, ess, on, on_group, unless_none
from tidegate.services.ess.requests.rules import (
    CreateScalingRule,
    DescribeScalingRules,
    ExecuteScalingRule,
    ModifyScalingRule,
    OnRule,
    ScaleWithAdjustment,
)
from tidegate.services.ess.service import Ess
from tidegate.services.operation import Answer, Call, Done
from tidegate.store.ess.alarms import Alarm
from tidegate.store.ess.records import Rule

_ON_RULE = on(rule_id="scaling_rule_id")


class RuleCreated(Answer):
    """The new rule."""

    scaling_rule_id: str
    scaling_rule_ari: str


class StepView(Answer, kw_only=True):
    """One step; a bound that is left out is infinite."""

    metric_interval_lower_bound: float | msgspec.UnsetType
    metric_interval_upper_bound: float | msgspec.UnsetType
    scaling_adjustment: int


class AlarmOfRule(Answer, kw_only=True):
    """An alarm task that executes a rule; of several metrics the first."""

    alarm_task_id: str
    alarm_task_name: str
    metric_name: str
    metric_type: str
    threshold: float
    comparison_operator: str
    statistics: str
    evaluation_count: int
    period: int
    dimensions: list[DimensionView]


class RuleView(Answer, kw_only=True):
    """A rule; what its type does not have is left out."""

    scaling_rule_id: str
    scaling_rule_name: str
    scaling_rule_ari: str
    scaling_rule_type: str
    scaling_group_id: str
    adjustment_type: str | msgspec.UnsetType
    adjustment_value: int | msgspec.UnsetType
    min_adjustment_magnitude: int | msgspec.UnsetType
    cooldown: int | msgspec.UnsetType
    alarms: list[AlarmOfRule]
    estimated_instance_warmup: int | msgspec.UnsetType
    step_adjustments: list[StepView]
    metric_name: str | msgspec.UnsetType = msgspec.UNSET
    metric_type: str | msgspec.UnsetType = msgspec.UNSET
    target_value: float | msgspec.UnsetType = msgspec.UNSET
    disable_scale_in: bool | msgspec.UnsetType = msgspec.UNSET
    scale_in_evaluation_count: int | msgspec.UnsetType = msgspec.UNSET
    scale_out_evaluation_count: int | msgspec.UnsetType = msgspec.UNSET
    alarm_dimensions: list[DimensionView] | msgspec.UnsetType = msgspec.UNSET
    predictive_scaling_mode: str | msgspec.UnsetType = msgspec.UNSET
    predictive_value_behavior: str | msgspec.UnsetType = msgspec.UNSET
    predictive_value_buffer: int | msgspec.UnsetType = msgspec.UNSET
    predictive_task_buffer_time: int | msgspec.UnsetType = msgspec.UNSET
    initial_max_size: int | msgspec.UnsetType = msgspec.UNSET


class RulePage(Page, kw_only=True):
    """A page of rules."""

    scaling_rules: list[RuleView]


class Allocation(Answer, kw_only=True):
    """Instances of one kind that would be made."""

    zone_id: str
    instance_type: str
    instance_charge_type: str = "PostPaid"
    spot_strategy: str
    amount: int


class PlanResult(Answer):
    """What a scale-out would make; empty for a scale-in."""

    resource_allocations: list[Allocation]


class Adjusted(Started):
    """What ScaleWithAdjustment began."""

    activity_type: str | msgspec.UnsetType = msgspec.UNSET
    plan_result: PlanResult | msgspec.UnsetType = msgspec.UNSET


def _shown(call: Call, region: str, rule: Rule, alarms: Sequence[Alarm]) -> RuleView:
    view = RuleView(
        scaling_rule_id=rule.id,
        scaling_rule_name=rule.name,
        scaling_rule_ari=naming.rule_ari(region, call.account_id, rule.id),
        scaling_rule_type=rule.type,
        scaling_group_id=rule.group_id,
        adjustment_type=rule.adjustment_type or msgspec.UNSET,
        alarms=[_alarm(alarm) for alarm in alarms],
        adjustment_value=msgspec.UNSET if rule.adjustment_value is None else rule.adjustment_value,
        min_adjustment_magnitude=msgspec.UNSET if rule.magnitude is None else rule.magnitude,
        cooldown=msgspec.UNSET if rule.cooldown is None else rule.cooldown,
        estimated_instance_warmup=msgspec.UNSET if rule.warmup is None else rule.warmup,
        step_adjustments=[
            StepView(
                metric_interval_lower_bound=msgspec.UNSET if step.lower is None else step.lower,
                metric_interval_upper_bound=msgspec.UNSET if step.upper is None else step.upper,
                scaling_adjustment=step.adjustment,
            )
            for step in rule.steps
        ],
    )
    if rule.prediction is not None:
        return msgspec.structs.replace(
            view,
            metric_name=rule.prediction.metric,
            metric_type=SYSTEM,
            target_value=rule.prediction.target,
            predictive_scaling_mode=rule.prediction.mode,
            predictive_value_behavior=rule.prediction.behavior,
            predictive_value_buffer=rule.prediction.buffer,
            predictive_task_buffer_time=rule.prediction.lead,
            initial_max_size=rule.prediction.initial_max_size,
        )
    if rule.tracking is None:
        return view
    return msgspec.structs.replace(
        view,
        metric_name=rule.tracking.metric,
        metric_type=SYSTEM,
        target_value=rule.tracking.target,
        disable_scale_in=rule.tracking.disable_scale_in,
        scale_in_evaluation_count=rule.tracking.in_count,
        scale_out_evaluation_count=rule.tracking.out_count,
        alarm_dimensions=[DimensionView(key, word) for key, word in rule.tracking.dimensions.items()],
    )


def _alarm(alarm: Alarm) -> AlarmOfRule:
    first = alarm.conditions[0]
    return AlarmOfRule(
        alarm_task_id=alarm.id,
        alarm_task_name=alarm.name,
        metric_name=first.metric,
        metric_type=alarm.metric_type,
        threshold=first.threshold,
        comparison_operator=first.operator,
        statistics=first.statistics,
        evaluation_count=alarm.evaluation_count,
        period=first.period,
        dimensions=dimension_views(alarm),
    )


async def _on_executed_rule(service: Ess, call: Call, request: ExecuteScalingRule) -> list[str]:
    named = naming.rule_of_ari(request.scaling_rule_ari, call.account_id)
    resource = await service.group_of(call.account_id, rule_id=named[1]) if named else None
    return [resource or "*"]


@ess.operation("CreateScalingRule", on=on_group)
async def create_scaling_rule(service: Ess, call: Call, request: CreateScalingRule) -> RuleCreated:
    """Create a rule."""
    return RuleCreated(*await service.rules.create(call, request))


@ess.operation("ModifyScalingRule", on=_ON_RULE)
async def modify_scaling_rule(service: Ess, call: Call, request: ModifyScalingRule) -> Done:
    """Change a rule."""
    await service.rules.modify(call, request)
    return Done()


@ess.operation("DeleteScalingRule", on=_ON_RULE)
async def delete_scaling_rule(service: Ess, call: Call, request: OnRule) -> Done:
    """Delete a rule."""
    await service.rules.delete(call, request)
    return Done()


@ess.operation("DescribeScalingRules")
async def describe_scaling_rules(service: Ess, call: Call, request: DescribeScalingRules) -> RulePage:
    """List rules."""
    total, found = await service.rules.describe(call, request)
    alarms = await service.rules.alarms_of(found) if request.show_alarm_rules else {}
    return RulePage(
        page_number=request.page_number,
        page_size=request.page_size,
        total_count=total,
        scaling_rules=[_shown(call, request.region_id, rule, alarms.get(rule.id, ())) for rule in found],
    )


@ess.operation("ExecuteScalingRule", on=_on_executed_rule)
async def execute_scaling_rule(service: Ess, call: Call, request: ExecuteScalingRule) -> Started:
    """Run a rule by hand; cooldown does not matter."""
    return Started(unless_none(await service.scaling.execute(call, request)))


@ess.operation("ScaleWithAdjustment", on=on_group)
async def scale_with_adjustment(service: Ess, call: Call, request: ScaleWithAdjustment) -> Adjusted:
    """Scale by an amount that no rule names, or (PlanOnly) only say what would be made."""
    if request.execution_mode == "PlanOnly":
        planned = await service.planner.plan(call, request)
        allocations = [
            Allocation(
                zone_id=one.zone,
                instance_type=one.instance_type,
                spot_strategy=one.spot_strategy,
                amount=one.amount,
            )
            for one in planned
        ]
        return Adjusted(plan_result=PlanResult(allocations))
    if request.execution_mode != "None":
        raise refusals.invalid("ExecutionMode")
    activity_id = await service.scaling.adjust(call, request)
    if activity_id is None:
        return Adjusted(activity_type="CapacityChange")  # only the desired capacity has moved
    return Adjusted(activity_id)

"""Scaling rules (ess.md 12.5)."""

from __future__ import annotations

from tidegate.services.ess.requests.shape import HookContext, OnGroup, Page
from tidegate.services.operation import Request
from tidegate.wire.parameters import JsonText


class StepAdjustment(Request, kw_only=True):
    """One step of a step rule."""

    metric_interval_lower_bound: float | None = None
    metric_interval_upper_bound: float | None = None
    scaling_adjustment: int


class AlarmDimension(Request, kw_only=True):
    """One word by which a tracked metric is narrowed."""

    dimension_key: str
    dimension_value: str


class AlarmOptions(Request, kw_only=True):
    """How a tracked metric is watched."""

    period: int | None = None


class RuleValues(Request, kw_only=True):
    """What can be set when a rule is created and changed later."""

    scaling_rule_name: str | None = None
    adjustment_type: str | None = None
    adjustment_value: int | None = None
    min_adjustment_magnitude: int | None = None
    cooldown: int | None = None
    step_adjustments: list[StepAdjustment] | None = None
    estimated_instance_warmup: int | None = None
    metric_name: str | None = None
    metric_type: str | None = None
    target_value: float | None = None
    disable_scale_in: bool | None = None
    scale_in_evaluation_count: int | None = None
    scale_out_evaluation_count: int | None = None
    alarm_dimensions: list[AlarmDimension] | None = None
    alarm_options: AlarmOptions | None = None
    predictive_scaling_mode: str | None = None
    predictive_value_behavior: str | None = None
    predictive_value_buffer: int | None = None
    predictive_task_buffer_time: int | None = None
    initial_max_size: int | None = None
    region_id: str | None = None


class CreateScalingRule(RuleValues, kw_only=True):
    """CreateScalingRule."""

    scaling_group_id: str
    scaling_rule_type: str = "SimpleScalingRule"


class ModifyScalingRule(RuleValues, kw_only=True):
    """ModifyScalingRule."""

    scaling_rule_id: str


class OnRule(Request, kw_only=True):
    """Names one rule."""

    scaling_rule_id: str
    region_id: str | None = None


class DescribeScalingRules(Page, kw_only=True):
    """DescribeScalingRules."""

    region_id: str
    scaling_group_id: str | None = None
    scaling_rule_ids: tuple[str, ...] = ()
    scaling_rule_names: tuple[str, ...] = ()
    scaling_rule_aris: tuple[str, ...] = ()
    scaling_rule_type: str | None = None
    show_alarm_rules: bool = False


class ExecuteScalingRule(Request, kw_only=True):
    """ExecuteScalingRule."""

    scaling_rule_ari: str
    metric_value: float | None = None
    breach_threshold: float | None = None
    region_id: str | None = None


class Overrides(Request, kw_only=True):
    """What one activity makes differently; container overrides have no meaning for ECS instances."""

    cpu: int | None = None
    memory: float | None = None
    user_data: str | None = None


class ScaleWithAdjustment(OnGroup, kw_only=True):
    """ScaleWithAdjustment."""

    adjustment_type: str
    adjustment_value: int
    min_adjustment_magnitude: int | None = None
    sync_activity: bool = False
    parallel_task: bool | None = None
    execution_mode: str = "None"
    activity_metadata: str | None = None
    overrides: JsonText[Overrides] | None = None
    lifecycle_hook_context: JsonText[HookContext] | None = None

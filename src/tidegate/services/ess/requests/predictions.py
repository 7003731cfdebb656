"""Questions about the past and the future of a group (ess.md 12.9, v22)."""

from __future__ import annotations

from tidegate.services.operation import Request


class MetricQuestion(Request, kw_only=True):
    """QueryHistoricalMetric and QueryPredictiveMetric."""

    region_id: str
    scaling_group_id: str
    metric_name: str
    start_time: str
    end_time: str


class ValueQuestion(MetricQuestion, kw_only=True):
    """QueryPredictiveValue."""

    target_value: float


class TaskQuestion(Request, kw_only=True):
    """QueryPredictiveTaskInfo."""

    region_id: str
    scaling_rule_id: str
    start_time: str
    end_time: str

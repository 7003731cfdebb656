"""What a group needed and will need (ess.md 5.5, 12.9). The lists are wrapped in both versions."""

from __future__ import annotations

from tidegate.clock import to_minutes
from tidegate.services.ess.api.product import ess, on, on_group
from tidegate.services.ess.requests.predictions import MetricQuestion, TaskQuestion, ValueQuestion
from tidegate.services.ess.service import Ess
from tidegate.services.operation import Answer, Call


class MetricPoint(Answer):
    """A metric in one hour."""

    time: str
    metric_value: str


class HistoricalMetrics(Answer):
    """Hours that were."""

    historical_metric: list[MetricPoint]


class HistoricalMetricAnswer(Answer):
    """What a metric was."""

    historical_metrics: HistoricalMetrics


class PredictiveMetrics(Answer):
    """Hours to come."""

    predictive_metric: list[MetricPoint]


class PredictiveMetricAnswer(Answer):
    """What a metric is going to be."""

    predictive_metrics: PredictiveMetrics


class ValuePoint(Answer):
    """How many instances one hour needs."""

    time: str
    value: int


class PredictiveValues(Answer):
    """Hours to come."""

    predictive_value: list[ValuePoint]


class PredictiveValueAnswer(Answer):
    """How many instances are going to be needed."""

    predictive_values: PredictiveValues


class TaskInfo(Answer):
    """The bounds of a group in one hour."""

    time: str
    min_value: int
    max_value: int


class TaskInfos(Answer):
    """Hours to come."""

    task_info: list[TaskInfo]


class TaskInfoAnswer(Answer):
    """The bounds that a rule is going to give its group."""

    task_infos: TaskInfos


@ess.operation("QueryHistoricalMetric", on=on_group)
async def query_historical_metric(service: Ess, call: Call, request: MetricQuestion) -> HistoricalMetricAnswer:
    """Show a metric of a group hour by hour."""
    found = await service.predictions.history(call, request)
    return HistoricalMetricAnswer(HistoricalMetrics([MetricPoint(time, str(value)) for time, value in found]))


@ess.operation("QueryPredictiveMetric", on=on_group)
async def query_predictive_metric(service: Ess, call: Call, request: MetricQuestion) -> PredictiveMetricAnswer:
    """Foresee a metric of a group hour by hour."""
    found = await service.predictions.metrics(call, request)
    return PredictiveMetricAnswer(PredictiveMetrics([MetricPoint(time, str(value)) for time, value in found]))


@ess.operation("QueryPredictiveValue", on=on_group)
async def query_predictive_value(service: Ess, call: Call, request: ValueQuestion) -> PredictiveValueAnswer:
    """Foresee how many instances a group needs hour by hour."""
    found = await service.predictions.values(call, request)
    return PredictiveValueAnswer(PredictiveValues([ValuePoint(time, value) for time, value in found]))


@ess.operation("QueryPredictiveTaskInfo", on=on(rule_id="scaling_rule_id"))
async def query_predictive_task_info(service: Ess, call: Call, request: TaskQuestion) -> TaskInfoAnswer:
    """Show the bounds that a predictive rule is going to give its group."""
    found = await service.predictions.tasks(call, request)
    return TaskInfoAnswer(TaskInfos([TaskInfo(to_minutes(one.at), one.min_size, one.max_size) for one in found]))

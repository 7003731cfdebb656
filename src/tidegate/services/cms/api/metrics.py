"""Data points of metrics, and which metrics there are."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from tidegate.services.cms import errors, limits, questions
from tidegate.services.cms.answering import grouped
from tidegate.services.cms.api.product import Paged, Said, checked, cms, json_text
from tidegate.services.cms.catalog import CATALOG, ECS, NAMESPACES, PERIODS, Metric
from tidegate.services.cms.questions import Question
from tidegate.services.cms.service import Monitor
from tidegate.services.operation import Answer, Call, Request

#: How far back the last value is looked for, by period (comments of the SDK's DescribeMetricLast).
_LOOK_BACK = {15: timedelta(minutes=20), 3600: timedelta(days=2)}
_LOOK_BACK_MINUTES = timedelta(hours=2)


class MetricQuestion(Request, kw_only=True):
    """Which data points."""

    namespace: str
    metric_name: str
    period: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    dimensions: str | None = None
    length: str | None = None
    next_token: str | None = None
    express: str | None = None


class Datapoints(Said, kw_only=True):
    """Data points, as JSON text: timestamp (ms), dimensions, Average, Minimum, Maximum."""

    datapoints: str
    period: str
    next_token: str | msgspec.UnsetType = msgspec.UNSET


def _question(service: Monitor, call: Call, request: MetricQuestion, *, default: timedelta | None) -> Question:
    questions.metrics_of(call.account_id, request.namespace, request.metric_name)
    period = questions.period_of(request.period)
    return Question(
        account_id=call.account_id,
        namespace=request.namespace,
        metric=request.metric_name,
        dimensions=questions.dimensions_of(request.dimensions),
        range=questions.range_of(
            period,
            request.start_time,
            request.end_time,
            service.clock.now(),
            default=default or _LOOK_BACK.get(period, _LOOK_BACK_MINUTES),
        ),
    )


def _answered(question: Question, points: object, more: str | None = None) -> Datapoints:
    return Datapoints(datapoints=json_text(points), period=str(question.range.period), next_token=more or msgspec.UNSET)


@cms.operation("DescribeMetricList")
async def describe_metric_list(service: Monitor, call: Call, request: MetricQuestion) -> Datapoints:
    """Show a metric over time."""
    question = _question(service, call, request, default=limits.DEFAULT_RANGE)
    found = await service.answers.page(question, questions.length_of(request.length), request.next_token)
    return _answered(question, *found)


@cms.operation("DescribeMetricLast")
async def describe_metric_last(service: Monitor, call: Call, request: MetricQuestion) -> Datapoints:
    """Show the last value of a metric for each resource."""
    question = _question(service, call, request, default=None)
    found = await service.answers.last(question, questions.length_of(request.length), request.next_token)
    return _answered(question, *found)


class _Express(msgspec.Struct):
    groupby: list[str] = msgspec.field(default_factory=list)


@cms.operation("DescribeMetricData")
async def describe_metric_data(service: Monitor, call: Call, request: MetricQuestion) -> Datapoints:
    """Show the last value of a metric, joined by dimensions where ``Express`` says so."""
    question = _question(service, call, request, default=None)
    points, _ = await service.answers.last(question, questions.length_of(request.length), None)
    if request.express is not None:
        try:
            keys = msgspec.json.decode(request.express, type=_Express).groupby
        except msgspec.MsgspecError as error:
            raise errors.invalid("Express") from error
        points = grouped(points, keys)
    return _answered(question, points)


class TopQuestion(MetricQuestion, kw_only=True):
    """Whose last value is greatest, or least unless ``order_desc``."""

    length: str | None = "10"
    orderby: str = "Average"
    order_desc: bool = True


@cms.operation("DescribeMetricTop")
async def describe_metric_top(service: Monitor, call: Call, request: TopQuestion) -> Datapoints:
    """Show the resources with the greatest or the least last values of a metric."""
    if request.orderby not in {"Average", "Minimum", "Maximum"}:
        raise errors.invalid("Orderby")
    question = _question(service, call, request, default=None)
    points, _ = await service.answers.last(question, limits.LONGEST_PAGE, None)
    points.sort(key=lambda point: point[request.orderby], reverse=request.order_desc)
    first = points[: questions.length_of(request.length)]
    return _answered(question, [{"order": place, **point} for place, point in enumerate(first, 1)])


class MetricMetaQuestion(Paged, kw_only=True):
    """Which metrics. Labels filter by nothing that this cloud has."""

    namespace: str | None = None
    metric_name: str | None = None
    labels: str | None = None


class MetricMeta(Answer, kw_only=True):
    """One metric."""

    namespace: str
    metric_name: str
    description: str
    dimensions: str
    labels: str
    periods: str
    statistics: str = "Average,Minimum,Maximum"
    unit: str


class MetricMetas(Answer):
    """Metrics."""

    resource: list[MetricMeta]


class MetricMetaList(Said, kw_only=True):
    """A page of metrics."""

    resources: MetricMetas
    total_count: str


@cms.operation("DescribeMetricMetaList")
async def describe_metric_meta_list(_service: Monitor, _call: Call, request: MetricMetaQuestion) -> MetricMetaList:
    """List the metrics that are measured."""
    limit, offset = checked(request)
    found = [
        metrics[0]
        for (namespace, name), metrics in CATALOG.items()
        if request.namespace in (None, namespace) and request.metric_name in (None, name)
    ]
    shown = [_meta(metric) for metric in found[offset : offset + limit]]
    return MetricMetaList(resources=MetricMetas(shown), total_count=str(len(found)))


def _meta(metric: Metric) -> MetricMeta:
    dimensions = [metric.owner, metric.resource, *([metric.dimension[0]] if metric.dimension else [])]
    labels = {
        "alertEnable": "true",
        "alertUnit": metric.unit,
        "metricCategory": "instanceId" if metric.namespace == ECS else "scalingGroup",
        "minAlertPeriod": "60",
        "unitFactor": "1",
    }
    return MetricMeta(
        namespace=metric.namespace,
        metric_name=metric.name,
        description=metric.description,
        dimensions=",".join(dimensions),
        labels=json_text([{"name": name, "value": value} for name, value in labels.items()]),
        periods=",".join(map(str, PERIODS)),
        unit=metric.unit,
    )


class ProjectMetaQuestion(Paged, kw_only=True):
    """Which namespaces: those of a product, by ``{"name":"product","value":"ECS"}``."""

    labels: str | None = None


class ProjectMeta(Answer, kw_only=True):
    """One namespace."""

    namespace: str
    description: str
    labels: str


class ProjectMetas(Answer):
    """Namespaces."""

    resource: list[ProjectMeta]


class ProjectMetaList(Said, kw_only=True):
    """A page of namespaces."""

    resources: ProjectMetas
    page_number: str
    page_size: str
    total: str


@cms.operation("DescribeProjectMeta")
async def describe_project_meta(_service: Monitor, _call: Call, request: ProjectMetaQuestion) -> ProjectMetaList:
    """List the namespaces in which something is measured."""
    limit, offset = checked(request)
    wanted = {label.get("value", "") for label in questions.labels_of(request.labels) if label.get("name") == "product"}
    found = [
        ProjectMeta(
            namespace=namespace,
            description=title,
            labels=json_text([{"name": "product", "value": product}, {"name": "groupFlag", "value": "true"}]),
        )
        for namespace, (product, title) in NAMESPACES.items()
        if not wanted or product in wanted
    ]
    return ProjectMetaList(
        resources=ProjectMetas(found[offset : offset + limit]),
        page_number=str(request.page_number),
        page_size=str(request.page_size),
        total=str(len(found)),
    )

"""What users report, and what they have reported."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import msgspec

from tidegate.services.cms import limits, questions
from tidegate.services.cms.api.product import Paged, Said, Taken, checked, cms, json_text
from tidegate.services.cms.catalog import CUSTOM
from tidegate.services.cms.reporting import EventReport, MetricReport
from tidegate.services.cms.service import Monitor
from tidegate.services.operation import Answer, Call, Request
from tidegate.store.cms import events
from tidegate.store.cms.series import CustomQuery, Series

#: ASSUMPTION: the events of a question that names no time
_EVENT_RANGE = timedelta(days=1)


class PutCustomMetricRequest(Request, kw_only=True):
    """Values of custom metrics."""

    metric_list: list[MetricReport]


@cms.operation("PutCustomMetric")
async def put_custom_metric(service: Monitor, call: Call, request: PutCustomMetricRequest) -> Taken:
    """Report values of custom metrics; a metric is there as soon as it is reported."""
    await service.reports.put_metrics(call.account_id, request.metric_list)
    return Taken()


class PutCustomEventRequest(Request, kw_only=True):
    """Events."""

    event_info: list[EventReport]


@cms.operation("PutCustomEvent")
async def put_custom_event(service: Monitor, call: Call, request: PutCustomEventRequest) -> Taken:
    """Report events."""
    await service.reports.put_events(call.account_id, request.event_info)
    return Taken()


class CustomMetricQuestion(Paged, kw_only=True):
    """Which custom metrics. ``dimension`` is JSON text or ``key=value``."""

    page_size: int = 10
    group_id: str | None = None
    metric_name: str | None = None
    dimension: str | None = None
    md5: str | None = msgspec.field(name="Md5", default=None)


class CustomMetrics(Answer, kw_only=True):
    """Custom metrics, as JSON text."""

    code: str = "200"
    message: str = "success"
    result: str


@cms.operation("DescribeCustomMetricList")
async def describe_custom_metric_list(service: Monitor, call: Call, request: CustomMetricQuestion) -> CustomMetrics:
    """List the custom metrics that were reported."""
    limit, offset = checked(request, limits.PAGE)
    query = CustomQuery(
        account_id=call.account_id,
        group_id=request.group_id,
        metric=request.metric_name,
        dimension=questions.joined_of(request.dimension),
    )
    total, found = await service.reports.find_metrics(query, limit=limit, offset=offset)
    shown = [_shown(one) for one in found]
    result = {
        "all": total,
        "size": request.page_size,
        "page": request.page_number,
        "list": [one for one in shown if request.md5 in (None, one["md5"])],
    }
    return CustomMetrics(result=json_text(result))


def _shown(one: Series) -> dict[str, object]:
    project = CUSTOM + one.account_id
    names = "|".join((project, one.group_id, one.metric, one.dimension))
    return {
        "project": project,
        "groupId": one.group_id,
        "metricName": one.metric,
        "dimension": one.dimension,
        "md5": hashlib.md5(names.encode(), usedforsecurity=False).hexdigest().upper(),
        "status": 1,
    }


class EventQuestion(Paged, kw_only=True):
    """Which events; ``search_keywords`` is a part of the name or of the content."""

    page_size: int = 100
    name: str | None = None
    group_id: str | None = None
    search_keywords: str | None = None
    start_time: str | None = None
    end_time: str | None = None


def _query(service: Monitor, call: Call, request: EventQuestion) -> events.Query:
    now = service.clock.now()
    since, until = questions.moments_of(request.start_time, request.end_time, now, default=_EVENT_RANGE)
    return events.Query(
        account_id=call.account_id,
        since=since,
        until=until,
        name=request.name,
        group_id=request.group_id,
        like=request.search_keywords,
    )


class EventView(Answer, kw_only=True):
    """One event."""

    id: str
    name: str
    content: str
    group_id: str
    time: str


class EventViews(Answer):
    """Events."""

    custom_event: list[EventView]


class EventList(Said, kw_only=True):
    """A page of events."""

    custom_events: EventViews


@cms.operation("DescribeCustomEventAttribute")
async def describe_custom_event_attribute(service: Monitor, call: Call, request: EventQuestion) -> EventList:
    """List the events that were reported, newest first."""
    limit, offset = checked(request, limits.PAGE)
    found = await service.reports.find_events(_query(service, call, request), limit=limit, offset=offset)
    return EventList(
        custom_events=EventViews(
            [
                EventView(
                    id=str(one.id),
                    name=one.name,
                    content=one.content,
                    group_id=one.group_id,
                    time=str(round(one.at.timestamp() * 1000)),
                )
                for one in found
            ]
        )
    )


class EventCount(Answer, kw_only=True):
    """How often something happened, and when it happened last."""

    name: str
    num: int
    time: int


class EventCounts(Answer):
    """How often things happened."""

    custom_event_count: list[EventCount]


class EventCountList(Said, kw_only=True):
    """How often things happened."""

    custom_event_counts: EventCounts


@cms.operation("DescribeCustomEventCount")
async def describe_custom_event_count(service: Monitor, call: Call, request: EventQuestion) -> EventCountList:
    """Count the events that were reported, by name."""
    counts = await service.reports.count_events(_query(service, call, request))
    found = [EventCount(name=name, num=count, time=round(last.timestamp() * 1000)) for name, count, last in counts]
    return EventCountList(custom_event_counts=EventCounts(found))

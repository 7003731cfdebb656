"""System events: what products have told CloudMonitor. They are read from the event bus, which keeps them for seven days."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import msgspec

from tidegate.services.cms import errors, questions
from tidegate.services.cms.api.product import Paged, Said, checked, cms, json_text
from tidegate.services.cms.service import Monitor
from tidegate.services.operation import Answer, Call
from tidegate.store import events
from tidegate.store.events import Event

_RANGE = timedelta(days=7)
_PAGE = 100
#: events that are looked at for a count
_COUNTED = 10_000
#: ASSUMPTION: the pages give the status of other products' events only
_STATUSES = {"INFO": "Normal", "WARN": "Warning", "CRITICAL": "Failed"}


class SystemEvents(Paged, kw_only=True):
    """Which events; ``search_keywords`` is ``a and b`` or ``a or b``. A count has no pages."""

    page_size: int = 10
    product: str | None = None
    name: str | None = None
    level: str | None = None
    status: str | None = None
    search_keywords: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    region_id: str | None = None


class SystemEventView(Answer, kw_only=True):
    """An event."""

    id: str | msgspec.UnsetType = msgspec.UNSET
    product: str
    name: str
    level: str
    status: str
    content: str
    resource_id: str
    instance_name: str
    group_id: str = ""
    region_id: str
    time: int
    num: int | msgspec.UnsetType = msgspec.UNSET


class SystemEventViews(Answer):
    """Events."""

    system_event: list[SystemEventView]


class SystemEventCountViews(Answer):
    """Events that were counted."""

    system_event_count: list[SystemEventView]


class SystemEventList(Said, kw_only=True):
    """A page of events."""

    message: str = "success"
    system_events: SystemEventViews


class SystemEventCounts(Said, kw_only=True):
    """How often things happened."""

    message: str = "success"
    system_event_counts: SystemEventCountViews


def _query(service: Monitor, call: Call, request: SystemEvents) -> events.Query:
    since, until = questions.moments_of(request.start_time, request.end_time, service.clock.now(), default=_RANGE)
    if request.level is not None and request.level not in _STATUSES:
        raise errors.invalid("Level")
    levels = [level for level, status in _STATUSES.items() if status == request.status]
    words = request.search_keywords or ""
    separator = " or " if " or " in words else " and "
    return events.Query(
        account_id=call.account_id,
        region=request.region_id,
        product=(request.product or "").upper(),
        name=request.name,
        # a status that no event has finds nothing
        level=request.level or (request.status and (levels[0] if levels else request.status)),
        since=since,
        until=until,
        words=[word.strip() for word in words.split(separator) if word.strip()],
        any_word=separator == " or ",
    )


def _shown(event: Event) -> SystemEventView:
    return SystemEventView(
        id=event.id,
        product=event.product,
        name=event.name,
        level=event.level,
        status=_STATUSES[event.level],
        content=json_text(event.data),
        resource_id=event.subject,
        instance_name=str(event.data.get("scalingGroupName") or event.data.get("resourceId") or ""),
        region_id=event.region,
        time=round(event.at.timestamp() * 1000),
    )


@cms.operation("DescribeSystemEventAttribute")
async def describe_system_event_attribute(service: Monitor, call: Call, request: SystemEvents) -> SystemEventList:
    """List what products have told, newest first."""
    limit, offset = checked(request, _PAGE)
    async with service.database.connection() as db:
        found = await events.page(db, _query(service, call, request), limit=limit, offset=offset)
    return SystemEventList(system_events=SystemEventViews([_shown(one) for one in found]))


@cms.operation("DescribeSystemEventCount")
async def describe_system_event_count(service: Monitor, call: Call, request: SystemEvents) -> SystemEventCounts:
    """Count what products have told, by name and what it happened to; shown as the latest of each."""
    async with service.database.connection() as db:
        found = await events.page(db, _query(service, call, request), limit=_COUNTED)
    counted = Counter((one.product, one.name, one.subject) for one in found)
    latest: dict[tuple[str, str, str], Event] = {}
    for one in found:
        latest.setdefault((one.product, one.name, one.subject), one)
    views = [msgspec.structs.replace(_shown(one), id=msgspec.UNSET, num=counted[kind]) for kind, one in latest.items()]
    return SystemEventCounts(system_event_counts=SystemEventCountViews(views))

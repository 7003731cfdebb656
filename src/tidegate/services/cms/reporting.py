"""What users report: custom metrics and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from tidegate.clock import Clock
from tidegate.ids import Ids
from tidegate.services.cms import errors, limits, times
from tidegate.services.cms.questions import joined
from tidegate.services.operation import Request
from tidegate.store.cms import events, samples, series
from tidegate.store.cms.events import Event
from tidegate.store.cms.samples import GRAINS, Sample
from tidegate.store.cms.series import CustomQuery, Series
from tidegate.store.database import Database

RAW, AGGREGATE = "0", "1"


class MetricReport(Request, kw_only=True):
    """One value, or what many came to. ``values`` and ``dimensions`` are JSON text."""

    group_id: str
    metric_name: str
    dimensions: str
    values: str
    type: str
    time: str | None = None
    period: str | None = None


class EventReport(Request, kw_only=True):
    """Something that has happened."""

    event_name: str
    content: str
    group_id: str = "0"
    time: str | None = None


class Reports:
    """Takes reports in, and tells which there were."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids

    async def put_metrics(self, account_id: str, reports: Sequence[MetricReport]) -> None:
        """Write values, all or none. Values of the same fifteen seconds are joined."""
        if not 1 <= len(reports) <= limits.METRICS_PER_REPORT:
            raise errors.invalid("MetricList")
        now = self._clock.now()
        read = [self._read(account_id, report, now) for report in reports]
        async with self._database.transaction() as tx:
            # In one order, so that two reports of the same metrics do not wait for each other.
            for one, sample in sorted(read, key=lambda pair: (pair[0].group_id, pair[0].metric, pair[0].dimension)):
                series_id = await series.ensure_custom(tx, one)
                await samples.pool(tx, msgspec.structs.replace(sample, series=series_id))
            if await series.count_custom(tx, CustomQuery(account_id=account_id)) > limits.CUSTOM_METRICS:
                raise errors.too_many()

    def _read(self, account_id: str, report: MetricReport, now: datetime) -> tuple[Series, Sample]:
        if not report.metric_name or len(report.metric_name) > limits.DIMENSION_CHARACTERS:
            raise errors.invalid("MetricName")
        one = Series(
            id=f"cm-{self._ids.text(20)}",
            account_id=account_id,
            kind="custom",
            created_at=now,
            group_id=report.group_id,
            metric=report.metric_name,
            dimension=joined(_dimensions(report.dimensions)),
        )
        return one, _sample(report, _moment("Time", report.time, now))

    async def put_events(self, account_id: str, reports: Sequence[EventReport]) -> None:
        """Write events."""
        if not 1 <= len(reports) <= limits.EVENTS_PER_REPORT:
            raise errors.invalid("EventInfo")
        now = self._clock.now()
        written = [
            Event(
                account_id=account_id,
                group_id=report.group_id,
                name=report.event_name,
                content=report.content,
                at=_moment("Time", report.time, now),
            )
            for report in reports
        ]
        async with self._database.transaction() as tx:
            await events.add(tx, *written)

    async def find_metrics(self, query: CustomQuery, *, limit: int, offset: int) -> tuple[int, list[Series]]:
        """Return how many custom metrics match and a page of them."""
        async with self._database.connection() as db:
            return await series.count_custom(db, query), await series.custom(db, query, limit=limit, offset=offset)

    async def find_events(self, query: events.Query, *, limit: int, offset: int) -> list[Event]:
        """Return a page of the events that match, newest first."""
        async with self._database.connection() as db:
            return await events.page(db, query, limit=limit, offset=offset)

    async def count_events(self, query: events.Query) -> list[tuple[str, int, datetime]]:
        """Return for each name how many events match and when the last one was."""
        async with self._database.connection() as db:
            return await events.counts(db, query)


def _dimensions(text: str) -> Mapping[str, str]:
    try:
        words = msgspec.json.decode(text, type=dict[str, str])
    except msgspec.MsgspecError as error:
        raise errors.invalid("Dimensions") from error
    longest = limits.DIMENSION_CHARACTERS
    return {key[:longest]: word[:longest] for key, word in words.items()}


def _sample(report: MetricReport, at: datetime) -> Sample:
    """Return what a report comes to; the series is not known yet."""
    try:
        numbers = msgspec.json.decode(report.values, type=dict[str, float])
    except msgspec.MsgspecError as error:
        raise errors.invalid("Values") from error
    if report.type == RAW:
        if "value" not in numbers:
            raise errors.invalid("Values")
        return Sample(series="", at=times.start_of(at, GRAINS[0]), count=1, mean=[numbers["value"]])
    if report.type != AGGREGATE:
        raise errors.invalid("Type")
    if report.period not in {"60", "300"}:
        raise errors.invalid("Period")
    count = int(numbers.get("SampleCount", 1))
    average = numbers.get("Average", numbers.get("Sum", 0.0) / count if count > 0 and "Sum" in numbers else None)
    if count < 1 or average is None:
        raise errors.invalid("Values")
    return Sample(
        series="",
        at=times.start_of(at, int(report.period)),
        count=count,
        mean=[average],
        low=[numbers.get("Minimum", average)],
        high=[numbers.get("Maximum", average)],
    )


def _moment(name: str, text: str | None, now: datetime) -> datetime:
    if text is None:
        return now
    try:
        moment = times.read(text)
    except (ValueError, OverflowError) as error:
        raise errors.invalid(name) from error
    if not now - limits.REPORT_BEHIND <= moment <= now + limits.REPORT_AHEAD:
        raise errors.invalid(name)
    return moment

"""Answers questions for data points from the samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from tidegate.services.cms import errors, limits, questions, times
from tidegate.services.cms.catalog import ECS, Metric
from tidegate.services.cms.questions import Question
from tidegate.store.cms import samples, series
from tidegate.store.cms.samples import Point, Wanted
from tidegate.store.database import Database

#: one point as it is shown: timestamp, dimensions, Average, Minimum, Maximum
Datapoint = Mapping[str, Any]


class _Source(msgspec.Struct, frozen=True):
    """Series that answer a question in the same way. ``words`` of each are shown with its points."""

    metric: Metric | None
    words: Mapping[str, Mapping[str, str]]

    def wanted(self, question: Question) -> Wanted:
        span = question.range
        return Wanted(
            series=list(self.words),
            place=0 if self.metric is None else self.metric.place,
            period=span.period,
            since=span.since,
            until=span.until,
        )

    def shown(self, point: Point) -> Datapoint:
        numbers = (point.average, point.minimum, point.maximum)
        if self.metric is not None:
            average, *others = (self.metric.shown(number) for number in numbers)
            numbers = (average, min(others), max(others))  # they change places where the scale is negative
        shown = dict(zip(("Average", "Minimum", "Maximum"), (_rounded(number) for number in numbers), strict=True))
        if self.metric is None:
            shown |= {"Sum": _rounded(point.average * point.count), "SampleCount": point.count}
        return {"timestamp": times.write(point.at), **self.words[point.series], **shown}


class Answers:
    """Reads what was measured and reported."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, question: Question, length: int, token: str | None) -> tuple[list[Datapoint], str | None]:
        """Return the first points by moment and resource, and where the next page begins."""
        after = _read_token(token)
        found: list[tuple[Point, _Source]] = []
        async with self._database.connection() as db:
            sources = await self._sources(question)
            each = max(length // max(len(sources), 1), 1)
            has_more = False
            for source in sources:
                points = await samples.points(db, source.wanted(question), limit=each + 1, after=after)
                has_more = has_more or len(points) > each
                found += [(point, source) for point in points[:each]]
        found.sort(key=lambda one: (one[0].at, one[0].series))
        more = _token(found[-1][0]) if has_more else None
        return [source.shown(point) for point, source in found], more

    async def last(self, question: Question, length: int, token: str | None) -> tuple[list[Datapoint], str | None]:
        """Return the last point of each resource, and where the next page begins."""
        _, after = _read_token(token) or (None, "")
        found: list[tuple[Point, _Source]] = []
        async with self._database.connection() as db:
            for source in await self._sources(question):
                points = await samples.last_points(db, source.wanted(question), limit=length + 1, after=after)
                found += [(point, source) for point in points]
        found.sort(key=lambda one: one[0].series)
        more = _token(found[length - 1][0]) if len(found) > length else None
        return [source.shown(point) for point, source in found[:length]], more

    async def _sources(self, question: Question) -> list[_Source]:
        metrics = questions.metrics_of(question.account_id, question.namespace, question.metric)
        if not metrics:
            return [await self._custom(question)]
        sources = []
        async with self._database.connection() as db:
            for metric in metrics:
                ids = _named(metric, question)
                kind: series.Kind = "host" if metric.namespace == ECS else "group"
                known = await series.known(db, question.account_id, kind, ids, limit=limits.PAGE)
                fixed = {metric.owner: question.account_id, **dict([metric.dimension] if metric.dimension else [])}
                sources.append(_Source(metric, {one: {**fixed, metric.resource: one} for one in known}))
        return [source for source in sources if source.words]

    async def _custom(self, question: Question) -> _Source:
        found: list[series.Series] = []
        async with self._database.connection() as db:
            for words in question.dimensions or ({},):
                group, dimension = custom_words(words)
                query = series.CustomQuery(
                    account_id=question.account_id, group_id=group, metric=question.metric, dimension=dimension
                )
                found += await series.custom(db, query, limit=limits.PAGE)
        owner = {"userId": question.account_id}
        return _Source(None, {one.id: {**owner, "groupId": one.group_id, "dimension": one.dimension} for one in found})


def custom_words(words: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return the group and the joined dimensions that a set of words names, None for what it leaves open.

    Dimensions are written joined, as the vendor's samples do, or each by itself.
    """
    own = {key: value for key, value in words.items() if key not in {"groupId", "userId", "dimension"}}
    return words.get("groupId"), words.get("dimension") or (questions.joined(own) if own else None)


def grouped(points: Sequence[Datapoint], keys: Sequence[str]) -> list[Datapoint]:
    """Join the points that have the same words for these keys and the same moment."""
    groups: dict[tuple[Any, ...], list[Datapoint]] = {}
    for point in points:
        groups.setdefault((point["timestamp"], *(point.get(key) for key in keys)), []).append(point)
    return [
        {
            "timestamp": moment,
            **{key: word for key, word in zip(keys, words, strict=True) if word is not None},
            "Average": _rounded(sum(one["Average"] for one in members) / len(members)),
            "Minimum": min(one["Minimum"] for one in members),
            "Maximum": max(one["Maximum"] for one in members),
        }
        for (moment, *words), members in groups.items()
    ]


def _named(metric: Metric, question: Question) -> list[str] | None:
    """Return the resources that a question names for a metric; None: all."""
    if not question.dimensions:
        return None
    fixed = {metric.owner: question.account_id, **dict([metric.dimension] if metric.dimension else [])}
    ids: list[str] = []
    for words in question.dimensions:
        if all(fixed.get(key, word) == word for key, word in words.items()):
            if metric.resource not in words:
                return None
            ids.append(words[metric.resource])
    return ids


def _rounded(number: float) -> float:
    return round(number, 3)


def _token(point: Point) -> str:
    return f"{times.write(point.at):x}-{point.series}"


def _read_token(token: str | None) -> tuple[datetime, str] | None:
    if token is None:
        return None
    moment, _, name = token.partition("-")
    try:
        return datetime.fromtimestamp(int(moment, 16) / 1000, UTC), name
    except (ValueError, OverflowError, OSError) as error:
        raise errors.invalid("NextToken") from error

"""Answers questions for data points from the samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.services.cms import errors, limits, questions, times
from tidegate.services.cms.catalog import ECS, Metric
from tidegate.services.cms.questions import Question
from tidegate.store.cms import samples, series
from tidegate.store.cms.samples import Point, Wanted
from tidegate.store.database import Database

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: where a point stands: its moment (ms) and its series
_Place = tuple[int, str]
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
        place = _read_token(token)
        after = None if place is None else (datetime.fromtimestamp(place[0] / 1000, UTC), place[1])
        async with self._database.connection() as db:
            sources = await self._sources(db, question)
            each = max(length // max(len(sources), 1), 1)
            batches = [
                [
                    ((times.write(point.at), point.series), source.shown(point))
                    for point in await samples.points(db, source.wanted(question), limit=each + 1, after=after)
                ]
                for source in sources
            ]
        return _joined(batches, each)

    async def last(self, question: Question, length: int, token: str | None) -> tuple[list[Datapoint], str | None]:
        """Return the last point of each resource, and where the next page begins."""
        _, after = _read_token(token) or (0, "")
        async with self._database.connection() as db:
            sources = await self._sources(db, question)
            each = max(length // max(len(sources), 1), 1)
            batches = [
                [
                    ((0, point.series), source.shown(point))
                    for point in await samples.last_points(db, source.wanted(question), limit=each + 1, after=after)
                ]
                for source in sources
            ]
        return _joined(batches, each)

    async def _sources(self, db: Connection, question: Question) -> list[_Source]:
        metrics = questions.metrics_of(question.account_id, question.namespace, question.metric)
        if not metrics:
            return [await self._custom(db, question)]
        sources = []
        for metric in metrics:
            kind: series.Kind = "host" if metric.namespace == ECS else "group"
            known = await series.known(db, question.account_id, kind, _named(metric, question), limit=limits.PAGE)
            fixed = _fixed(metric, question)
            sources.append(_Source(metric, {one: {**fixed, metric.resource: one} for one in known}))
        return [source for source in sources if source.words]

    async def _custom(self, db: Connection, question: Question) -> _Source:
        found: list[series.Series] = []
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
    fixed = _fixed(metric, question)
    ids: list[str] = []
    for words in question.dimensions:
        if all(fixed.get(key, word) == word for key, word in words.items()):
            if metric.resource not in words:
                return None
            ids.append(words[metric.resource])
    return ids


def _fixed(metric: Metric, question: Question) -> Mapping[str, str]:
    """Return the dimensions that are the same for every resource."""
    return {metric.owner: question.account_id, **dict([metric.dimension] if metric.dimension else [])}


def _rounded(number: float) -> float:
    return round(number, 3)


def _joined(batches: Sequence[Sequence[tuple[_Place, Datapoint]]], each: int) -> tuple[list[Datapoint], str | None]:
    """Join what several sources answered, at most ``each`` points of each, and say where the next page begins.

    A source that has more ends the page for all of them, so that none skips what another one still has there.
    """
    ends = [batch[each - 1][0] for batch in batches if len(batch) > each]
    end = min(ends, default=None)
    found = [one for batch in batches for one in batch if end is None or one[0] <= end]
    found.sort(key=lambda one: one[0])
    return [point for _, point in found], None if end is None else f"{end[0]:x}-{end[1]}"


def _read_token(token: str | None) -> _Place | None:
    if token is None:
        return None
    moment, _, name = token.partition("-")
    try:
        place = int(moment, 16), name
        datetime.fromtimestamp(place[0] / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise errors.invalid("NextToken") from error
    return place

"""Questions for data points: what callers write, as one thing that can be answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from tidegate.services.cms import errors, limits, times
from tidegate.services.cms.catalog import CATALOG, CUSTOM, NAMESPACES, PERIODS, Metric

#: ASSUMPTION: where the metric names none; the shortest period of most metrics
DEFAULT_PERIOD = 60


class Range(msgspec.Struct, frozen=True):
    """Whole periods: ``since`` ≤ beginning < ``until``."""

    period: int
    since: datetime
    until: datetime


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What an account asks for. ``dimensions``: any of these sets of words; none: everything it has."""

    account_id: str
    namespace: str
    metric: str
    dimensions: Sequence[Mapping[str, str]]
    range: Range


def metrics_of(account_id: str, namespace: str, name: str) -> Sequence[Metric]:
    """Return the entries of the catalog for a metric, none for a custom one. Raises ResourceNotFound."""
    if namespace == CUSTOM + account_id:
        return ()
    if namespace not in NAMESPACES or (namespace, name) not in CATALOG:
        raise errors.not_found()
    return CATALOG[namespace, name]


def period_of(text: str | None) -> int:
    """Read a period; raises ParameterInvalid."""
    if text is None:
        return DEFAULT_PERIOD
    if text.isascii() and text.isdigit() and int(text) in PERIODS:
        return int(text)
    raise errors.invalid("Period")


def range_of(period: int, start: str | None, end: str | None, now: datetime, *, default: timedelta) -> Range:
    """Return the periods that are over and begin after ``start`` and not after ``end``; raises ParameterInvalid."""
    since, until = moments_of(start, end, now, default=default)
    step = timedelta(seconds=period)
    last = times.start_of(min(until, now - step), period)
    return Range(period, times.start_of(since, period) + step, last + step)


def moments_of(start: str | None, end: str | None, now: datetime, *, default: timedelta) -> tuple[datetime, datetime]:
    """Read from when to when; what is not said is now, and ``default`` before the end. Raises ParameterInvalid."""
    until = _moment("EndTime", end) or now
    since = _moment("StartTime", start) or until - default
    if since >= until or until - since > limits.LONGEST_RANGE:
        raise errors.invalid("StartTime")
    return since, until


def dimensions_of(text: str | None) -> Sequence[Mapping[str, str]]:
    """Read one set of words, or a list of them, from JSON; raises ParameterInvalid."""
    sets = _sets("Dimensions", text)
    if len(sets) > limits.RESOURCES:
        raise errors.invalid("Dimensions")
    return sets


def labels_of(text: str | None) -> Sequence[Mapping[str, str]]:
    """Read one label, or a list of them, from JSON; raises ParameterInvalid."""
    return _sets("Labels", text)


def _sets(name: str, text: str | None) -> Sequence[Mapping[str, str]]:
    if text is None:
        return ()
    try:
        read = msgspec.json.decode(text, type=dict[str, str] | list[dict[str, str]])
    except msgspec.MsgspecError as error:
        raise errors.invalid(name) from error
    return [read] if isinstance(read, dict) else read


def length_of(text: str | None) -> int:
    """Read the length of a page; raises ParameterInvalid."""
    if text is None:
        return limits.PAGE
    if text.isascii() and text.isdigit() and 1 <= int(text) <= limits.LONGEST_PAGE:
        return int(text)
    raise errors.invalid("Length")


def joined(words: Mapping[str, str]) -> str:
    """Write the dimensions of a custom metric as one text: ``key1=value1&key2=value2``, keys in order."""
    return "&".join(f"{key}={words[key]}" for key in sorted(words))


def joined_of(text: str | None) -> str | None:
    """Read dimensions that are joined already, or are JSON; raises ParameterInvalid."""
    if text is None or not text.startswith(("{", "[")):
        return text
    return joined(next(iter(_sets("Dimension", text)), {}))


def _moment(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return times.read(text)
    except (ValueError, OverflowError) as error:
        raise errors.invalid(name) from error

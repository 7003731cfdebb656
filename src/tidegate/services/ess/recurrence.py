"""When a scheduled task is due: pure functions of its timetable, all in UTC (ess.md 9.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import takewhile

import msgspec
from cronsim import CronSim, CronSimError

from tidegate.services.ess import refusals

_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_LONGEST_CRON = 100
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_WEEKDAY_TERM = re.compile(
    r"(?P<first>[*?]|[1-7])(-(?P<last>[1-7]))?(/(?P<step>[1-7]))?|(?P<nth>[1-7])#(?P<week>[1-5])|(?P<final>[1-7]?)L"
)


class Timetable(msgspec.Struct, frozen=True, kw_only=True):
    """When something happens, to the minute: at ``launch``, or again and again from then until ``end`` (inclusive).

    ``kind`` is Daily, Weekly, Monthly or Cron with its ``value`` as the API takes it, None for once.
    """

    launch: datetime
    kind: str | None = None
    value: str = ""
    end: datetime | None = None


def next_due(timetable: Timetable, after: datetime) -> datetime | None:
    """Return the first due moment after ``after``; None when there is none any more.

    Raises InvalidParameter for a value that its kind cannot have.
    """
    since = max(after, timetable.launch - _INSTANT)
    if timetable.kind is None:
        return timetable.launch if timetable.launch > since else None
    moments = _cron_moments(timetable.value, since) if timetable.kind == "Cron" else _moments(timetable, since)
    end = timetable.end
    return next(takewhile(lambda moment: end is None or moment <= end, moments), None)


def check(timetable: Timetable) -> None:
    """Raise InvalidParameter for a recurrence that cannot be read."""
    next_due(timetable, timetable.launch)


def _moments(timetable: Timetable, since: datetime) -> Iterator[datetime]:
    """Yield the due moments after ``since`` of a recurrence by days; its time of day is that of the launch."""
    is_due = _days(timetable)
    # A month without a day of "31-31" is the longest pause.
    start = timetable.launch + (since - timetable.launch) // _DAY * _DAY
    for number in range(100):
        moment = start + number * _DAY
        if moment > since and is_due(moment):
            yield moment


class _EveryDays(msgspec.Struct, frozen=True):
    launch: datetime
    days: int

    def __call__(self, moment: datetime) -> bool:
        return (moment - self.launch).days % self.days == 0


class _OnWeekdays(msgspec.Struct, frozen=True):
    #: 0 = Sunday
    weekdays: frozenset[int]

    def __call__(self, moment: datetime) -> bool:
        return moment.isoweekday() % 7 in self.weekdays


class _OnDays(msgspec.Struct, frozen=True):
    first: int
    last: int

    def __call__(self, moment: datetime) -> bool:
        return self.first <= moment.day <= self.last


def _days(timetable: Timetable) -> _EveryDays | _OnWeekdays | _OnDays:
    value = timetable.value
    match timetable.kind:
        case "Daily" if re.fullmatch(r"[1-9][0-9]?", value) and int(value) <= 31:
            return _EveryDays(timetable.launch, int(value))
        case "Weekly" if re.fullmatch(r"[0-6](,[0-6]){0,6}", value):
            return _OnWeekdays(frozenset(map(int, value.split(","))))
        case "Monthly" if match := re.fullmatch(r"([1-9][0-9]?)-([1-9][0-9]?)", value):
            first, last = int(match[1]), int(match[2])
            if first <= last <= 31:
                return _OnDays(first, last)
        case "Daily" | "Weekly" | "Monthly":
            pass
        case _:
            raise refusals.invalid("RecurrenceType")
    raise refusals.invalid("RecurrenceValue")


# ---- cron ------------------------------------------------------------------------------------------------------------


def _cron_moments(expression: str, since: datetime) -> Iterator[datetime]:
    fields = expression.upper().split()
    if len(fields) != 5 or len(expression) > _LONGEST_CRON:
        raise refusals.invalid("RecurrenceValue")
    minute, hour, day, month, weekday = fields
    try:
        moments = CronSim(
            " ".join([minute, hour, "*" if day == "?" else day, month, ",".join(map(_weekdays, weekday.split(",")))]),
            since,
        )
    except CronSimError as error:
        raise refusals.invalid("RecurrenceValue") from error
    if len(moments.minutes) != 1:  # at most once an hour
        raise refusals.invalid("RecurrenceValue")
    return moments


def _weekdays(term: str) -> str:
    """Rewrite one weekday term from 1–7, where 1 is Sunday, to the 0–6 of cron.

    ASSUMPTION: the reference gives the range only; ``?``, ``L``, ``W`` and ``#`` are Quartz's, so the numbers are too.
    """
    numbered = re.sub("|".join(_WEEKDAYS), lambda match: str(_WEEKDAYS.index(match[0]) + 1), term)
    match = _WEEKDAY_TERM.fullmatch(numbered)
    if match is None:
        raise refusals.invalid("RecurrenceValue")
    if match["nth"]:
        return f"{int(match['nth']) - 1}#{match['week']}"
    if match["final"] is not None:
        return f"{int(match['final']) - 1}L" if match["final"] else "6"
    if match["first"] in "*?":
        if match["last"] is not None:
            raise refusals.invalid("RecurrenceValue")
        return "*" if match["step"] is None else f"0-6/{match['step']}"
    first = int(match["first"]) - 1
    if match["step"] is not None:
        last = 6 if match["last"] is None else int(match["last"]) - 1
        return f"{first}-{last}/{match['step']}"
    return str(first) if match["last"] is None else f"{first}-{int(match['last']) - 1}"

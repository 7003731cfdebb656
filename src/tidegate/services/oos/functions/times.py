"""Functions on moments. All of them are in UTC and come in as texts; none asks for the present."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tidegate.services.oos.functions.base import Function, need_number, need_text
from tidegate.services.oos.values import ExpressionError

_LAYOUTS = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d")
_CLOCKS = ("%H:%M:%SZ", "%H:%MZ", "%H:%M:%S", "%H:%M")


def _moment(text: Any, layouts: tuple[str, ...]) -> tuple[datetime, str] | None:
    for layout in layouts:
        try:
            return datetime.strptime(need_text(text), layout).replace(tzinfo=UTC), layout
        except ValueError:
            continue
    return None


def _need_moment(text: Any) -> tuple[datetime, str]:
    found = _moment(text, _LAYOUTS)
    if found is None:
        raise ExpressionError(f"not a UTC time: {need_text(text)[:40]}")
    return found


def add_hours(time: Any, hours: Any) -> str:
    """Shift a time by hours, back when negative; its layout stays."""
    moment, layout = _need_moment(time)
    try:
        return (moment + timedelta(hours=need_number(hours))).strftime(layout)
    except OverflowError:
        raise ExpressionError("the time is out of range") from None


def format_time(time: Any, layout: Any) -> str:
    """Write a time in a layout of ``strftime``."""
    moment, _ = _need_moment(time)
    if len(need_text(layout)) > 200 or re.search(r"%[^A-Za-z%]", layout):
        raise ExpressionError("not a layout")  # a width such as %9999999Y would make a text of that length
    return moment.strftime(layout)


def measure(start: Any, end: Any) -> str:
    """Return the time between two times of day or two dates as ISO 8601; a day is added over midnight."""
    clocks = _moment(start, _CLOCKS), _moment(end, _CLOCKS)
    if clocks[0] and clocks[1]:
        between = clocks[1][0] - clocks[0][0]
        between += timedelta(days=1) if between < timedelta() else timedelta()
    else:
        between = _need_moment(end)[0] - _need_moment(start)[0]
    if between < timedelta():
        raise ExpressionError("the end is before the start")
    return write_duration(between)


def write_duration(duration: timedelta) -> str:
    """Write a duration as ``PT9H30M`` (oos.md 3.7, ASSUMPTION on the form)."""
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "H"), (minutes, "M"), (seconds, "S"))
    return "PT" + ("".join(f"{count}{unit}" for count, unit in parts if count) or "0S")


FUNCTIONS: Final = (
    Function("Fn::AddHour", add_hours, least=2, most=2),
    Function("Fn::FormatUTCTime", format_time, least=2, most=2),
    Function("Fn::DurationBetween", measure, least=2, most=2),
)

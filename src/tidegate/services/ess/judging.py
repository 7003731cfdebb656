"""When an alarm task is looked at, and what the values of its metrics make of its state (ess.md 9.2). Pure."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import msgspec

from tidegate.services.cms.service import Reading
from tidegate.store.ess.alarms import Alarm, Condition, State

#: After the end of a period it takes so long until what was measured in it has been written down.
SETTLING = timedelta(seconds=3)
OPERATORS: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
)
STATISTICS: Mapping[str, Callable[[Reading], float]] = MappingProxyType(
    {
        "Average": lambda reading: reading.average,
        "Minimum": lambda reading: reading.minimum,
        "Maximum": lambda reading: reading.maximum,
    }
)


class Verdict(msgspec.Struct, frozen=True):
    """The state, and the last value of the first condition, None when there is none."""

    state: State
    value: float | None


def step_of(alarm: Alarm) -> int:
    """Return how often an alarm task is looked at, in seconds: once in the shortest of its periods."""
    return min(condition.period for condition in alarm.conditions)


def end_of(period: int, moment: datetime) -> datetime:
    """Return the end of the last period that is over."""
    return datetime.fromtimestamp(int(moment.timestamp()) // period * period, UTC)


def due_at(alarm: Alarm) -> datetime:
    """Return when the next period is over and written down."""
    return alarm.evaluated_until + timedelta(seconds=step_of(alarm)) + SETTLING


def judge(alarm: Alarm, readings: Sequence[Sequence[Reading]]) -> Verdict:
    """Return what an alarm task comes to, given the last ``evaluation_count`` periods of each of its conditions.

    A condition holds when it does in each of these periods. ASSUMPTION: it is unknown only when none of them has a
    value; a gap among them is no breach.
    """
    held = [
        _holds(condition, alarm.evaluation_count, found)
        for condition, found in zip(alarm.conditions, readings, strict=True)
    ]
    last = max(readings[0], key=lambda reading: reading.at, default=None)
    value = STATISTICS[alarm.conditions[0].statistics](last) if last else None
    return Verdict(_joined(alarm.logic or "&&", held), value)


def _holds(condition: Condition, count: int, readings: Sequence[Reading]) -> bool | None:
    if not readings:
        return None
    breaches, value_of = OPERATORS[condition.operator], STATISTICS[condition.statistics]
    return len(readings) >= count and all(breaches(value_of(one), condition.threshold) for one in readings)


def _joined(logic: str, held: Sequence[bool | None]) -> State:
    """Join what is known: an unknown condition decides nothing that the others decide without it."""
    decisive = logic == "||"
    if decisive in held:
        return "ALARM" if decisive else "OK"
    if None in held:
        return "INSUFFICIENT_DATA"
    return "OK" if decisive else "ALARM"

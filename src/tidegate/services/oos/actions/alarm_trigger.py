"""``ACS::AlarmTrigger``: a metric that goes beyond a threshold runs the rest of the template as a child (oos.md 5.10).

The metric is read from CloudMonitor at every interval, with the rights of the execution's role.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from tidegate.clock import to_seconds
from tidegate.errors import CloudError
from tidegate.services.oos import limits
from tidegate.services.oos.actions.base import ActionFailedError, AwaitNotice, AwaitSignal, LookAgain, Situation
from tidegate.services.oos.actions.execute_api import call
from tidegate.services.oos.actions.firing import Firings
from tidegate.services.oos.functions.base import need_integer, need_number
from tidegate.services.oos.values import ExpressionError, from_json, to_text

_STATISTICS: Final = ("Average", "Minimum", "Maximum")
#: defaults of CloudMonitor's rules (ASSUMPTION): seconds, and intervals in a row
_PERIOD, _TIMES, _SILENCE = 60, 3, 86400
_SHORTEST: Final = 15
#: what a value is compared with: the threshold, or how much it grew since then, in percent
_SINCE: Final[Mapping[str, timedelta | None]] = {
    "Threshold": None,
    "Yesterday": timedelta(days=1),
    "LastWeek": timedelta(days=7),
    "LastPeriod": timedelta(),
}
_OPERATOR: Final = re.compile(
    r"(?P<how>GreaterThanOrEqualTo|GreaterThan|LessThanOrEqualTo|LessThan|NotEqualTo)"
    r"(?P<since>Threshold|Yesterday|LastWeek|LastPeriod)"
)
_HOURS: Final = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """When the trigger fires. Durations are seconds."""

    namespace: str
    metric: str
    how: str
    since: timedelta | None
    statistic: str = "Average"
    threshold: float = 0.0
    times: int = _TIMES
    silence: int = _SILENCE
    period: int = _PERIOD
    interval: int = _PERIOD
    #: minutes of the day between which it may fire
    hours: tuple[int, int] = (0, 24 * 60 - 1)

    def is_beyond(self, value: float, before: float | None) -> bool:
        """Whether a value is one to warn of; ``before`` is the one it is compared with, if that is not the threshold."""
        if self.since is not None:
            if not before:
                return False
            change = (value - before) / abs(before) * 100
            return change > self.threshold if self.how.startswith("Greater") else change < -self.threshold
        match self.how:
            case "GreaterThanOrEqualTo":
                return value >= self.threshold
            case "GreaterThan":
                return value > self.threshold
            case "LessThanOrEqualTo":
                return value <= self.threshold
            case "LessThan":
                return value < self.threshold
        return value != self.threshold

    def is_effective(self, now: datetime) -> bool:
        """Whether it may fire at this time of the day, in UTC."""
        first, last = self.hours
        minute = now.hour * 60 + now.minute
        return first <= minute <= last if first <= last else minute >= first or minute <= last


class _Watched(msgspec.Struct):
    """One resource: the moment of the last value, how many in a row were beyond, when it may be told again."""

    seen: int = 0
    streak: int = 0
    silent_until: float = 0.0


async def perform(situation: Situation) -> LookAgain | AwaitSignal | AwaitNotice:
    """Look at the metric when it is time."""
    alarm, now = read_alarm(situation.properties), situation.now
    firings = Firings(situation)
    await firings.begin()
    firings.add_notices()
    watched = msgspec.convert(situation.memo.get("watched", {}), dict[str, _Watched])
    due, complaint = situation.memo.get("due"), situation.memo.get("complaint", "")
    if due is None or datetime.fromisoformat(due) <= now:
        due = (now + timedelta(seconds=alarm.interval)).isoformat()
        try:
            for body in await _look(situation, alarm, watched):
                firings.add(body)
            complaint = ""
        except CloudError as error:
            if not situation.memo:  # a metric that never could be read is a mistake, one that cannot now may come back
                raise
            if complaint != str(error):
                complaint = str(error)
                situation.log(f"The metric cannot be read: {complaint}.")
    kept = {name: one for name, one in watched.items() if one.streak or one.silent_until > now.timestamp() or one.seen}
    memo = {"due": due, "complaint": complaint, "watched": msgspec.to_builtins(kept)}
    return firings.outcome(memo, datetime.fromisoformat(due))


def read_alarm(properties: Mapping[str, Any]) -> Alarm:
    """Read the properties; raises ActionFailedError."""
    operator = _OPERATOR.fullmatch(to_text(properties.get("ComparisonOperator")))
    if operator is None:
        raise ActionFailedError("the ComparisonOperator is not one of an alarm")
    if properties.get("Tags") and properties.get("ResourceGroup"):
        raise ActionFailedError("an alarm has Tags or a ResourceGroup, not both")
    statistic = to_text(properties.get("Statistics")) or "Average"
    if statistic not in _STATISTICS:
        raise ActionFailedError(f"Statistics must be one of {', '.join(_STATISTICS)}")
    hours = _HOURS.fullmatch(to_text(properties.get("EffectiveInterval")) or "00:00-23:59")
    if hours is None:
        raise ActionFailedError("EffectiveInterval must be like 00:00-23:59")
    begin_hour, begin_minute, end_hour, end_minute = map(int, hours.groups())
    try:
        period = max(_integer(properties, "Period", _PERIOD), _SHORTEST)
        return Alarm(
            namespace=to_text(properties.get("Namespace")),
            metric=to_text(properties.get("MetricName")),
            how=operator["how"],
            since=_SINCE[operator["since"]],
            statistic=statistic,
            threshold=need_number(properties.get("Threshold") or 0),
            times=max(_integer(properties, "Times", _TIMES), 1),
            silence=_integer(properties, "SilenceTime", _SILENCE),
            period=period,
            interval=max(_integer(properties, "Interval", period), _SHORTEST),
            hours=(begin_hour * 60 + begin_minute, end_hour * 60 + end_minute),
        )
    except ExpressionError as error:
        raise ActionFailedError(f"an alarm's numbers must be numbers: {error}") from error


def _integer(properties: Mapping[str, Any], name: str, default: int) -> int:
    given = properties.get(name)
    return default if given in (None, "") else need_integer(given)


async def _look(situation: Situation, alarm: Alarm, watched: dict[str, _Watched]) -> Sequence[dict[str, Any]]:
    """Return the messages to fire with, and take down what was seen. Raises CloudError."""
    resources = await _resources(situation)
    points = await _points(situation, alarm, resources) if resources != [] else []
    now, told = situation.now.timestamp(), []
    for name, (latest, before) in points_of(points, alarm).items():
        one = watched.setdefault(name, _Watched())
        if latest["timestamp"] <= one.seen:
            continue
        value = float(latest.get(alarm.statistic, 0))
        one.seen = latest["timestamp"]
        one.streak = one.streak + 1 if alarm.is_beyond(value, before) else 0
        if one.streak < alarm.times or now < one.silent_until or not alarm.is_effective(situation.now):
            continue
        one.silent_until = now + alarm.silence
        told.append(
            {
                **{key: part for key, part in latest.items() if isinstance(part, str)},
                "namespace": alarm.namespace,
                "metricName": alarm.metric,
                "value": value,
                "threshold": alarm.threshold,
                "timestamp": latest["timestamp"],
                "eventTime": to_seconds(situation.now),
            }
        )
    return told


def points_of(points: Sequence[Mapping[str, Any]], alarm: Alarm) -> dict[str, tuple[dict[str, Any], float | None]]:
    """Return for each resource its last point, and the value that is compared with."""
    by_resource: dict[str, list[Mapping[str, Any]]] = {}
    for point in points:
        name = "/".join(f"{key}={part}" for key, part in sorted(point.items()) if isinstance(part, str))
        by_resource.setdefault(name, []).append(point)
    found = {}
    for name, several in list(by_resource.items())[: limits.LOOP_ITEMS]:
        several.sort(key=lambda point: point["timestamp"])
        latest, before = dict(several[-1]), None
        if alarm.since is not None:
            # One period before, or the point nearest to the same moment of the other day.
            until = latest["timestamp"] - max(alarm.since.total_seconds(), alarm.period) * 1000
            earlier = [point for point in several if point["timestamp"] <= until]
            before = float(earlier[-1].get(alarm.statistic, 0)) if earlier else None
        found[name] = latest, before
    return found


async def _points(situation: Situation, alarm: Alarm, resources: Sequence[Any] | None) -> Sequence[Mapping[str, Any]]:
    """Read the data points; those of another day as well when they are compared with."""
    now = situation.now
    begin = now - timedelta(seconds=alarm.period * max(alarm.times + 1, 5))
    if alarm.since:
        begin -= alarm.since
    parameters = {
        "Namespace": alarm.namespace,
        "MetricName": alarm.metric,
        "Period": str(alarm.period),
        "StartTime": str(int(begin.timestamp() * 1000)),
        "EndTime": str(int(now.timestamp() * 1000)),
        "Length": "1000",
        "Dimensions": None if resources is None else msgspec.json.encode(resources).decode(),
    }
    asked = {"Service": "Cms", "API": "DescribeMetricList", "Parameters": parameters, "AutoPaging": False}
    answer = await call(replace(situation, properties=asked))
    try:
        points = from_json(answer.get("Datapoints") or "[]")
    except ValueError:
        raise ActionFailedError(f"the Datapoints of {alarm.metric[:80]} are not the JSON text of a list") from None
    return [point for point in points if isinstance(point, dict) and isinstance(point.get("timestamp"), int)]


async def _resources(situation: Situation) -> Sequence[Any] | None:
    """Return the dimensions to watch; None: all there are."""
    properties = situation.properties
    if given := _plain(properties.get("Resources")):
        return given if isinstance(given, list) else [given]
    if not (tags := _plain(properties.get("Tags"))) and not properties.get("ResourceGroup"):
        return None
    parameters = {"Tag": tags or None, "ResourceGroupId": properties.get("ResourceGroup") or None}
    asked = {"Service": "ECS", "API": "DescribeInstances", "Parameters": parameters}
    answer = await call(replace(situation, properties=asked))
    return [{"instanceId": one["InstanceId"]} for one in answer["Instances"]["Instance"]]


def _plain(value: Any) -> Any:
    """Read what was given as JSON text."""
    if not isinstance(value, str) or not value.strip():
        return value or None
    try:
        return from_json(value)
    except ValueError:
        raise ActionFailedError(f"not JSON: {value[:40]}") from None

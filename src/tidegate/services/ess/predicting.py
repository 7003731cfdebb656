"""Predictive rules: what they may say, their forecasts, and the bounds they give their group hour by hour (ess.md 5.5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.clock import to_minutes
from tidegate.services.cms.service import Metric, Reading
from tidegate.services.ess import forecasting, limits, refusals, scope
from tidegate.services.ess.forecasting import HOUR, Foreseen, Hour
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.requests.predictions import MetricQuestion, TaskQuestion, ValueQuestion
from tidegate.services.ess.requests.rules import RuleValues
from tidegate.services.ess.starting import GROUP, group_key
from tidegate.services.ess.states import GroupState
from tidegate.services.ess.tracking import check_target
from tidegate.services.operation import Call
from tidegate.store import work
from tidegate.store.ess import forecasts, groups, rules
from tidegate.store.ess.forecasts import Forecast
from tidegate.store.ess.records import Group, Prediction, Rule

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: The kind of work that keeps forecasts and acts on them; the key is ``prediction/<rule id>``.
PREDICTION = "prediction"
METRICS = frozenset({"CpuUtilization", "IntranetRx", "IntranetTx"})
_MODES = frozenset({"PredictAndScale", "PredictOnly"})
_BEHAVIORS = frozenset(
    {"MaxOverridePredictiveValue", "PredictiveValueOverrideMax", "PredictiveValueOverrideMaxWithBuffer"}
)
#: how many instances shared a group's metric, by CloudMonitor
_INSTANCES = "InServiceInstances"
_RENEWED_EVERY = timedelta(hours=24)
#: the longest time that a question may span (ASSUMPTION)
_LONGEST_SPAN = timedelta(days=31)


def prediction_key(rule_id: str) -> str:
    """Return the key of the work behind a predictive rule."""
    return f"prediction/{rule_id}"


def changed(prediction: Prediction | None, request: RuleValues, group: Group) -> Prediction:
    """Return what a predictive rule aims at, with what was given; raises for what it may not say."""
    changes: dict[str, Any] = {
        "metric": request.metric_name,
        "target": request.target_value,
        "mode": request.predictive_scaling_mode,
        "behavior": request.predictive_value_behavior,
        "buffer": request.predictive_value_buffer,
        "lead": request.predictive_task_buffer_time,
        "initial_max_size": request.initial_max_size,
    }
    given = {key: value for key, value in changes.items() if value is not None}
    if prediction is None:
        for key, name in (("metric", "MetricName"), ("target", "TargetValue")):
            if key not in given:
                raise refusals.missing(name)
        prediction = Prediction(**{"initial_max_size": group.max_size, **given})
    else:
        prediction = msgspec.structs.replace(prediction, **given)
    _check(prediction)
    return prediction


def _check(prediction: Prediction) -> None:
    check_target(prediction.target)
    for name, is_fine in (
        ("MetricName", prediction.metric in METRICS),
        ("PredictiveScalingMode", prediction.mode in _MODES),
        ("PredictiveValueBehavior", prediction.behavior in _BEHAVIORS),
        ("PredictiveValueBuffer", 0 <= prediction.buffer <= 100),
        ("PredictiveTaskBufferTime", 0 <= prediction.lead <= 60),
        ("InitialMaxSize", 0 <= prediction.initial_max_size <= limits.SIZE_OF_GROUP),
    ):
        if not is_fine:
            raise refusals.invalid(name)


def check_only_one(others: Sequence[Rule]) -> None:
    """Raise when the group has another predictive rule."""
    if any(one.prediction for one in others):
        raise refusals.predicted_twice()


class Predictions:
    """The forecasts of a cloud."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    # ---- what users ask ----------------------------------------------------------------------------------------------

    async def history(self, call: Call, request: MetricQuestion) -> list[tuple[str, float]]:
        """Return the metric of a group hour by hour."""
        group = await self._asked(call, request)
        since, until = _span(request.start_time, request.end_time)
        found = await self._readings(group, request.metric_name, since, until + HOUR)
        return [(to_minutes(reading.at), reading.average) for reading in found]

    async def metrics(self, call: Call, request: MetricQuestion) -> list[tuple[str, float]]:
        """Return the metric that is foreseen hour by hour."""
        return [(to_minutes(hour.at), round(hour.metric, 3)) for hour in await self._foreseen(call, request)]

    async def values(self, call: Call, request: ValueQuestion) -> list[tuple[str, int]]:
        """Return the number of instances that is foreseen hour by hour for a target."""
        check_target(request.target_value)
        found = await self._foreseen(call, request)
        return [(to_minutes(hour.at), hour.instances(request.target_value)) for hour in found]

    async def tasks(self, call: Call, request: TaskQuestion) -> list[Forecast]:
        """Return the bounds that a rule is going to give its group, or would if it were to act."""
        since, until = _span(request.start_time, request.end_time)
        async with self._around.database.connection() as db:
            rule, _ = await scope.rule(db, call, request.scaling_rule_id, request.region_id)
            return await forecasts.of_rule(db, rule.id, since, until)

    async def _foreseen(self, call: Call, request: MetricQuestion) -> list[Foreseen]:
        group = await self._asked(call, request)
        since, until = _span(request.start_time, request.end_time)
        now = self._around.now()
        found = forecasting.foresee(await self._past(group, request.metric_name), now)
        return [hour for hour in found if since <= hour.at <= until]

    async def _asked(self, call: Call, request: MetricQuestion) -> Group:
        if request.metric_name not in METRICS:
            raise refusals.invalid("MetricName")
        async with self._around.database.connection() as db:
            return await scope.group(db, call, request.scaling_group_id, request.region_id)

    # ---- what the work behind a rule does ----------------------------------------------------------------------------

    async def keep(self, tx: Connection, rule: Rule) -> None:
        """Begin to foresee for a rule, or do so anew: what was foreseen with other values is worth nothing."""
        if rule.prediction is not None:
            await forecasts.replace(tx, rule.id, self._around.now().replace(minute=0, second=0, microsecond=0), ())
            await work.drive(tx, prediction_key(rule.id), PREDICTION, now=self._around.now())

    async def renewed(self, rule_id: str) -> list[Forecast] | None:
        """Return a new forecast when it is time for one (it is renewed daily), None when the last one will do."""
        now = self._around.now()
        async with self._around.database.connection() as db:
            rule = await rules.find(db, rule_id)
            group = await groups.find_any(db, rule.group_id) if rule else None
            there = await forecasts.of_rule(db, rule_id, now, now + forecasting.REACH) if rule else []
        if rule is None or group is None or rule.prediction is None:
            return None
        if there and there[-1].at >= now + forecasting.REACH - _RENEWED_EVERY - HOUR:
            return None
        aim = rule.prediction
        found = []
        for hour in forecasting.foresee(await self._past(group, aim.metric), now):
            instances = hour.instances(aim.target)
            low, high = forecasting.bounds(aim, instances)
            found.append(
                Forecast(
                    rule_id=rule.id,
                    at=hour.at,
                    metric=round(hour.metric, 3),
                    instances=instances,
                    min_size=min(low, limits.SIZE_OF_GROUP),
                    max_size=min(high, limits.SIZE_OF_GROUP),
                )
            )
        return found

    async def look(self, tx: Connection, rule_id: str, renewed: Sequence[Forecast] | None) -> datetime | None:
        """Write a new forecast down, give the group the bounds of this hour, and return when to look again.

        None when the rule is gone. With a lead the bounds of an hour come so much earlier.
        """
        rule = await rules.find(tx, rule_id)
        group = await groups.lock(tx, rule.group_id) if rule else None
        rule = await rules.find(tx, rule_id)
        if rule is None or group is None or rule.prediction is None:
            return None
        now = self._around.now()
        if renewed is not None:
            await forecasts.replace(tx, rule_id, renewed[0].at if renewed else now, renewed)
            await forecasts.forget(tx, rule_id, now - limits.HISTORY)
        lead = timedelta(minutes=rule.prediction.lead)
        hour = (now + lead).replace(minute=0, second=0, microsecond=0)
        if rule.prediction.mode == "PredictAndScale":
            for forecast in await forecasts.of_rule(tx, rule_id, hour, hour):
                await self._bound(tx, group, forecast)
        return hour + HOUR - lead

    async def _bound(self, tx: Connection, group: Group, forecast: Forecast) -> None:
        """Give a group the bounds of an hour; its own checks do the rest. ASSUMPTION: its desired capacity is clipped."""
        wanted = group.desired_capacity
        if wanted is not None:
            wanted = max(forecast.min_size, min(wanted, forecast.max_size))
        bounded = msgspec.structs.replace(
            group, min_size=forecast.min_size, max_size=forecast.max_size, desired_capacity=wanted
        )
        if group.state != GroupState.ACTIVE or bounded == group:
            return
        now = self._around.now()
        await groups.table.write(tx, msgspec.structs.replace(bounded, modified_at=now, paused_until=None))
        await work.drive(tx, group_key(group.id), GROUP, now=now)

    # ---- the past ----------------------------------------------------------------------------------------------------

    async def _past(self, group: Group, metric: str) -> list[Hour]:
        """Return the hours of a group's past of which both the metric and the number of instances are known."""
        until = self._around.now().replace(minute=0, second=0, microsecond=0)
        since = until - forecasting.MOST_HISTORY
        measured = await self._readings(group, metric, since, until)
        instances = {one.at: one.average for one in await self._readings(group, _INSTANCES, since, until)}
        return [
            Hour(at=one.at, metric=one.average, instances=instances[one.at]) for one in measured if one.at in instances
        ]

    async def _readings(self, group: Group, metric: str, since: datetime, until: datetime) -> Sequence[Reading]:
        named = Metric(account_id=group.account_id, name=metric, dimensions={"scaling_group": group.id})
        return await self._around.metrics.readings(named, int(HOUR.total_seconds()), since, until)


def _span(start: str, end: str) -> tuple[datetime, datetime]:
    """Read the first and the last hour of a question; raises InvalidParameter."""
    moments = []
    for name, text in (("StartTime", start), ("EndTime", end)):
        try:
            moments.append(datetime.strptime(text, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC))
        except ValueError as error:
            raise refusals.invalid(name) from error
    if not moments[0] < moments[1] <= moments[0] + _LONGEST_SPAN:
        raise refusals.invalid("EndTime")
    return moments[0], moments[1]

"""Alarm tasks: what users say of them (ess.md 9.2, 12.8). What becomes of them: ``watching``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.services.ess import effective, judging, limits, naming, refusals, scope
from tidegate.services.ess.paging import checked_page
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.requests.alarms import (
    AlarmValues,
    CreateAlarm,
    DescribeAlarms,
    Dimension,
    ModifyAlarm,
    OnAlarm,
)
from tidegate.services.ess.scaling import SIMPLE, STEP
from tidegate.services.operation import Call
from tidegate.store import work
from tidegate.store.ess import alarms as rows
from tidegate.store.ess import rules
from tidegate.store.ess.alarms import Alarm, Condition

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: The kind of work that watches alarm tasks; the key is ``alarm/<alarm task id>``.
ALARM = "alarm"
SYSTEM, CUSTOM = "system", "custom"
PERIODS = (15, 60, 120, 300, 900)

#: What can be watched (parameter page of CreateAlarm). Of those that this cloud does not measure there is never a value.
METRICS = frozenset(
    [
        "CpuUtilization",
        "ConcurrentConnections",
        "IntranetTx",
        "IntranetRx",
        "VpcInternetTx",
        "VpcInternetRx",
        "ClassicInternetTx",
        "ClassicInternetRx",
        "SystemDiskReadBps",
        "SystemDiskWriteBps",
        "SystemDiskReadOps",
        "SystemDiskWriteOps",
        "CpuUtilizationAgent",
        "GpuUtilizationAgent",
        "GpuMemoryFreeUtilizationAgent",
        "GpuMemoryUtilizationAgent",
        "MemoryUtilization",
        "LoadAverage",
        "TcpConnection",
        "PackagesNetOut",
        "PackagesNetIn",
        "EciPodCpuUtilization",
        "EciPodMemoryUtilization",
        "LoadBalancerRealServerAverageQps",
    ]
)
#: dimensions that are the user's to name, and the words each may have; None: any
_DIMENSIONS: Mapping[str, frozenset[str] | None] = {
    "device": frozenset({"eth0", "eth1"}),
    "state": frozenset({"TCP_TOTAL", "ESTABLISHED"}),
    "rulePool": None,
}
#: ASSUMPTION: connections are counted in every state when the user names none
_BY_STATE, _EVERY_STATE = "TcpConnection", {"state": "TCP_TOTAL"}
#: dimensions that are filled in
_FILLED_IN = frozenset({"user_id", "scaling_group"})


def alarm_key(alarm_id: str) -> str:
    """Return the key of the work that watches an alarm task."""
    return f"alarm/{alarm_id}"


class Alarms:
    """The alarm tasks of a cloud."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def create(self, call: Call, request: CreateAlarm) -> str:
        """Create an alarm task, enabled, and return its id."""
        now = self._around.now()
        async with self._around.database.transaction() as tx:
            group = await scope.changeable_group(tx, call, request.scaling_group_id, request.region_id)
            alarm_id = f"{group.id}_{self._around.ids.uuid().lower()}"
            blank = Alarm(
                id=alarm_id,
                account_id=group.account_id,
                region=group.region,
                group_id=group.id,
                name=alarm_id,
                description="",
                metric_type=SYSTEM,
                conditions=[],
                logic=None,
                dimensions={},
                metric_group="",
                evaluation_count=limits.DEFAULT_EVALUATIONS,
                effective="",
                rule_ids=[],
                enabled=True,
                state="INSUFFICIENT_DATA",
                created_at=now,
                evaluated_until=now,
            )
            alarm = await _changed(tx, blank, request)
            if await rows.count(tx, rows.Query(account_id=alarm.account_id, region=alarm.region)) >= limits.ALARMS:
                raise refusals.alarm_quota()
            await self.add(tx, alarm)
        return alarm_id

    async def add(self, tx: Connection, alarm: Alarm) -> None:
        """Write a new alarm task and have it watched."""
        await rows.table.add(tx, self._from_now_on(alarm))
        await work.drive(tx, alarm_key(alarm.id), ALARM, now=self._around.now())

    async def modify(self, call: Call, request: ModifyAlarm) -> str:
        """Change an alarm task; what is absent stays. It is looked at anew from now on."""
        async with self._around.database.transaction() as tx:
            alarm = await _locked(tx, call, request.alarm_task_id, request.region_id)
            await self.write(tx, await _changed(tx, alarm, request))
        return alarm.id

    async def write(self, tx: Connection, alarm: Alarm) -> None:
        """Write what has changed about an alarm task and have it watched anew."""
        await rows.table.write(tx, self._from_now_on(alarm))
        await work.drive(tx, alarm_key(alarm.id), ALARM, now=self._around.now())

    async def enable(self, call: Call, request: OnAlarm, *, enabled: bool) -> None:
        """Have an alarm task watched, or not; again is fine."""
        async with self._around.database.transaction() as tx:
            alarm = await _locked(tx, call, request.alarm_task_id, request.region_id)
            if alarm.enabled != enabled:
                await self.write(tx, msgspec.structs.replace(alarm, enabled=enabled))

    async def delete(self, call: Call, request: OnAlarm) -> None:
        """Delete an alarm task; what it started goes on."""
        async with self._around.database.transaction() as tx:
            alarm = await _locked(tx, call, request.alarm_task_id, request.region_id)
            await self.remove(tx, [alarm])

    async def remove(self, tx: Connection, alarms: Sequence[Alarm]) -> None:
        """Delete alarm tasks and let go of their works."""
        await rows.remove(tx, [alarm.id for alarm in alarms])
        await work.wake(tx, *(alarm_key(alarm.id) for alarm in alarms), now=self._around.now())

    async def describe(self, call: Call, request: DescribeAlarms) -> tuple[int, list[Alarm]]:
        """Return how many alarm tasks match and a page of them, newest first."""
        limit, offset = checked_page(request.page_number, request.page_size, limits.PAGE)
        query = rows.Query(
            account_id=call.account_id,
            region=request.region_id,
            group_id=request.scaling_group_id,
            id=request.alarm_task_id,
            enabled=request.is_enable,
            state=request.state,
            metric_type=request.metric_type,
            metric=request.metric_name,
        )
        async with self._around.database.connection() as db:
            return await rows.count(db, query), await rows.page(db, query, limit=limit, offset=offset)

    def _from_now_on(self, alarm: Alarm) -> Alarm:
        """Return the alarm task as it begins to be watched: of what was before, nothing is known."""
        until = judging.end_of(judging.step_of(alarm), self._around.now())
        return msgspec.structs.replace(alarm, state="INSUFFICIENT_DATA", evaluated_until=until)


def shown_dimensions(alarm: Alarm) -> Mapping[str, str]:
    """Return all dimensions of an alarm task, with those that are filled in."""
    if alarm.metric_type == CUSTOM:
        return alarm.dimensions
    return {"user_id": alarm.account_id, "scaling_group": alarm.group_id, **alarm.dimensions}


async def _locked(tx: Connection, call: Call, alarm_id: str, region: str) -> Alarm:
    alarm = await rows.lock(tx, alarm_id)
    if alarm is None or alarm.account_id != call.account_id or alarm.region != region:
        raise refusals.alarm_not_found()
    return alarm


async def _changed(tx: Connection, alarm: Alarm, request: AlarmValues) -> Alarm:
    """Return the alarm task as the request wants it; raises for what it may not want."""
    changes: dict[str, Any] = {
        "name": request.name,
        "description": request.description,
        "metric_type": request.metric_type,
        "metric_group": request.group_id,
        "evaluation_count": request.evaluation_count,
        "effective": request.effective,
        "dimensions": None if request.dimensions is None else _dimensions(request.dimensions),
        "rule_ids": None if request.alarm_actions is None else await _rules(tx, alarm, request.alarm_actions),
    }
    changed = msgspec.structs.replace(alarm, **{key: value for key, value in changes.items() if value is not None})
    conditions, logic = _conditions(alarm, request)
    changed = msgspec.structs.replace(changed, conditions=conditions, logic=logic)
    if changed.metric_type == SYSTEM and any(one.metric == _BY_STATE for one in conditions):
        changed = msgspec.structs.replace(changed, dimensions={**_EVERY_STATE, **changed.dimensions})
    _check(changed)
    return changed


def _conditions(alarm: Alarm, request: AlarmValues) -> tuple[list[Condition], str | None]:
    """Return the conditions and how they are joined: expressions, or one metric of which what is absent stays."""
    if request.expressions:
        if request.metric_name is not None:
            raise refusals.conflict("MetricName", "Expression")
        # What an expression does not say is the default, whatever the alarm task was before.
        conditions = [
            Condition(
                metric=one.metric_name,
                statistics=one.statistics or "Average",
                operator=one.comparison_operator or ">=",
                threshold=one.threshold,
                period=limits.DEFAULT_PERIOD if one.period is None else one.period,
            )
            for one in request.expressions
        ]
        return conditions, request.expressions_logic_operator or "&&"
    if alarm.logic is not None and request.metric_name is None:
        return alarm.conditions, request.expressions_logic_operator or alarm.logic
    before = alarm.conditions[0] if alarm.conditions and alarm.logic is None else None
    metric = request.metric_name or (before.metric if before else None)
    threshold = request.threshold if request.threshold is not None else before.threshold if before else None
    if metric is None:
        raise refusals.missing("MetricName")
    if threshold is None:
        raise refusals.missing("Threshold")
    period = request.period if request.period is not None else before.period if before else limits.DEFAULT_PERIOD
    one = Condition(
        metric=metric,
        statistics=request.statistics or (before.statistics if before else "Average"),
        operator=request.comparison_operator or (before.operator if before else ">="),
        threshold=threshold,
        period=period,
    )
    return [one], None


def _check(alarm: Alarm) -> None:
    if not naming.is_name(alarm.name) and alarm.name != alarm.id:
        raise refusals.invalid("Name")
    if len(alarm.description) > limits.DESCRIPTION:
        raise refusals.invalid("Description")
    if alarm.metric_type not in {SYSTEM, CUSTOM}:
        raise refusals.invalid("MetricType")
    low, high = limits.EVALUATIONS
    if not low <= alarm.evaluation_count <= high:
        raise refusals.invalid("EvaluationCount")
    if alarm.logic not in {None, "&&", "||"}:
        raise refusals.invalid("ExpressionsLogicOperator")
    if len(alarm.conditions) > limits.EXPRESSIONS:
        raise refusals.invalid("Expression")
    for condition in alarm.conditions:
        _check_condition(alarm, condition)
    if alarm.metric_type == CUSTOM:
        if not alarm.metric_group:
            raise refusals.missing("GroupId")
    elif not all(_is_dimension(key, word) for key, word in alarm.dimensions.items()):
        raise refusals.invalid("Dimension")
    effective.check(alarm.effective)


def _check_condition(alarm: Alarm, condition: Condition) -> None:
    if alarm.metric_type == SYSTEM and condition.metric not in METRICS:
        raise refusals.invalid("MetricName")
    if condition.statistics not in judging.STATISTICS:
        raise refusals.invalid("Statistics")
    if condition.operator not in judging.OPERATORS:
        raise refusals.invalid("ComparisonOperator")
    if condition.period not in PERIODS:
        raise refusals.invalid("Period")
    if not math.isfinite(condition.threshold):
        raise refusals.invalid("Threshold")


def _is_dimension(key: str, word: str) -> bool:
    if key not in _DIMENSIONS:
        return False
    words = _DIMENSIONS[key]
    return words is None or word in words


def _dimensions(given: Sequence[Dimension]) -> dict[str, str]:
    """Return the words a user gave; those that are filled in may be given, and are filled in all the same."""
    return {one.dimension_key: one.dimension_value for one in given if one.dimension_key not in _FILLED_IN}


async def _rules(tx: Connection, alarm: Alarm, aris: Sequence[str]) -> list[str]:
    """Return the ids of the rules that an alarm task is to execute: simple ones and step rules of its own group."""
    if len(aris) > limits.ALARM_ACTIONS:
        raise refusals.invalid("AlarmAction")
    found = []
    for ari in aris:
        named = naming.rule_of_ari(ari, alarm.account_id)
        rule = await rules.find(tx, named[1]) if named else None
        if rule is None or rule.group_id != alarm.group_id:
            raise refusals.rule_ari_not_found()
        if rule.type not in {SIMPLE, STEP}:
            raise refusals.invalid("AlarmAction")
        found.append(rule.id)
    return list(dict.fromkeys(found))

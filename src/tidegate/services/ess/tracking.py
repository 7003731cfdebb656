"""Target tracking rules: what they may say, and the alarm tasks they make (ess.md 5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.ids import Ids
from tidegate.services.ess import limits, naming, refusals
from tidegate.services.ess.alarms import PERIODS, SYSTEM, Alarms
from tidegate.services.ess.requests.rules import RuleValues
from tidegate.store.ess import alarms as rows
from tidegate.store.ess.alarms import Alarm, Condition
from tidegate.store.ess.records import Group, Rule, Tracking

if TYPE_CHECKING:
    from tidegate.store.database import Connection

HIGH, LOW = "AlarmHigh", "AlarmLow"
#: a metric that also needs to know whose it is
_BY_SERVER_GROUP = "LoadBalancerRealServerAverageQps"
METRICS = frozenset(
    "CpuUtilization CpuUtilizationAgent MemoryUtilization ClassicInternetRx ClassicInternetTx VpcInternetRx "
    f"VpcInternetTx IntranetRx IntranetTx {_BY_SERVER_GROUP}".split()
)
#: Below this share of the target there are too many instances (ASSUMPTION A22).
_LOW_SHARE = 0.9
_DECIMALS = 3


def changed(tracking: Tracking | None, request: RuleValues) -> Tracking:
    """Return what a target tracking rule aims at, with what was given; raises for what it may not say."""
    changes: dict[str, Any] = {
        "metric": request.metric_name,
        "target": request.target_value,
        "disable_scale_in": request.disable_scale_in,
        "in_count": request.scale_in_evaluation_count,
        "out_count": request.scale_out_evaluation_count,
        "period": request.alarm_options.period if request.alarm_options else None,
    }
    if request.alarm_dimensions is not None:
        changes["dimensions"] = {one.dimension_key: one.dimension_value for one in request.alarm_dimensions}
    given = {key: value for key, value in changes.items() if value is not None}
    if tracking is None:
        for key, name in (("metric", "MetricName"), ("target", "TargetValue")):
            if key not in given:
                raise refusals.missing(name)
        tracking = Tracking(**given)
    else:
        tracking = msgspec.structs.replace(tracking, **given)
    check_target(tracking.target)
    _check(tracking, request)
    return tracking


def check_target(target: float) -> None:
    """Raise for a target that is not above 0, or is finer than thousandths."""
    if not 0 < target < limits.LARGEST_METRIC or round(target, _DECIMALS) != target:
        raise refusals.invalid("TargetValue")


def _check(tracking: Tracking, request: RuleValues) -> None:
    if request.metric_type not in {None, SYSTEM}:
        raise refusals.invalid("MetricType")
    if tracking.metric not in METRICS:
        raise refusals.unsupported_metric()
    if tracking.metric == _BY_SERVER_GROUP and "rulePool" not in tracking.dimensions:
        raise refusals.missing("AlarmDimension")
    low, high = limits.EVALUATIONS
    if not low <= tracking.in_count <= high:
        raise refusals.invalid("ScaleInEvaluationCount")
    if not low <= tracking.out_count <= high:
        raise refusals.invalid("ScaleOutEvaluationCount")
    if tracking.period not in PERIODS:
        raise refusals.invalid("Period")


def check_only_one(rule: Rule, others: Sequence[Rule]) -> None:
    """Raise when another rule of the group tracks the same metric."""
    mine = rule.tracking.metric if rule.tracking else None
    if mine and any(one.tracking and one.tracking.metric == mine for one in others):
        raise refusals.tracked_twice()


async def keep_alarms(tx: Connection, alarms: Alarms, ids: Ids, group: Group, rule: Rule) -> None:
    """Make, change or remove the alarm tasks of a target tracking rule so that they are what it needs.

    ASSUMPTION: a rule that must not scale in has none for that.
    """
    if rule.tracking is None:
        return
    made = {side: one for one in await rows.of_tracked(tx, rule.id) for side in (HIGH, LOW) if f"-{side}-" in one.name}
    if rule.tracking.disable_scale_in and LOW in made:
        await alarms.remove(tx, [made[LOW]])
    for side in [HIGH] if rule.tracking.disable_scale_in else [HIGH, LOW]:
        there = made.get(side)
        if there is None:
            await alarms.add(tx, _alarm(group, rule, rule.tracking, side, ids.uuid().lower(), None))
        else:
            await alarms.write(tx, _alarm(group, rule, rule.tracking, side, "", there))


def _alarm(group: Group, rule: Rule, tracking: Tracking, side: str, unique: str, there: Alarm | None) -> Alarm:
    """Return one of the two alarm tasks, as it is to be."""
    is_high = side == HIGH
    ari = naming.rule_ari(group.region, group.account_id, rule.id)
    return Alarm(
        id=there.id if there else f"{group.id}_{unique}",
        account_id=group.account_id,
        region=group.region,
        group_id=group.id,
        name=there.name if there else f"TargetTracking-{rule.id}-{side}-{unique}",
        description=(
            f"DO NOT EDIT OR DELETE.For TargetTrackingScalingRule scalingRuleAri:{ari}, scalingRuleName:{rule.name}"
        ),
        metric_type=SYSTEM,
        conditions=[
            Condition(
                metric=tracking.metric,
                statistics="Average",
                operator=">" if is_high else "<",
                threshold=tracking.target if is_high else round(tracking.target * _LOW_SHARE, _DECIMALS),
                period=tracking.period,
            )
        ],
        logic=None,
        dimensions=dict(tracking.dimensions),
        metric_group="",
        evaluation_count=tracking.out_count if is_high else tracking.in_count,
        effective="",
        rule_ids=[rule.id],
        enabled=there.enabled if there else True,
        state="INSUFFICIENT_DATA",
        tracked_rule=rule.id,
        created_at=there.created_at if there else rule.created_at,
        evaluated_until=rule.created_at,
    )

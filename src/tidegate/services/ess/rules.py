"""Scaling rules of every type (ess.md 5, 12.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.services.ess import limits, naming, predicting, refusals, scope, steps, tracking
from tidegate.services.ess.alarms import Alarms
from tidegate.services.ess.paging import checked_page
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.predicting import Predictions
from tidegate.services.ess.requests.rules import (
    CreateScalingRule,
    DescribeScalingRules,
    ModifyScalingRule,
    OnRule,
    RuleValues,
)
from tidegate.services.ess.scaling import PREDICTIVE, SIMPLE, STEP, TRACKING, check_magnitude, checked_adjustment
from tidegate.services.operation import Call
from tidegate.store.ess import alarms
from tidegate.store.ess import rules as rows
from tidegate.store.ess.alarms import Alarm
from tidegate.store.ess.records import Group, Rule, Step

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Rules:
    """The scaling rules of groups."""

    def __init__(self, around: Surroundings, alarms: Alarms, predictions: Predictions) -> None:
        self._around = around
        self._alarms = alarms
        self._predictions = predictions

    async def create(self, call: Call, request: CreateScalingRule) -> tuple[str, str]:
        """Create a rule; returns its id and resource name."""
        if request.scaling_rule_type not in {SIMPLE, STEP, TRACKING, PREDICTIVE}:
            raise refusals.invalid("ScalingRuleType")
        if request.adjustment_type is None and request.scaling_rule_type in {SIMPLE, STEP}:
            raise refusals.missing("AdjustmentType")
        async with self._around.database.transaction() as tx:
            group = await scope.changeable_group(tx, call, request.scaling_group_id, request.region_id)
            rule_id = self._around.ids.resource("asr", group.region)
            rule = Rule(
                id=rule_id,
                group_id=group.id,
                name=request.scaling_rule_name or rule_id,
                type=request.scaling_rule_type,
                adjustment_type=request.adjustment_type or "",
                adjustment_value=None,
                magnitude=None,
                cooldown=None,
                created_at=self._around.now(),
                warmup=None if request.scaling_rule_type == SIMPLE else limits.DEFAULT_WARMUP,
            )
            rule = _changed(rule, group, request)
            existing = await rows.of_group(tx, group.id)
            _check(rule, existing)
            if len(existing) >= limits.RULES_PER_GROUP:
                raise refusals.rule_quota()
            await rows.table.add(tx, rule)
            await self._set_to_work(tx, group, rule)
        return rule_id, naming.rule_ari(group.region, group.account_id, rule_id)

    async def modify(self, call: Call, request: ModifyScalingRule) -> None:
        """Change a rule; what is absent stays."""
        async with self._around.database.transaction() as tx:
            rule, group = await scope.rule(tx, call, request.scaling_rule_id, request.region_id)
            await scope.changeable_group(tx, call, group.id, None)
            changed = _changed(rule, group, request)
            _check(changed, [one for one in await rows.of_group(tx, group.id) if one.id != rule.id])
            await rows.table.write(tx, changed)
            await self._set_to_work(tx, group, changed)

    async def _set_to_work(self, tx: Connection, group: Group, rule: Rule) -> None:
        """Have done what a rule does by itself."""
        await tracking.keep_alarms(tx, self._alarms, self._around.ids, group, rule)
        await self._predictions.keep(tx, rule)

    async def delete(self, call: Call, request: OnRule) -> None:
        """Delete a rule, with the alarm tasks that it has made."""
        async with self._around.database.transaction() as tx:
            rule, group = await scope.rule(tx, call, request.scaling_rule_id, request.region_id)
            await scope.changeable_group(tx, call, group.id, None)
            await self._alarms.remove(tx, await alarms.of_tracked(tx, rule.id))
            await rows.remove(tx, rule.id)

    async def describe(self, call: Call, request: DescribeScalingRules) -> tuple[int, list[Rule]]:
        """Return how many rules match and a page of them."""
        limit, offset = checked_page(request.page_number, request.page_size, limits.PAGE)
        named = [naming.rule_of_ari(ari, call.account_id) for ari in request.scaling_rule_aris]
        ids = [*request.scaling_rule_ids, *(one[1] for one in named if one and one[0] == request.region_id)]
        if len(ids) > limits.NAMED_RULES:
            raise refusals.invalid("ScalingRuleId")
        asked = bool(request.scaling_rule_ids or request.scaling_rule_aris)
        query = rows.Query(
            account_id=call.account_id,
            region=request.region_id,
            group_id=request.scaling_group_id,
            ids=ids if asked else None,
            names=request.scaling_rule_names or None,
            type=request.scaling_rule_type,
        )
        async with self._around.database.connection() as db:
            return await rows.count(db, query), await rows.page(db, query, limit=limit, offset=offset)

    async def alarms_of(self, found: Sequence[Rule]) -> Mapping[str, list[Alarm]]:
        """Return the alarm tasks that execute each of these rules."""
        async with self._around.database.connection() as db:
            tied = await alarms.of_rules(db, [rule.group_id for rule in found], [rule.id for rule in found])
        return {rule.id: [alarm for alarm in tied if rule.id in alarm.rule_ids] for rule in found}


def _changed(rule: Rule, group: Group, request: RuleValues) -> Rule:
    """Return the rule with what was given; what its type does not have is not looked at."""
    changes: dict[str, Any] = {
        "name": request.scaling_rule_name,
        "adjustment_type": request.adjustment_type,
        "magnitude": request.min_adjustment_magnitude,
    }
    if rule.type == TRACKING:
        aim = tracking.changed(rule.tracking, request)
        changes |= {"adjustment_type": "", "warmup": request.estimated_instance_warmup, "tracking": aim}
    elif rule.type == PREDICTIVE:
        foreseen = predicting.changed(rule.prediction, request, group)
        changes |= {"adjustment_type": "", "warmup": request.estimated_instance_warmup, "prediction": foreseen}
    elif rule.type == SIMPLE:
        changes |= {"adjustment_value": request.adjustment_value, "cooldown": request.cooldown}
    else:
        changes["warmup"] = request.estimated_instance_warmup
        if request.step_adjustments is not None:
            changes["steps"] = [
                Step(one.metric_interval_lower_bound, one.metric_interval_upper_bound, one.scaling_adjustment)
                for one in request.step_adjustments
            ]
    return msgspec.structs.replace(rule, **{key: value for key, value in changes.items() if value is not None})


def _check(rule: Rule, others: list[Rule]) -> None:
    if rule.type == TRACKING:
        tracking.check_only_one(rule, others)
    elif rule.type == PREDICTIVE:
        predicting.check_only_one(others)
    elif rule.type == STEP:
        check_magnitude(rule.adjustment_type, rule.magnitude)
        steps.check(rule.steps, rule.adjustment_type)
    elif rule.adjustment_value is None:
        raise refusals.missing("AdjustmentValue")
    else:
        checked_adjustment(rule.adjustment_type, rule.adjustment_value, rule.magnitude)
    if rule.warmup is not None and not 0 <= rule.warmup <= limits.WARMUP:
        raise refusals.invalid("EstimatedInstanceWarmup")
    if rule.cooldown is not None and not 0 <= rule.cooldown <= limits.COOLDOWN:
        raise refusals.invalid("Cooldown")
    if not naming.is_name(rule.name):
        raise refusals.invalid("ScalingRuleName")
    if any(one.name == rule.name for one in others):
        raise refusals.duplicate_rule_name()

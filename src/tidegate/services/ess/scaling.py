"""Scaling: rules and adjustments by hand, the group's own checks, health."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.services.ess import limits, naming, refusals, repeats, scope, steps, values, wording
from tidegate.services.ess.capacity import (
    ADJUSTMENT_RANGES,
    Adjustment,
    Bounds,
    allowed_change,
    beyond_warming,
    correction,
    wanted_change,
    wanted_total,
)
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.requests.rules import ExecuteScalingRule, Overrides, ScaleWithAdjustment
from tidegate.services.ess.requests.shape import HookContext, given
from tidegate.services.ess.starting import Order, RefusedError, Starter, group_key
from tidegate.services.ess.states import SERVING, MemberState, Result
from tidegate.services.ess.survey import Survey, survey
from tidegate.services.operation import Call
from tidegate.store import work
from tidegate.store.ess import groups, members, rules
from tidegate.store.ess.records import Activity, Group, Kind, Member, Plan, Rule, Tracking

if TYPE_CHECKING:
    from tidegate.store.database import Connection

SIMPLE, STEP = "SimpleScalingRule", "StepScalingRule"
TRACKING, PREDICTIVE = "TargetTrackingScalingRule", "PredictiveScalingRule"


def plan_of(group: Group, context: HookContext | None = None, *, cooldown: int | None = None) -> Plan:
    """Return how an activity of this group is carried out, hooks included (ess.md 3.12, 8.4)."""
    context = context or HookContext()
    disabled = context.disable_lifecycle_hook
    if context.lifecycle_hook_result is not None and context.lifecycle_hook_result not in set(Result):
        raise refusals.invalid("LifecycleHookContext")
    return Plan(
        hooks_disabled=disabled,
        ignored_hook_ids=[] if disabled else list(context.ignored_lifecycle_hook_ids),
        hook_result=None if disabled else context.lifecycle_hook_result,
        park=group.scaling_policy in {"recycle", "forcerecycle"},
        force=group.scaling_policy.startswith("force"),
        stop_timeout=group.stop_instance_timeout,
        cooldown=group.default_cooldown if cooldown is None else cooldown,
    )


def is_at_rest(group: Group, now: datetime) -> bool:
    """Tell whether automatic activities wait: for a minute after one failed, for good after a month of it (ess.md 2.3)."""
    return is_suspended(group, now) or (group.paused_until is not None and now < group.paused_until)


def is_suspended(group: Group, now: datetime) -> bool:
    """Tell SystemSuspended: the automatic activities of the group have failed for more than 30 days in a row."""
    return group.failing_since is not None and now - group.failing_since > limits.SYSTEM_SUSPENSION


def checked_adjustment(kind: str, value: int, magnitude: int | None) -> Adjustment:
    """Return an adjustment whose values are in range; raises InvalidParameter."""
    if kind not in ADJUSTMENT_RANGES:
        raise refusals.invalid("AdjustmentType")
    low, high = ADJUSTMENT_RANGES[kind]
    if not low <= value <= high:
        raise refusals.invalid("AdjustmentValue")
    check_magnitude(kind, magnitude)
    return Adjustment(kind, value, magnitude or 0)


def checked_overrides(overrides: Overrides | None) -> dict[str, Any]:
    """Return what an activity makes differently, as a configuration spells it; raises InvalidParameter."""
    fields = given(overrides, Overrides) if overrides is not None else {}
    values.check_user_data(fields.get("UserData"))
    if not fields.keys().isdisjoint({"Cpu", "Memory"}) and not values.types_of_size(fields):
        raise refusals.invalid("Overrides")
    return fields


def check_magnitude(kind: str, magnitude: int | None) -> None:
    """Raise for an unknown AdjustmentType, and for a MinAdjustmentMagnitude out of range or beside its type."""
    if kind not in ADJUSTMENT_RANGES:
        raise refusals.invalid("AdjustmentType")
    if magnitude is None:
        return
    if kind != "PercentChangeInCapacity":
        raise refusals.magnitude_mismatch()
    if not 1 <= magnitude <= limits.INSTANCES_PER_ADJUSTMENT:
        raise refusals.invalid("MinAdjustmentMagnitude")


def adjustment_of(rule: Rule, metric: float | None = None, threshold: float | None = None) -> Adjustment:
    """Return what a rule asks for: a simple one always the same, a step rule what the metric calls for (ess.md 5.6)."""
    if rule.type in {TRACKING, PREDICTIVE}:
        raise refusals.rule_type(rule.type)
    if rule.adjustment_value is not None:
        return Adjustment(rule.adjustment_type, rule.adjustment_value, rule.magnitude or 0)
    if metric is None:
        raise refusals.metric_missing()
    if threshold is None:
        raise refusals.threshold_missing()
    if not steps.is_permitted(metric):
        raise refusals.metric_out_of_range()
    if not steps.is_permitted(threshold):
        raise refusals.threshold_out_of_range()
    step = steps.matching(rule.steps, metric, threshold)
    if step is None:
        raise refusals.no_step(f"{metric:g}")
    return Adjustment(rule.adjustment_type, step.adjustment, rule.magnitude or 0)


class Scaling:
    """Decides by how much a group changes."""

    def __init__(self, around: Surroundings, starter: Starter) -> None:
        self._around = around
        self._starter = starter

    async def execute(self, call: Call, request: ExecuteScalingRule) -> str | None:
        """Run a rule by hand; returns the activity, None when only the desired capacity moved (ess.md 2.4, 5.6)."""
        named = naming.rule_of_ari(request.scaling_rule_ari, call.account_id)
        if named is None:
            raise refusals.rule_ari_not_found()
        region, rule_id = named
        async with self._starter.deciding() as tx:
            rule = await rules.find(tx, rule_id)
            group = await groups.lock(tx, rule.group_id) if rule else None
            if rule is None or group is None or (group.account_id, group.region) != (call.account_id, region):
                raise refusals.rule_ari_not_found()
            known = await repeats.recall(tx, call, self._around.now())
            if known is not None:
                return _activity_of(known)
            order = Order(
                kind="rule",
                reason=wording.rule_requested(rule.id),
                request_id=call.request_id,
                trigger_id=call.principal.id,
                plan=plan_of(group, cooldown=rule.cooldown),
            )
            adjustment = adjustment_of(rule, request.metric_value, request.breach_threshold)
            started = await self.follow(tx, group, rule, adjustment, order)
            await repeats.remember(tx, call, started, self._around.now())
            return started

    async def follow(
        self, tx: Connection, group: Group, rule: Rule, adjustment: Adjustment, order: Order
    ) -> str | None:
        """Change the locked group as a rule says; returns as ``execute`` does. Raises RefusedError, having written nothing."""
        order = _warming_up(order, rule)
        warming = await self._warming(tx, group, rule.warmup)
        return await self._adjust(tx, group, adjustment, order, move_desired_only=order.parallel, warming=warming)

    async def track(
        self, tx: Connection, group: Group, rule: Rule, tracking: Tracking, metric: float, order: Order
    ) -> str | None:
        """Bring the locked group's metric to its target (ess.md 5.4); returns and raises as ``follow``, None: no change."""
        order = _warming_up(order, rule)
        serving = [one for one in await members.of_group(tx, group.id) if one.state in SERVING]
        warming = await self._warming(tx, group, rule.warmup)
        settled = sum(one.capacity for one in serving) - warming
        wanted = wanted_total(tracking.target, metric, settled=settled, warming=warming)
        if wanted is None:
            return None
        return await self._adjust(tx, group, Adjustment("TotalCapacity", wanted), order, move_desired_only=False)

    async def _warming(self, tx: Connection, group: Group, warmup: int | None) -> int:
        """Return the capacity of the members that joined so lately that they still warm up (ess.md 5.3)."""
        if not warmup:
            return 0
        since = self._around.now() - timedelta(seconds=warmup)
        found = await members.of_group(tx, group.id)
        return sum(one.capacity for one in found if one.joined_at is not None and one.joined_at > since)

    async def adjust(self, call: Call, request: ScaleWithAdjustment) -> str | None:
        """ScaleWithAdjustment; returns the activity, None when only the desired capacity moved."""
        adjustment = checked_adjustment(
            request.adjustment_type, request.adjustment_value, request.min_adjustment_magnitude
        )
        overrides = checked_overrides(request.overrides)
        async with self._starter.deciding() as tx:
            group = await scope.locked_group(tx, call, request.scaling_group_id, request.region_id)
            known = await repeats.recall(tx, call, self._around.now())
            if known is not None:
                return _activity_of(known)
            order = Order(
                kind="adjustment",
                reason=wording.adjustment_requested(),
                request_id=call.request_id,
                trigger_id=call.principal.id,
                # Scaling first and then moving the desired value is not of the parallel class (ess.md 2.4).
                parallel=not request.sync_activity if request.parallel_task is None else request.parallel_task,
                metadata=request.activity_metadata,
                plan=msgspec.structs.replace(plan_of(group, request.lifecycle_hook_context), overrides=overrides),
            )
            started = await self._adjust(tx, group, adjustment, order, move_desired_only=not request.sync_activity)
            await repeats.remember(tx, call, started, self._around.now())
            return started

    async def _adjust(
        self,
        tx: Connection,
        group: Group,
        adjustment: Adjustment,
        order: Order,
        *,
        move_desired_only: bool,
        warming: int = 0,
    ) -> str | None:
        seen = await survey(tx, group.id)
        desired_on = group.desired_capacity is not None
        base = seen.census.steady if desired_on else seen.census.total
        wanted = beyond_warming(adjustment, wanted_change(adjustment, base), warming)
        change = allowed_change(wanted, base, group.min_size, group.max_size)
        if desired_on and move_desired_only:
            await self._move_desired(tx, group, seen, order, base, change)
            started = None
        else:
            self._starter.admit(group, seen, order, change, before=base)
            _refuse_no_change(group, order, base, change)
            if desired_on:
                order = _setting_desired(order, base + change)
            started = (await self._starter.scale(tx, group, seen, order, change)).id
        return started

    def change_for(self, group: Group, seen: Survey, adjustment: Adjustment) -> int:
        """Return by how much an adjustment changes the group as it is seen, within its bounds."""
        base = seen.census.steady if group.desired_capacity is not None else seen.census.total
        return allowed_change(wanted_change(adjustment, base), base, group.min_size, group.max_size)

    async def _move_desired(
        self, tx: Connection, group: Group, seen: Survey, order: Order, steady: int, change: int
    ) -> None:
        """Set the desired capacity to steady ± n and nothing else; the desired check follows (ess.md 2.4)."""
        error = self._starter.objection(_unsuspended(group), seen, change, parallel=order.parallel)
        if error is not None:
            raise RefusedError(error, group, order, steady, change)
        _refuse_no_change(group, order, steady, change)
        await groups.set_desired(tx, group.id, steady + change)
        await work.wake(tx, group_key(group.id), now=self._around.now())

    # ---- the group's own checks, called by its controller with the group locked -----------------------------------

    async def check(self, tx: Connection, group: Group) -> Activity | None:
        """Start what the min/max or desired check finds missing (ess.md 2.3, 2.4); None when there is nothing to do."""
        if is_at_rest(group, self._around.now()):
            return None
        seen = await survey(tx, group.id)
        too_many = await self._stopped_above_max(tx, group, seen)
        if too_many and self._starter.objection(group, seen, -len(too_many), parallel=True) is None:
            order = self._own_order(group, "check", wording.check_found("MaxSize"))
            order = msgspec.structs.replace(order, plan=msgspec.structs.replace(order.plan, park=False))
            return await self._starter.remove(tx, group, seen, order, too_many)
        needed = correction(seen.census, Bounds(group.min_size, group.max_size, group.desired_capacity))
        if needed is None or self._starter.objection(group, seen, needed.change, parallel=True):
            return None
        change = needed.change
        if change < 0:
            serving = [one for one in await members.of_group(tx, group.id) if one.state == MemberState.IN_SERVICE]
            if not await self._starter.choose(tx, group, serving, -change):
                return None  # only standby and protected members, or too heavy ones: nothing to report each minute
        if change > 0:
            held = await members.total_in_region(tx, group.account_id, group.region)
            change = min(change, limits.INSTANCES_PER_REGION - held)
            if change <= 0:
                return None
        order = self._own_order(group, "check", wording.check_found(needed.check))
        return await self._starter.scale(tx, group, seen, order, change)

    async def _stopped_above_max(self, tx: Connection, group: Group, seen: Survey) -> list[Member]:
        """Return the Stopped members that go first when there are more members than MaxSize allows (ess.md 8.4)."""
        census = seen.census
        excess = census.steady + census.coming + census.stopped - group.max_size
        if not census.stopped or excess <= 0:
            return []
        stopped = [one for one in await members.of_group(tx, group.id) if one.state == MemberState.STOPPED]
        chosen: list[Member] = []
        while stopped and excess > 0:
            chosen.append(stopped.pop(0))
            excess -= chosen[-1].capacity
        return chosen

    async def expel(self, tx: Connection, group: Group, instance_ids: Sequence[str]) -> Activity | None:
        """Start the removal of unhealthy members, MinSize or not (ess.md 8.1); None when it cannot start now."""
        seen = await survey(tx, group.id)
        if self._starter.objection(group, seen, -len(instance_ids), parallel=True):
            return None
        order = self._own_order(group, "health", wording.unhealthy_found())
        # What is ill is released, in a recycle group too: kept as Stopped it would be started again first.
        order = msgspec.structs.replace(order, plan=msgspec.structs.replace(order.plan, park=False))
        leavers = list((await members.by_id(tx, instance_ids)).values())
        return await self._starter.remove(tx, group, seen, order, leavers)

    def _own_order(self, group: Group, kind: Kind, reason: str) -> Order:
        return Order(
            kind=kind,
            reason=reason,
            request_id=self._around.ids.uuid(),
            trigger_type="Ess",
            trigger_id=group.id,
            plan=plan_of(group),
        )


def _activity_of(known: list[str | None]) -> str | None:
    return known[0]


def _refuse_no_change(group: Group, order: Order, before: int, change: int) -> None:
    if change == 0:
        raise RefusedError(refusals.no_change(), group, order, before, change)


def _warming_up(order: Order, rule: Rule) -> Order:
    return msgspec.structs.replace(order, plan=msgspec.structs.replace(order.plan, warmup=rule.warmup or None))


def _setting_desired(order: Order, desired: int) -> Order:
    plan = msgspec.structs.replace(order.plan, desired_after=desired)
    return msgspec.structs.replace(order, plan=plan)


def _unsuspended(group: Group) -> Group:
    """While scaling is suspended the desired value moves all the same; instances come after resume (ess.md 2.6)."""
    return msgspec.structs.replace(group, suspended_processes=[])

"""Instances of groups by hand: attaching, detaching, removing, protecting, standby, health (ess.md 3.5, 8, 12.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from tidegate.errors import CloudError
from tidegate.services.ecs.service import InstanceView
from tidegate.services.ess import limits, refusals, repeats, scope, wording
from tidegate.services.ess.companions import balanced
from tidegate.services.ess.paging import checked_page
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.requests.instances import (
    AttachInstances,
    DescribeScalingInstances,
    DetachInstances,
    ModifyInstanceAttribute,
    OnInstances,
    RemoveInstances,
    SetInstanceHealth,
    SetInstancesProtection,
)
from tidegate.services.ess.scaling import plan_of
from tidegate.services.ess.starting import Order, RefusedError, Starter, group_key
from tidegate.services.ess.states import GroupState, MemberEvent, MemberState, member_moves
from tidegate.services.ess.survey import survey
from tidegate.services.operation import Call
from tidegate.store import work
from tidegate.store.ess import groups
from tidegate.store.ess import members as rows
from tidegate.store.ess.records import Group, Member, Plan

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_HEALTH = ("Healthy", "Unhealthy")
#: The kind of work that changes weights on load balancers: to nothing in standby, and back (ess.md 8.3).
WEIGH = "weigh"
_WEIGHTS = {MemberEvent.ENTER_STANDBY: True, MemberEvent.EXIT_STANDBY: False}
#: Managed instances of others' clouds do not exist here, but may be asked for.
_CREATION_TYPES = ("AutoCreated", "Attached", "Managed")


class Ignored(msgspec.Struct, frozen=True):
    """An instance that IgnoreInvalidInstance passed over, and why."""

    instance_id: str
    error: CloudError


class Members:
    """The instances in groups, as callers change them."""

    def __init__(self, around: Surroundings, starter: Starter) -> None:
        self._around = around
        self._starter = starter

    # ---- in and out ------------------------------------------------------------------------------------------------

    async def attach(self, call: Call, request: AttachInstances) -> str:
        """Take existing instances into a group; returns the activity."""
        ids = checked_ids(request.instance_ids)
        weights = checked_weights(request.load_balancer_weights, len(ids))
        order = Order(
            kind="attach",
            reason=wording.instances_requested("attach", ids),
            request_id=call.request_id,
            trigger_id=call.principal.id,
        )
        views = await self.look_up(call, request.scaling_group_id, request.region_id, ids)
        async with self._starter.deciding() as tx:
            group = await scope.locked_group(tx, call, request.scaling_group_id, request.region_id)
            known = await repeats.recall(tx, call, self._around.now())
            if known is not None:
                return str(known[0])
            plan = msgspec.structs.replace(
                plan_of(group), hooks_disabled=not request.lifecycle_hook, entrusted=request.entrusted
            )
            order = msgspec.structs.replace(order, plan=plan)
            activity_id = await self.take_in(
                tx,
                group,
                order,
                dict(zip(ids, weights, strict=True)),
                views,
                ignore_invalid=request.ignore_invalid_instance,
            )
            await repeats.remember(tx, call, activity_id, self._around.now())
        return activity_id

    async def take_in(
        self,
        tx: Connection,
        group: Group,
        order: Order,
        weights: Mapping[str, int],
        views: Mapping[str, InstanceView],
        *,
        ignore_invalid: bool = False,
        above_max: CloudError | None = None,
    ) -> str:
        """Begin to attach the instances in ``weights`` to a locked group; returns the activity.

        ``views`` is what ``look_up`` said about them just before.
        """
        seen = await survey(tx, group.id)
        self._starter.admit(group, seen, order, len(weights))
        members = await rows.by_id(tx, list(weights))
        newcomers: list[Member] = []
        back: list[str] = []
        errors: list[CloudError] = []
        for instance_id, weight in weights.items():
            member, view = members.get(instance_id), views.get(instance_id)
            if member is not None and member.group_id == group.id and member.state == MemberState.STOPPED:
                back.append(instance_id)
                continue
            error = _objection_to_attach(group, instance_id, view, member)
            if error is not None or view is None:
                errors.append(error or refusals.instance_not_found(instance_id))
            else:
                newcomers.append(self._newcomer(group, view, weight, entrusted=order.plan.entrusted))
        if errors and not (ignore_invalid and (newcomers or back)):
            if errors[0].status == 404:
                raise errors[0]
            raise RefusedError(errors[0], group, order, seen.census.total, len(weights))
        count = len(newcomers) + len(back)
        if seen.census.total + count > group.max_size:
            error = above_max or refusals.above_max()
            raise RefusedError(error, group, order, seen.census.total, count)
        if group.desired_capacity is not None:
            # Attaching raises the desired value by what has joined (ess.md 2.4).
            order = msgspec.structs.replace(order, plan=msgspec.structs.replace(order.plan, desired_per_joined=1))
        return (await self._starter.attach(tx, group, seen, order, newcomers, back)).id

    async def look_up(
        self, call: Call, group_id: str, region: str | None, instance_ids: Sequence[str]
    ) -> dict[str, InstanceView]:
        """Return what ECS knows about instances in a group's region.

        Asked before a transaction begins: within one, ECS would need a second connection.
        """
        async with self._around.database.connection() as db:
            group = await scope.group(db, call, group_id, region)
        return await self._around.machines.find(group.account_id, group.region, instance_ids)

    def _newcomer(self, group: Group, view: InstanceView, weight: int, *, entrusted: bool) -> Member:
        return Member(
            instance_id=view.id,
            group_id=group.id,
            state=MemberState.PENDING,
            creation_type="Attached",
            entrusted=entrusted,
            weight=weight,
            configuration_id=None,
            instance_type=view.instance_type,
            zone=view.zone,
            vswitch_id=view.vswitch_id,
            address=view.private_address,
            activity_id="",
            busy_with=None,
            created_at=view.created_at,
        )

    async def detach(self, call: Call, request: DetachInstances) -> str:
        """Let members go, whatever their origin; returns the activity."""
        if request.detach_option not in (None, "both"):
            raise refusals.invalid("DetachOption")
        activity_id, _ = await self._let_out(call, request, "detach", decrease=request.decrease_desired_capacity)
        return activity_id

    async def remove(self, call: Call, request: RemoveInstances) -> tuple[str, list[Ignored]]:
        """Remove members as a scale-in would; returns the activity and what was passed over."""
        if request.remove_policy not in {"release", "recycle"}:
            raise refusals.remove_policy()
        _check_stop_timeout(request.stop_instance_timeout)
        return await self._let_out(call, request, "remove", decrease=request.decrease_desired_capacity)

    async def _let_out(
        self, call: Call, request: DetachInstances | RemoveInstances, verb: str, *, decrease: bool
    ) -> tuple[str, list[Ignored]]:
        ids = checked_ids(request.instance_ids)
        async with self._starter.deciding() as tx:
            group = await scope.locked_group(tx, call, request.scaling_group_id, request.region_id)
            known = await repeats.recall(tx, call, self._around.now())
            if known is not None:
                return str(known[0]), []
            order = Order(
                kind="detach" if verb == "detach" else "remove",
                reason=wording.instances_requested(verb, ids),
                request_id=call.request_id,
                trigger_id=call.principal.id,
                plan=_plan_to_let_out(group, request),
            )
            seen = await survey(tx, group.id)
            self._starter.admit(group, seen, order, -len(ids))
            leavers, ignored = await self._leavers(tx, group, ids, ignore_invalid=request.ignore_invalid_instance)
            if ignored and not (request.ignore_invalid_instance and leavers):
                error = ignored[0].error
                if error.status == 404:
                    raise error
                raise RefusedError(error, group, order, seen.census.total, -len(ids))
            count = sum(one.capacity for one in leavers if one.state != MemberState.STOPPED)
            refilled = group.desired_capacity is not None and not decrease
            census = seen.census
            # ASSUMPTION: where the desired check refills at once, MinSize is not in danger.
            if count and not refilled and census.steady + census.coming - count < group.min_size:
                raise RefusedError(refusals.below_min(), group, order, census.total, -count)
            if group.desired_capacity is not None and decrease:
                await groups.set_desired(tx, group.id, max(group.min_size, group.desired_capacity - count))
            activity = await self._starter.remove(tx, group, seen, order, leavers)
            await repeats.remember(tx, call, activity.id, self._around.now())
        return activity.id, ignored

    async def _leavers(
        self, tx: Connection, group: Group, ids: Sequence[str], *, ignore_invalid: bool
    ) -> tuple[list[Member], list[Ignored]]:
        found = await rows.by_id(tx, ids)
        can_leave = member_moves(MemberEvent.LEAVE)
        leavers: list[Member] = []
        ignored: list[Ignored] = []
        for instance_id in ids:
            member = found.get(instance_id)
            if member is None or member.group_id != group.id:
                ignored.append(Ignored(instance_id, refusals.instance_not_found(instance_id)))
            elif member.state not in can_leave:
                ignored.append(Ignored(instance_id, refusals.instance_status(instance_id)))
            else:
                leavers.append(member)
        return leavers, ignored if ignore_invalid else ignored[:1]

    # ---- without activity ------------------------------------------------------------------------------------------

    async def protect(self, call: Call, request: SetInstancesProtection) -> None:
        """Keep members from being chosen for a scale-in, or give them up again."""
        event = MemberEvent.PROTECT if request.protected_from_scale_in else MemberEvent.UNPROTECT
        # Taking protection from a member that has none changes nothing.
        unchanged = set() if request.protected_from_scale_in else {str(MemberState.IN_SERVICE)}
        await self._turn(call, request, event, unchanged)

    async def enter_standby(self, call: Call, request: OnInstances) -> None:
        """Take members out of service without removing them."""
        await self._turn(call, request, MemberEvent.ENTER_STANDBY, set())

    async def exit_standby(self, call: Call, request: OnInstances) -> None:
        """Put standby members back into service."""
        await self._turn(call, request, MemberEvent.EXIT_STANDBY, set())

    async def _turn(self, call: Call, request: OnInstances, event: MemberEvent, unchanged: set[str]) -> None:
        ids = checked_ids(request.instance_ids)
        ways = member_moves(event)
        async with self._around.database.transaction() as tx:
            group = await scope.locked_group(tx, call, request.scaling_group_id, request.region_id)
            if await repeats.recall(tx, call, self._around.now()) is not None:
                return
            if group.state != GroupState.ACTIVE:
                raise refusals.group_status()
            found = await rows.by_id(tx, ids)
            for instance_id in ids:
                member = found.get(instance_id)
                if member is None or member.group_id != group.id:
                    raise refusals.instance_not_found(instance_id)
                if member.state not in ways.keys() | unchanged:
                    raise refusals.instance_status(instance_id)
            await rows.move(tx, ids, ways, busy_with=None)
            if event in _WEIGHTS and balanced(group.bindings):
                goal = {"group_id": group.id, "instance_ids": ids, "nothing": _WEIGHTS[event]}
                await work.start(tx, f"{WEIGH}/{self._around.ids.uuid()}", WEIGH, goal, now=self._around.now())
            await work.wake(tx, group_key(group.id), now=self._around.now())
            await repeats.remember(tx, call, group.id, self._around.now())

    async def set_health(self, call: Call, request: SetInstanceHealth) -> None:
        """Mark a member as healthy or not; an unhealthy one in service is removed by the health check."""
        if request.health_status not in _HEALTH:
            raise refusals.invalid("HealthStatus")
        async with self._around.database.transaction() as tx:
            member = (await rows.by_id(tx, [request.instance_id])).get(request.instance_id)
            group = await groups.find(tx, call.account_id, member.group_id) if member else None
            if member is None or group is None or request.region_id not in (None, group.region):
                error = refusals.instance_not_found(request.instance_id)
                raise CloudError(error.code, error.message, 400)  # 400 on this page (ess.md 12.6)
            await scope.locked_group(tx, call, group.id, None)
            await rows.set_health(tx, [member.instance_id], request.health_status)
            await work.wake(tx, group_key(group.id), now=self._around.now())

    async def entrust(self, call: Call, request: ModifyInstanceAttribute) -> None:
        """Entrust the life cycle of attached members to their group, or take it back (ess.md 8.5)."""
        named = [*([request.instance_id] if request.instance_id else []), *request.instance_ids]
        if not named:
            raise refusals.missing("InstanceId")
        ids = checked_ids(named)
        async with self._around.database.transaction() as tx:
            group = await scope.changeable_group(tx, call, request.scaling_group_id, request.region_id)
            found = await rows.by_id(tx, ids)
            for instance_id in ids:
                if instance_id not in found or found[instance_id].group_id != group.id:
                    raise refusals.instance_not_found(instance_id)
            attached = [one.instance_id for one in found.values() if one.creation_type == "Attached"]
            await rows.set_entrusted(tx, attached, entrusted=request.entrusted)

    async def describe(self, call: Call, request: DescribeScalingInstances) -> tuple[int, int, list[Member]]:
        """Return how many members match, how many of these are spot instances, and a page of them."""
        limit, offset = checked_page(request.page_number, request.page_size, limits.INSTANCE_PAGE)
        if len(request.instance_ids) > limits.INSTANCE_PAGE:
            raise refusals.invalid("InstanceId")
        _check_filters(request)
        states = request.lifecycle_states or ([request.lifecycle_state] if request.lifecycle_state else None)
        types = request.creation_types or ([request.creation_type] if request.creation_type else None)
        query = rows.Query(
            account_id=call.account_id,
            region=request.region_id,
            group_id=request.scaling_group_id,
            configuration_id=request.scaling_configuration_id,
            activity_id=request.scaling_activity_id,
            ids=request.instance_ids or None,
            health=request.health_status,
            states=states,
            creation_types=types,
        )
        async with self._around.database.connection() as db:
            total, spot = await rows.count(db, query), await rows.count_spot(db, query)
            return total, spot, await rows.page(db, query, limit=limit, offset=offset)


def _check_filters(request: DescribeScalingInstances) -> None:
    if request.health_status not in (None, *_HEALTH):
        raise refusals.invalid("HealthStatus")
    if not {*request.lifecycle_states, *filter(None, [request.lifecycle_state])} <= set(MemberState):
        raise refusals.invalid("LifecycleState")
    if not {*request.creation_types, *filter(None, [request.creation_type])} <= set(_CREATION_TYPES):
        raise refusals.invalid("CreationType")


def _plan_to_let_out(group: Group, request: DetachInstances | RemoveInstances) -> Plan:
    if isinstance(request, DetachInstances):
        return msgspec.structs.replace(
            plan_of(group),
            hooks_disabled=not request.lifecycle_hook,
            let_go=True,
            aloof=request.detach_option != "both",  # A18
        )
    # A1: RemoveInstances runs hooks unless the context says otherwise. RemovePolicy recycle works in a recycle group
    # only; in a release group it is a plain release (ess.md 8.4, ASSUMPTION).
    plan = plan_of(group, request.lifecycle_hook_context)
    return msgspec.structs.replace(
        plan,
        park=plan.park and request.remove_policy == "recycle",
        stop_timeout=plan.stop_timeout if request.stop_instance_timeout is None else request.stop_instance_timeout,
    )


def _objection_to_attach(
    group: Group, instance_id: str, view: InstanceView | None, member: Member | None
) -> CloudError | None:
    if view is None:
        return refusals.instance_not_found(instance_id)
    if member is not None:
        return refusals.instance_in_other_group(instance_id)
    if view.status != "Running":
        return refusals.instance_status(instance_id)
    if group.vpc_id and view.vpc_id != group.vpc_id:
        return refusals.instance_vpc(instance_id)
    return None


def checked_ids(instance_ids: Sequence[str]) -> list[str]:
    """Return the ids without repeats; raises InvalidParameter for more than a call may name."""
    ids = list(dict.fromkeys(instance_ids))
    if len(ids) > limits.INSTANCES_PER_CALL:
        raise refusals.invalid("InstanceId")
    return ids


def checked_weights(weights: Sequence[int], count: int) -> list[int]:
    """Return one weight for each instance; raises InvalidParameter for bad ones and too many."""
    low, high = limits.LOAD_BALANCER_WEIGHT
    if len(weights) > count or any(not low <= weight <= high for weight in weights):
        raise refusals.invalid("LoadBalancerWeight")
    return [*weights, *[limits.DEFAULT_LOAD_BALANCER_WEIGHT] * (count - len(weights))]


def _check_stop_timeout(seconds: int | None) -> None:
    low, high = limits.STOP_TIMEOUT
    if seconds is not None and not low <= seconds <= high:
        raise refusals.invalid("StopInstanceTimeout")

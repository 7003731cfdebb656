"""Renewing members: others are made first, then the old ones leave (ess.md 12.6 RebalanceInstances, 2.2 MaxInstanceLifetime).

A renewal is two activities of the non-parallel class. The second begins in the transaction that ends the first, so
nothing else can come between them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tidegate.services.ess import limits, refusals, repeats, scope, wording
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.requests.shape import OnGroup
from tidegate.services.ess.scaling import is_at_rest, plan_of
from tidegate.services.ess.starting import Order, RefusedError, Starter
from tidegate.services.ess.states import MemberState
from tidegate.services.ess.survey import Survey, survey
from tidegate.services.operation import Call
from tidegate.store.ess import groups, members
from tidegate.store.ess.records import Activity, Group, Kind, Member

if TYPE_CHECKING:
    from tidegate.store.database import Connection


def surplus(by_vswitch: Mapping[str, Sequence[str]], vswitch_ids: Sequence[str]) -> list[str]:
    """Return who has to move so that no two of the vSwitches differ by more than one; the last of each go first."""
    left = {vswitch: list(by_vswitch.get(vswitch, ())) for vswitch in vswitch_ids}
    coming = dict.fromkeys(vswitch_ids, 0)
    moved: list[str] = []
    while True:
        sizes = {vswitch: len(left[vswitch]) + coming[vswitch] for vswitch in vswitch_ids}
        fullest = max(vswitch_ids, key=lambda vswitch: sizes[vswitch])
        emptiest = min(vswitch_ids, key=lambda vswitch: sizes[vswitch])
        if sizes[fullest] - sizes[emptiest] <= 1 or not left[fullest]:
            return moved
        moved.append(left[fullest].pop())
        coming[emptiest] += 1


def is_balanced_by_zone(group: Group) -> bool:
    """Tell whether the group spreads its instances evenly over its zones."""
    return group.multi_az_policy == "BALANCE" or (
        group.multi_az_policy == "COMPOSABLE" and bool(group.options.get("AzBalance"))
    )


class Renewal:
    """Replaces members by new ones."""

    def __init__(self, around: Surroundings, starter: Starter) -> None:
        self._around = around
        self._starter = starter

    async def rebalance(self, call: Call, request: OnGroup) -> str:
        """RebalanceInstances; returns the activity that makes the new instances."""
        async with self._starter.deciding() as tx:
            group = await scope.locked_group(tx, call, request.scaling_group_id, request.region_id)
            known = await repeats.recall(tx, call, self._around.now())
            if known is not None:
                return str(known[0])
            if not is_balanced_by_zone(group):
                raise refusals.operation_denied()
            order = Order(
                kind="rebalance",
                reason=wording.rebalancing(),
                request_id=call.request_id,
                trigger_id=call.principal.id,
                parallel=False,
                plan=plan_of(group),
            )
            seen = await survey(tx, group.id)
            self._admit(group, seen, order)
            uneven = await self._uneven(tx, group, seen)
            if not uneven:
                raise RefusedError(refusals.no_change(), group, order, seen.census.total, 0)
            activity = await self._starter.replace(tx, group, seen, order, uneven)
            await repeats.remember(tx, call, activity.id, self._around.now())
        return activity.id

    async def check(self, tx: Connection, group: Group) -> Activity | None:
        """Renew what is too old or, where the group wants that, unevenly spread; None when there is nothing to do."""
        lifetime = group.options.get("MaxInstanceLifetime") or 0
        # AutoRebalance only takes effect with BalancedOnly.
        evens_out = (
            bool(group.options.get("AutoRebalance"))
            and group.options.get("BalanceMode") == "BalancedOnly"
            and is_balanced_by_zone(group)
        )
        if (not lifetime and not evens_out) or is_at_rest(group, self._around.now()):
            return None
        seen = await survey(tx, group.id)
        if self._objection(group, seen):
            return None
        if lifetime and (old := await self._too_old(tx, group, seen, timedelta(seconds=lifetime))):
            return await self._starter.replace(
                tx, group, seen, self._own_order(group, "lifetime", wording.too_old()), old
            )
        if evens_out and (uneven := await self._uneven(tx, group, seen)):
            return await self._starter.replace(
                tx, group, seen, self._own_order(group, "rebalance", wording.rebalancing()), uneven
            )
        return None

    async def let_go_of_replaced(self, tx: Connection, activity: Activity, joined: Sequence[str]) -> None:
        """Begin the removal of as much as has joined in place of it, in the transaction that ends ``activity``."""
        group = await groups.lock(tx, activity.group_id)
        capacity = sum(one.capacity for one in (await members.by_id(tx, joined)).values())
        found = await members.by_id(tx, activity.plan.replaces)
        leavers: list[Member] = []
        for instance_id in activity.plan.replaces:
            member = found.get(instance_id)
            # They may have been protected, or have left, since.
            if member and member.state == MemberState.IN_SERVICE and member.capacity <= capacity:
                leavers.append(member)
                capacity -= member.capacity
        if group is None or not leavers:
            return
        order = Order(
            kind=activity.kind,
            reason=activity.cause.partition(", changing")[0],
            request_id=activity.request_id,
            trigger_type=activity.trigger_type,
            trigger_id=activity.trigger_id,
            parallel=activity.parallel,
            refresh_id=activity.refresh_id,
            plan=msgspec.structs.replace(activity.plan, replaces=[]),
        )
        await self._starter.remove(tx, group, await survey(tx, group.id), order, leavers)

    def _own_order(self, group: Group, kind: Kind, reason: str) -> Order:
        return Order(
            kind=kind,
            reason=reason,
            request_id=self._around.ids.uuid(),
            trigger_type="Ess",
            trigger_id=group.id,
            parallel=False,
            plan=plan_of(group),
        )

    def _admit(self, group: Group, seen: Survey, order: Order) -> None:
        for change in (1, -1):
            self._starter.admit(group, seen, order, change)

    def _objection(self, group: Group, seen: Survey) -> bool:
        return any(self._starter.objection(group, seen, change, parallel=False) for change in (1, -1))

    async def _uneven(self, tx: Connection, group: Group, seen: Survey) -> list[Member]:
        serving = await self._renewable(tx, group)
        by_id = {one.instance_id: one for one in serving}
        by_vswitch: dict[str, list[str]] = {}
        for one in serving:
            by_vswitch.setdefault(one.vswitch_id, []).append(one.instance_id)
        moved = surplus(by_vswitch, group.vswitch_ids)
        return [by_id[one] for one in moved][: _room(group, seen)]

    async def _too_old(self, tx: Connection, group: Group, seen: Survey, lifetime: timedelta) -> list[Member]:
        now = self._around.now()
        old = [one for one in await self._renewable(tx, group) if now - (_joined(one)) >= lifetime]
        return old[: _room(group, seen)]

    async def _renewable(self, tx: Connection, group: Group) -> list[Member]:
        """Return the members that may be replaced: in service, and made by the group."""
        return [
            one
            for one in await members.of_group(tx, group.id)
            if one.state == MemberState.IN_SERVICE and one.creation_type == "AutoCreated"
        ]


def _joined(member: Member) -> datetime:
    return member.joined_at or member.created_at


def _room(group: Group, seen: Survey) -> int:
    """Return how many are renewed at once: the group may rise above MaxSize by a tenth of it, at least by one."""
    above = -(-group.max_size // 10)
    return max(1, min(limits.INSTANCES_PER_RENEWAL, group.max_size + above - seen.census.total))

"""What a scale-out would make, without making it (ess.md 12.5, ExecutionMode PlanOnly)."""

from __future__ import annotations

from collections import Counter

import msgspec

from tidegate.services.ess import placement, refusals, scope
from tidegate.services.ess.placement import Choice, Share
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.requests.rules import ScaleWithAdjustment
from tidegate.services.ess.scaling import Scaling, checked_adjustment, checked_overrides
from tidegate.services.ess.sources import chosen, launch_spec, mix_of, overridden, present_in, source_of
from tidegate.services.ess.starting import Starter
from tidegate.services.ess.survey import survey
from tidegate.services.operation import Call
from tidegate.store.ess import members
from tidegate.store.ess.records import Group, Member


class Allocation(msgspec.Struct, frozen=True, kw_only=True):
    """Instances of one kind in one zone."""

    zone: str
    instance_type: str
    spot_strategy: str
    amount: int


class Planner:
    """Plans activities as they would be carried out now."""

    def __init__(self, around: Surroundings, starter: Starter, scaling: Scaling) -> None:
        self._around = around
        self._starter = starter
        self._scaling = scaling

    async def plan(self, call: Call, request: ScaleWithAdjustment) -> list[Allocation]:
        """Return what would be made; raises as the adjustment would, and leaves nothing behind, not even a rejection."""
        adjustment = checked_adjustment(
            request.adjustment_type, request.adjustment_value, request.min_adjustment_magnitude
        )
        overrides = checked_overrides(request.overrides)
        async with self._around.database.connection() as db:
            group = await scope.group(db, call, request.scaling_group_id, request.region_id)
            seen = await survey(db, group.id)
            found = await members.of_group(db, group.id)
        change = self._scaling.change_for(group, seen, adjustment)
        error = self._starter.objection(group, seen, change, parallel=not request.sync_activity)
        if error is not None:
            raise error
        if change == 0:
            raise refusals.no_change()
        return await self._allocations(group, found, change, overrides) if change > 0 else []

    async def _allocations(
        self, group: Group, found: list[Member], change: int, overrides: dict[str, object]
    ) -> list[Allocation]:
        source = await source_of(self._around, group)
        if source is None:
            raise refusals.no_source()
        source = overridden(source, overrides) if overrides else source
        spec = launch_spec(group, source.fields)
        zones = {
            one: (await self._around.machines.vswitch(group.account_id, group.region, one)).zone
            for one in group.vswitch_ids
        }
        counted: Counter[tuple[str, str, str]] = Counter()
        for share in placement.shares(change, mix_of(group, source), present_in(found)):
            choice = self._possible(share, zones)
            made = chosen(spec, choice)
            kind = zones[choice.vswitch_id], made.instance_type, made.options.spot_strategy
            counted[kind] += -(-share.capacity // choice.offer.weight)
        return [
            Allocation(zone=zone, instance_type=instance_type, spot_strategy=strategy, amount=amount)
            for (zone, instance_type, strategy), amount in counted.items()
        ]

    def _possible(self, share: Share, zones: dict[str, str]) -> Choice:
        """Return the first choice that has stock; raises ResourceNotAvailable.ECS when none has."""
        for choice in share.choices:
            if choice.offer.instance_type in self._around.machines.in_stock(zones[choice.vswitch_id]):
                return choice
        raise refusals.no_stock()

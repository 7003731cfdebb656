"""Which instance types there are, and how well they can be had (ess.md 12.9): from the catalog and the stock, nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from tidegate.services.ecs import catalog
from tidegate.services.ecs.catalog import InstanceType
from tidegate.services.ess import limits, refusals, scope, values
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.requests.advice import (
    DescribeCandidateInstanceType,
    DescribeElasticStrength,
    DescribePatternTypes,
)
from tidegate.services.ess.sources import source_of
from tidegate.services.operation import Call, given
from tidegate.store.ess.records import Group

Strength = Literal["Strong", "Medium", "Weak"]


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """An instance type in a zone: it is in stock, or it is not."""

    instance_type: str
    zone: str
    vswitch_ids: list[str]
    available: bool


class Judgement(msgspec.Struct, frozen=True):
    """How well the instances of a group can be had."""

    group_id: str | None
    pools: list[Pool]

    @property
    def total(self) -> float:
        """The sum over all pools: 1 for one in stock, 0 for one that is sold out."""
        return float(sum(pool.available for pool in self.pools))

    @property
    def strength(self) -> Strength:
        """ASSUMPTION: all pools in stock are strong, some of them medium, none weak."""
        if all(pool.available for pool in self.pools):
            return "Strong"
        return "Medium" if self.total else "Weak"


class Advice:
    """Answers questions that change nothing."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def strength(self, call: Call, request: DescribeElasticStrength) -> list[Judgement]:
        """Judge groups, or types in vSwitches."""
        ids = request.scaling_group_ids or ([request.scaling_group_id] if request.scaling_group_id else [])
        if len(ids) > limits.NAMED_OBJECTS:
            raise refusals.invalid("ScalingGroupIds")
        if not ids:
            if not request.vswitch_ids:
                raise refusals.missing("VSwitchIds")
            if not request.instance_types:
                raise refusals.missing("InstanceTypes")
            pools = await self._pools(call.account_id, request.region_id, request.vswitch_ids, request.instance_types)
            return [Judgement(None, pools)]
        return [await self._judged(call, one, request) for one in ids]

    async def _judged(self, call: Call, group_id: str, request: DescribeElasticStrength) -> Judgement:
        async with self._around.database.connection() as db:
            group = await scope.group(db, call, group_id, request.region_id)
        return Judgement(group.id, await self.pools_of(group, request.instance_types))

    async def pools_of(self, group: Group, instance_types: Sequence[str] | None = None) -> list[Pool]:
        """Return the pools that a group draws on; none without a source of instances."""
        source = await source_of(self._around, group)
        types = instance_types or [offer.instance_type for offer in source.offers] if source else instance_types
        return await self._pools(group.account_id, group.region, group.vswitch_ids, types or [])

    async def _pools(
        self, account_id: str, region: str, vswitch_ids: Iterable[str], instance_types: Sequence[str]
    ) -> list[Pool]:
        zones: dict[str, list[str]] = {}
        for one in vswitch_ids:
            zones.setdefault((await self._around.machines.vswitch(account_id, region, one)).zone, []).append(one)
        return [
            Pool(
                instance_type=kind,
                zone=zone,
                vswitch_ids=within,
                available=kind in self._around.machines.in_stock(zone),
            )
            for zone, within in zones.items()
            for kind in instance_types
        ]

    def pattern(self, request: DescribePatternTypes) -> list[InstanceType]:
        """Return the instance types that meet what is asked for, the cheapest first."""
        if request.burstable_performance not in {"Include", "Exclude", "Required"}:
            raise refusals.invalid("BurstablePerformance")
        return [one for one in catalog.INSTANCE_TYPES.values() if _fits(one, request)]

    def candidates(self, request: DescribeCandidateInstanceType) -> tuple[list[str], list[str]]:
        """Return types that can stand in for those named, and zones where they can be had."""
        region = catalog.REGIONS.get(request.region_id)
        if region is None:
            raise refusals.region_not_found()
        zones = [zone for zone in region.zones if request.allow_cross_az or zone in request.zone_ids]
        named = [catalog.INSTANCE_TYPES[one] for one in request.instance_types if one in catalog.INSTANCE_TYPES]
        stock = {one for zone in zones for one in self._around.machines.in_stock(zone)}
        found = [
            one.id
            for one in catalog.INSTANCE_TYPES.values()
            if one.id in stock
            and (request.max_price is None or one.price <= request.max_price)
            and any(values.stands_in(one, wanted, generations=request.allow_different_generation) for wanted in named)
        ]
        return found, [zone for zone in zones if set(found) & set(self._around.machines.in_stock(zone))]


def _fits(one: InstanceType, request: DescribePatternTypes) -> bool:
    cores = [*request.cores_lists, *([] if request.cores is None else [request.cores])]
    sizes = [*request.memory_lists, *([] if request.memory is None else [request.memory])]
    pattern = given(request, DescribePatternTypes)
    for name in ("Cores", "Memory"):
        pattern.pop(name, None)
    pattern["ExcludedInstanceTypes"] = request.excluded_instance_types
    return (not cores or one.cpu in cores) and (not sizes or one.memory in sizes) and values.is_like(one, pattern)

"""DescribeRegions and DescribeZones."""

from __future__ import annotations

import msgspec

from tidegate.services.ecs import catalog
from tidegate.services.kvstore import errors
from tidegate.services.kvstore.api.product import kvstore
from tidegate.services.kvstore.service import Kvstore
from tidegate.services.operation import Answer, Call, Request


class ZoneIdList(Answer):
    """Ids of zones."""

    zone_id: list[str]


class KVStoreRegion(Answer):
    """A region; ``zone_ids`` is comma-separated text."""

    region_id: str
    local_name: str
    zone_ids: str
    region_endpoint: str
    zone_id_list: ZoneIdList


class RegionIds(Answer):
    """Regions."""

    kvstore_region: list[KVStoreRegion] = msgspec.field(name="KVStoreRegion")


class DescribeRegionsAnswer(Answer):
    """Every region."""

    region_ids: RegionIds


@kvstore.operation("DescribeRegions")
async def describe_regions(_service: Kvstore, _call: Call, _request: Request) -> DescribeRegionsAnswer:
    """List the regions with their zones."""
    regions = [
        KVStoreRegion(
            region_id=region.id,
            local_name=region.local_name,
            zone_ids=",".join(region.zones),
            region_endpoint="r-kvstore.aliyuncs.com",
            zone_id_list=ZoneIdList(list(region.zones)),
        )
        for region in catalog.REGIONS.values()
    ]
    return DescribeRegionsAnswer(RegionIds(regions))


class KVStoreZone(Answer):
    """A zone."""

    zone_id: str
    zone_name: str
    region_id: str
    disabled: bool = False
    switch_network: bool = False
    is_rds: bool = False


class Zones(Answer):
    """Zones."""

    kvstore_zone: list[KVStoreZone] = msgspec.field(name="KVStoreZone")


class DescribeZonesAnswer(Answer):
    """The zones of the region."""

    zones: Zones


@kvstore.operation("DescribeZones")
async def describe_zones(_service: Kvstore, call: Call, _request: Request) -> DescribeZonesAnswer:
    """List the zones of a region."""
    region = catalog.REGIONS.get(call.region)
    if region is None:
        raise errors.unknown_region()
    zones = [KVStoreZone(zone, f"{region.local_name} {zone[-1].upper()}", region.id) for zone in region.zones]
    return DescribeZonesAnswer(Zones(zones))

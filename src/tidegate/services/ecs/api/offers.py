"""Operations that describe what the cloud offers: regions, zones, instance types, what is in stock."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tidegate.services.ecs import catalog
from tidegate.services.ecs.api.product import ecs, region_of
from tidegate.services.ecs.service import Ecs
from tidegate.services.operation import Answer, Call, Request, invalid_parameter


class Anything(Request):
    """A request whose parameters change nothing."""


class RegionAnswer(Answer):
    """A region."""

    region_id: str
    local_name: str
    region_endpoint: str
    status: str = "available"


class RegionList(Answer):
    """Regions."""

    region: list[RegionAnswer]


class DescribeRegionsAnswer(Answer):
    """All regions."""

    regions: RegionList


@ecs.operation("DescribeRegions")
async def describe_regions(_service: Ecs, _call: Call, request: Anything) -> DescribeRegionsAnswer:  # noqa: ARG001
    """List the regions."""
    return DescribeRegionsAnswer(
        RegionList([RegionAnswer(one.id, one.local_name, one.endpoint) for one in catalog.REGIONS.values()])
    )


class InstanceTypeNames(Answer):
    """Names of instance types."""

    instance_types: list[str]


class ResourceTypeNames(Answer):
    """What can be made in a zone."""

    resource_types: Sequence[str] = ("VSwitch", "Disk", "Instance")


class DiskCategoryNames(Answer):
    """Categories of disks."""

    disk_categories: Sequence[str] = ("cloud_essd", "cloud_efficiency", "cloud_ssd")


class ZoneAnswer(Answer):
    """A zone."""

    zone_id: str
    local_name: str
    available_instance_types: InstanceTypeNames
    available_resource_creation: ResourceTypeNames = msgspec.field(default_factory=ResourceTypeNames)
    available_disk_categories: DiskCategoryNames = msgspec.field(default_factory=DiskCategoryNames)
    zone_type: str = "AvailabilityZone"


class ZoneList(Answer):
    """Zones."""

    zone: list[ZoneAnswer]


class DescribeZonesAnswer(Answer):
    """The zones of a region."""

    zones: ZoneList


@ecs.operation("DescribeZones")
async def describe_zones(service: Ecs, call: Call, request: Anything) -> DescribeZonesAnswer:  # noqa: ARG001
    """List the zones of a region, each with the instance types that are not sold out there."""
    region = catalog.REGIONS[region_of(call)]
    return DescribeZonesAnswer(
        ZoneList(
            [
                ZoneAnswer(
                    zone, f"{region.local_name} 可用区{zone[-1].upper()}", InstanceTypeNames(service.in_stock(zone))
                )
                for zone in region.zones
            ]
        )
    )


class DescribeInstanceTypesRequest(Request):
    """Which instance types are wanted."""

    instance_types: list[str] = msgspec.field(default_factory=list)
    instance_type_family: str | None = None


class InstanceTypeAnswer(Answer):
    """An instance type."""

    instance_type_id: str
    instance_type_family: str
    cpu_core_count: int
    memory_size: float
    eni_quantity: int
    instance_family_level: str
    gpu_amount: int = 0
    gpu_spec: str = ""
    local_storage_category: str = ""
    cpu_architecture: str = "X86"


class InstanceTypeList(Answer):
    """Instance types."""

    instance_type: list[InstanceTypeAnswer]


class DescribeInstanceTypesAnswer(Answer):
    """The wanted instance types."""

    instance_types: InstanceTypeList


@ecs.operation("DescribeInstanceTypes")
async def describe_instance_types(
    _service: Ecs, _call: Call, request: DescribeInstanceTypesRequest
) -> DescribeInstanceTypesAnswer:
    """List instance types, cheapest first."""
    found = [
        InstanceTypeAnswer(
            instance_type_id=one.id,
            instance_type_family=one.family,
            cpu_core_count=one.cpu,
            memory_size=one.memory,
            eni_quantity=one.network_interfaces,
            instance_family_level="CreditEntryLevel" if one.family == "ecs.t6" else "EnterpriseLevel",
        )
        for one in catalog.INSTANCE_TYPES.values()
        if (not request.instance_types or one.id in request.instance_types)
        and request.instance_type_family in (None, one.family)
    ]
    return DescribeInstanceTypesAnswer(InstanceTypeList(found))


class DescribeAvailableResourceRequest(Request):
    """What is to be had where."""

    destination_resource: str
    zone_id: str | None = None
    instance_type: str | None = None
    resource_type: str = "instance"


class SupportedResource(Answer):
    """One thing, and whether it is to be had."""

    value: str
    status: str
    status_category: str


class SupportedResources(Answer):
    """Things."""

    supported_resource: list[SupportedResource]


class AvailableResource(Answer):
    """Things of one type."""

    type: str
    supported_resources: SupportedResources


class AvailableResources(Answer):
    """What there is in a zone."""

    available_resource: list[AvailableResource]


class AvailableZone(Answer):
    """A zone and what there is."""

    region_id: str
    zone_id: str
    status: str
    status_category: str
    available_resources: AvailableResources


class AvailableZones(Answer):
    """Zones."""

    available_zone: list[AvailableZone]


class DescribeAvailableResourceAnswer(Answer):
    """What there is, zone by zone."""

    available_zones: AvailableZones


@ecs.operation("DescribeAvailableResource")
async def describe_available_resource(
    service: Ecs, call: Call, request: DescribeAvailableResourceRequest
) -> DescribeAvailableResourceAnswer:
    """Tell what can be had in each zone: instance types as they are in stock, disk categories, the zone itself."""
    region = region_of(call)
    zones = [one for one in catalog.REGIONS[region].zones if request.zone_id in (None, one)]
    return DescribeAvailableResourceAnswer(
        AvailableZones([_available(service, region, zone, request) for zone in zones])
    )


def _available(service: Ecs, region: str, zone: str, request: DescribeAvailableResourceRequest) -> AvailableZone:
    match request.destination_resource:
        case "InstanceType":
            stock = set(service.in_stock(zone))
            known = [one for one in catalog.INSTANCE_TYPES if request.instance_type in (None, one)]
            found = {one: one in stock for one in known}
        case "SystemDisk" | "DataDisk":
            found = dict.fromkeys(DiskCategoryNames().disk_categories, True)
        case "Zone":
            found = {zone: True}
        case "IoOptimized":
            found = {"optimized": True}
        case "Network":
            found = {"vpc": True}
        case _:
            raise invalid_parameter("DestinationResource")
    resources = SupportedResources([SupportedResource(value, *_stock(is_there)) for value, is_there in found.items()])
    status, category = _stock(any(found.values()))
    return AvailableZone(
        region_id=region,
        zone_id=zone,
        status=status,
        status_category=category,
        available_resources=AvailableResources([AvailableResource(request.destination_resource, resources)]),
    )


def _stock(is_there: bool) -> tuple[str, str]:
    return ("Available", "WithStock") if is_there else ("SoldOut", "WithoutStock")

"""Operations that describe what the cloud offers: regions, zones, instance types, images."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec

from tidegate.services.ecs import catalog
from tidegate.services.ecs.api.product import Paged, TagPairs, check_page, comma_separated, ecs, region_of
from tidegate.services.ecs.service import Ecs
from tidegate.services.operation import Answer, Call, Request
from tidegate.services.tagging import TagFilter


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


class DescribeImagesRequest(Paged):
    """Which images are wanted."""

    image_id: str | None = None
    image_name: str | None = None
    image_family: str | None = None
    image_owner_alias: str | None = None
    status: str = "Available"
    os_type: str | None = None
    architecture: str | None = None
    tag: list[TagFilter] = msgspec.field(default_factory=list)


class DiskMappings(Answer):
    """The disks an image makes."""

    disk_device_mapping: Sequence[str] = ()


class ImageAnswer(Answer):
    """An image."""

    image_id: str
    image_name: str
    image_family: str
    image_version: str
    os_name: str
    os_name_en: str
    os_type: str
    platform: str
    architecture: str
    size: int
    creation_time: str
    image_owner_alias: str = "system"
    status: str = "Available"
    progress: str = "100%"
    description: str = ""
    is_support_cloudinit: bool = True
    is_support_io_optimized: bool = True
    is_copied: bool = False
    is_self_shared: str = ""
    is_subscribed: bool = False
    product_code: str = ""
    usage: str = "instance"
    tags: TagPairs = msgspec.field(default_factory=TagPairs)
    disk_device_mappings: DiskMappings = msgspec.field(default_factory=DiskMappings)


class ImageList(Answer):
    """Images."""

    image: list[ImageAnswer]


class DescribeImagesAnswer(Answer):
    """One page of images."""

    images: ImageList
    region_id: str
    total_count: int
    page_number: int
    page_size: int


@ecs.operation("DescribeImages", on=lambda _service, _call, _request: ["image/*"])
async def describe_images(_service: Ecs, call: Call, request: DescribeImagesRequest) -> DescribeImagesAnswer:
    """List the system images; nobody has images of their own here."""
    check_page(request)
    found = [one for one in catalog.IMAGES.values() if _is_wanted(one, request)]
    first = (request.page_number - 1) * request.page_size
    return DescribeImagesAnswer(
        images=ImageList([_image(one) for one in found[first : first + request.page_size]]),
        region_id=region_of(call),
        total_count=len(found),
        page_number=request.page_number,
        page_size=request.page_size,
    )


def _is_wanted(image: catalog.Image, request: DescribeImagesRequest) -> bool:
    ids = comma_separated(request.image_id)
    return (
        "Available" in (comma_separated(request.status) or ())
        and not request.tag
        and (ids is None or image.id in ids)
        and (request.image_name is None or fnmatchcase(image.name, request.image_name))
        and request.image_family in (None, image.family)
        and request.image_owner_alias in (None, "system")
        and request.os_type in (None, image.os_type)
        and request.architecture in (None, image.architecture)
    )


def _image(image: catalog.Image) -> ImageAnswer:
    return ImageAnswer(
        image_id=image.id,
        image_name=image.name,
        image_family=image.family,
        image_version=image.version,
        os_name=image.os_name,
        os_name_en=image.os_name_en,
        os_type=image.os_type,
        platform=image.platform,
        architecture=image.architecture,
        size=image.size,
        creation_time=image.created,
    )


class KeyPairList(Answer):
    """Key pairs."""

    key_pair: Sequence[str] = ()


class DescribeKeyPairsAnswer(Answer):
    """No key pairs: instances are entered by RunCommand."""

    key_pairs: KeyPairList
    total_count: int
    page_number: int
    page_size: int


@ecs.operation("DescribeKeyPairs", on=lambda _service, _call, _request: ["keypair/*"])
async def describe_key_pairs(_service: Ecs, call: Call, request: Paged) -> DescribeKeyPairsAnswer:
    """List no key pairs."""
    region_of(call)
    check_page(request)
    return DescribeKeyPairsAnswer(KeyPairList(), 0, request.page_number, request.page_size)

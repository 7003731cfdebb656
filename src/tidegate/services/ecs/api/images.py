"""Operations about images (ecs.md 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.ecs import catalog, faults
from tidegate.services.ecs.api.product import (
    Filter,
    Paged,
    TagPairs,
    check_page,
    comma_separated,
    creation_window,
    ecs,
    region_of,
    tag_pairs,
)
from tidegate.services.ecs.images import Source
from tidegate.services.ecs.service import Ecs
from tidegate.services.ecs.snapshots import progress
from tidegate.services.ecs.tags import check_tags
from tidegate.services.operation import Answer, Call, Done, Request
from tidegate.services.tagging import Tag, TagFilter
from tidegate.store.ecs.shelf import Wanted
from tidegate.store.ecs.snapshots import OwnImage


class DescribeImagesRequest(Paged):
    """Which images are wanted."""

    image_id: str | None = None
    image_name: str | None = None
    image_family: str | None = None
    image_owner_alias: str | None = None
    status: str = "Available"
    os_type: str | None = None
    architecture: str | None = None
    snapshot_id: str | None = None
    usage: str | None = None
    filter: list[Filter] = msgspec.field(default_factory=list)
    tag: list[TagFilter] = msgspec.field(default_factory=list)


class DiskMapping(Answer):
    """A disk that instances of an image get."""

    device: str
    size: str
    snapshot_id: str
    type: str
    format: str = "RAW"
    encrypted: bool = False


class DiskMappings(Answer):
    """The disks an image makes."""

    disk_device_mapping: Sequence[DiskMapping] = ()


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
    image_owner_id: str = ""
    status: str = "Available"
    progress: str = "100%"
    description: str = ""
    boot_mode: str = "BIOS"
    is_support_cloudinit: bool = True
    is_support_io_optimized: bool = True
    is_copied: bool = False
    is_self_shared: str = ""
    is_subscribed: bool = False
    product_code: str = ""
    usage: str = "instance"
    resource_group_id: str = ""
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
async def describe_images(service: Ecs, call: Call, request: DescribeImagesRequest) -> DescribeImagesAnswer:
    """List images: the account's own ones, newest first, then those of the system."""
    check_page(request)
    region = region_of(call)
    found = await _own_images(service, call, request)
    found += [_system_image(one) for one in catalog.IMAGES.values() if _is_wanted_system(one, request)]
    found = [one for one in found if _has_kind(one, request)]
    first = (request.page_number - 1) * request.page_size
    return DescribeImagesAnswer(
        images=ImageList(found[first : first + request.page_size]),
        region_id=region,
        total_count=len(found),
        page_number=request.page_number,
        page_size=request.page_size,
    )


async def _own_images(service: Ecs, call: Call, request: DescribeImagesRequest) -> list[ImageAnswer]:
    if request.image_owner_alias not in (None, "self"):
        return []
    created_from, created_until = creation_window(request.filter)
    wanted = Wanted(
        account_id=call.account_id,
        region=call.region,
        equal={
            "id": comma_separated(request.image_id),
            "family": request.image_family,
            "shown": comma_separated(request.status),
        },
        like={"name": request.image_name},
        created_from=created_from,
        created_until=created_until,
        tagged="image",
        tags=[(tag.key, tag.value) for tag in request.tag],
    )
    images, tags, used = await service.images.own(wanted)
    return [
        _own_image(service, one, tags.get(one.id, {}), is_used=one.id in used)
        for one in images
        if request.snapshot_id is None or any(disk.snapshot_id == request.snapshot_id for disk in one.disks)
    ]


def _is_wanted_system(image: catalog.Image, request: DescribeImagesRequest) -> bool:
    ids = comma_separated(request.image_id)
    return (
        "Available" in (comma_separated(request.status) or ())
        and not request.tag
        and not request.filter
        and request.snapshot_id is None
        and (ids is None or image.id in ids)
        and (request.image_name is None or fnmatchcase(image.name, request.image_name))
        and request.image_family in (None, image.family)
        and request.image_owner_alias in (None, "system")
    )


def _has_kind(image: ImageAnswer, request: DescribeImagesRequest) -> bool:
    return (
        request.os_type in (None, image.os_type)
        and request.architecture in (None, image.architecture)
        and request.usage in (None, image.usage)
    )


def _system_image(image: catalog.Image) -> ImageAnswer:
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


def _own_image(service: Ecs, one: OwnImage, tags: Mapping[str, str], *, is_used: bool) -> ImageAnswer:
    base = catalog.IMAGES[one.base_id]
    return ImageAnswer(
        image_id=one.id,
        image_name=one.name,
        image_family=one.family,
        image_version=one.version,
        os_name=base.os_name,
        os_name_en=base.os_name_en,
        os_type=base.os_type,
        platform=base.platform,
        architecture=base.architecture,
        size=one.size,
        creation_time=to_seconds(one.created_at),
        image_owner_alias="self",
        image_owner_id=one.account_id,
        status=service.images.status(one),
        progress=progress(one.created_at, one.passes_at, service.now()),
        description=one.description,
        is_copied=one.is_copied,
        is_self_shared=str(bool(one.shared_with)),
        usage="instance" if is_used else "none",
        tags=tag_pairs(tags),
        disk_device_mappings=DiskMappings(
            [DiskMapping(disk.device, str(disk.size), disk.snapshot_id, disk.type) for disk in one.disks]
        ),
    )


class DiskDeviceMapping(Request):
    """A disk of an image to be made."""

    snapshot_id: str = ""
    device: str = ""


class CreateImageRequest(Request):
    """The image wanted, and what it is to be made of."""

    instance_id: str | None = None
    snapshot_id: str | None = None
    disk_device_mapping: list[DiskDeviceMapping] = msgspec.field(default_factory=list)
    image_name: str = ""
    image_family: str = ""
    image_version: str = ""
    description: str = ""
    tag: list[Tag] = msgspec.field(default_factory=list)


class ImageId(Answer):
    """The image that was begun."""

    image_id: str


def _sources(_service: Ecs, _call: Call, request: CreateImageRequest) -> Sequence[str]:
    touched = ["image/*"]
    if request.instance_id is not None:
        touched.append(f"instance/{request.instance_id}")
    if request.snapshot_id is not None:
        touched.append(f"snapshot/{request.snapshot_id}")
    return touched


@ecs.operation("CreateImage", on=_sources)
async def create_image(service: Ecs, call: Call, request: CreateImageRequest) -> ImageId:
    """Begin an image of an instance or of snapshots."""
    region_of(call)
    snapshots = [*filter(None, [request.snapshot_id]), *(one.snapshot_id for one in request.disk_device_mapping)]
    made = await service.images.create(
        call,
        Source(instance_id=request.instance_id, snapshot_ids=[one for one in snapshots if one]),
        name=request.image_name,
        family=request.image_family,
        version=request.image_version,
        description=request.description,
        tags=check_tags([(tag.key, tag.value) for tag in request.tag]),
    )
    return ImageId(made)


class ImageRequest(Request):
    """A request about one image."""

    image_id: str


def _one(_service: Ecs, _call: Call, request: ImageRequest) -> Sequence[str]:
    return [f"image/{request.image_id}"]


class CopyImageRequest(ImageRequest, kw_only=True):
    """Where an image is to be copied to."""

    destination_region_id: str
    destination_image_name: str = ""
    destination_description: str = ""


@ecs.operation("CopyImage", on=_one)
async def copy_image(service: Ecs, call: Call, request: CopyImageRequest) -> ImageId:
    """Begin a copy of an own image in another region, or in its own (which is how disks are encrypted)."""
    region_of(call)
    made = await service.images.copy(
        call,
        request.image_id,
        request.destination_region_id,
        name=request.destination_image_name,
        description=request.destination_description,
    )
    return ImageId(made)


class ModifyImageAttributeRequest(ImageRequest, kw_only=True):
    """What of an image is to change."""

    image_name: str | None = None
    image_family: str | None = None
    description: str | None = None
    status: str | None = None


@ecs.operation("ModifyImageAttribute", on=_one)
async def modify_image_attribute(service: Ecs, call: Call, request: ModifyImageAttributeRequest) -> Done:
    """Change an own image."""
    region_of(call)
    if request.status not in (None, "Available", "Deprecated"):
        raise faults.invalid_parameter("Status")
    given = {
        "name": request.image_name,
        "family": request.image_family,
        "description": request.description,
        "status": request.status,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    await service.images.modify(call, request.image_id, changes)
    return Done()


class DeleteImageRequest(ImageRequest, kw_only=True):
    """An image to be removed."""

    force: bool = False


@ecs.operation("DeleteImage", on=_one)
async def delete_image(service: Ecs, call: Call, request: DeleteImageRequest) -> Done:
    """Remove an own image."""
    region_of(call)
    await service.images.delete(call, request.image_id, force=request.force)
    return Done()


class ModifyImageSharePermissionRequest(ImageRequest, kw_only=True):
    """Accounts that may use an image, or may not any more."""

    add_account: list[str] = msgspec.field(default_factory=list)
    remove_account: list[str] = msgspec.field(default_factory=list)


@ecs.operation("ModifyImageSharePermission", on=_one)
async def modify_image_share_permission(service: Ecs, call: Call, request: ModifyImageSharePermissionRequest) -> Done:
    """Write down whom an image is shared with; it stays in its own account's lists only."""
    region_of(call)
    await service.images.share(call, request.image_id, request.add_account, request.remove_account)
    return Done()


class DescribeImageSharePermissionRequest(Paged, kw_only=True):
    """Whose accounts are wanted."""

    image_id: str


class SharedAccount(Answer):
    """An account that an image is shared with."""

    aliyun_id: str


class SharedAccounts(Answer):
    """Accounts that an image is shared with."""

    account: list[SharedAccount]


class NoGroups(Answer):
    """Groups that an image is shared with; there are none."""

    share_group: Sequence[str] = ()


class DescribeImageSharePermissionAnswer(Answer):
    """Whom an image is shared with."""

    image_id: str
    region_id: str
    accounts: SharedAccounts
    total_count: int
    page_number: int
    page_size: int
    share_groups: NoGroups = msgspec.field(default_factory=NoGroups)


@ecs.operation("DescribeImageSharePermission", on=lambda _service, _call, request: [f"image/{request.image_id}"])
async def describe_image_share_permission(
    service: Ecs, call: Call, request: DescribeImageSharePermissionRequest
) -> DescribeImageSharePermissionAnswer:
    """List the accounts that an own image is shared with."""
    check_page(request)
    region = region_of(call)
    image = await service.images.one(call, request.image_id)
    first = (request.page_number - 1) * request.page_size
    page = image.shared_with[first : first + request.page_size]
    return DescribeImageSharePermissionAnswer(
        image_id=image.id,
        region_id=region,
        accounts=SharedAccounts([SharedAccount(one) for one in page]),
        total_count=len(image.shared_with),
        page_number=request.page_number,
        page_size=request.page_size,
    )

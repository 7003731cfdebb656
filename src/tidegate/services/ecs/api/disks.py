"""Operations about disks (ecs.md 11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.ecs import catalog, faults
from tidegate.services.ecs.api.product import (
    OperationLocks,
    Paged,
    TagPairs,
    check_page,
    ecs,
    region_of,
    tag_pairs,
)
from tidegate.services.ecs.disks import CATEGORIES
from tidegate.services.ecs.service import Ecs
from tidegate.services.ecs.tags import check_tags
from tidegate.services.operation import Answer, Call, Done, Request, invalid_parameter
from tidegate.services.tagging import Tag, TagFilter
from tidegate.store.ecs.attachments import Disk
from tidegate.store.ecs.shelf import Wanted
from tidegate.wire.shapes import JsonText


class DescribeDisksRequest(Paged):
    """Which disks are wanted."""

    disk_ids: JsonText[list[str]] | None = None
    instance_id: str | None = None
    zone_id: str | None = None
    disk_type: str = "all"
    category: str | None = None
    disk_name: str | None = None
    snapshot_id: str | None = None
    auto_snapshot_policy_id: str | None = None
    delete_with_instance: bool | None = None
    status: str = "All"
    tag: list[TagFilter] = msgspec.field(default_factory=list)


class DiskAnswer(Answer):
    """A disk."""

    disk_id: str
    disk_name: str
    region_id: str
    zone_id: str
    category: str
    size: int
    image_id: str
    instance_id: str
    creation_time: str
    attached_time: str
    type: str
    status: str
    device: str
    disk_charge_type: str
    description: str
    source_snapshot_id: str
    auto_snapshot_policy_id: str
    enable_automated_snapshot_policy: bool
    delete_with_instance: bool
    portable: bool
    serial_number: str
    tags: TagPairs
    product_code: str = ""
    detached_time: str = ""
    performance_level: str = "PL1"
    encrypted: bool = False
    delete_auto_snapshot: bool = False
    enable_auto_snapshot: bool = True
    resource_group_id: str = ""
    expired_time: str = "2999-09-08T16:00Z"
    multi_attach: str = "Disabled"
    operation_locks: OperationLocks = msgspec.field(default_factory=OperationLocks)


class DiskList(Answer):
    """Disks."""

    disk: list[DiskAnswer]


class DescribeDisksAnswer(Answer):
    """One page of disks."""

    disks: DiskList
    total_count: int
    page_number: int
    page_size: int


@ecs.operation("DescribeDisks", on=lambda _service, _call, _request: ["disk/*"])
async def describe_disks(service: Ecs, call: Call, request: DescribeDisksRequest) -> DescribeDisksAnswer:
    """List disks, system disks included, newest first."""
    check_page(request)
    wanted = Wanted(
        account_id=call.account_id,
        region=region_of(call),
        equal={
            "id": request.disk_ids,
            "instance_id": request.instance_id,
            "zone": request.zone_id,
            "type": None if request.disk_type == "all" else request.disk_type,
            "category": None if request.category == "all" else request.category,
            "snapshot_id": request.snapshot_id,
            "policy_id": request.auto_snapshot_policy_id,
            "delete_with_instance": request.delete_with_instance,
            "shown": None if request.status == "All" else request.status,
        },
        like={"name": request.disk_name},
        tagged="disk",
        tags=[(tag.key, tag.value) for tag in request.tag],
    )
    found, total, tags = await service.disks.page(wanted, number=request.page_number, size=request.page_size)
    rows = [_disk(service, one, tags.get(one.id, {})) for one in found]
    return DescribeDisksAnswer(DiskList(rows), total, request.page_number, request.page_size)


def _disk(service: Ecs, one: Disk, tags: Mapping[str, str]) -> DiskAnswer:
    return DiskAnswer(
        disk_id=one.id,
        disk_name=one.name,
        region_id=one.region,
        zone_id=one.zone,
        category=one.category,
        size=one.size,
        image_id=one.image_id,
        instance_id=one.instance_id,
        creation_time=to_seconds(one.created_at),
        attached_time="" if one.attached_at is None else to_seconds(one.attached_at),
        type=one.type,
        status=service.disks.status(one),
        device=one.device,
        disk_charge_type=one.charge_type,
        description=one.description,
        source_snapshot_id=one.snapshot_id,
        auto_snapshot_policy_id=one.policy_id,
        enable_automated_snapshot_policy=bool(one.policy_id),
        delete_with_instance=one.delete_with_instance,
        portable=one.type == "data",
        serial_number=one.id.partition("-")[2],
        tags=tag_pairs(tags),
    )


class CreateDiskRequest(Request):
    """The data disk wanted. ``size`` is GiB."""

    zone_id: str | None = None
    instance_id: str | None = None
    size: int | None = None
    snapshot_id: str | None = None
    disk_category: str = "cloud_essd"
    disk_name: str = ""
    description: str = ""
    tag: list[Tag] = msgspec.field(default_factory=list)


class DiskId(Answer):
    """The disk that was made."""

    disk_id: str


@ecs.operation("CreateDisk", on=lambda _service, _call, _request: ["disk/*"])
async def create_disk(service: Ecs, call: Call, request: CreateDiskRequest) -> DiskId:
    """Make a data disk, free or bound to an instance at once."""
    region = region_of(call)
    zone = request.zone_id
    if request.instance_id is not None:
        zone = (await service.instances.one(call.account_id, region, request.instance_id)).zone
    if zone is None:
        raise faults.missing_parameter("ZoneId")
    if zone not in catalog.REGIONS[region].zones:
        raise faults.not_found("InvalidZoneId")
    made = await service.disks.create(
        call,
        zone=zone,
        size=request.size,
        snapshot_id=request.snapshot_id,
        category=request.disk_category,
        name=request.disk_name,
        description=request.description,
        tags=check_tags([(tag.key, tag.value) for tag in request.tag]),
    )
    if request.instance_id is not None:
        bind = msgspec.structs.replace(call, action="CreateDisk:attach")  # a repeat binds it once
        await service.disks.attach(bind, made, request.instance_id, delete_with_instance=False)
    return DiskId(made)


class DiskRequest(Request):
    """A request about one disk."""

    disk_id: str


def _one(_service: Ecs, _call: Call, request: DiskRequest) -> Sequence[str]:
    return [f"disk/{request.disk_id}"]


class DetachDiskRequest(DiskRequest, kw_only=True):
    """A disk and its instance."""

    instance_id: str


class AttachDiskRequest(DetachDiskRequest, kw_only=True):
    """A disk and the instance it is for."""

    delete_with_instance: bool = False


def _pair(_service: Ecs, _call: Call, request: DetachDiskRequest) -> Sequence[str]:
    return [f"disk/{request.disk_id}", f"instance/{request.instance_id}"]


@ecs.operation("AttachDisk", on=_pair)
async def attach_disk(service: Ecs, call: Call, request: AttachDiskRequest) -> Done:
    """Bind a data disk to an instance."""
    region_of(call)
    delete = request.delete_with_instance
    await service.disks.attach(call, request.disk_id, request.instance_id, delete_with_instance=delete)
    return Done()


@ecs.operation("DetachDisk", on=_pair)
async def detach_disk(service: Ecs, call: Call, request: DetachDiskRequest) -> Done:
    """Take a data disk off its instance."""
    region_of(call)
    await service.disks.detach(call, request.disk_id, request.instance_id)
    return Done()


@ecs.operation("DeleteDisk", on=_one)
async def delete_disk(service: Ecs, call: Call, request: DiskRequest) -> Done:
    """Remove a free data disk."""
    region_of(call)
    await service.disks.delete(call, request.disk_id)
    return Done()


class ResizeDiskRequest(DiskRequest, kw_only=True):
    """The size wanted, in GiB."""

    new_size: int
    type: str = "offline"


@ecs.operation("ResizeDisk", on=_one)
async def resize_disk(service: Ecs, call: Call, request: ResizeDiskRequest) -> Done:
    """Make a disk larger."""
    region_of(call)
    if request.type not in ("offline", "online"):
        raise invalid_parameter("Type")
    await service.disks.resize(call, request.disk_id, request.new_size)
    return Done()


class ModifyDiskAttributeRequest(Request):
    """What of disks is to change."""

    disk_id: str | None = None
    disk_ids: list[str] = msgspec.field(default_factory=list)
    disk_name: str | None = None
    description: str | None = None
    delete_with_instance: bool | None = None


@ecs.operation("ModifyDiskAttribute", on=lambda _service, _call, _request: ["disk/*"])
async def modify_disk_attribute(service: Ecs, call: Call, request: ModifyDiskAttributeRequest) -> Done:
    """Change disks, all or none."""
    region_of(call)
    ids = [*filter(None, [request.disk_id]), *request.disk_ids]
    if not ids:
        raise faults.missing_parameter("DiskId")
    given = {
        "name": request.disk_name,
        "description": request.description,
        "delete_with_instance": request.delete_with_instance,
    }
    await service.disks.modify(call, ids, {name: value for name, value in given.items() if value is not None})
    return Done()


class ModifyDiskSpecRequest(DiskRequest, kw_only=True):
    """The category wanted."""

    disk_category: str | None = None
    performance_level: str | None = None


@ecs.operation("ModifyDiskSpec", on=_one)
async def modify_disk_spec(service: Ecs, call: Call, request: ModifyDiskSpecRequest) -> Done:
    """Change the category of a disk. The performance level is not kept."""
    region_of(call)
    if request.disk_category not in (None, *CATEGORIES):
        raise invalid_parameter("DiskCategory")
    changes = {} if request.disk_category is None else {"category": request.disk_category}
    await service.disks.modify(call, [request.disk_id], changes)
    return Done()


class ResetDiskRequest(DiskRequest, kw_only=True):
    """The snapshot that a disk shall be like."""

    snapshot_id: str


@ecs.operation("ResetDisk", on=_one)
async def reset_disk(service: Ecs, call: Call, request: ResetDiskRequest) -> Done:
    """Roll a disk back. Snapshots hold no data here, so the disk keeps its own."""
    region_of(call)
    await service.disks.roll_back(call, request.disk_id, request.snapshot_id)
    return Done()


@ecs.operation("ReInitDisk", on=_one)
async def re_init_disk(service: Ecs, call: Call, request: DiskRequest) -> Done:
    """Give a disk back the state it was made in; a system disk's host boots anew."""
    region_of(call)
    await service.disks.empty(call, request.disk_id)
    return Done()


class ReplacedDisk(Request):
    """The system disk wanted."""

    size: int | None = None


class ReplaceSystemDiskRequest(Request):
    """The image that an instance shall have."""

    instance_id: str
    image_id: str
    system_disk: ReplacedDisk = msgspec.field(default_factory=ReplacedDisk)


@ecs.operation("ReplaceSystemDisk", on=lambda _service, _call, request: [f"instance/{request.instance_id}"])
async def replace_system_disk(service: Ecs, call: Call, request: ReplaceSystemDiskRequest) -> DiskId:
    """Give a stopped instance a new system disk; it boots from it at its next start."""
    region_of(call)
    base_id = await service.images.base_of_image(call, request.image_id)
    size = request.system_disk.size
    return DiskId(
        await service.disks.replace_system(call, request.instance_id, request.image_id, base_id=base_id, size=size)
    )

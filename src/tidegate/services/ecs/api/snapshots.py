"""Operations about snapshots and snapshot policies (ecs.md 11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.ecs import faults
from tidegate.services.ecs.api.product import (
    Filter,
    Paged,
    TagPairs,
    check_page,
    creation_window,
    ecs,
    region_of,
    tag_pairs,
)
from tidegate.services.ecs.service import Ecs
from tidegate.services.ecs.snapshots import progress
from tidegate.services.ecs.tags import check_tags
from tidegate.services.operation import Answer, Call, Done, Request
from tidegate.services.tagging import Tag, TagFilter
from tidegate.store.ecs.shelf import Wanted
from tidegate.store.ecs.snapshots import Snapshot, SnapshotPolicy
from tidegate.wire.shapes import JsonText


class CreateSnapshotRequest(Request):
    """The snapshot wanted."""

    disk_id: str
    snapshot_name: str = ""
    description: str = ""
    retention_days: int = 0
    tag: list[Tag] = msgspec.field(default_factory=list)


class SnapshotId(Answer):
    """The snapshot that was begun."""

    snapshot_id: str


@ecs.operation("CreateSnapshot", on=lambda _service, _call, request: ["snapshot/*", f"disk/{request.disk_id}"])
async def create_snapshot(service: Ecs, call: Call, request: CreateSnapshotRequest) -> SnapshotId:
    """Begin a snapshot of a disk."""
    region_of(call)
    made = await service.snapshots.create(
        call,
        request.disk_id,
        name=request.snapshot_name,
        description=request.description,
        retention_days=request.retention_days,
        tags=check_tags([(tag.key, tag.value) for tag in request.tag]),
    )
    return SnapshotId(made)


class DescribeSnapshotsRequest(Paged):
    """Which snapshots are wanted."""

    snapshot_ids: JsonText[list[str]] | None = None
    disk_id: str | None = None
    instance_id: str | None = None
    snapshot_name: str | None = None
    status: str = "all"
    snapshot_type: str = "all"
    source_disk_type: str | None = None
    filter: list[Filter] = msgspec.field(default_factory=list)
    tag: list[TagFilter] = msgspec.field(default_factory=list)


class SnapshotAnswer(Answer):
    """A snapshot."""

    snapshot_id: str
    snapshot_name: str
    description: str
    status: str
    progress: str
    snapshot_type: str
    source_disk_id: str
    source_disk_type: str
    source_disk_size: str
    creation_time: str
    last_modified_time: str
    retention_days: int
    remain_time: int
    usage: str
    region_id: str
    tags: TagPairs
    product_code: str = ""
    encrypted: bool = False
    available: bool = True
    instant_access: bool = False
    category: str = "standard"
    resource_group_id: str = ""


class SnapshotList(Answer):
    """Snapshots."""

    snapshot: list[SnapshotAnswer]


class DescribeSnapshotsAnswer(Answer):
    """One page of snapshots."""

    snapshots: SnapshotList
    total_count: int
    page_number: int
    page_size: int


@ecs.operation("DescribeSnapshots", on=lambda _service, _call, _request: ["snapshot/*"])
async def describe_snapshots(service: Ecs, call: Call, request: DescribeSnapshotsRequest) -> DescribeSnapshotsAnswer:
    """List snapshots, newest first."""
    check_page(request)
    created_from, created_until = creation_window(request.filter)
    wanted = Wanted(
        account_id=call.account_id,
        region=region_of(call),
        equal={
            "id": request.snapshot_ids,
            "disk_id": request.disk_id,
            "instance_id": request.instance_id,
            "shown": None if request.status == "all" else request.status,
            "type": None if request.snapshot_type == "all" else request.snapshot_type,
            "disk_type": None if request.source_disk_type is None else request.source_disk_type.lower(),
        },
        like={"name": request.snapshot_name},
        created_from=created_from,
        created_until=created_until,
        tagged="snapshot",
        tags=[(tag.key, tag.value) for tag in request.tag],
    )
    found, total, tags, usage = await service.snapshots.page(wanted, number=request.page_number, size=request.page_size)
    rows = [_snapshot(service, one, tags.get(one.id, {}), usage.get(one.id, "none")) for one in found]
    return DescribeSnapshotsAnswer(SnapshotList(rows), total, request.page_number, request.page_size)


def _snapshot(service: Ecs, one: Snapshot, tags: Mapping[str, str], usage: str) -> SnapshotAnswer:
    now = service.now()
    left = one.passes_at - now if one.passing else None
    return SnapshotAnswer(
        snapshot_id=one.id,
        snapshot_name=one.name,
        description=one.description,
        status=service.snapshots.status(one),
        progress=progress(one.created_at, one.passes_at, now),
        snapshot_type=one.type,
        source_disk_id=one.disk_id,
        source_disk_type=one.disk_type,
        source_disk_size=str(one.disk_size),
        creation_time=to_seconds(one.created_at),
        last_modified_time=to_seconds(one.created_at),
        retention_days=one.retention_days,
        remain_time=0 if left is None else max(0, int(left.total_seconds())),
        usage=usage,
        region_id=one.region,
        tags=tag_pairs(tags),
    )


class DeleteSnapshotRequest(Request):
    """A snapshot to be removed."""

    snapshot_id: str
    force: bool = False


@ecs.operation("DeleteSnapshot", on=lambda _service, _call, request: [f"snapshot/{request.snapshot_id}"])
async def delete_snapshot(service: Ecs, call: Call, request: DeleteSnapshotRequest) -> Done:
    """Remove a snapshot."""
    region_of(call)
    await service.snapshots.delete(call, request.snapshot_id, force=request.force)
    return Done()


# ---- policies. Their parameters begin with small letters on the wire; names are matched ignoring case anyway. -----------


class CreateAutoSnapshotPolicyRequest(Request):
    """The policy wanted."""

    time_points: JsonText[list[int]] = msgspec.field(name="timePoints")
    repeat_weekdays: JsonText[list[int]] = msgspec.field(name="repeatWeekdays")
    retention_days: int = msgspec.field(name="retentionDays", default=-1)
    name: str = msgspec.field(name="autoSnapshotPolicyName", default="")


class PolicyId(Answer):
    """The policy that was made."""

    auto_snapshot_policy_id: str


@ecs.operation("CreateAutoSnapshotPolicy", on=lambda _service, _call, _request: ["snapshotpolicy/*"])
async def create_auto_snapshot_policy(service: Ecs, call: Call, request: CreateAutoSnapshotPolicyRequest) -> PolicyId:
    """Make a snapshot policy."""
    region_of(call)
    made = await service.snapshots.create_policy(
        call,
        name=request.name,
        time_points=request.time_points,
        weekdays=request.repeat_weekdays,
        retention_days=request.retention_days,
    )
    return PolicyId(made)


class DescribeAutoSnapshotPolicyExRequest(Paged):
    """Which policies are wanted."""

    auto_snapshot_policy_id: str | None = None
    auto_snapshot_policy_name: str | None = None
    tag: list[TagFilter] = msgspec.field(default_factory=list)


class PolicyAnswer(Answer):
    """A snapshot policy; times are JSON texts."""

    auto_snapshot_policy_id: str
    auto_snapshot_policy_name: str
    time_points: str
    repeat_weekdays: str
    retention_days: int
    disk_nums: int
    creation_time: str
    region_id: str
    tags: TagPairs = msgspec.field(default_factory=TagPairs)
    status: str = "Normal"
    type: str = "Custom"
    enable_cross_region_copy: bool = False
    volume_nums: int = 0
    resource_group_id: str = ""


class PolicyList(Answer):
    """Snapshot policies."""

    auto_snapshot_policy: list[PolicyAnswer]


class DescribeAutoSnapshotPolicyExAnswer(Answer):
    """One page of snapshot policies."""

    auto_snapshot_policies: PolicyList
    total_count: int
    page_number: int
    page_size: int


@ecs.operation("DescribeAutoSnapshotPolicyEx", on=lambda _service, _call, _request: ["snapshotpolicy/*"])
async def describe_auto_snapshot_policy_ex(
    service: Ecs, call: Call, request: DescribeAutoSnapshotPolicyExRequest
) -> DescribeAutoSnapshotPolicyExAnswer:
    """List snapshot policies, newest first."""
    check_page(request)
    wanted = Wanted(
        account_id=call.account_id,
        region=region_of(call),
        equal={"id": request.auto_snapshot_policy_id},
        like={"name": request.auto_snapshot_policy_name},
        tagged="snapshotpolicy",
        tags=[(tag.key, tag.value) for tag in request.tag],
    )
    found, disks = await service.snapshots.policies(wanted)
    first = (request.page_number - 1) * request.page_size
    rows = [_policy(one, disks[one.id]) for one in found[first : first + request.page_size]]
    return DescribeAutoSnapshotPolicyExAnswer(PolicyList(rows), len(found), request.page_number, request.page_size)


def _policy(one: SnapshotPolicy, disks: int) -> PolicyAnswer:
    return PolicyAnswer(
        auto_snapshot_policy_id=one.id,
        auto_snapshot_policy_name=one.name,
        time_points=_texts(one.time_points),
        repeat_weekdays=_texts(one.weekdays),
        retention_days=one.retention_days,
        disk_nums=disks,
        creation_time=to_seconds(one.created_at),
        region_id=one.region,
    )


def _texts(numbers: Sequence[int]) -> str:
    return msgspec.json.encode([str(one) for one in numbers]).decode()


class PolicyRequest(Request):
    """A request about one policy."""

    policy_id: str = msgspec.field(name="autoSnapshotPolicyId")


def _one_policy(_service: Ecs, _call: Call, request: PolicyRequest) -> Sequence[str]:
    return [f"snapshotpolicy/{request.policy_id}"]


class ModifyAutoSnapshotPolicyExRequest(PolicyRequest, kw_only=True):
    """What of a policy is to change."""

    time_points: JsonText[list[int]] | None = msgspec.field(name="timePoints", default=None)
    repeat_weekdays: JsonText[list[int]] | None = msgspec.field(name="repeatWeekdays", default=None)
    retention_days: int | None = msgspec.field(name="retentionDays", default=None)
    name: str | None = msgspec.field(name="autoSnapshotPolicyName", default=None)


@ecs.operation("ModifyAutoSnapshotPolicyEx", on=_one_policy)
async def modify_auto_snapshot_policy_ex(service: Ecs, call: Call, request: ModifyAutoSnapshotPolicyExRequest) -> Done:
    """Change a snapshot policy."""
    region_of(call)
    given = {
        "time_points": request.time_points,
        "weekdays": request.repeat_weekdays,
        "retention_days": request.retention_days,
        "name": request.name,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    await service.snapshots.modify_policy(call, request.policy_id, changes)
    return Done()


@ecs.operation("DeleteAutoSnapshotPolicy", on=_one_policy)
async def delete_auto_snapshot_policy(service: Ecs, call: Call, request: PolicyRequest) -> Done:
    """Remove a snapshot policy."""
    region_of(call)
    await service.snapshots.delete_policy(call, request.policy_id)
    return Done()


class ApplyAutoSnapshotPolicyRequest(PolicyRequest, kw_only=True):
    """The disks a policy is for."""

    disk_ids: JsonText[list[str]] = msgspec.field(name="diskIds")


@ecs.operation("ApplyAutoSnapshotPolicy", on=_one_policy)
async def apply_auto_snapshot_policy(service: Ecs, call: Call, request: ApplyAutoSnapshotPolicyRequest) -> Done:
    """Let a policy, and no other, care for disks."""
    region_of(call)
    await service.snapshots.apply_policy(call, request.policy_id, request.disk_ids)
    return Done()


class CancelAutoSnapshotPolicyRequest(Request):
    """The disks that no policy shall care for."""

    disk_ids: JsonText[list[str]] = msgspec.field(name="diskIds")


@ecs.operation("CancelAutoSnapshotPolicy", on=lambda _service, _call, _request: ["disk/*"])
async def cancel_auto_snapshot_policy(service: Ecs, call: Call, request: CancelAutoSnapshotPolicyRequest) -> Done:
    """Let no policy care for disks."""
    region_of(call)
    if not request.disk_ids:
        raise faults.missing_parameter("diskIds")
    await service.snapshots.cancel_policies(call, request.disk_ids)
    return Done()

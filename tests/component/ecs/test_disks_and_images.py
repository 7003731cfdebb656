"""Disks, snapshots, snapshot policies and images."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from support.ecs import IMAGE, PLAIN, World, make_world
from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.services.ecs.service import Delays
from tidegate.store.database import Database

ZONE = "cn-hangzhou-h"


async def disks(world: World, **wanted: Any) -> list[dict[str, Any]]:
    return list((await world.call("DescribeDisks", **wanted))["Disks"]["Disk"])


async def images(world: World, **wanted: Any) -> list[dict[str, Any]]:
    return list((await world.call("DescribeImages", **wanted))["Images"]["Image"])


async def refused(world: World, action: str, **parameters: Any) -> str:
    with pytest.raises(CloudError) as caught:
        await world.call(action, **parameters)
    return caught.value.code


async def stop(world: World, instance: str) -> None:
    await world.call("StopInstance", InstanceId=instance)
    await world.settle()


async def test_a_data_disk_is_made_bound_grown_taken_off_and_deleted(world: World) -> None:
    [instance] = await world.launch()
    disk = (await world.call("CreateDisk", ZoneId=ZONE, Size=40, DiskName="data"))["DiskId"]

    await world.call("AttachDisk", DiskId=disk, InstanceId=instance)
    await world.call("ResizeDisk", DiskId=disk, NewSize=60)
    bound = await disks(world, InstanceId=instance)
    await world.call("DetachDisk", DiskId=disk, InstanceId=instance)
    [free] = await disks(world, DiskIds=[disk])
    await world.call("DeleteDisk", DiskId=disk)

    assert sorted((one["Type"], one["Device"], one["Size"], one["Status"]) for one in bound) == [
        ("data", "/dev/xvdb", 60, "In_use"),
        ("system", "/dev/xvda", 20, "In_use"),
    ]
    assert (free["Status"], free["InstanceId"], free["DiskName"]) == ("Available", "", "data")
    assert [one["Type"] for one in await disks(world)] == ["system"]


async def test_disks_keep_their_rules(world: World) -> None:
    [instance] = await world.launch()
    [system] = await disks(world, InstanceId=instance)
    disk = (await world.call("CreateDisk", InstanceId=instance, Size=40))["DiskId"]

    codes = [
        await refused(world, "DetachDisk", DiskId=system["DiskId"], InstanceId=instance),
        await refused(world, "DeleteDisk", DiskId=disk),
        await refused(world, "ResizeDisk", DiskId=disk, NewSize=10),
        await refused(world, "AttachDisk", DiskId="d-nothing", InstanceId=instance),
        await refused(world, "CreateDisk", ZoneId=ZONE),
        await refused(world, "CreateDisk", ZoneId=ZONE, Size=40, DiskCategory="floppy"),
        await refused(world, "ReInitDisk", DiskId=system["DiskId"]),
    ]

    assert codes == [
        "InvalidDiskType.System",
        "IncorrectDiskStatus",
        "InvalidDiskSize.TooSmall",
        "InvalidDiskId.NotFound",
        "MissingParameter",
        "InvalidParameter",
        "IncorrectInstanceStatus",
    ]


async def test_data_disks_go_with_their_instance_when_they_shall(world: World) -> None:
    [instance] = await world.launch()
    goes, stays = [(await world.call("CreateDisk", ZoneId=ZONE, Size=20))["DiskId"] for _ in range(2)]
    await world.call("AttachDisk", DiskId=goes, InstanceId=instance, DeleteWithInstance=True)
    await world.call("AttachDisk", DiskId=stays, InstanceId=instance)

    await world.call("DeleteInstance", InstanceId=instance, Force=True)
    await world.settle()

    assert [(one["DiskId"], one["Status"]) for one in await disks(world)] == [(stays, "Available")]


async def test_what_is_said_of_a_system_disk_is_kept_with_its_instance(world: World) -> None:
    [instance] = await world.launch()
    [system] = await disks(world, InstanceId=instance)

    await world.call("ModifyDiskAttribute", DiskId=system["DiskId"], DiskName="root", Description="the first")
    await world.call("ModifyDiskSpec", DiskId=system["DiskId"], DiskCategory="cloud_auto")
    await world.call("ResizeDisk", DiskId=system["DiskId"], NewSize=50)

    [shown] = await disks(world, InstanceId=instance)
    assert [shown[name] for name in ("DiskName", "Description", "Category", "Size")] == [
        "root",
        "the first",
        "cloud_auto",
        50,
    ]


async def test_a_snapshot_makes_progress_and_is_accomplished(
    database: Database, clock: AdjustableClock, ids: Ids
) -> None:
    world = make_world(database, clock, ids, delays=Delays(copy=100))
    [instance] = await world.launch()
    [disk] = await disks(world, InstanceId=instance)

    made = (await world.call("CreateSnapshot", DiskId=disk["DiskId"], SnapshotName="evening"))["SnapshotId"]
    clock.advance(timedelta(seconds=50))
    [half] = (await world.call("DescribeSnapshots", Status="progressing"))["Snapshots"]["Snapshot"]
    clock.advance(timedelta(seconds=51))
    [whole] = (await world.call("DescribeSnapshots", SnapshotIds=[made]))["Snapshots"]["Snapshot"]
    await world.invocations.close()

    assert (half["Status"], half["Progress"]) == ("progressing", "50%")
    assert (whole["Status"], whole["Progress"], whole["SourceDiskId"]) == ("accomplished", "100%", disk["DiskId"])
    assert whole["SnapshotName"] == "evening"


async def test_an_image_of_an_instance_is_created_with_snapshots_of_its_disks(world: World) -> None:
    [instance] = await world.launch()
    await world.call("CreateDisk", InstanceId=instance, Size=40)

    image = (await world.call("CreateImage", InstanceId=instance, ImageName="golden", ImageFamily="web"))["ImageId"]

    [shown] = await images(world, ImageOwnerAlias="self")
    mappings = shown["DiskDeviceMappings"]["DiskDeviceMapping"]
    snapshots = (await world.call("DescribeSnapshots"))["Snapshots"]["Snapshot"]
    assert (shown["ImageId"], shown["ImageName"], shown["Status"], shown["Progress"]) == (
        image,
        "golden",
        "Available",
        "100%",
    )
    assert [(one["Type"], one["Device"], one["Size"]) for one in mappings] == [
        ("system", "/dev/xvda", "20"),
        ("data", "/dev/xvdb", "40"),
    ]
    assert {one["SnapshotId"] for one in mappings} == {one["SnapshotId"] for one in snapshots}
    assert {one["Usage"] for one in snapshots} == {"image"}


async def test_an_image_is_creating_and_hidden_until_it_is_ready(
    database: Database, clock: AdjustableClock, ids: Ids
) -> None:
    world = make_world(database, clock, ids, delays=Delays(copy=10))
    [instance] = await world.launch()
    image = (await world.call("CreateImage", InstanceId=instance))["ImageId"]

    hidden = await images(world, ImageId=image)
    [creating] = await images(world, ImageId=image, Status="Creating,Available")
    early = await refused(world, "RunInstances", ImageId=image, InstanceType="ecs.g6.large")
    clock.advance(timedelta(seconds=11))
    [ready] = await images(world, ImageId=image)
    await world.invocations.close()

    assert (hidden, creating["Status"], creating["Progress"]) == ([], "Creating", "0%")
    assert (early, ready["Status"]) == ("InvalidImageId.NotFound", "Available")


async def test_an_instance_of_an_own_image_shows_the_image_and_what_it_descends_from(world: World) -> None:
    [first] = await world.launch()
    image = (await world.call("CreateImage", InstanceId=first))["ImageId"]
    [second] = await world.launch(1, msgspec.structs.replace(PLAIN, image_id=image))
    again = (await world.call("CreateImage", InstanceId=second))["ImageId"]

    [shown] = (await world.call("DescribeInstances", InstanceIds=[second]))["Instances"]["Instance"]
    in_use = await refused(world, "DeleteImage", ImageId=image)
    await world.call("DeleteImage", ImageId=image, Force=True)

    assert (shown["ImageId"], shown["OSType"], shown["Status"]) == (image, "linux", "Running")
    assert "Alibaba Cloud Linux" in shown["OSName"]
    assert in_use == "ImageUsingByInstance"
    assert [one["ImageId"] for one in await images(world, ImageOwnerAlias="self")] == [again]


async def test_images_are_shared_renamed_and_copied(world: World) -> None:
    [instance] = await world.launch()
    image = (await world.call("CreateImage", InstanceId=instance, ImageName="first"))["ImageId"]

    duplicate = await refused(world, "CreateImage", InstanceId=instance, ImageName="first")
    await world.call("ModifyImageSharePermission", ImageId=image, AddAccount=["1", "2"])
    await world.call("ModifyImageSharePermission", ImageId=image, RemoveAccount=["1"])
    shared = await world.call("DescribeImageSharePermission", ImageId=image)
    await world.call("ModifyImageAttribute", ImageId=image, ImageName="renamed", Status="Deprecated")
    copy = (await world.call("CopyImage", ImageId=image, DestinationRegionId="cn-beijing"))["ImageId"]

    there = (await world.call("DescribeImages", region="cn-beijing", ImageId=copy))["Images"]["Image"]
    assert duplicate == "InvalidImageName.Duplicated"
    assert shared["Accounts"]["Account"] == [{"AliyunId": "2"}]
    assert [one["ImageName"] for one in await images(world, Status="Deprecated")] == ["renamed"]
    assert [(one["IsCopied"], one["ImageOwnerAlias"]) for one in there] == [(True, "self")]


async def test_a_snapshot_of_an_image_goes_only_by_force(world: World) -> None:
    [instance] = await world.launch()
    await world.call("CreateImage", InstanceId=instance)
    [snapshot] = (await world.call("DescribeSnapshots"))["Snapshots"]["Snapshot"]

    refusal = await refused(world, "DeleteSnapshot", SnapshotId=snapshot["SnapshotId"])
    await world.call("DeleteSnapshot", SnapshotId=snapshot["SnapshotId"], Force=True)

    assert refusal == "SnapshotCreatedImage"
    assert (await world.call("DescribeSnapshots"))["TotalCount"] == 0


async def test_a_replaced_system_disk_boots_a_new_host_of_the_new_image(world: World) -> None:
    [instance] = await world.launch()
    image = (await world.call("CreateImage", InstanceId=instance))["ImageId"]
    [before] = await disks(world, InstanceId=instance)
    running = await refused(world, "ReplaceSystemDisk", InstanceId=instance, ImageId=image)
    await stop(world, instance)

    made = (await world.call("ReplaceSystemDisk", InstanceId=instance, ImageId=image, **{"SystemDisk.Size": 40}))[
        "DiskId"
    ]
    gone = [one.id for one in await world.hosts.list()]
    await world.call("StartInstance", InstanceId=instance)
    await world.settle()

    [after] = await disks(world, InstanceId=instance)
    assert (running, gone) == ("IncorrectInstanceStatus", [])
    assert before["DiskId"] != made == after["DiskId"]
    assert (after["Size"], after["ImageId"]) == (40, image)
    assert (await world.status(instance), [one.id for one in await world.hosts.list()]) == ("Running", [instance])
    assert IMAGE not in {one["ImageId"] for one in await images(world, ImageOwnerAlias="self")}


async def test_a_snapshot_policy_is_applied_to_disks_of_both_kinds_and_taken_off(world: World) -> None:
    [instance] = await world.launch()
    data = (await world.call("CreateDisk", ZoneId=ZONE, Size=20))["DiskId"]
    [system] = [one["DiskId"] for one in await disks(world, InstanceId=instance)]
    policy = (
        await world.call("CreateAutoSnapshotPolicy", timePoints='["1","5"]', repeatWeekdays='["1"]', retentionDays=7)
    )["AutoSnapshotPolicyId"]

    await world.call("ApplyAutoSnapshotPolicy", autoSnapshotPolicyId=policy, diskIds=[system, data])
    applied = await disks(world, AutoSnapshotPolicyId=policy)
    [shown] = (await world.call("DescribeAutoSnapshotPolicyEx"))["AutoSnapshotPolicies"]["AutoSnapshotPolicy"]
    await world.call("CancelAutoSnapshotPolicy", diskIds=[data])
    await world.call("ModifyAutoSnapshotPolicyEx", autoSnapshotPolicyId=policy, timePoints='["2"]')
    [after] = (await world.call("DescribeAutoSnapshotPolicyEx"))["AutoSnapshotPolicies"]["AutoSnapshotPolicy"]
    await world.call("DeleteAutoSnapshotPolicy", autoSnapshotPolicyId=policy)

    assert {one["DiskId"] for one in applied} == {system, data}
    assert (shown["DiskNums"], shown["TimePoints"], shown["RepeatWeekdays"]) == (2, '["1","5"]', '["1"]')
    assert (after["DiskNums"], after["TimePoints"]) == (1, '["2"]')
    assert [one["AutoSnapshotPolicyId"] for one in await disks(world)] == ["", ""]


async def test_snapshot_policies_refuse_what_no_clock_has(world: World) -> None:
    codes = [
        await refused(world, "CreateAutoSnapshotPolicy", timePoints='["24"]', repeatWeekdays='["1"]'),
        await refused(world, "CreateAutoSnapshotPolicy", timePoints='["1"]', repeatWeekdays='["8"]'),
        await refused(world, "ApplyAutoSnapshotPolicy", autoSnapshotPolicyId="sp-nothing", diskIds=["d-1"]),
    ]

    assert codes == [
        "InvalidTimePoints.Malformed",
        "InvalidRepeatWeekdays.Malformed",
        "InvalidAutoSnapshotPolicyId.NotFound",
    ]


async def test_data_disks_come_with_instances_as_asked_for_or_as_their_image_has_them(world: World) -> None:
    wish = {"DataDisk": [{"Size": 50, "DiskName": "data"}, {"Size": 60, "DeleteWithInstance": False}]}
    made = await world.call("RunInstances", ImageId=IMAGE, InstanceType="ecs.g6.large", **wish)
    [first] = made["InstanceIdSets"]["InstanceIdSet"]
    await world.settle()
    image = (await world.call("CreateImage", InstanceId=first))["ImageId"]
    [second] = await world.launch(1, msgspec.structs.replace(PLAIN, image_id=image))

    shapes = [
        sorted((one["Device"], one["Size"], one["DeleteWithInstance"]) for one in await disks(world, InstanceId=each))
        for each in (first, second)
    ]

    assert shapes[0] == [("/dev/xvda", 20, True), ("/dev/xvdb", 50, True), ("/dev/xvdc", 60, False)]
    assert [size for _, size, _ in shapes[1]] == [20, 50, 60]
    assert (
        await refused(world, "RunInstances", ImageId=IMAGE, InstanceType="ecs.g6.large", DataDisk=[{"Size": 10**6}])
        == "InvalidSize.ValueNotSupported"
    )


async def test_a_snapshot_policy_makes_snapshots_by_the_clock_and_removes_them_when_they_are_old(world: World) -> None:
    [instance] = await world.launch()
    free = (await world.call("CreateDisk", ZoneId=ZONE, Size=20))["DiskId"]
    [system] = [one["DiskId"] for one in await disks(world, InstanceId=instance)]
    hours = '["0","6","12","18"]'
    wish = {"timePoints": hours, "repeatWeekdays": '["1","2","3","4","5","6","7"]', "retentionDays": 1}
    policy = (await world.call("CreateAutoSnapshotPolicy", **wish))["AutoSnapshotPolicyId"]
    await world.call("ApplyAutoSnapshotPolicy", autoSnapshotPolicyId=policy, diskIds=[system, free])
    await world.settle()

    async def made() -> list[dict[str, Any]]:
        return list((await world.call("DescribeSnapshots"))["Snapshots"]["Snapshot"])

    counts = [len(await made())]
    for _ in range(6):
        await world.driver.advance(hours=6)
        counts.append(len(await made()))
    after = await made()
    await world.call("DeleteAutoSnapshotPolicy", autoSnapshotPolicyId=policy)
    await world.driver.advance(hours=6)

    assert counts[:5] == [0, 1, 2, 3, 4]
    assert counts[5:] == [4, 4]  # the oldest has been kept for a day
    assert {(one["SnapshotType"], one["SourceDiskId"], one["RetentionDays"]) for one in after} == {("auto", system, 1)}
    assert len(await made()) == len(after)

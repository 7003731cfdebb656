"""Every product action of the catalog that no public template of the lifecycle family runs, run for real by itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from support.clouds import REGION
from support.stage import IMAGE, TYPE, Stage, open_stage
from tidegate.services.oos.catalog import Catalog
from tidegate.services.oos.model import Template

Scene = Callable[[Stage], Awaitable[None]]
SCENES: list[Scene] = []


def scene(play: Scene) -> Scene:
    """Remember a scene."""
    SCENES.append(play)
    return play


class Actions:
    """Runs product actions and remembers which."""

    def __init__(self) -> None:
        self.ran: set[str] = set()

    async def __call__(self, stage: Stage, action: str, **parameters: Any) -> dict[str, Any]:
        name = f"ACS::{action}"
        self.ran.add(name)
        execution = await stage.run(name, parameters)
        assert execution["Status"] == "Success", f"{name}: {await stage.story(execution['ExecutionId'])}"
        return dict(json.loads(execution["Outputs"] or "{}"))


act = Actions()


async def stop(stage: Stage, instance: str) -> None:
    await act(stage, "ECS::StopInstance", instanceId=instance)


async def disks(stage: Stage, **wanted: Any) -> list[dict[str, Any]]:
    return list((await stage.call("ECS", "DescribeDisks", **wanted))["Disks"]["Disk"])


async def tags_of(stage: Stage, kind: str, resource: str) -> dict[str, str]:
    found = await stage.call("ECS", "ListTagResources", ResourceType=kind, ResourceId=[resource])
    return {one["TagKey"]: one["TagValue"] for one in found["TagResources"]["TagResource"]}


@scene
async def instances_live(stage: Stage) -> None:
    made = await act(
        stage,
        "ECS::RunInstances",
        imageId=IMAGE,
        instanceType=TYPE,
        vSwitchId=stage.vswitch,
        securityGroupId=stage.security_group,
        instanceName="found",
        tags=[{"Key": "role", "Value": "found"}],
    )
    [instance] = made["instanceIds"]

    by_name = await act(stage, "ECS::DescribeInstancesByName", instanceName="found")
    by_tag = await act(stage, "ECS::DescribeInstancesByTag", tagKey="role", tagValue="found")
    by_status = await act(stage, "ECS::DescribeInstancesByStatus", status="Running")
    await act(stage, "ECS::RebootInstance", instanceId=instance)
    await act(stage, "ECS::InstallCloudAssistant", instanceId=instance)
    everything = await act(stage, "ECS::QueryInstanceAttributes", instanceId=instance)
    await act(stage, "ECS::EnableInstanceDeletionProtection", instanceId=instance, deletionProtection=True)
    protected = (await stage.instance(instance))["DeletionProtection"]
    await act(stage, "ECS::EnableInstanceDeletionProtection", instanceId=instance, deletionProtection=False)
    await act(stage, "ECS::ModifyCreditSpecification", instanceId=instance, creditSpecification="Unlimited")
    credit = (await stage.instance(instance))["CreditSpecification"]
    await act(stage, "ECS::ResetPassword", instanceId=instance, password="Tide12345gate!")
    await act(
        stage,
        "ECS::ModifyInstanceAttribute",
        instanceId=instance,
        instanceAttributes=[
            {"instanceId": "i-other", "instanceName": "no"},
            {"instanceId": instance, "instanceName": "yes"},
        ],
    )
    renamed = (await stage.instance(instance))["InstanceName"]
    await stop(stage, instance)
    await act(stage, "ECS::StartInstance", instanceId=instance)
    await act(stage, "ECS::DeleteInstance", instanceId=instance)

    assert by_name == by_tag == {"instanceIds": [instance]}
    assert instance in by_status["instanceIds"]
    assert everything["instanceInfo"]["InstanceAttr"]["InstanceId"] == instance
    assert [one["DiskType"] for one in everything["instanceInfo"]["Disks"]] == ["system"]
    assert (protected, credit, renamed) == (True, "Unlimited", "yes")


@scene
async def instances_are_paid_for(stage: Stage) -> None:
    first, second, third = await stage.instances(3)

    await act(stage, "ECS::ModifyInstanceSpec", instanceId=first, instanceType="ecs.g6.xlarge")
    await act(
        stage,
        "ECS::ModifyInstanceChargeTypeSpecifiedInstanceTypeFamilies",
        instanceId=second,
        instanceChargeType="PrePaid",
        instanceTypeFamilies=["ecs.g6"],
        networkChargeType="PayByBandwidth",
    )
    await act(
        stage,
        "ECS::ModifyInstanceChargeTypeSpecifiedInstanceTypeFamilies",
        instanceId=third,
        instanceChargeType="PrePaid",
        instanceTypeFamilies=["ecs.c7"],
    )
    await act(stage, "ECS::ModifyPrepaySpec", instanceId=second, instanceType="ecs.g6.xlarge")
    shown = [await stage.instance(one) for one in (first, second, third)]
    await act(stage, "ECS::DeletePrepaidInstance", instanceId=second)

    assert [one["InstanceType"] for one in shown] == ["ecs.g6.xlarge", "ecs.g6.xlarge", TYPE]
    assert [one["InstanceChargeType"] for one in shown] == ["PostPaid", "PrePaid", "PostPaid"]
    assert shown[1]["InternetChargeType"] == "PayByBandwidth"


@scene
async def elastic_addresses_and_interfaces(stage: Stage) -> None:
    [instance] = await stage.instances()

    made = await act(
        stage,
        "ECS::CreateAndAttachNetworkInterface",
        instanceId=instance,
        securityGroupId=stage.security_group,
        vSwitchId=stage.vswitch,
    )
    interface = made["networkInterfaceId"]
    await act(stage, "ECS::AllocateAndAssociateEipAddress", instanceId=interface, bandwidth=3)
    await act(stage, "ECS::AllocateAndAssociateEipAddress", instanceId=interface, bandwidth=3)
    found = await stage.call("ECS", "DescribeEipAddresses", AssociatedInstanceId=interface)
    [eip] = found["EipAddresses"]["EipAddress"]

    assert (eip["InstanceType"], eip["Bandwidth"]) == ("NetworkInterface", "3")


@scene
async def disks_change(stage: Stage) -> None:
    [instance] = await stage.instances()
    zone = (await stage.instance(instance))["ZoneId"]

    disk = (
        await act(
            stage,
            "ECS::CreateAndAttachDisk",
            instanceId=instance,
            diskName="data",
            zoneId=zone,
            diskCategory="cloud_essd",
            size="40",
        )
    )["diskId"]
    snapshot = (await act(stage, "ECS::CreateSnapshot", diskId=disk, snapshotName="before"))["snapshotId"]
    await act(stage, "ECS::ResizeDisk", instanceId=instance, diskId=disk, newSize=60)
    await act(stage, "ECS::ResetDisk", instanceId=instance, diskId=disk, snapshotId=snapshot)
    await act(stage, "ECS::DetachDisk", instanceId=instance, diskId=disk)
    await act(stage, "ECS::AttachDisk", instanceId=instance, diskId=disk)
    policy = (await stage.call("ECS", "CreateAutoSnapshotPolicy", timePoints='["1"]', repeatWeekdays='["1"]'))[
        "AutoSnapshotPolicyId"
    ]
    await act(stage, "ECS::ApplyAutoSnapshotPolicy", instanceId=instance, autoSnapshotPolicyId=policy)
    before = {one["DiskId"]: one for one in await disks(stage, InstanceId=instance)}
    emptied = (await act(stage, "ECS::ReInitDisk", instanceId=instance))["reInitDiskIdAndInstanceId"]
    replaced = (await act(stage, "ECS::ReplaceSystemDisk", instanceId=instance, imageId=IMAGE))["newSystemDiskId"]

    after = {one["DiskId"]: one for one in await disks(stage, InstanceId=instance)}
    assert (before[disk]["Size"], before[disk]["Status"]) == (60, "In_use")
    assert {one["AutoSnapshotPolicyId"] for one in before.values()} == {policy}
    assert emptied["diskId"] in before
    assert replaced in after
    assert (await stage.instance(instance))["Status"] == "Running"


@scene
async def images_come_and_go(stage: Stage) -> None:
    [instance] = await stage.instances()

    image = (await act(stage, "ECS::CreateImage", instanceId=instance, imageName=stage.name("whole")))["imageId"]
    of_disk = await act(stage, "ECS::CreateImageForSystemDisk", instanceId=instance, imageName=stage.name("system"))
    copy = await act(stage, "ECS::CopyImage", imageId=image, regionId=REGION, targetRegionId="cn-beijing")
    await stage.call("ECS", "ModifyImageSharePermission", ImageId=image, AddAccount=["1"])
    await act(stage, "ECS::DeleteImage", imageId=image)

    there = await stage.memory.call("ECS", "DescribeImages", region="cn-beijing", ImageOwnerAlias="self")
    left = (await stage.call("ECS", "DescribeImages", ImageId=f"{image},{of_disk['imageId']}"))["Images"]["Image"]
    assert [one["ImageId"] for one in there["Images"]["Image"]] == [copy["imageId"]]
    assert [one["ImageId"] for one in left] == [of_disk["imageId"]]


async def regions_are_swept(stage: Stage) -> None:
    """Actions about everything in a region, in one that nobody else uses."""
    region = "cn-shanghai"

    async def call(action: str, **parameters: Any) -> dict[str, Any]:
        return await stage.memory.call("ECS", action, region=region, **parameters)

    made = await call("RunInstances", ImageId=IMAGE, InstanceType=TYPE)
    [instance] = made["InstanceIdSets"]["InstanceIdSet"]

    async def status() -> str:
        found = await call("DescribeInstances", InstanceIds=[instance])
        return str(found["Instances"]["Instance"][0]["Status"])

    await stage.until(status, lambda seen: seen == "Running", "an instance")
    image = (await call("CreateImage", InstanceId=instance))["ImageId"]
    await call("ModifyImageSharePermission", ImageId=image, AddAccount=["1", "2"])
    [disk] = (await call("DescribeDisks"))["Disks"]["Disk"]
    policy = await call("CreateAutoSnapshotPolicy", timePoints='["1"]', repeatWeekdays='["1"]')
    await call("ApplyAutoSnapshotPolicy", autoSnapshotPolicyId=policy["AutoSnapshotPolicyId"], diskIds=[disk["DiskId"]])

    await act(stage, "ECS::ModifySharedImageSharePermission", regionId=region)
    shared = (await call("DescribeImageSharePermission", ImageId=image))["TotalCount"]
    await act(stage, "ECS::CancelDiskAutoSnapshotPolicies", regionId=region)
    await act(stage, "ECS::DeleteCustomImagesLinkedToSnapshot", regionId=region)
    await act(stage, "ECS::DeleteSnapshotsExceptSharedFromOthers", regionId=region)

    counts = [(await call(f"Describe{kind}", **more))["TotalCount"] for kind, more in _LEFT.items()]
    assert shared == 0
    assert counts == [0, 0]
    assert (await call("DescribeDisks"))["Disks"]["Disk"][0]["AutoSnapshotPolicyId"] == ""


_LEFT: dict[str, dict[str, str]] = {"Images": {"ImageOwnerAlias": "self"}, "Snapshots": {}}
SCENES.append(regions_are_swept)


@scene
async def key_pairs(stage: Stage) -> None:
    [instance] = await stage.instances()
    pair = stage.name("pair")
    await stage.call("ECS", "CreateKeyPair", KeyPairName=pair)

    await act(stage, "ECS::AttachKeyPair", regionId=REGION, instanceId=instance, keyPairName=pair)
    first = (await stage.instance(instance))["KeyPairName"]
    await act(stage, "ECS::DetachKeyPairOnline", instanceId=instance)
    second = (await stage.instance(instance))["KeyPairName"]
    await act(stage, "ECS::AttachKeyPairOnline", instanceId=instance, keyPairName=pair)

    assert (first, second, (await stage.instance(instance))["KeyPairName"]) == (pair, "", pair)


@scene
async def commands_run(stage: Stage) -> None:
    [instance] = await stage.instances()
    command = await stage.call(
        "ECS", "CreateCommand", Name="c", Type="RunShellScript", CommandContent="ZWNobyBraW5k", ContentEncoding="Base64"
    )

    short = await act(
        stage, "ECS::RunCommand", instanceId=instance, commandType="RunShellScript", commandContent="echo short"
    )
    long = await act(
        stage,
        "ECS::RunCommandForLongTime",
        instanceId=instance,
        commandType="RunShellScript",
        commandContent="echo long",
    )
    kind = await act(stage, "ECS::InvokeCommand", instanceId=instance, commandId=command["CommandId"])
    file = {"sourceType": "https", "sourcePath": "http://files.test/a?b", "destinationDir": "/opt"}
    await act(stage, "ECS::DownloadFile", instanceId=instance, **file)
    after = await act(stage, "ECS::DownloadFileAndRunCommand", instanceId=instance, **file, commandContent="echo after")
    await act(stage, "ECS::InstallDockerCE", instanceId=instance)

    said = [one["invocationOutput"] for one in (short, long, kind)]
    assert said == ["short\n", "long\n", "kind\n"]
    assert after["runCommandOutput"] == "after\n"


@scene
async def tags_are_inherited(stage: Stage) -> None:
    [instance] = await stage.instances(Tag=[{"Key": "team", "Value": "sea"}, {"Key": "other", "Value": "x"}])
    [system] = await disks(stage, InstanceId=instance)
    snapshot = (await stage.call("ECS", "CreateSnapshot", DiskId=system["DiskId"]))["SnapshotId"]
    eip = (await stage.call("ECS", "AllocateEipAddress"))["AllocationId"]
    await stage.call("ECS", "AssociateEipAddress", AllocationId=eip, InstanceId=instance)
    found = await stage.call("ECS", "DescribeNetworkInterfaces", InstanceId=instance)
    interface = found["NetworkInterfaceSets"]["NetworkInterfaceSet"][0]["NetworkInterfaceId"]
    image = (await stage.call("ECS", "CreateImage", InstanceId=instance))["ImageId"]
    wish = {"instanceId": instance, "regionId": REGION, "tagKeys": ["team"]}
    await stage.call(
        "ECS", "TagResources", ResourceType="disk", ResourceId=[system["DiskId"]], Tag=[{"Key": "team", "Value": "old"}]
    )

    for word in ("Eni", "Eip", "Snapshot"):
        await act(stage, f"ECS::Update{word}TagsByEcsInstanceTags", **wish)
    await act(stage, "ECS::UpdateDiskTagsByEcsInstanceTags", **wish)
    kept = await tags_of(stage, "disk", system["DiskId"])
    await act(stage, "ECS::UpdateDiskTagsByEcsInstanceTags", **wish, isUpdate=True)
    # An instance of an own image hands its tags to the image.
    [second] = await stage.instances(Tag=[{"Key": "team", "Value": "land"}])
    await stop(stage, second)
    await stage.call("ECS", "ReplaceSystemDisk", InstanceId=second, ImageId=image)
    await act(stage, "ECS::UpdateCustomImageTagsByEcsInstanceTags", instanceId=second, tagKeys=["team"])
    await stage.call(
        "ECS", "TagResources", ResourceType="disk", ResourceId=[system["DiskId"]], Tag=[{"Key": "deep", "Value": "1"}]
    )
    await act(stage, "ECS::InheritDiskTagToSnapshot", diskId=system["DiskId"], tagKeys=["deep"])

    assert kept == {"team": "old"}
    assert (await tags_of(stage, "disk", system["DiskId"]))["team"] == "sea"
    assert await tags_of(stage, "snapshot", snapshot) == {"team": "sea", "deep": "1"}
    assert [await tags_of(stage, "eni", interface), await tags_of(stage, "image", image)] == [
        {"team": "sea"},
        {"team": "land"},
    ]
    listed = await stage.call("VPC", "ListTagResources", ResourceType="EIP", ResourceId=[eip])
    assert [one["TagValue"] for one in listed["TagResources"]["TagResource"]] == ["sea"]


@scene
async def instances_are_tagged(stage: Stage) -> None:
    [instance] = await stage.instances()

    await act(stage, "ECS::TagInstanceByOSType", instanceId=instance)
    await act(stage, "ECS::TagInstanceByRunCommandResult", instanceId=instance, tagKey="said", commandContent="echo hi")
    await act(stage, "ECS::TagInstanceByLinuxKernelVersion", instanceId=instance)

    tags = await tags_of(stage, "instance", instance)
    assert (tags["OSType"], tags["said"].strip()) == ("linux", "hi")
    assert "kernelVersion" in tags


@scene
async def launch_templates(stage: Stage) -> None:
    name = stage.name("template")
    await stage.call(
        "ECS",
        "CreateLaunchTemplate",
        LaunchTemplateName=name,
        ImageId=IMAGE,
        InstanceType=TYPE,
        VSwitchId=stage.vswitch,
        SecurityGroupId=stage.security_group,
    )

    [instance] = (await act(stage, "ECS::RunInstancesFromTemplate", launchTemplateName=name))["instanceIds"]
    image = (await stage.call("ECS", "CreateImage", InstanceId=instance))["ImageId"]
    updated = await act(stage, "ECS::UpdateLaunchTemplate", imageId=image, launchTemplateName=name)
    [second] = (await act(stage, "ECS::RunInstancesFromTemplate", launchTemplateName=name))["instanceIds"]

    assert updated["defaultVersionNumber"] == 2
    assert [(await stage.instance(one))["ImageId"] for one in (instance, second)] == [IMAGE, image]


@scene
async def scaling_groups(stage: Stage) -> None:
    hook = await stage.hook("SCALE_OUT", "ACS-ESS-LifeCycleRunCommand", commandContent="echo old", timeout=30)
    group = await stage.group(hooks=[hook])
    [instance] = await stage.instances()
    image = (await stage.call("ECS", "CreateImage", InstanceId=instance))["ImageId"]

    await act(stage, "ESS::ModifyScalingGroupImageConfiguration", imageId=image, scalingGroupId=group)
    await act(
        stage,
        "ESS::ModifyScalingGroupLifecycleHook",
        scalingGroupId=group,
        lifecycleHookName=hook["LifecycleHookName"],
        lifecycleTransition="SCALE_OUT",
        notificationMetadata=json.dumps({"commandContent": "echo new"}),
    )

    configurations = await stage.call("ESS", "DescribeScalingConfigurations", ScalingGroupId=group)
    [changed] = (await stage.call("ESS", "DescribeLifecycleHooks", ScalingGroupId=group))["LifecycleHooks"][
        "LifecycleHook"
    ]
    metadata = json.loads(changed["NotificationMetadata"])
    assert configurations["ScalingConfigurations"]["ScalingConfiguration"][0]["ImageId"] == image
    assert (metadata["commandContent"], metadata["timeout"]) == ("echo new", 30)


@scene
async def stock(stage: Stage) -> None:
    found = await act(
        stage,
        "ECS::CheckAvailableInstanceTypes",
        instanceTypes=["ecs.unknown.large", TYPE],
        zoneId=f"{REGION}-h",
    )

    assert found == {"availableInstanceTypes": [TYPE]}


@scene
async def servers_are_drained(stage: Stage) -> None:
    [instance] = await stage.instances()
    balancer = (await stage.call("SLB", "CreateLoadBalancer", VSwitchId=stage.vswitch, AddressType="intranet"))[
        "LoadBalancerId"
    ]
    server = [{"ServerId": instance, "Weight": "70", "Type": "ecs"}]
    await stage.call("SLB", "AddBackendServers", LoadBalancerId=balancer, BackendServers=json.dumps(server))
    group = (
        await stage.call(
            "SLB",
            "CreateVServerGroup",
            LoadBalancerId=balancer,
            VServerGroupName="web",
            BackendServers=json.dumps([{**server[0], "Port": "80"}]),
        )
    )["VServerGroupId"]
    script = {"commandContent": "echo drained", "serverId": instance, "weight": 70, "type": "ecs", "port": 80}
    image = {"imageId": IMAGE, "serverId": instance, "weight": 70, "type": "ecs", "port": 80}

    first = await act(stage, "ECS::ElegantRunCommandInSLBDefaultServerGroup", loadBalancerId=balancer, **script)
    second = await act(stage, "ECS::ElegantRunCommandInSLBVServerGroup", VServerGroupId=group, **script)
    await act(stage, "ECS::ElegantReplaceSystemDiskInSLBDefaultServerGroup", loadBalancerId=balancer, **image)
    await act(stage, "ECS::ElegantReplaceSystemDiskInSLBVServerGroup", VServerGroupId=group, **image)
    for wanted in ("on", "on"):
        await act(stage, "SLB::SetLoadBalancerDeleteProtection", loadBalancerId=balancer, deleteProtection=wanted)

    shown = await stage.call("SLB", "DescribeLoadBalancerAttribute", LoadBalancerId=balancer)
    servers = await stage.call("SLB", "DescribeVServerGroupAttribute", VServerGroupId=group)
    assert [one["commandOutput"] for one in (first, second)] == ["drained\n"] * 2
    assert shown["DeleteProtection"] == "on"
    assert [one["Weight"] for one in shown["BackendServers"]["BackendServer"]] == [70]
    assert [one["Weight"] for one in servers["BackendServers"]["BackendServer"]] == [70]


@scene
async def instances_are_cloned(stage: Stage) -> None:
    [instance] = await stage.instances(Tag=[{"Key": "team", "Value": "sea"}], DataDisk=[{"Size": 60}])

    made = await act(
        stage,
        "ECS::CloneInstance",
        instanceId=instance,
        imageName=stage.name("clone"),
        targetVSwitchId=stage.vswitch,
        targetSecurityGroupIds=[stage.security_group],
        targetInstanceType="ecs.g6.xlarge",
        targetInstanceChargeType="PostPaid",
        targetPassword="Tide12345gate!",
        targetPeriodUnit="Month",
        targetPeriod=1,
        targetSystemDiskCategory="cloud_essd",
        targetDataDiskCategory="cloud_auto",
    )

    clone = await stage.instance(made["instanceId"])
    shapes = sorted((one["Type"], one["Size"]) for one in await disks(stage, InstanceId=made["instanceId"]))
    assert (clone["InstanceType"], clone["Tags"]["Tag"]) == ("ecs.g6.xlarge", [{"TagKey": "team", "TagValue": "sea"}])
    assert shapes == [("data", 60), ("system", 20)]
    assert (await stage.call("ECS", "DescribeImages", ImageId=clone["ImageId"]))["TotalCount"] == 0


@scene
async def databases(stage: Stage) -> None:
    made = await act(
        stage,
        "RDS::CreateDbInstance",
        payType="Postpaid",
        engine="MySQL",
        engineVersion="8.0",
        dBInstanceClass="mysql.n2.small.1",
    )
    rds = made["dBInstanceId"]
    await act(
        stage,
        "RDS::ModifySecurityIpsByInstanceIPArray",
        regionId=REGION,
        instanceId=rds,
        securityIps="10.0.0.1",
        whitelistNetworkType="MIX",
        instanceIPArrayName="default",
    )
    found = await stage.call("RDS", "DescribeDBInstanceIPArrayList", DBInstanceId=rds)
    await act(stage, "RDS::DeleteDbInstance", dBInstanceId=rds)
    redis = (
        await stage.call(
            "R-KVSTORE", "CreateInstance", InstanceClass="redis.master.small.default", Password="Tide12345gate"
        )
    )["InstanceId"]

    async def status() -> str:
        shown = await stage.call("R-KVSTORE", "DescribeInstanceAttribute", InstanceId=redis)
        return str(shown["Instances"]["DBInstanceAttribute"][0]["InstanceStatus"])

    await stage.until(status, lambda seen: seen == "Normal", "a Redis")
    await stage.call("R-KVSTORE", "ModifySecurityIps", InstanceId=redis, SecurityIps="10.0.0.1,10.0.0.2")
    wish = {"regionId": REGION, "instanceId": redis, "securityIpGroupName": "default", "securityIp": "10.0.0.1"}
    await act(stage, "Redis::DeleteSecurityIpByInstanceIPArray", **wish, securityIpList="10.0.0.1,10.0.0.2")
    await act(stage, "Redis::DeleteSecurityIpByInstanceIPArray", **wish, securityIpList="10.0.0.2")

    left = await stage.call("R-KVSTORE", "DescribeSecurityIps", InstanceId=redis)
    assert found["Items"]["DBInstanceIPArray"][0]["SecurityIPList"] == "10.0.0.1"
    assert left["SecurityIpGroups"]["SecurityIpGroup"][0]["SecurityIpList"] == "10.0.0.2"


async def widened(stage: Stage) -> None:
    """Runs alone: an hour passes."""
    eip = (await stage.call("VPC", "AllocateEipAddress", Bandwidth=5))["AllocationId"]
    widths: set[str] = set()

    async def bandwidth() -> str:
        [one] = (await stage.call("VPC", "DescribeEipAddresses", AllocationId=eip))["EipAddresses"]["EipAddress"]
        widths.add(one["Bandwidth"])
        return str(one["Bandwidth"])

    running = asyncio.create_task(act(stage, "VPC::UpgradeEipBandwidth", AllocationId=eip, Bandwidth=50))
    await stage.until(bandwidth, lambda seen: seen == "50", "a wider address")
    await stage.pass_hours(1)
    await running

    assert await bandwidth() == "5"


def _children(name: str, catalog: Catalog) -> set[str]:
    """Return the product actions that a template runs, whatever the depth."""
    found = catalog.find(name)
    assert found is not None
    template: Template = found.validated.require()
    direct = {task.action for task in template.tasks if task.action.count("::") == 2}
    return direct | {deeper for one in direct for deeper in _children(one, catalog)}


async def test_every_product_action_runs_for_real(database_dsn: str, tmp_path: Path) -> None:
    async with open_stage(database_dsn, tmp_path / "data") as stage:
        await stage.trust()
        ends = await asyncio.gather(*(play(stage) for play in SCENES), return_exceptions=True)
        failures = {play.__name__: end for play, end in zip(SCENES, ends, strict=True) if end is not None}
        if not failures:
            await widened(stage)

    for end in failures.values():
        if not isinstance(end, AssertionError):
            raise end
    assert not failures
    catalog = Catalog()
    by_templates = {one for template in catalog.public() for one in _children(template.name, catalog)}
    assert {one.name for one in catalog.actions()} - by_templates - act.ran == set()


def test_the_reference_names_every_runbook_that_comes_with_the_cloud() -> None:
    page = Path("docs/reference/runbooks.md").read_text(encoding="utf-8")
    catalog = Catalog()

    names = [one.name for one in (*catalog.public(), *catalog.actions())]
    assert [name for name in names if name.count("::") != 1 and f"`{name}`" not in page] == []

"""Every public template of the lifecycle family, run for real by a hook of a scaling group, under a role that may do
exactly what GenerateExecutionPolicy says it needs."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from support.clouds import REGION
from support.stage import Stage, open_stage

ESS = "ACS-ESS-"
Scene = Callable[[Stage], Awaitable[None]]
SCENES: dict[str, Scene] = {}


def scene(*templates: str) -> Callable[[Scene], Scene]:
    """Say which templates a scene runs."""

    def keep(play: Scene) -> Scene:
        for template in templates:
            SCENES[ESS + template] = play
        return play

    return keep


async def scaled(stage: Stage, group: str, change: int) -> list[str]:
    """Scale a group; every hook must let it go on. Return the members."""
    activity = await stage.activity(await stage.scale(group, change))
    if activity["StatusCode"] != "Successful":
        runs = await stage.call("OOS", "ListExecutions", Tags={"ESS:ScalingActivityId": activity["ScalingActivityId"]})
        why = [await stage.story(one["ExecutionId"]) for one in runs["Executions"]]
        raise AssertionError(f"{activity['StatusCode']}: {activity['StatusMessage']} {why}")
    return await stage.members(group)


async def out(stage: Stage, template: str, **metadata: Any) -> list[str]:
    """Let two instances join a group through a hook that runs a template."""
    return await scaled(stage, await stage.group(hooks=[await stage.hook("SCALE_OUT", ESS + template, **metadata)]), 2)


async def succeeded(stage: Stage, template: str, **parameters: Any) -> dict[str, Any]:
    """Run a template that no hook starts; return its outputs."""
    role = await stage.role_for(ESS + template)
    execution = await stage.run(ESS + template, {**parameters, "OOSAssumeRole": role})
    assert execution["Status"] == "Success", await stage.story(execution["ExecutionId"])
    return dict(json.loads(execution["Outputs"]))


# ---- commands ------------------------------------------------------------------------------------------------------------


@scene(
    "LifeCycleRunCommand",
    "LifeCycleRunCommandNew",
    "LifeCycleDownloadFileAndRunCommand",
    "LifeCycleAttachNASFileSystemToInstance",
)
async def commands(stage: Stage) -> None:
    """Scripts are run on every instance that joins."""
    ran = {
        "LifeCycleRunCommand": {"commandContent": "echo hello", "timeout": 30},
        "LifeCycleRunCommandNew": {"commandContent": "echo hello"},
        "LifeCycleDownloadFileAndRunCommand": {
            "sourcePath": "http://files.test/app.tgz",
            "destinationDir": "/opt/app",
            "commandContent": "echo unpacked",
        },
        "LifeCycleAttachNASFileSystemToInstance": {"mountTargetDomain": "nas.test"},
    }
    for template, metadata in ran.items():
        for instance in await out(stage, template, **metadata):
            runs = await stage.call("ECS", "DescribeInvocations", InstanceId=instance)
            assert {one["InvocationStatus"] for one in runs["Invocations"]["Invocation"]} == {"Success"}, template


async def addresses_of(stage: Stage, instances: list[str]) -> list[str]:
    """Return the private addresses of instances."""
    shown = [await stage.instance(one) for one in instances]
    return [one["VpcAttributes"]["PrivateIpAddress"]["IpAddress"][0] for one in shown]


CENTER_EACH = "LifeCycleRunCommandOnSpecifiedInstance"
CENTER_ALL = "LifeCycleRunCmdOnSpecifiedInstanceToEssCreatedInstances"


@scene(CENTER_EACH, CENTER_ALL)
async def commands_elsewhere(stage: Stage) -> None:
    """Scripts about the instances that join are run on one given instance, which learns their addresses."""
    [center] = await stage.instances()

    async def runs() -> list[dict[str, Any]]:
        found = await stage.call("ECS", "DescribeInvocations", InstanceId=center, IncludeOutput=True)
        return list(found["Invocations"]["Invocation"])

    about_each = await addresses_of(stage, await out(stage, CENTER_EACH, commandInstanceId=center))
    scripts = [base64.b64decode(one["CommandContent"]).decode() for one in await runs()]
    metadata = {"commandInstanceId": center, "commandContent": "echo {{ips}}"}
    about_all = await addresses_of(stage, await out(stage, CENTER_ALL, **metadata))
    [newest, *others] = await runs()

    assert len(scripts) == len(others) == 2
    assert all(any(f'COMMAND_IP="{one}"' in script for script in scripts) for one in about_each)
    [run] = newest["InvokeInstances"]["InvokeInstance"]
    assert set(base64.b64decode(run["Output"]).decode().strip().split(",")) == set(about_all)


# ---- what stands beside instances ----------------------------------------------------------------------------------------


@scene("LifeCycleAllocateEipAddressAndAttachToInstance", "LifeCycleReleaseEipAddressFromInstance")
async def elastic_addresses(stage: Stage) -> None:
    """Elastic addresses come with instances and go with them."""
    come = await stage.hook("SCALE_OUT", ESS + "LifeCycleAllocateEipAddressAndAttachToInstance", bandwidth=7)
    go = await stage.hook("SCALE_IN", ESS + "LifeCycleReleaseEipAddressFromInstance")
    group = await stage.group(hooks=[come, go])

    members = await scaled(stage, group, 2)
    eips = [(await stage.instance(one))["EipAddress"] for one in members]
    ids = [one["AllocationId"] for one in eips]
    tags = await stage.call("VPC", "ListTagResources", ResourceType="EIP", ResourceId=ids)
    [left] = await scaled(stage, group, -1)

    assert all(one["IpAddress"] and one["Bandwidth"] == 7 for one in eips)
    assert [one["TagKey"] for one in tags["TagResources"]["TagResource"]] == ["oos_generate"] * 2
    there = await stage.call("VPC", "DescribeEipAddresses", AllocationId=",".join(ids))
    assert [one["InstanceId"] for one in there["EipAddresses"]["EipAddress"]] == [left]


@scene("LifeCycleAttachEipToInstance")
async def given_addresses(stage: Stage) -> None:
    """Each instance that joins gets one of the given addresses."""
    given = [(await stage.call("VPC", "AllocateEipAddress"))["AllocationId"] for _ in range(3)]

    members = await out(stage, "LifeCycleAttachEipToInstance", EipIds=given)

    bound = {(await stage.instance(one))["EipAddress"]["AllocationId"] for one in members}
    assert len(bound) == 2
    assert bound < set(given)


@scene("LifeCycleCreateNetworkInterfaceAndEipAndAttachToInstance", "LifeCycleDetachNetworkInterfaceAndDeleteEip")
async def network_interfaces(stage: Stage) -> None:
    """Network interfaces with elastic addresses come with instances and go with them."""
    come = await stage.hook("SCALE_OUT", ESS + "LifeCycleCreateNetworkInterfaceAndEipAndAttachToInstance")
    go = await stage.hook("SCALE_IN", ESS + "LifeCycleDetachNetworkInterfaceAndDeleteEip")
    group = await stage.group(hooks=[come, go])

    members = await scaled(stage, group, 2)
    interfaces = [
        one
        for member in members
        for one in (await stage.call("ECS", "DescribeNetworkInterfaces", InstanceId=member, Type="Secondary"))[
            "NetworkInterfaceSets"
        ]["NetworkInterfaceSet"]
    ]
    [left] = await scaled(stage, group, -1)

    ids = [one["NetworkInterfaceId"] for one in interfaces]
    after = await stage.call("ECS", "DescribeNetworkInterfaces", NetworkInterfaceId=ids)
    assert [one["Status"] for one in interfaces] == ["InUse", "InUse"]
    assert all(one["AssociatedPublicIp"]["PublicIpAddress"] for one in interfaces)
    assert [one["InstanceId"] for one in after["NetworkInterfaceSets"]["NetworkInterfaceSet"]] == [left]


@scene("LifeCycleApplyAutoSnapshotPolicy")
async def snapshot_policies(stage: Stage) -> None:
    """The disks of instances that join are cared for by a snapshot policy."""
    policy = (
        await stage.call("ECS", "CreateAutoSnapshotPolicy", timePoints='["1"]', repeatWeekdays='["1"]', retentionDays=7)
    )["AutoSnapshotPolicyId"]

    members = await out(stage, "LifeCycleApplyAutoSnapshotPolicy", autoSnapshotPolicyId=policy)

    disks = (await stage.call("ECS", "DescribeDisks", AutoSnapshotPolicyId=policy))["Disks"]["Disk"]
    assert {one["InstanceId"] for one in disks} == set(members)


@scene("LifeCycleGetIpAddressAndModifyInstanceName")
async def names(stage: Stage) -> None:
    """Instances that join are named after their addresses."""
    members = await out(
        stage, "LifeCycleGetIpAddressAndModifyInstanceName", instanceNameFormat="web-{PrivateIpAddress}-a"
    )

    for member in members:
        one = await stage.instance(member)
        [address] = one["VpcAttributes"]["PrivateIpAddress"]["IpAddress"]
        assert one["InstanceName"] == f"web-{address}-a"


@scene("LifeCycleModifyInstanceChargeType")
async def charge_types(stage: Stage) -> None:
    """Instances that join become subscriptions that renew themselves."""
    members = await out(
        stage,
        "LifeCycleModifyInstanceChargeType",
        instanceChargeType="PrePaid",
        networkChargeType="PayByBandwidth",
        autoRenew=True,
    )

    shown = [await stage.instance(one) for one in members]
    renewals = await stage.call("ECS", "DescribeInstanceAutoRenewAttribute", InstanceId=",".join(members))
    assert {(one["InstanceChargeType"], one["InternetChargeType"]) for one in shown} == {("PrePaid", "PayByBandwidth")}
    assert [one["AutoRenewEnabled"] for one in renewals["InstanceRenewAttributes"]["InstanceRenewAttribute"]] == [
        True,
        True,
    ]


# ---- whitelists ----------------------------------------------------------------------------------------------------------


async def databases(stage: Stage) -> dict[str, tuple[str, Callable[[], Awaitable[str]]]]:
    """Return a database of each kind: the word in template names → its id, and how to read its whitelist."""
    redis = await stage.call(
        "R-KVSTORE", "CreateInstance", InstanceClass="redis.master.small.default", Password="Tide12345gate"
    )
    mongo = await stage.call("DDS", "CreateDBInstance", Engine="MongoDB", EngineVersion="5.0", DBInstanceStorage=20)
    adb = await stage.call("ADB", "CreateDBCluster", DBClusterVersion="3.0", PayType="Postpaid")
    polardb = await stage.call("POLARDB", "CreateDBCluster", DBType="MySQL", DBVersion="8.0", PayType="Postpaid")
    redis_id, mongo_id = redis["InstanceId"], mongo["DBInstanceId"]
    adb_id, polardb_id = adb["DBClusterId"], polardb["DBClusterId"]

    async def status() -> str:
        found = await stage.call("R-KVSTORE", "DescribeInstanceAttribute", InstanceId=redis_id)
        return str(found["Instances"]["DBInstanceAttribute"][0]["InstanceStatus"])

    await stage.until(status, lambda seen: seen == "Normal", "a Normal Redis")

    def reader(product: str, action: str, **parameters: str) -> Callable[[], Awaitable[str]]:
        async def read() -> str:
            return json.dumps(await stage.call(product, action, **parameters))

        return read

    return {
        "Redis": (redis_id, reader("R-KVSTORE", "DescribeSecurityIps", InstanceId=redis_id)),
        "MongoDB": (mongo_id, reader("DDS", "DescribeSecurityIps", DBInstanceId=mongo_id)),
        "AnalyticDB": (adb_id, reader("ADB", "DescribeDBClusterAccessWhiteList", DBClusterId=adb_id)),
        "PolarDB": (polardb_id, reader("POLARDB", "DescribeDBClusterAccessWhitelist", DBClusterId=polardb_id)),
    }


def target(word: str, database: str) -> dict[str, str]:
    """Return the parameter that names a database."""
    return {"dbInstanceId" if word in ("Redis", "MongoDB") else "dbClusterId": database}


@scene(*(f"LifeCycleModify{word}IPWhitelist" for word in ("Redis", "MongoDB", "AnalyticDB", "PolarDB")))
async def whitelists(stage: Stage) -> None:
    """Addresses of instances are written to whitelists and taken off them."""
    for word, (database, read) in (await databases(stage)).items():
        template = f"{ESS}LifeCycleModify{word}IPWhitelist"
        come = await stage.hook("SCALE_OUT", template, **target(word, database), modifyMode="Append")
        go = await stage.hook("SCALE_IN", template, **target(word, database), modifyMode="Delete")
        group = await stage.group(hooks=[come, go])
        [member] = await scaled(stage, group, 1)
        [address] = (await stage.instance(member))["VpcAttributes"]["PrivateIpAddress"]["IpAddress"]
        assert f'"{address}' in await read() or f",{address}" in await read(), word
        await scaled(stage, group, -1)
        assert address not in await read(), word


@scene(
    *(f"ECILifeCycleModify{word}IPWhitelist" for word in ("Redis", "MongoDB", "AnalyticDB", "PolarDB")),
    "ECILifeCycleExecContainerCommand",
)
async def container_groups(stage: Stage) -> None:
    """The same for container groups. Scaling groups have none here, so the hook's action is answered on their behalf."""
    wish = {"ContainerGroupName": stage.name("app"), "Container": [{"Name": "web", "Image": "nginx"}]}
    container = (await stage.call("ECI", "CreateContainerGroup", **wish))["ContainerGroupId"]

    async def shown() -> dict[str, Any]:
        found = await stage.call("ECI", "DescribeContainerGroups", ContainerGroupIds=[container])
        return dict(found["ContainerGroups"][0])

    address = (await stage.until(shown, lambda seen: seen["Status"] == "Running", "a container group"))["IntranetIp"]
    hook = {"LifecycleTransition": "SCALE_OUT", "HeartbeatTimeout": 21600, "DefaultResult": "ABANDON"}
    group = await stage.group(hooks=[hook])

    async def run(template: str, **parameters: Any) -> dict[str, Any]:
        activity, action = await stage.action(group)
        outputs = await succeeded(
            stage,
            template,
            **parameters,
            regionId=REGION,
            instanceIds=[container],
            lifecycleHookId=action["LifecycleHookId"],
            lifecycleActionToken=action["LifecycleActionToken"],
        )
        assert (await stage.activity(activity))["StatusCode"] == "Successful"
        return outputs

    for word, (database, read) in (await databases(stage)).items():
        if word in stage.left_out:
            continue
        outputs = await run(f"ECILifeCycleModify{word}IPWhitelist", **target(word, database), modifyMode="Append")
        assert outputs == {"ipAddresses": [address]}
        assert address in await read(), word
    await run("ECILifeCycleExecContainerCommand", command=["echo", "hello"])


# ---- started by people -----------------------------------------------------------------------------------------------------


@scene("EnableInstanceHealthCheck")
async def health_check(stage: Stage) -> None:
    """The health check of a group is switched on."""
    group = await stage.group()
    await stage.call("ESS", "ModifyScalingGroup", ScalingGroupId=group, HealthCheckType="NONE")

    await succeeded(stage, "EnableInstanceHealthCheck", scalingGroupId=group)

    found = await stage.call("ESS", "DescribeScalingGroups", ScalingGroupId1=group)
    assert found["ScalingGroups"]["ScalingGroup"][0]["HealthCheckType"] == "ECS"


@scene("AdjustScalingGroupInstanceCount")
async def counts(stage: Stage) -> None:
    """Instances are added by number, to a total, and removed by number and by name."""
    group = await stage.group()

    async def adjust(kind: str, count: int, **more: Any) -> int:
        await succeeded(
            stage,
            "AdjustScalingGroupInstanceCount",
            scalingGroupId=group,
            adjustmentType=kind,
            adjustmentCount=count,
            **more,
        )
        return len(await stage.members(group))

    sizes = [await adjust("ScaleOut", 2), await adjust("TotalCapacity", 4), await adjust("ScaleIn", 1)]
    [first, *others] = await stage.members(group)
    named = {"Type": "ResourceIds", "ResourceIds": [first], "RegionId": REGION}
    sizes.append(await adjust("ScaleIn", 0, instancesToBeRemoved=named))

    assert sizes == [2, 4, 3, 2]
    assert set(await stage.members(group)) == set(others)


async def configuration_of(stage: Stage, group: str) -> dict[str, Any]:
    """Return the active configuration of a group."""
    found = await stage.call("ESS", "DescribeScalingConfigurations", ScalingGroupId=group)
    return dict(found["ScalingConfigurations"]["ScalingConfiguration"][0])


@scene("CreateImageAndUpdateScalingConfiguration", "UpdateScalingConfigurationImage")
async def images(stage: Stage) -> None:
    """Images are made of instances and used by configurations, whose groups then launch them."""
    group = await stage.group()
    configuration = (await configuration_of(stage, group))["ScalingConfigurationId"]
    [instance] = await stage.instances()

    made = await succeeded(
        stage,
        "CreateImageAndUpdateScalingConfiguration",
        instanceId=instance,
        scalingConfigurationIds=[configuration],
    )
    first = (await configuration_of(stage, group))["ImageId"]
    updated = await succeeded(
        stage,
        "UpdateScalingConfigurationImage",
        sourceImageId=first,
        instanceType="ecs.g6.large",
        targetImageName="second",
        securityGroupId=stage.security_group,
        vSwitchId=stage.vswitch,
        commandContent="echo patched",
        scalingConfigurationIds=[configuration],
    )
    [member] = await scaled(stage, group, 1)

    assert first == made["imageId"]
    assert (await configuration_of(stage, group))["ImageId"] == updated["imageId"] != first
    assert (await stage.instance(member))["ImageId"] == updated["imageId"]


@scene("RollingUpdateByRunCommandInScalingGroup")
async def rolling_commands(stage: Stage) -> None:
    """Instances of a group run a script batch by batch and come back into service; the update is taken back."""
    group = await stage.group(size=3)
    template = "RollingUpdateByRunCommandInScalingGroup"
    role = await stage.role_for(ESS + template)

    execution = await stage.run(
        ESS + template,
        {
            "invokeType": "invoke",
            "scalingGroupId": group,
            "invokeScript": "echo new",
            "batchNumber": 2,
            "OOSAssumeRole": role,
        },
    )
    assert execution["Status"] == "Success", await stage.story(execution["ExecutionId"])
    back = await succeeded(
        stage,
        template,
        invokeType="rollback",
        scalingGroupId=group,
        rollbackScript="echo old",
        sourceExecutionId=execution["ExecutionId"],
        batchNumber=2,
    )

    found = await stage.call("ESS", "DescribeScalingInstances", ScalingGroupId=group)
    assert [one.strip() for one in json.loads(execution["Outputs"])["commandOutputs"]] == ["new"] * 3
    assert [one.strip() for one in back["commandOutputs"]] == ["old"] * 3
    assert [one["LifecycleState"] for one in found["ScalingInstances"]["ScalingInstance"]] == ["InService"] * 3
    group_now = (await stage.call("ESS", "DescribeScalingGroups", ScalingGroupId1=group))["ScalingGroups"]
    assert group_now["ScalingGroup"][0]["SuspendedProcesses"]["SuspendedProcess"] == []


@scene("RollingUpdateByDownloadFileAndRunCommand")
async def rolling_files(stage: Stage) -> None:
    """Instances of a group download a file and run a script; those that join later do so as well."""
    group = await stage.group(size=2)
    update = {
        "invokeSourcePath": "http://files.test/2.tgz",
        "invokeDestinationDir": "/opt/app",
        "invokeScript": stage.script,
        "rollbackSourcePath": "http://files.test/1.tgz",
        "rollbackDestinationDir": "/opt/app",
        "rollbackScript": "echo 1",
        "scalingGroupId": group,
        "batchNumber": 1,
    }
    template = ESS + "RollingUpdateByDownloadFileAndRunCommand"
    parameters = {**update, "invokeType": "invoke", "OOSAssumeRole": await stage.role_for(template)}

    execution = await stage.run(template, parameters)
    assert execution["Status"] == "Success", await stage.story(execution["ExecutionId"])
    [hook] = (await stage.call("ESS", "DescribeLifecycleHooks", ScalingGroupId=group))["LifecycleHooks"][
        "LifecycleHook"
    ]
    back = await succeeded(
        stage,
        "RollingUpdateByDownloadFileAndRunCommand",
        **update,
        invokeType="rollback",
        sourceExecutionId=execution["ExecutionId"],
    )
    [after] = (await stage.call("ESS", "DescribeLifecycleHooks", ScalingGroupId=group))["LifecycleHooks"][
        "LifecycleHook"
    ]

    assert json.loads(execution["Outputs"])["commandOutputs"] == ["2\n"] * 2
    assert back["commandOutputs"] == ["1\n"] * 2
    assert json.loads(hook["NotificationMetadata"])["commandContent"] == stage.script
    assert json.loads(after["NotificationMetadata"])["commandContent"] == "echo 1"
    assert hook["NotificationArn"].endswith(":template/ACS-ESS-LifeCycleDownloadFileAndRunCommand")


@scene("RollingUpdateByReplaceSystemDiskInScalingGroup")
async def rolling_disks(stage: Stage) -> None:
    """Instances of a group get system disks of another image and come back into service."""
    group = await stage.group(size=2)
    [first, *_] = members = await stage.members(group)
    image = (await stage.call("ECS", "CreateImage", InstanceId=first))["ImageId"]
    configuration = (await configuration_of(stage, group))["ScalingConfigurationId"]

    await succeeded(
        stage,
        "RollingUpdateByReplaceSystemDiskInScalingGroup",
        invokeType="invoke",
        scalingGroupId=group,
        imageId=image,
        scalingConfigurationId=configuration,
        batchNumber=1,
    )

    shown = [await stage.instance(one) for one in members]
    assert [(one["ImageId"], one["Status"]) for one in shown] == [(image, "Running")] * 2
    assert (await configuration_of(stage, group))["ImageId"] == image


async def test_every_public_template_of_the_family_runs_for_real(database_dsn: str, tmp_path: Path) -> None:
    async with open_stage(database_dsn, tmp_path / "data") as stage:
        listed = await stage.call("OOS", "ListTemplates", ShareType="Public", MaxResults=100)
        plays = list(dict.fromkeys(SCENES.values()))
        ends = await asyncio.gather(*(play(stage) for play in plays), return_exceptions=True)

    failures = {play.__name__: end for play, end in zip(plays, ends, strict=True) if end is not None}
    for end in failures.values():
        if not isinstance(end, AssertionError):
            raise end
    assert not failures
    assert {one["TemplateName"] for one in listed["Templates"]} == SCENES.keys()


@pytest.mark.parametrize("template", sorted(SCENES))
def test_each_template_says_in_both_languages_what_it_is_for(template: str) -> None:
    from tidegate.services.oos.catalog import Catalog

    found = Catalog().find(template)
    assert found is not None
    description = found.validated.require().description
    assert isinstance(description, dict)
    assert description["en"]
    assert description["zh-cn"]
    assert description["name-en"] == template

"""Runs every public template whose operations exist in the cloud, and tells how that ended."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from support.corpus.filling import REGION, Furniture, today
from support.stage import ENDED, Stage
from tidegate.docs import all_products
from tidegate.errors import CloudError
from tidegate.services.oos.catalog import Catalog, VendorTemplate
from tidegate.services.oos.model import Template
from tidegate.services.oos.policy import needed_actions

_NO_COMMAND = "invokes a command of the vendor's that only exists in its own account"
#: templates that cannot end well here although each operation is there, and why
HOPELESS: Mapping[str, str] = {
    "ACS-ECS-BuilkyAttachKeyPairOnline": _NO_COMMAND,
    "ACS-ECS-BulkyDetachKeyPairOnline": _NO_COMMAND,
    "ACS-ECS-BulkyGenerateCloudAssistantRsaKeyPair": _NO_COMMAND,
    "ACS-ECS-BulkyModifyUserPasswordByCloudAssistantKeyPair": _NO_COMMAND,
    "ACS-LOG-BulkyInstallLogtail": _NO_COMMAND,
    "ACS-ECS-BulkyConfigureSoftwareFromEcsAppStore": "reads parameters of the vendor's own",
    "ACS-ECS-InventoryDataCollection": "is no runbook but a configuration (State)",
    "ACS-ECS-RepairImage": "only takes two images that this cloud does not have",
    "ACS-CN-PrePostUpgradeServiceInstance": "selects instances of a Compute Nest service, of which there are none",
    **dict.fromkeys(
        ("ACS-ECS-BulkyReplaceSystemDiskInSLBDefaultServerGroup", "ACS-ECS-BulkyRunCommandInSLBDefaultServerGroup"),
        "does not hand on the parameter port, which its product action requires",
    ),
    "ACS-ECS-RunCommandWhenDiskUsageLimitExceeded": "watches a metric of an agent on the instance",
    **dict.fromkeys(
        ("ACS-RAM-ApproveAttachCustomPolicyToUser", "ACS-RAM-ApproveAttachPolicyToUser"),
        "runs a template that makes a ROS stack",
    ),
    "ACS-MNS-PublishMessage": "calls MNS in ROA style, which has to be sent on",
    "ACS-EventBridge-PutEvents": "calls EventBridge in ROA style, which has to be sent on",
}
_PREPAID = {"InstanceChargeType": "PrePaid", "Period": 1}
#: what RunInstances is told beside the usual when a template's instance is made
WISHES: Mapping[str, Mapping[str, Any]] = {
    "ACS-ECS-BulkyDeletePrepaidInstances": _PREPAID,
    "ACS-ECS-BulkyModifyInstanceAutoRenewAttribute": _PREPAID,
    "ACS-ECS-BulkyModifyPrepayInstanceSpec": _PREPAID,
    "ACS-ECS-BulkyRenewInstances": _PREPAID,
    "ACS-ECS-RunRemoteShellScript": {"RamRoleName": "OOSServiceRole"},
}
#: templates that hold something for an hour: they come last, when time may fly
_SLOW = frozenset({"ACS-VPC-ScheduleToUpgradeEipBandwidth"})


async def _attributes(room: Furniture, _definition: Any) -> Any:
    return [{"instanceId": await room.instance(), "instanceName": "renamed"}]


async def _regions(room: Furniture, _definition: Any) -> Any:
    return [{"instanceId": await room.instance(), "regionId": REGION, "commandContent": "ZWNobyBoaQ=="}]


async def _joined(room: Furniture, _definition: Any) -> Any:
    group = await room.spare_group()
    await room.call("ECS", "JoinSecurityGroup", SecurityGroupId=group, InstanceId=await room.instance())
    return group


async def _stopped(room: Furniture, _definition: Any) -> Any:
    instance = await room.instance()
    await room.call("ECS", "StopInstance", InstanceId=instance)
    await room.until_status(instance, "Stopped")
    return {"Type": "ResourceIds", "ResourceIds": [instance], "RegionId": REGION}


async def _interface(room: Furniture, _definition: Any) -> Any:
    found = await room.call("ECS", "DescribeNetworkInterfaces", InstanceId=await room.instance())
    return [found["NetworkInterfaceSets"]["NetworkInterfaceSet"][0]["NetworkInterfaceId"]]


async def _policy(room: Furniture, _definition: Any) -> Any:
    return [await room.policy()]


async def _own_image(room: Furniture, _definition: Any) -> Any:
    return await room.image()


async def _user(room: Furniture, _definition: Any) -> Any:
    return [await room.user()]


#: what the form of a template asks for that no name tells
OVERRIDES: Mapping[str, Mapping[str, Any]] = {
    "ACS-ECS-ScheduleToStopAndStartInstances": {"dailyStopTime": today(2), "dailyStartTime": today(4)},
    "ACS-ECS-BulkyDeleteInstances": {"force": True},
    "ACS-ECS-BulkyDeleteInstancesWithApproval": {"targets": _stopped},
    "ACS-ECS-BulkyAllocateAndAssociateEipAddress": {"instanceIds": _interface},
    "ACS-ECS-BulkyModifyAutoSnapshotPolicyTimePoint": {"instanceIds": _policy},
    "ACS-ECS-BulkyModifyInstanceAttributes": {"instanceAttributes": _attributes},
    "ACS-ECS-BulkyRunCommandAcrossRegions": {"instanceInfos": _regions},
    "ACS-ECS-BulkyLeaveSecurityGroup": {"securityGroupId": _joined},
    "ACS-ECS-BulkyCopyImage": {"imageId": _own_image},
    "ACS-ECS-DeleteImage": {"imageId": _own_image},
    "ACS-ECS-AutoStartECSWhenStoppedByTags": {
        "tags": [{"Key": "of", "Value": "ACS-ECS-AutoStartECSWhenStoppedByTags"}]
    },
    "ACS-ECS-RebootInstanceAtHighCpuByTags": {
        "tags": [{"Key": "of", "Value": "ACS-ECS-RebootInstanceAtHighCpuByTags"}]
    },
    "ACS-RAM-BulkyUpdateLoginProfile": {"userNames": _user},
    "ACS-ESS-UpdateScalingConfigurationImage": {"instanceType": "ecs.g6.large"},
    "ACS-ESS-RollingUpdateByRunCommandInScalingGroup": {"invokeType": "invoke", "invokeScript": "echo new"},
    "ACS-ESS-RollingUpdateByReplaceSystemDiskInScalingGroup": {"invokeType": "invoke", "imageId": _own_image},
    "ACS-ESS-RollingUpdateByDownloadFileAndRunCommand": {"invokeType": "invoke", "invokeScript": "echo new"},
    "ACS-ESS-RollingUpdateByConfigureOOSPackage": {"invokeType": "invoke"},
    "ACS-ECS-CloneInstancesAcrossRegion": {
        "targetRegionId": "cn-beijing",
        "targetZoneId": "cn-beijing-h",
        "targetSecurityGroupId": lambda room, _: room.beijing("group"),
        "targetVSwitchId": lambda room, _: room.beijing("vswitch"),
    },
}
#: run by hooks of scaling groups, in ``test_lifecycle_family``
_BY_HOOKS = "LifeCycle"
_AT_ONCE = 12


def children(template: Template, catalog: Catalog) -> set[str]:
    """Return the names of actions that a template uses, whatever the depth."""
    direct = {task.action for task in template.all_tasks}
    deeper = (catalog.find(one) for one in direct if one.count("::") == 2)
    return direct | {one for found in deeper if found for one in children(found.validated.require(), catalog)}


def runnable(catalog: Catalog) -> list[VendorTemplate]:
    """Return the public templates whose every operation exists in this cloud."""
    known = {f"{product.code}:{name}".lower() for product in all_products() for name in product.operations}
    found = []
    for vendor in sorted(catalog.public(), key=lambda one: one.name):
        validated = vendor.validated
        if validated.template is None or validated.of("unsupported"):
            continue
        template = validated.template
        needed = {one.lower() for one in needed_actions(template, catalog)}
        if _BY_HOOKS not in vendor.name and needed <= known and "ACS::GitCodeRepo" not in children(template, catalog):
            found.append(vendor)
    return found


async def run_all(stage: Stage) -> dict[str, str]:
    """Run every template that can be run, some at a time: name → why it failed, empty when it did not."""
    catalog = stage.memory.cloud.services.oos.catalog
    room = asyncio.Semaphore(_AT_ONCE)
    names = os_names()

    async def run(vendor: VendorTemplate) -> tuple[str, str]:
        async with room:
            try:
                return vendor.name, await run_one(stage, vendor)
            except Exception as error:
                return vendor.name, f"{type(error).__name__}: {error}"[:400]

    chosen = [one for one in runnable(catalog) if not names or one.name in names]
    results = dict(await asyncio.gather(*(run(one) for one in chosen if one.name not in _SLOW)))
    stage.pace = 60.0
    return results | dict([await run(one) for one in chosen if one.name in _SLOW])


def os_names() -> list[str]:
    """Return the templates that somebody wants to see alone."""
    return os.environ.get("TIDEGATE_OOS_ONLY", "").split()


async def run_one(stage: Stage, vendor: VendorTemplate) -> str:
    """Run one template; return why it failed, empty when it did not."""
    template = vendor.validated.require()
    room = Furniture(stage, vendor.name, template, WISHES.get(vendor.name, {}))
    parameters = await room.parameters(OVERRIDES.get(vendor.name, {}))
    started = await stage.call(
        "OOS", "StartExecution", TemplateName=vendor.name, Parameters=json.dumps(parameters), SafetyCheck="Skip"
    )
    execution = started["Execution"]["ExecutionId"]
    await answer_waits(stage, execution, template)
    if template.trigger in ("ACS::EventTrigger", "ACS::AlarmTrigger"):
        return await fire(stage, execution, template.trigger, await room.message())
    if template.trigger is not None:
        return await first_child(stage, execution)
    shown = await stage.ended(execution)
    if shown["Status"] != "Success":
        return f"{shown['Status']}: {shown['StatusMessage']} | {await stage.story(execution)}"[:600]
    return ""


async def first_child(stage: Stage, execution: str) -> str:
    """Wait until a timer has fired and what it began has ended, then end the timer; return why the child failed."""

    async def children() -> list[dict[str, Any]]:
        found = await stage.call("OOS", "ListExecutions", ParentExecutionId=execution)
        return list(found["Executions"])

    ended = await stage.until(children, lambda seen: seen and seen[-1]["Status"] in ENDED, f"a child of {execution}")
    if (await look_at(stage, execution)())["Status"] not in ENDED:
        await stage.call("OOS", "CancelExecution", ExecutionId=execution)
    child = ended[-1]
    return "" if child["Status"] == "Success" else f"fired: {child['StatusMessage']}"


async def fire(stage: Stage, execution: str, trigger: str, message: Mapping[str, Any]) -> str:
    """Let an event or an alarm happen to a template that waits for one; return why its child failed."""
    kind = trigger.removeprefix("ACS::").removesuffix("Trigger")
    await stage.until(look_at(stage, execution), lambda seen: seen["Status"] == "Waiting", "a trigger")
    await stage.call("OOS", "TriggerExecution", ExecutionId=execution, Type=kind, Content=json.dumps(dict(message)))

    def is_over(seen: dict[str, Any]) -> bool:
        return seen["Status"] == "Waiting" and seen.get("LastTriggerStatus") in ENDED

    shown = await stage.until(look_at(stage, execution), is_over, f"a child of {execution}")
    await stage.call("OOS", "CancelExecution", ExecutionId=execution)
    return "" if shown["LastTriggerStatus"] == "Success" else f"fired: {shown.get('LastTriggerStatusMessage')}"


def look_at(stage: Stage, execution: str) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Return what shows an execution."""

    async def look() -> dict[str, Any]:
        found = await stage.call("OOS", "ListExecutions", ExecutionId=execution)
        return dict(found["Executions"][0])

    return look


async def answer_waits(stage: Stage, execution: str, template: Template) -> None:
    """Say yes to whoever asks: approvals and pauses."""

    if template.trigger is not None:
        return
    for _ in range(10):
        shown = await stage.until(
            look_at(stage, execution), lambda seen: seen["Status"] in (*ENDED, "Waiting"), f"{execution} moves"
        )
        if shown["Status"] != "Waiting":
            return
        with suppress(CloudError):  # it has gone on meanwhile
            await stage.call("OOS", "NotifyExecution", ExecutionId=execution, NotifyType="Approve")
        await asyncio.sleep(0.05)


__all__ = ["HOPELESS", "OVERRIDES", "REGION", "run_all"]

"""Scaling groups (ess.md 12.2)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tidegate.clock import to_minutes
from tidegate.services.ess.api.bindings import shown
from tidegate.services.ess.api.product import Page, ess, on_group
from tidegate.services.ess.requests.groups import (
    CreateScalingGroup,
    DeleteScalingGroup,
    DescribeScalingGroups,
    EnableScalingGroup,
    ModifyScalingGroup,
    Processes,
    SetGroupDeletionProtection,
)
from tidegate.services.ess.requests.shape import OnGroup
from tidegate.services.ess.scaling import is_suspended
from tidegate.services.ess.service import Ess
from tidegate.services.ess.states import MemberState
from tidegate.services.ess.survey import Capacities
from tidegate.services.operation import Answer, Call, Done
from tidegate.store.ess.records import Group, Override

#: What a group shows where nothing was set (ess.md 2.2).
_DEFAULT_OPTIONS: dict[str, Any] = {
    "AllocationStrategy": "priority",
    "SpotAllocationStrategy": "priority",
    "AzBalance": False,
    "AutoRebalance": False,
    "CompensateWithOnDemand": True,
    "SpotInstanceRemedy": False,
    "MaxInstanceLifetime": 0,
}
_COUNTERS = {
    "ActiveCapacity": MemberState.IN_SERVICE,
    "PendingCapacity": MemberState.PENDING,
    "PendingWaitCapacity": MemberState.PENDING_WAIT,
    "ProtectedCapacity": MemberState.PROTECTED,
    "StandbyCapacity": MemberState.STANDBY,
    "StoppedCapacity": MemberState.STOPPED,
    "RemovingCapacity": MemberState.REMOVING,
    "RemovingWaitCapacity": MemberState.REMOVING_WAIT,
}
#: The same for COMPOSABLE groups.
_COMPOSABLE_OPTIONS = {"OnDemandBaseCapacity": 0, "OnDemandPercentageAboveBaseCapacity": 100}


class GroupCreated(Answer):
    """The new group."""

    scaling_group_id: str


class GroupPage(Page, kw_only=True):
    """A page of groups; each shows its stored options among its own fields."""

    scaling_groups: list[dict[str, Any]]


def shown_group(group: Group, counted: Capacities, now: datetime) -> dict[str, Any]:
    """Return a group as answers show it."""
    tree = {
        **(_COMPOSABLE_OPTIONS if group.multi_az_policy == "COMPOSABLE" else {}),
        **_DEFAULT_OPTIONS,
        **group.options,
        **shown(group.bindings),
        "ScalingGroupId": group.id,
        "ScalingGroupName": group.name,
        "RegionId": group.region,
        "LifecycleState": group.state,
        "VpcId": group.vpc_id,
        "VSwitchId": group.vswitch_ids[0],
        "VSwitchIds": group.vswitch_ids,
        "CreationTime": to_minutes(group.created_at),
        "ModificationTime": to_minutes(group.modified_at),
        "MinSize": group.min_size,
        "MaxSize": group.max_size,
        "DesiredCapacity": group.desired_capacity,
        "EnableDesiredCapacity": group.desired_capacity is not None,
        "DefaultCooldown": group.default_cooldown,
        "InitCapacity": 0,
        **{name: counted.by_state.get(state, 0) for name, state in _COUNTERS.items()},
        "TotalCapacity": counted.total,
        "TotalInstanceCount": counted.machines,
        "SpotCapacity": counted.spot,
        "HealthCheckType": group.health_check_type,
        "HealthCheckTypes": group.options.get("HealthCheckTypes") or [group.health_check_type],
        "MultiAZPolicy": group.multi_az_policy,
        "ScalingPolicy": group.scaling_policy,
        "RemovalPolicies": group.removal_policies,
        "ActiveScalingConfigurationId": group.active_configuration_id,
        "GroupDeletionProtection": group.deletion_protection,
        "StopInstanceTimeout": group.stop_instance_timeout,
        "LaunchTemplateId": group.launch_template_id,
        "LaunchTemplateVersion": group.launch_template_version,
        "LaunchTemplateOverrides": [_shown_override(one) for one in group.launch_template_overrides],
        "SystemSuspended": is_suspended(group, now),
        "IsElasticStrengthInAlarm": False,
        "SuspendedProcesses": group.suspended_processes,
        "Tags": [{"TagKey": tag.key, "TagValue": tag.value, "Propagate": tag.propagate} for tag in group.tags],
    }
    return {name: value for name, value in tree.items() if value is not None}


def _shown_override(override: Override) -> dict[str, Any]:
    shown = {
        "InstanceType": override.instance_type,
        "WeightedCapacity": override.weight,
        "SpotPriceLimit": override.spot_price_limit,
    }
    return {name: value for name, value in shown.items() if value is not None}


@ess.operation("CreateScalingGroup")
async def create_scaling_group(service: Ess, call: Call, request: CreateScalingGroup) -> GroupCreated:
    """Create an Inactive group."""
    return GroupCreated(await service.groups.create(call, request))


@ess.operation("ModifyScalingGroup", on=on_group)
async def modify_scaling_group(service: Ess, call: Call, request: ModifyScalingGroup) -> Done:
    """Change a group."""
    await service.groups.modify(call, request)
    return Done()


@ess.operation("EnableScalingGroup", on=on_group)
async def enable_scaling_group(service: Ess, call: Call, request: EnableScalingGroup) -> Done:
    """Let a group scale."""
    await service.groups.enable(call, request)
    return Done()


@ess.operation("DisableScalingGroup", on=on_group)
async def disable_scaling_group(service: Ess, call: Call, request: OnGroup) -> Done:
    """Keep a group as it is."""
    await service.groups.disable(call, request)
    return Done()


@ess.operation("DeleteScalingGroup", on=on_group)
async def delete_scaling_group(service: Ess, call: Call, request: DeleteScalingGroup) -> Done:
    """Delete a group."""
    await service.groups.delete(call, request)
    return Done()


@ess.operation("SetGroupDeletionProtection", on=on_group)
async def set_group_deletion_protection(service: Ess, call: Call, request: SetGroupDeletionProtection) -> Done:
    """Protect a group against deletion."""
    await service.groups.protect(call, request)
    return Done()


@ess.operation("SuspendProcesses", on=on_group)
async def suspend_processes(service: Ess, call: Call, request: Processes) -> Done:
    """Suspend processes of a group."""
    await service.groups.suspend(call, request)
    return Done()


@ess.operation("ResumeProcesses", on=on_group)
async def resume_processes(service: Ess, call: Call, request: Processes) -> Done:
    """Resume processes of a group."""
    await service.groups.resume(call, request)
    return Done()


@ess.operation("DescribeScalingGroups")
async def describe_scaling_groups(service: Ess, call: Call, request: DescribeScalingGroups) -> GroupPage:
    """List groups."""
    total, found = await service.groups.describe(call, request)
    return GroupPage(
        page_number=request.page_number,
        page_size=request.page_size,
        total_count=total,
        scaling_groups=[shown_group(group, counted, service.around.now()) for group, counted in found],
    )

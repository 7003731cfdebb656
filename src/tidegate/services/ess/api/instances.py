"""Instances of groups (ess.md 12.6)."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from tidegate.clock import to_minutes, to_seconds
from tidegate.services.ess.api.product import Page, Started, ess, on, on_group, unless_none
from tidegate.services.ess.requests.instances import (
    AttachInstances,
    DescribeScalingInstances,
    DetachInstances,
    ModifyInstanceAttribute,
    OnInstances,
    RemoveInstances,
    SetInstanceHealth,
    SetInstancesProtection,
)
from tidegate.services.ess.requests.shape import OnGroup
from tidegate.services.ess.service import Ess
from tidegate.services.operation import Answer, Call, Done
from tidegate.store.ess.records import Member


class IgnoredInstance(Answer):
    """An instance that was passed over, and why."""

    instance_id: str
    code: str
    message: str


class Removed(Started):
    """The activity that removes instances."""

    ignored_instances: list[IgnoredInstance] = msgspec.field(default_factory=list)


class InstanceView(Answer, kw_only=True):
    """A member of a group."""

    instance_id: str
    scaling_group_id: str
    scaling_configuration_id: str
    launch_template_id: str | msgspec.UnsetType
    launch_template_version: str | msgspec.UnsetType
    scaling_activity_id: str
    lifecycle_state: str
    health_status: str
    creation_type: str
    entrusted: bool
    creation_time: str
    created_time: str | msgspec.UnsetType
    load_balancer_weight: int
    weighted_capacity: int
    spot_strategy: str
    warmup_state: str
    zone_id: str
    scaling_instance_id: str
    private_ip_address: str


class InstancePage(Page, kw_only=True):
    """A page of members."""

    total_spot_count: int = 0
    scaling_instances: list[InstanceView]


def _warmup_state(member: Member, now: datetime) -> str:
    if member.warmup is None:
        return "NoNeedWarmup"
    if member.joined_at is None or now < member.joined_at + timedelta(seconds=member.warmup):
        return "WaitingForInstanceWarmup"
    return "InstanceWarmupFinish"


def _shown(member: Member, now: datetime) -> InstanceView:
    return InstanceView(
        instance_id=member.instance_id,
        scaling_group_id=member.group_id,
        scaling_configuration_id=member.configuration_id or "",
        launch_template_id=unless_none(member.launch_template_id),
        launch_template_version=(
            msgspec.UNSET if member.launch_template_version is None else str(member.launch_template_version)
        ),
        scaling_activity_id=member.activity_id,
        weighted_capacity=member.capacity,
        spot_strategy=member.spot_strategy,
        scaling_instance_id=member.instance_id,
        warmup_state=_warmup_state(member, now),
        lifecycle_state=member.state,
        health_status=member.health,
        creation_type=member.creation_type,
        entrusted=member.entrusted,
        creation_time=to_minutes(member.created_at),
        created_time=msgspec.UNSET if member.joined_at is None else to_seconds(member.joined_at),
        load_balancer_weight=member.weight,
        zone_id=member.zone,
        private_ip_address=member.address,
    )


@ess.operation("AttachInstances", on=on_group)
async def attach_instances(service: Ess, call: Call, request: AttachInstances) -> Started:
    """Take existing instances into a group."""
    return Started(await service.members.attach(call, request))


@ess.operation("DetachInstances", on=on_group)
async def detach_instances(service: Ess, call: Call, request: DetachInstances) -> Started:
    """Let members go; they live on."""
    return Started(await service.members.detach(call, request))


@ess.operation("RemoveInstances", on=on_group)
async def remove_instances(service: Ess, call: Call, request: RemoveInstances) -> Removed:
    """Remove members; those that the group owns are released."""
    activity_id, ignored = await service.members.remove(call, request)
    return Removed(
        activity_id, [IgnoredInstance(one.instance_id, one.error.code, one.error.message) for one in ignored]
    )


@ess.operation("RebalanceInstances", on=on_group)
async def rebalance_instances(service: Ess, call: Call, request: OnGroup) -> Started:
    """Even out a group among its zones: instances are made where there are few, and as many leave where there are many."""
    return Started(await service.renewal.rebalance(call, request))


@ess.operation("SetInstancesProtection", on=on_group)
async def set_instances_protection(service: Ess, call: Call, request: SetInstancesProtection) -> Done:
    """Keep members from being chosen for a scale-in."""
    await service.members.protect(call, request)
    return Done()


@ess.operation("EnterStandby", on=on_group)
async def enter_standby(service: Ess, call: Call, request: OnInstances) -> Done:
    """Take members out of service; done at once, so Async names no activity (ASSUMPTION)."""
    await service.members.enter_standby(call, request)
    return Done()


@ess.operation("ExitStandby", on=on_group)
async def exit_standby(service: Ess, call: Call, request: OnInstances) -> Done:
    """Put standby members back into service."""
    await service.members.exit_standby(call, request)
    return Done()


@ess.operation("SetInstanceHealth", on=on(instance_id="instance_id"))
async def set_instance_health(service: Ess, call: Call, request: SetInstanceHealth) -> Done:
    """Mark a member as healthy or not."""
    await service.members.set_health(call, request)
    return Done()


@ess.operation("ModifyInstanceAttribute", on=on_group)
async def modify_instance_attribute(service: Ess, call: Call, request: ModifyInstanceAttribute) -> Done:
    """Entrust the life cycle of members to their group."""
    await service.members.entrust(call, request)
    return Done()


@ess.operation("DescribeScalingInstances")
async def describe_scaling_instances(service: Ess, call: Call, request: DescribeScalingInstances) -> InstancePage:
    """List members."""
    total, spot, found = await service.members.describe(call, request)
    return InstancePage(
        page_number=request.page_number,
        page_size=request.page_size,
        total_count=total,
        total_spot_count=spot,
        scaling_instances=[_shown(member, service.around.now()) for member in found],
    )

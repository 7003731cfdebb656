"""Scaling configurations (ess.md 12.4)."""

from __future__ import annotations

from typing import Any

from tidegate.clock import to_minutes
from tidegate.services.ess import limits, values
from tidegate.services.ess.api.product import Page, ess, on, on_group
from tidegate.services.ess.requests.configurations import (
    CreateScalingConfiguration,
    DescribeScalingConfigurations,
    ModifyScalingConfiguration,
    OnConfiguration,
)
from tidegate.services.ess.service import Ess
from tidegate.services.operation import Answer, Call, Done
from tidegate.store.ess.records import Configuration

_ON_CONFIGURATION = on(configuration_id="scaling_configuration_id")
#: What a configuration shows where nothing was given.
_DEFAULTS: dict[str, Any] = {
    "LoadBalancerWeight": limits.DEFAULT_LOAD_BALANCER_WEIGHT,
    "InternetChargeType": "PayByTraffic",
    "InternetMaxBandwidthIn": 10,
    "InternetMaxBandwidthOut": 0,
    "IoOptimized": "optimized",
    "SystemDiskCategory": "cloud_efficiency",
    "SystemDiskSize": 40,
    "SpotStrategy": "NoSpot",
    "PasswordInherit": False,
    "DataDisks": [],
    "SpotPriceLimits": [],
    "SystemDiskCategories": [],
}
#: ``SystemDisk.DiskName`` is shown as SystemDiskName, the others under their own names.
_DISK_NAMES = {"DiskName": "Name"}


class ConfigurationCreated(Answer):
    """The new configuration."""

    scaling_configuration_id: str


class ConfigurationPage(Page, kw_only=True):
    """A page of configurations, each with everything it was given."""

    scaling_configurations: list[dict[str, Any]]


def _shown(configuration: Configuration, *, is_active: bool) -> dict[str, Any]:
    fields = dict(configuration.fields)
    disk = fields.pop("SystemDisk", {})
    overrides = fields.pop("InstanceTypeOverrides", [])
    types = values.instance_types_of(configuration.fields)
    groups = values.security_groups_of(configuration.fields)
    return {
        **_DEFAULTS,
        **fields,
        **{f"SystemDisk{_DISK_NAMES.get(name, name)}": value for name, value in disk.items()},
        "ScalingConfigurationId": configuration.id,
        "ScalingConfigurationName": configuration.name,
        "ScalingGroupId": configuration.group_id,
        "LifecycleState": "Active" if is_active else "Inactive",
        "CreationTime": to_minutes(configuration.created_at),
        "ImageId": values.image_of(configuration.fields),
        "InstanceType": types[0],
        "InstanceTypes": types,
        "WeightedCapacities": [str(one.get("WeightedCapacity", 1)) for one in overrides],
        "SecurityGroupId": groups[0] if groups else "",
        "SecurityGroupIds": groups,
        "Tags": [{"Key": key, "Value": value} for key, value in fields.get("Tags", {}).items()],
    }


@ess.operation("CreateScalingConfiguration", on=on_group)
async def create_scaling_configuration(
    service: Ess, call: Call, request: CreateScalingConfiguration
) -> ConfigurationCreated:
    """Create an Inactive configuration."""
    return ConfigurationCreated(await service.configurations.create(call, request))


@ess.operation("ModifyScalingConfiguration", on=_ON_CONFIGURATION)
async def modify_scaling_configuration(service: Ess, call: Call, request: ModifyScalingConfiguration) -> Done:
    """Change a configuration."""
    await service.configurations.modify(call, request)
    return Done()


@ess.operation("DeactivateScalingConfiguration", on=_ON_CONFIGURATION)
async def deactivate_scaling_configuration(service: Ess, call: Call, request: OnConfiguration) -> Done:
    """Leave a group without a source of instances."""
    await service.configurations.deactivate(call, request)
    return Done()


@ess.operation("DeleteScalingConfiguration", on=_ON_CONFIGURATION)
async def delete_scaling_configuration(service: Ess, call: Call, request: OnConfiguration) -> Done:
    """Delete a configuration."""
    await service.configurations.delete(call, request)
    return Done()


@ess.operation("DescribeScalingConfigurations")
async def describe_scaling_configurations(
    service: Ess, call: Call, request: DescribeScalingConfigurations
) -> ConfigurationPage:
    """List configurations."""
    total, found = await service.configurations.describe(call, request)
    return ConfigurationPage(
        page_number=request.page_number,
        page_size=request.page_size,
        total_count=total,
        scaling_configurations=[_shown(one, is_active=is_active) for one, is_active in found],
    )

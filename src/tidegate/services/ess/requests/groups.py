"""Scaling groups (ess.md 2.2, 12.2)."""

from __future__ import annotations

import msgspec

from tidegate.services.ess.requests.bindings import (
    AlbServerGroup,
    Database,
    LoadBalancerConfig,
    ServerGroup,
    VServerGroups,
)
from tidegate.services.ess.requests.hooks import HookOfGroup
from tidegate.services.ess.requests.shape import OnGroup, Page, Tag
from tidegate.services.operation import Request
from tidegate.wire.parameters import JsonText


class CapacityOptions(Request, kw_only=True):
    """Stored and returned."""

    compensate_with_on_demand: bool | None = None
    on_demand_base_capacity: int | None = None
    on_demand_percentage_above_base_capacity: int | None = None
    price_comparison_mode: str | None = None
    spot_auto_replace_on_demand: bool | None = None


class LaunchTemplateOverride(Request, kw_only=True):
    """An instance type in place of the template's."""

    instance_type: str
    weighted_capacity: int | None = None
    spot_price_limit: float | None = None


class GroupOptions(Request, kw_only=True):
    """What is kept under its own name: how a group chooses what it makes, how it spreads and renews it."""

    allocation_strategy: str | None = None
    auto_rebalance: bool | None = None
    az_balance: bool | None = None
    balance_mode: str | None = None
    capacity_options: CapacityOptions | None = None
    compensate_with_on_demand: bool | None = None
    custom_policy_arn: str | None = msgspec.field(name="CustomPolicyARN", default=None)
    health_check_types: list[str] | None = None
    max_instance_lifetime: int | None = None
    on_demand_base_capacity: int | None = None
    on_demand_percentage_above_base_capacity: int | None = None
    spot_allocation_strategy: str | None = None
    spot_instance_pools: int | None = None
    spot_instance_remedy: bool | None = None


class GroupValues(GroupOptions, kw_only=True):
    """What can be set when a group is created and changed later."""

    scaling_group_name: str | None = None
    min_size: int | None = None
    max_size: int | None = None
    desired_capacity: int | None = None
    default_cooldown: int | None = None
    removal_policies: list[str] | None = None
    health_check_type: str | None = None
    multi_az_policy: str | None = msgspec.field(name="MultiAZPolicy", default=None)
    scaling_policy: str | None = None
    vswitch_ids: list[str] | None = None
    group_deletion_protection: bool | None = None
    stop_instance_timeout: int | None = None
    launch_template_id: str | None = None
    launch_template_version: str | None = None
    launch_template_overrides: list[LaunchTemplateOverride] | None = None


class CreateScalingGroup(GroupValues, kw_only=True):
    """CreateScalingGroup."""

    region_id: str
    vswitch_id: str | None = None
    sync_alarm_rule_to_cms: bool | None = None
    group_type: str | None = None
    instance_id: str | None = None
    container_group_id: str | None = None
    resource_group_id: str | None = None
    lifecycle_hooks: tuple[HookOfGroup, ...] = ()
    tags: tuple[Tag, ...] = ()
    load_balancer_ids: JsonText[tuple[str, ...]] = ()
    db_instance_ids: JsonText[tuple[str, ...]] = ()
    db_instances: tuple[Database, ...] = ()
    vserver_groups: tuple[VServerGroups, ...] = msgspec.field(name="VServerGroups", default=())
    alb_server_groups: tuple[AlbServerGroup, ...] = ()
    server_groups: tuple[ServerGroup, ...] = ()
    load_balancer_configs: tuple[LoadBalancerConfig, ...] = ()


class ModifyScalingGroup(GroupValues, kw_only=True):
    """ModifyScalingGroup."""

    scaling_group_id: str
    region_id: str | None = None
    disable_desired_capacity: bool = False
    active_scaling_configuration_id: str | None = None


class EnableScalingGroup(OnGroup, kw_only=True):
    """EnableScalingGroup."""

    active_scaling_configuration_id: str | None = None
    launch_template_id: str | None = None
    launch_template_version: str | None = None
    launch_template_overrides: list[LaunchTemplateOverride] | None = None
    instance_ids: tuple[str, ...] = ()
    load_balancer_weights: tuple[int, ...] = ()


class DeleteScalingGroup(OnGroup, kw_only=True):
    """DeleteScalingGroup."""

    force_delete: bool = False


class SetGroupDeletionProtection(OnGroup, kw_only=True):
    """SetGroupDeletionProtection."""

    group_deletion_protection: bool


class Processes(OnGroup, kw_only=True):
    """SuspendProcesses, ResumeProcesses."""

    processes: list[str]


class DescribeScalingGroups(Page, kw_only=True):
    """DescribeScalingGroups."""

    region_id: str
    scaling_group_ids: tuple[str, ...] = ()
    scaling_group_names: tuple[str, ...] = ()
    scaling_group_name: str | None = None
    group_type: str | None = None
    resource_group_id: str | None = None
    tags: tuple[Tag, ...] = ()

"""The requests of Auto Scaling's operations, spelled as 2022-02-22 spells them (ess.md 12)."""

from __future__ import annotations

from typing import Any

import msgspec

from tidegate.services.operation import Request
from tidegate.wire.parameters import JsonText

# Enumerations stay texts here: the words for a bad one belong to the operation, not to the decoder.


def given(request: Request, kind: type[Request]) -> dict[str, Any]:
    """Return the fields of ``kind`` that ``request`` was given, under their wire names, as plain values."""
    tree = msgspec.to_builtins(request)
    return {name: _without_gaps(tree[name]) for name in kind.__struct_encode_fields__ if tree[name] is not None}


def _without_gaps(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_gaps(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_gaps(item) for item in value]
    return value


class Tag(Request, kw_only=True):
    """A tag in a request."""

    key: str = ""
    value: str = ""
    propagate: bool = False


# ---- scaling groups --------------------------------------------------------------------------------------------------


class HookOfGroup(Request, kw_only=True):
    """A hook that is created with its group."""

    lifecycle_transition: str
    lifecycle_hook_name: str | None = None
    default_result: str | None = None
    heartbeat_timeout: str | None = None
    notification_arn: str | None = None
    notification_metadata: str | None = None


class CapacityOptions(Request, kw_only=True):
    """Stored and returned."""

    compensate_with_on_demand: bool | None = None
    on_demand_base_capacity: int | None = None
    on_demand_percentage_above_base_capacity: int | None = None
    price_comparison_mode: str | None = None
    spot_auto_replace_on_demand: bool | None = None


class GroupOptions(Request, kw_only=True):
    """What is stored and returned, and changes nothing else."""

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


class IdOf(Request):
    """A structure of which only an id is looked at."""

    load_balancer_id: str | None = None
    server_group_id: str | None = None
    alb_server_group_id: str | None = None
    db_instance_id: str | None = None


class CreateScalingGroup(GroupValues, kw_only=True):
    """CreateScalingGroup."""

    region_id: str
    vswitch_id: str | None = None
    group_type: str | None = None
    resource_group_id: str | None = None
    lifecycle_hooks: tuple[HookOfGroup, ...] = ()
    tags: tuple[Tag, ...] = ()
    load_balancer_ids: JsonText[tuple[str, ...]] = ()
    db_instance_ids: JsonText[tuple[str, ...]] = ()
    db_instances: tuple[IdOf, ...] = ()
    vserver_groups: tuple[IdOf, ...] = msgspec.field(name="VServerGroups", default=())
    alb_server_groups: tuple[IdOf, ...] = ()
    server_groups: tuple[IdOf, ...] = ()
    load_balancer_configs: tuple[IdOf, ...] = ()


class ModifyScalingGroup(GroupValues, kw_only=True):
    """ModifyScalingGroup."""

    scaling_group_id: str
    region_id: str | None = None
    disable_desired_capacity: bool = False
    active_scaling_configuration_id: str | None = None


class OnGroup(Request, kw_only=True):
    """Names one group."""

    scaling_group_id: str
    region_id: str | None = None


class EnableScalingGroup(OnGroup, kw_only=True):
    """EnableScalingGroup."""

    active_scaling_configuration_id: str | None = None
    launch_template_id: str | None = None
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


class Page(Request, kw_only=True):
    """PageNumber and PageSize (ess.md 13.2)."""

    page_number: int = 1
    page_size: int = 10


class DescribeScalingGroups(Page, kw_only=True):
    """DescribeScalingGroups."""

    region_id: str
    scaling_group_ids: tuple[str, ...] = ()
    scaling_group_names: tuple[str, ...] = ()
    scaling_group_name: str | None = None
    group_type: str | None = None
    resource_group_id: str | None = None
    tags: tuple[Tag, ...] = ()


# ---- tags ------------------------------------------------------------------------------------------------------------


class OnResources(Request, kw_only=True):
    """ResourceType is ``scalinggroup``."""

    region_id: str
    resource_type: str
    resource_ids: tuple[str, ...] = ()


class TagResources(OnResources, kw_only=True):
    """TagResources."""

    tags: list[Tag]


class UntagResources(OnResources, kw_only=True):
    """UntagResources."""

    tag_keys: tuple[str, ...] = ()
    all: bool = False


class ListTagResources(OnResources, kw_only=True):
    """ListTagResources."""

    tags: tuple[Tag, ...] = ()
    next_token: str | None = None


class ListTags(Request, kw_only=True):
    """ListTagKeys, ListTagValues."""

    region_id: str
    resource_type: str
    key: str | None = None
    next_token: str | None = None
    page_size: int = 50


# ---- scaling configurations ------------------------------------------------------------------------------------------


class SystemDisk(Request, kw_only=True):
    """The system disk of new instances."""

    auto_snapshot_policy_id: str | None = None
    bursting_enabled: bool | None = None
    category: str | None = None
    description: str | None = None
    disk_name: str | None = None
    encrypt_algorithm: str | None = None
    encrypted: bool | None = None
    kms_key_id: str | None = msgspec.field(name="KMSKeyId", default=None)
    performance_level: str | None = None
    provisioned_iops: int | None = None
    size: int | None = None


class DataDisk(Request, kw_only=True):
    """A data disk of new instances."""

    auto_snapshot_policy_id: str | None = None
    bursting_enabled: bool | None = None
    category: str | None = None
    delete_with_instance: bool | None = None
    description: str | None = None
    device: str | None = None
    disk_name: str | None = None
    encrypted: str | None = None
    kms_key_id: str | None = msgspec.field(name="KMSKeyId", default=None)
    performance_level: str | None = None
    provisioned_iops: int | None = None
    size: int | None = None
    snapshot_id: str | None = None


class SpotPriceLimit(Request, kw_only=True):
    """What a spot instance may cost."""

    instance_type: str | None = None
    price_limit: float | None = None


class InstanceTypeOverride(Request, kw_only=True):
    """An instance type and what it counts for."""

    instance_type: str | None = None
    weighted_capacity: int | None = None


class ConfigurationValues(Request, kw_only=True):
    """What instances are made from; everything that is given is stored and returned."""

    affinity: str | None = None
    cpu: int | None = None
    credit_specification: str | None = None
    data_disks: list[DataDisk] | None = None
    dedicated_host_id: str | None = None
    deletion_protection: bool | None = None
    deployment_set_id: str | None = None
    host_name: str | None = None
    hpc_cluster_id: str | None = None
    http_endpoint: str | None = None
    http_tokens: str | None = None
    image_family: str | None = None
    image_id: str | None = None
    image_name: str | None = None
    instance_description: str | None = None
    instance_name: str | None = None
    instance_type: str | None = None
    instance_type_overrides: list[InstanceTypeOverride] | None = None
    instance_types: list[str] | None = None
    internet_charge_type: str | None = None
    internet_max_bandwidth_in: int | None = None
    internet_max_bandwidth_out: int | None = None
    io_optimized: str | None = None
    key_pair_name: str | None = None
    load_balancer_weight: int | None = None
    memory: float | None = None
    password_inherit: bool | None = None
    ram_role_name: str | None = None
    resource_group_id: str | None = None
    security_enhancement_strategy: str | None = None
    security_group_id: str | None = None
    security_group_ids: list[str] | None = None
    spot_duration: int | None = None
    spot_interruption_behavior: str | None = None
    spot_price_limits: list[SpotPriceLimit] | None = None
    spot_strategy: str | None = None
    system_disk: SystemDisk | None = None
    system_disk_categories: list[str] | None = None
    tags: JsonText[dict[str, str]] | None = None
    tenancy: str | None = None
    user_data: str | None = None
    zone_id: str | None = None


class CreateScalingConfiguration(ConfigurationValues, kw_only=True):
    """CreateScalingConfiguration."""

    scaling_group_id: str
    scaling_configuration_name: str | None = None
    password: str | None = None
    region_id: str | None = None


class ModifyScalingConfiguration(ConfigurationValues, kw_only=True):
    """ModifyScalingConfiguration."""

    scaling_configuration_id: str
    scaling_configuration_name: str | None = None
    password: str | None = None
    override: bool = False
    region_id: str | None = None


class OnConfiguration(Request, kw_only=True):
    """Names one configuration."""

    scaling_configuration_id: str
    region_id: str | None = None


class DescribeScalingConfigurations(Page, kw_only=True):
    """DescribeScalingConfigurations."""

    region_id: str
    scaling_group_id: str | None = None
    scaling_configuration_ids: tuple[str, ...] = ()
    scaling_configuration_names: tuple[str, ...] = ()


# ---- scaling rules ---------------------------------------------------------------------------------------------------


class RuleValues(Request, kw_only=True):
    """What can be set when a rule is created and changed later."""

    scaling_rule_name: str | None = None
    adjustment_type: str | None = None
    adjustment_value: int | None = None
    min_adjustment_magnitude: int | None = None
    cooldown: int | None = None
    region_id: str | None = None


class CreateScalingRule(RuleValues, kw_only=True):
    """CreateScalingRule."""

    scaling_group_id: str
    scaling_rule_type: str = "SimpleScalingRule"


class ModifyScalingRule(RuleValues, kw_only=True):
    """ModifyScalingRule."""

    scaling_rule_id: str


class OnRule(Request, kw_only=True):
    """Names one rule."""

    scaling_rule_id: str
    region_id: str | None = None


class DescribeScalingRules(Page, kw_only=True):
    """DescribeScalingRules."""

    region_id: str
    scaling_group_id: str | None = None
    scaling_rule_ids: tuple[str, ...] = ()
    scaling_rule_names: tuple[str, ...] = ()
    scaling_rule_aris: tuple[str, ...] = ()
    scaling_rule_type: str | None = None


class ExecuteScalingRule(Request, kw_only=True):
    """ExecuteScalingRule."""

    scaling_rule_ari: str
    region_id: str | None = None


class HookContext(Request, kw_only=True):
    """LifecycleHookContext: which hooks an activity runs (ess.md 3.12)."""

    disable_lifecycle_hook: bool = False
    ignored_lifecycle_hook_ids: tuple[str, ...] = ()
    lifecycle_hook_result: str | None = None


class ScaleWithAdjustment(OnGroup, kw_only=True):
    """ScaleWithAdjustment."""

    adjustment_type: str
    adjustment_value: int
    min_adjustment_magnitude: int | None = None
    sync_activity: bool = False
    activity_metadata: str | None = None
    lifecycle_hook_context: JsonText[HookContext] | None = None


# ---- instances -------------------------------------------------------------------------------------------------------


class OnInstances(OnGroup, kw_only=True):
    """Names instances of one group."""

    instance_ids: list[str]
    ignore_invalid_instance: bool = False


class AttachInstances(OnInstances, kw_only=True):
    """AttachInstances."""

    load_balancer_weights: tuple[int, ...] = ()
    entrusted: bool = False
    lifecycle_hook: bool = False


class DetachInstances(OnInstances, kw_only=True):
    """DetachInstances."""

    decrease_desired_capacity: bool = True
    detach_option: str | None = None
    lifecycle_hook: bool = False


class RemoveInstances(OnInstances, kw_only=True):
    """RemoveInstances."""

    decrease_desired_capacity: bool = True
    remove_policy: str = "release"
    lifecycle_hook_context: JsonText[HookContext] | None = None
    stop_instance_timeout: int | None = None


class SetInstancesProtection(OnInstances, kw_only=True):
    """SetInstancesProtection."""

    protected_from_scale_in: bool


class SetInstanceHealth(Request, kw_only=True):
    """SetInstanceHealth."""

    instance_id: str
    health_status: str
    region_id: str | None = None


class ModifyInstanceAttribute(OnGroup, kw_only=True):
    """ModifyInstanceAttribute."""

    instance_id: str | None = None
    instance_ids: tuple[str, ...] = ()
    entrusted: bool


class DescribeScalingInstances(Page, kw_only=True):
    """DescribeScalingInstances."""

    region_id: str
    scaling_group_id: str | None = None
    scaling_configuration_id: str | None = None
    scaling_activity_id: str | None = None
    instance_ids: tuple[str, ...] = ()
    health_status: str | None = None
    lifecycle_state: str | None = None
    lifecycle_states: tuple[str, ...] = ()
    creation_type: str | None = None
    creation_types: tuple[str, ...] = ()


# ---- lifecycle hooks -------------------------------------------------------------------------------------------------


class CreateLifecycleHook(HookOfGroup, kw_only=True):
    """CreateLifecycleHook."""

    scaling_group_id: str
    region_id: str | None = None


class ModifyLifecycleHook(Request, kw_only=True):
    """ModifyLifecycleHook."""

    lifecycle_hook_id: str | None = None
    scaling_group_id: str | None = None
    lifecycle_hook_name: str | None = None
    lifecycle_transition: str | None = None
    default_result: str | None = None
    heartbeat_timeout: str | None = None
    notification_arn: str | None = None
    notification_metadata: str | None = None
    lifecycle_hook_status: str | None = None
    region_id: str | None = None


class DeleteLifecycleHook(Request, kw_only=True):
    """DeleteLifecycleHook."""

    lifecycle_hook_id: str | None = None
    scaling_group_id: str | None = None
    lifecycle_hook_name: str | None = None
    region_id: str | None = None


class DescribeLifecycleHooks(Request, kw_only=True):
    """DescribeLifecycleHooks."""

    lifecycle_hook_ids: tuple[str, ...] = ()
    scaling_group_id: str | None = None
    lifecycle_hook_name: str | None = None
    page_number: int = 1
    page_size: int = 50
    region_id: str | None = None


class DescribeLifecycleActions(Request, kw_only=True):
    """DescribeLifecycleActions."""

    scaling_activity_id: str
    lifecycle_action_status: str | None = None
    max_results: int = 10
    next_token: str | None = None
    region_id: str | None = None


class CompleteLifecycleAction(Request, kw_only=True):
    """CompleteLifecycleAction."""

    lifecycle_hook_id: str
    lifecycle_action_token: str
    lifecycle_action_result: str | None = None
    region_id: str | None = None


class RecordLifecycleActionHeartbeat(Request, kw_only=True):
    """RecordLifecycleActionHeartbeat, whose names are lower-camel on the wire."""

    lifecycle_hook_id: str = msgspec.field(name="lifecycleHookId")
    lifecycle_action_token: str = msgspec.field(name="lifecycleActionToken")
    heartbeat_timeout: str | None = msgspec.field(name="heartbeatTimeout", default=None)
    region_id: str | None = None


# ---- activities and the account --------------------------------------------------------------------------------------


class DescribeScalingActivities(Page, kw_only=True):
    """DescribeScalingActivities."""

    region_id: str
    scaling_group_id: str | None = None
    scaling_activity_ids: tuple[str, ...] = ()
    instance_refresh_task_id: str | None = None
    status_code: str | None = None


class DescribeScalingActivityDetail(Request, kw_only=True):
    """DescribeScalingActivityDetail."""

    scaling_activity_id: str
    region_id: str | None = None


class Nothing(Request):
    """An operation without parameters of its own."""

"""Scaling configurations (ess.md 12.4)."""

from __future__ import annotations

from typing import Any

import msgspec

from tidegate.services.ess.requests.shape import Page
from tidegate.services.operation import Request
from tidegate.wire.parameters import JsonText


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


class InstancePatternInfo(Request, kw_only=True):
    """What instance types must be like, where none is named."""

    architectures: list[str] | None = None
    burstable_performance: str | None = None
    cores: int | None = None
    cpu_architectures: list[str] | None = None
    excluded_instance_types: list[str] | None = None
    instance_categories: list[str] | None = None
    instance_family_level: str | None = None
    instance_type_families: list[str] | None = None
    max_price: float | None = None
    maximum_cpu_core_count: int | None = None
    maximum_memory_size: float | None = None
    memory: float | None = None
    minimum_cpu_core_count: int | None = None
    minimum_memory_size: float | None = None


class CustomPriority(Request, kw_only=True):
    """A type in a vSwitch, in the order in which they are tried."""

    instance_type: str | None = None
    vswitch_id: str | None = msgspec.field(name="VswitchId", default=None)


class NetworkInterface(Request, kw_only=True):
    """A network interface of new instances."""

    instance_type: str | None = None
    ipv6_address_count: int | None = None
    network_interface_traffic_mode: str | None = None
    secondary_private_ip_address_count: int | None = None
    security_group_ids: list[str] | None = None


class PoolOptions(Request, kw_only=True):
    """Which private pool new instances come from."""

    id: str | None = None
    match_criteria: str | None = None


class SecurityOptions(Request, kw_only=True):
    """How new instances are kept confidential."""

    confidential_computing_mode: str | None = None


class ImageOptions(Request, kw_only=True):
    """Who signs in to new instances."""

    login_as_non_root: bool | None = None


class InstanceTypeCandidateOptions(Request, kw_only=True):
    """Which types may stand in for those that are named; other zones are never added by themselves here."""

    allow_cidr_blocks: list[str] | None = None
    allow_cross_az: bool | None = None
    allow_different_generation: bool | None = None
    enabled: bool | None = None
    max_price: float | None = None


class ConfigurationValues(Request, kw_only=True):
    """What instances are made from; everything that is given is stored and returned."""

    affinity: str | None = None
    cpu: int | None = None
    credit_specification: str | None = None
    custom_priorities: list[CustomPriority] | None = None
    data_disks: list[DataDisk] | None = None
    dedicated_host_cluster_id: str | None = None
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
    image_options: ImageOptions | None = None
    instance_description: str | None = None
    instance_name: str | None = None
    instance_pattern_infos: list[InstancePatternInfo] | None = None
    instance_type: str | None = None
    instance_type_overrides: list[InstanceTypeOverride] | None = None
    instance_type_candidate_options: InstanceTypeCandidateOptions | None = None
    instance_types: list[str] | None = None
    internet_charge_type: str | None = None
    internet_max_bandwidth_in: int | None = None
    internet_max_bandwidth_out: int | None = None
    io_optimized: str | None = None
    ipv6_address_count: int | None = None
    key_pair_name: str | None = None
    load_balancer_weight: int | None = None
    memory: float | None = None
    network_interfaces: list[NetworkInterface] | None = None
    password_inherit: bool | None = None
    private_pool_options: PoolOptions | None = None
    ram_role_name: str | None = None
    resource_group_id: str | None = None
    scheduler_options: JsonText[dict[str, Any]] | None = None
    security_enhancement_strategy: str | None = None
    security_group_id: str | None = None
    security_group_ids: list[str] | None = None
    security_options: SecurityOptions | None = None
    spot_duration: int | None = None
    spot_interruption_behavior: str | None = None
    spot_price_limits: list[SpotPriceLimit] | None = None
    spot_strategy: str | None = None
    storage_set_id: str | None = None
    storage_set_partition_number: int | None = None
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

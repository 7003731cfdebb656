"""What a launch asks for, on its own or on top of a launch template (ecs.md 3, 10)."""

from __future__ import annotations

import msgspec

from tidegate.services.operation import Request, wire_name
from tidegate.services.tagging import Tag


class SystemDisk(Request, kw_only=True):
    """The system disk wanted."""

    auto_snapshot_policy_id: str | None = None
    bursting_enabled: bool | None = None
    category: str | None = None
    delete_with_instance: bool | None = None
    description: str | None = None
    disk_name: str | None = None
    encrypted: str | None = None
    iops: int | None = None
    kms_key_id: str | None = msgspec.field(name="KMSKeyId", default=None)
    performance_level: str | None = None
    provisioned_iops: int | None = None
    size: int | None = None


class DataDisk(Request, kw_only=True):
    """A data disk wanted."""

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


class NetworkInterface(Request, kw_only=True):
    """A network interface wanted."""

    delete_on_release: bool | None = None
    description: str | None = None
    instance_type: str | None = None
    network_interface_name: str | None = None
    network_interface_traffic_mode: str | None = None
    primary_ip_address: str | None = None
    security_group_id: str | None = None
    security_group_ids: list[str] | None = None
    vswitch_id: str | None = None


class LaunchFields(Request, kw_only=True):
    """Everything that can be said about instances to be made; None = not said."""

    auto_release_time: str | None = None
    auto_renew: bool | None = None
    auto_renew_period: int | None = None
    credit_specification: str | None = None
    data_disk: list[DataDisk] | None = None
    deletion_protection: bool | None = None
    deployment_set_id: str | None = None
    description: str | None = None
    enable_vm_os_config: bool | None = None
    host_name: str | None = None
    http_endpoint: str | None = None
    http_put_response_hop_limit: int | None = None
    http_tokens: str | None = None
    image_family: str | None = None
    image_id: str | None = None
    image_owner_alias: str | None = None
    instance_charge_type: str | None = None
    instance_name: str | None = None
    instance_type: str | None = None
    internet_charge_type: str | None = None
    internet_max_bandwidth_in: int | None = None
    internet_max_bandwidth_out: int | None = None
    io_optimized: str | None = None
    ipv6_address_count: int | None = None
    key_pair_name: str | None = None
    network_interface: list[NetworkInterface] | None = None
    network_type: str | None = None
    password_inherit: bool | None = None
    period: int | None = None
    period_unit: str | None = None
    private_ip_address: str | None = None
    ram_role_name: str | None = None
    resource_group_id: str | None = None
    security_enhancement_strategy: str | None = None
    security_group_id: str | None = None
    security_group_ids: list[str] | None = None
    spot_duration: int | None = None
    spot_price_limit: float | None = None
    spot_strategy: str | None = None
    system_disk: SystemDisk | None = None
    tag: list[Tag] | None = None
    user_data: str | None = None
    vswitch_id: str | None = None
    vpc_id: str | None = None
    zone_id: str | None = None


class Disk(msgspec.Struct, rename=wire_name):
    """The system disk, completed."""

    category: str = "cloud_essd"
    size: int = 0
    disk_name: str = ""


class Wanted(msgspec.Struct, kw_only=True, rename=wire_name):
    """What instances are made of, completed with what holds where nothing is said."""

    image_id: str | None = None
    image_family: str | None = None
    instance_type: str | None = None
    security_group_id: str | None = None
    security_group_ids: list[str] = msgspec.field(default_factory=list)
    vswitch_id: str | None = None
    zone_id: str | None = None
    private_ip_address: str | None = None
    instance_name: str = ""
    host_name: str = ""
    description: str = ""
    instance_charge_type: str = "PostPaid"
    period: int = 1
    period_unit: str = "Month"
    auto_release_time: str = ""
    spot_strategy: str = "NoSpot"
    spot_price_limit: float = 0.0
    internet_charge_type: str = "PayByTraffic"
    internet_max_bandwidth_in: int = 10
    internet_max_bandwidth_out: int = 0
    system_disk: Disk = msgspec.field(default_factory=Disk)
    data_disk: list[DataDisk] = msgspec.field(default_factory=list)
    key_pair_name: str = ""
    ram_role_name: str = ""
    user_data: str | None = None
    tag: list[Tag] = msgspec.field(default_factory=list)
    resource_group_id: str = ""
    deletion_protection: bool = False
    deployment_set_id: str = ""
    credit_specification: str = ""

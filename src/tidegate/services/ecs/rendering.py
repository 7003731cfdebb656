"""How an instance looks in DescribeInstances, encoded once for each version of its row (ecs.md 2)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

import msgspec

from tidegate.clock import to_minutes
from tidegate.services.ecs import catalog
from tidegate.services.ecs.model import mac_of
from tidegate.services.ecs.states import Status, shown
from tidegate.services.operation import Answer
from tidegate.store.ecs.attachments import NOTHING_BOUND, Bound, Eip, Interface
from tidegate.store.ecs.instances import Instance


class EipAddress(Answer):
    """The elastic address of an instance; empty when none is bound."""

    allocation_id: str = ""
    ip_address: str = ""
    internet_charge_type: str = ""
    bandwidth: int = 0
    is_support_unassociate: bool = True


class IpAddresses(Answer):
    """A list of addresses."""

    ip_address: Sequence[str] = ()


class VpcAttributes(Answer):
    """Where an instance stands in its VPC."""

    vpc_id: str
    vswitch_id: str
    private_ip_address: IpAddresses
    nat_ip_address: str = ""


class SecurityGroupIds(Answer):
    """A list of security groups."""

    security_group_id: list[str]


class PrivateIpSet(Answer):
    """One address of a network interface."""

    private_ip_address: str
    primary: bool = True


class PrivateIpSets(Answer):
    """The addresses of a network interface."""

    private_ip_set: list[PrivateIpSet]


class Ipv6Sets(Answer):
    """The IPv6 addresses of a network interface; it has none."""

    ipv6_set: Sequence[str] = ()


class NetworkInterface(Answer):
    """A network interface of an instance."""

    network_interface_id: str
    mac_address: str
    primary_ip_address: str
    private_ip_sets: PrivateIpSets
    type: str = "Primary"
    ipv6_sets: Ipv6Sets = msgspec.field(default_factory=Ipv6Sets)


class NetworkInterfaces(Answer):
    """A list of network interfaces."""

    network_interface: list[NetworkInterface]


class InstanceTag(Answer):
    """A tag as DescribeInstances spells it."""

    tag_key: str
    tag_value: str


class InstanceTags(Answer):
    """The tags of an instance."""

    tag: list[InstanceTag]


class LockReasons(Answer):
    """Why an instance is locked; none ever is."""

    lock_reason: Sequence[str] = ()


class MetadataOptions(Answer):
    """How the metadata service is reached."""

    http_endpoint: str = ""
    http_tokens: str = ""


class InstanceAnswer(Answer):
    """One instance. ``EipAddress`` stands before the other address fields: footmark depends on it (wire.md 7)."""

    instance_id: str
    instance_name: str
    host_name: str
    description: str
    serial_number: str
    region_id: str
    zone_id: str
    cluster_id: str
    status: str
    stopped_mode: str
    image_id: str
    os_name: str
    os_name_en: str
    os_type: str
    instance_type: str
    instance_type_family: str
    cpu: int
    memory: int
    gpu_amount: int
    gpu_spec: str
    local_storage_amount: int
    local_storage_capacity: int
    instance_charge_type: str
    sale_cycle: str
    expired_time: str
    auto_release_time: str
    recyclable: bool
    spot_strategy: str
    spot_price_limit: float
    spot_duration: int
    creation_time: str
    start_time: str
    instance_network_type: str
    eip_address: EipAddress
    public_ip_address: IpAddresses
    inner_ip_address: IpAddresses
    vpc_attributes: VpcAttributes
    security_group_ids: SecurityGroupIds
    network_interfaces: NetworkInterfaces
    internet_charge_type: str
    internet_max_bandwidth_in: int
    internet_max_bandwidth_out: int
    tags: InstanceTags
    key_pair_name: str
    resource_group_id: str
    deletion_protection: bool
    io_optimized: bool
    device_available: bool
    credit_specification: str
    vlan_id: str
    deployment_set_id: str
    hpc_cluster_id: str
    operation_locks: LockReasons
    metadata_options: MetadataOptions


def describe(instance: Instance, tags: Mapping[str, str], bound: Bound = NOTHING_BOUND) -> InstanceAnswer:
    """Return the whole shape of an instance."""
    kind = catalog.INSTANCE_TYPES[instance.instance_type]
    image = catalog.IMAGES[instance.options.base_image_id or instance.image_id]
    options = instance.options
    return InstanceAnswer(
        instance_id=instance.id,
        instance_name=instance.name,
        host_name=instance.host_name,
        description=instance.description,
        serial_number=instance.serial_number,
        region_id=instance.region,
        zone_id=instance.zone,
        cluster_id="",
        status=shown(Status(instance.status)),
        stopped_mode=instance.stopped_mode,
        image_id=instance.image_id,
        os_name=image.os_name,
        os_name_en=image.os_name_en,
        os_type=image.os_type,
        instance_type=kind.id,
        instance_type_family=kind.family,
        cpu=kind.cpu,
        memory=kind.memory_mib,
        gpu_amount=0,
        gpu_spec="",
        local_storage_amount=0,
        local_storage_capacity=0,
        instance_charge_type=instance.charge_type,
        sale_cycle="",
        expired_time=options.expired_at,
        auto_release_time=options.auto_release_at,
        recyclable=False,
        spot_strategy=options.spot_strategy,
        spot_price_limit=options.spot_price_limit,
        spot_duration=0,
        creation_time=to_minutes(instance.created_at),
        start_time="" if instance.started_at is None else to_minutes(instance.started_at),
        instance_network_type="vpc",
        eip_address=_eip(bound.eip),
        public_ip_address=IpAddresses(),
        inner_ip_address=IpAddresses(),
        vpc_attributes=VpcAttributes(
            vpc_id=instance.vpc_id,
            vswitch_id=instance.vswitch_id,
            private_ip_address=IpAddresses([instance.address]),
        ),
        security_group_ids=SecurityGroupIds(instance.security_group_ids),
        network_interfaces=NetworkInterfaces(
            [_primary_interface(instance), *(_further_interface(one) for one in bound.interfaces)]
        ),
        internet_charge_type=options.internet_charge_type,
        internet_max_bandwidth_in=options.bandwidth_in,
        internet_max_bandwidth_out=options.bandwidth_out,
        tags=InstanceTags([InstanceTag(key, value) for key, value in tags.items()]),
        key_pair_name=options.key_pair_name,
        resource_group_id=instance.resource_group_id,
        deletion_protection=instance.deletion_protection,
        io_optimized=True,
        device_available=True,
        credit_specification=options.credit_specification,
        vlan_id="",
        deployment_set_id=options.deployment_set_id,
        hpc_cluster_id="",
        operation_locks=LockReasons(),
        metadata_options=MetadataOptions(),
    )


def _primary_interface(instance: Instance) -> NetworkInterface:
    return NetworkInterface(
        network_interface_id=instance.interface_id,
        mac_address=mac_of(instance.address),
        primary_ip_address=instance.address,
        private_ip_sets=PrivateIpSets([PrivateIpSet(instance.address)]),
    )


def _further_interface(one: Interface) -> NetworkInterface:
    return NetworkInterface(
        network_interface_id=one.id,
        mac_address=mac_of(one.address),
        primary_ip_address=one.address,
        private_ip_sets=PrivateIpSets([PrivateIpSet(one.address)]),
        type=one.type,
    )


def _eip(eip: Eip | None) -> EipAddress:
    if eip is None:
        return EipAddress()
    return EipAddress(
        allocation_id=eip.id,
        ip_address=eip.address,
        internet_charge_type=eip.charge_type,
        bandwidth=eip.bandwidth,
    )


class Renderings:
    """Remembers the encoded form of the instances that were asked for last, each at one version."""

    def __init__(self, capacity: int = 4096) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[str, tuple[int, msgspec.Raw]] = OrderedDict()

    def get(self, instance_id: str, version: int) -> msgspec.Raw | None:
        """Return the encoded form at ``version``; None when it is not remembered."""
        kept = self._kept.get(instance_id)
        return kept[1] if kept is not None and kept[0] == version else None

    def put(self, instance: Instance, tags: Mapping[str, str], bound: Bound) -> msgspec.Raw:
        """Encode an instance, remember it, and return the encoded form."""
        rendering = msgspec.Raw(msgspec.json.encode(describe(instance, tags, bound)))
        self._kept[instance.id] = (instance.version, rendering)
        self._kept.move_to_end(instance.id)
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        return rendering

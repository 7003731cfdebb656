"""DescribeInstances and DescribeInstanceAttribute (kvstore.md 3 and 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.kvstore import limits
from tidegate.services.kvstore.api.product import (
    InstanceRequest,
    kvstore,
    on_instance,
    on_instances,
)
from tidegate.services.kvstore.classes import CLASSES
from tidegate.services.kvstore.errors import invalid_parameter
from tidegate.services.kvstore.service import Kvstore
from tidegate.services.operation import Answer, Call, Request
from tidegate.services.tagging import TagFilter, TagItem, TagItems
from tidegate.services.whitelist.model import DEFAULT_GROUP
from tidegate.store.kvstore import Instance


class DescribeInstancesRequest(Request):
    """Which instances, and which page of them."""

    instance_ids: str | None = None
    instance_status: str | None = None
    instance_type: str | None = None
    architecture_type: str | None = None
    edition_type: str | None = None
    engine_version: str | None = None
    instance_class: str | None = None
    charge_type: str | None = None
    network_type: str | None = None
    node_type: str | None = None
    expired: str | None = None
    search_key: str | None = None
    private_ip: str | None = None
    vpc_id: str | None = None
    vswitch_id: str | None = None
    zone_id: str | None = None
    resource_group_id: str | None = None
    tag: list[TagFilter] = msgspec.field(default_factory=list)
    page_number: int = 1
    page_size: int = limits.PAGE_SIZE


class _Common(Answer):
    """What both operations tell about an instance."""

    instance_id: str
    instance_name: str
    instance_status: str
    instance_class: str
    instance_type: str
    architecture_type: str
    edition_type: str
    engine_version: str
    node_type: str
    capacity: int
    bandwidth: int
    connections: int
    qps: int
    connection_domain: str
    port: int
    private_ip: str
    region_id: str
    zone_id: str
    vpc_id: str
    vswitch_id: str
    network_type: str
    charge_type: str
    create_time: str
    end_time: str
    resource_group_id: str
    package_type: str
    replacate_id: str
    config: str
    is_rds: bool
    tags: TagItems


class KVStoreInstance(_Common, kw_only=True):
    """An instance in a list."""

    user_name: str
    connection_mode: str = "Standard"
    has_renew_change_order: bool = False


class InstanceList(Answer):
    """Instances."""

    kvstore_instance: Sequence[KVStoreInstance] = msgspec.field(name="KVStoreInstance")


class DescribeInstancesAnswer(Answer):
    """One page of instances."""

    instances: InstanceList
    page_number: int
    page_size: int
    total_count: int


@kvstore.operation("DescribeInstances", on=on_instances)
async def describe_instances(
    service: Kvstore, call: Call, request: DescribeInstancesRequest
) -> DescribeInstancesAnswer:
    """List the instances that fit every condition, newest first."""
    if request.page_number < 1:
        raise invalid_parameter("PageNumber")
    if not 1 <= request.page_size <= limits.MAX_PAGE_SIZE:
        raise invalid_parameter("PageSize")
    if len(request.tag) > limits.TAG_FILTERS:
        raise invalid_parameter("Tag")
    wanted = _ids(request)
    found = [
        one
        for one in await service.instances.of_account(call.account_id, call.region)
        if (wanted is None or one.id in wanted) and _fits(one, service.status(one), request)
    ]
    first = (request.page_number - 1) * request.page_size
    page = [
        KVStoreInstance(**_fields(one, service.status(one)), user_name=one.id)
        for one in found[first : first + request.page_size]
    ]
    return DescribeInstancesAnswer(InstanceList(page), request.page_number, request.page_size, len(found))


def _ids(request: DescribeInstancesRequest) -> set[str] | None:
    if not request.instance_ids:
        return None
    wanted = {part.strip() for part in request.instance_ids.split(",")}
    if len(wanted) > limits.INSTANCE_IDS:
        raise invalid_parameter("InstanceIds")
    return wanted


def _fits(instance: Instance, status: str, request: DescribeInstancesRequest) -> bool:
    """Tell whether the instance meets every condition that is given."""
    shown = _fields(instance, status)
    conditions = msgspec.structs.asdict(request)
    same = (
        *("instance_type", "architecture_type", "edition_type", "engine_version", "instance_class", "charge_type"),
        *("network_type", "node_type", "private_ip", "vpc_id", "vswitch_id", "zone_id", "resource_group_id"),
        "instance_status",
    )
    return (
        all(conditions[name] in (None, "", shown[name]) for name in same)
        and (not request.search_key or request.search_key in instance.id or request.search_key in instance.name)
        # Nothing here expires: a subscription goes on.
        and request.expired in (None, "", "false")
        and all(tag.key in instance.tags and tag.value in (None, instance.tags[tag.key]) for tag in request.tag)
    )


def _fields(instance: Instance, status: str) -> dict[str, Any]:
    """Return what both operations tell about an instance."""
    chosen = CLASSES[instance.instance_class]
    return {
        "instance_id": instance.id,
        "instance_name": instance.name,
        "instance_status": str(status),
        "instance_class": chosen.id,
        "instance_type": chosen.kind,
        "architecture_type": "standard",
        "edition_type": chosen.edition,
        "engine_version": instance.engine_version,
        "node_type": instance.node_type,
        "capacity": instance.capacity,
        "bandwidth": chosen.bandwidth,
        "connections": chosen.connections,
        "qps": chosen.qps,
        "connection_domain": instance.connection_domain,
        "port": instance.port,
        "private_ip": instance.private_ip,
        "region_id": instance.region,
        "zone_id": instance.zone,
        "vpc_id": instance.vpc_id,
        "vswitch_id": instance.vswitch_id,
        "network_type": "VPC",
        "charge_type": instance.charge_type,
        "create_time": to_seconds(instance.created_at),
        "end_time": to_seconds(instance.end_at) if instance.end_at else "",
        "resource_group_id": instance.resource_group_id,
        "package_type": "standard",
        "replacate_id": "",
        "config": "{}",
        "is_rds": False,
        "tags": TagItems([TagItem(key, value) for key, value in instance.tags.items()]),
    }


class DBInstanceAttribute(_Common, kw_only=True):
    """An instance in full."""

    security_ip_list: str = msgspec.field(name="SecurityIPList")
    vpc_auth_mode: str
    vpc_cloud_instance_id: str
    engine: str
    real_instance_class: str
    instance_release_protection: bool
    maintain_start_time: str = "18:00Z"
    maintain_end_time: str = "22:00Z"
    availability_value: str = "100.0%"
    replication_mode: str = "master-slave"
    storage_type: str = "LOCAL_SSD"
    zone_type: str = "singlezone"
    is_order_completed: bool = True
    audit_log_retention: str = "0"
    backup_log_start_time: str = ""
    has_renew_change_order: str = "false"


class AttributeList(Answer):
    """One instance."""

    db_instance_attribute: Sequence[DBInstanceAttribute]


class DescribeInstanceAttributeAnswer(Answer):
    """The instance asked for."""

    instances: AttributeList


@kvstore.operation("DescribeInstanceAttribute", on=on_instance)
async def describe_instance_attribute(
    service: Kvstore, call: Call, request: InstanceRequest
) -> DescribeInstanceAttributeAnswer:
    """Tell everything about one instance."""
    instance = await service.instances.find(call.account_id, request.instance_id)
    groups = await service.gatekeeper.groups(call.account_id, instance.id)
    default = next(group for group in groups if group.name == DEFAULT_GROUP)
    attribute = DBInstanceAttribute(
        **_fields(instance, service.status(instance)),
        security_ip_list=",".join(default.entries),
        vpc_auth_mode=instance.vpc_auth_mode,
        vpc_cloud_instance_id=instance.id,
        engine="Redis",
        real_instance_class=instance.instance_class,
        instance_release_protection=instance.release_protection,
    )
    return DescribeInstanceAttributeAnswer(AttributeList([attribute]))

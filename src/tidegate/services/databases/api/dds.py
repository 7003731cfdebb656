"""ApsaraDB for MongoDB 2015-12-01: instances as far as their whitelists need them (ecs.md 16)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tidegate.services.databases.api.requests import (
    InstanceRequest,
    Paged,
    PlacedRequest,
    TagItems,
    on_instance,
    on_instances,
    page_of,
)
from tidegate.services.databases.api.shapes import arrays_of, change_whitelist, order_of, shown, wanted
from tidegate.services.databases.kinds import DDS, invalid_parameter
from tidegate.services.databases.service import Databases, whitelist_of
from tidegate.services.operation import Answer, Call, Done, Product
from tidegate.store.databases import DatabaseRow

dds = Product(name="dds", code="dds", versions=("2015-12-01",), invalid=invalid_parameter)


class CreateDBInstanceRequest(PlacedRequest, kw_only=True):
    """The instance wanted. What asks for more than a name and a place is ignored."""

    vpc_id: str | None = None
    engine: str = "MongoDB"
    engine_version: str = "5.0"
    db_instance_class: str = "mdb.shard.4x.large.d"
    db_instance_storage: int = 20
    db_instance_description: str | None = None
    charge_type: str = "PostPaid"
    security_ip_list: str | None = msgspec.field(name="SecurityIPList", default=None)


class CreateDBInstanceAnswer(Answer):
    """The instance that was made."""

    db_instance_id: str
    order_id: str


@dds.operation("CreateDBInstance", on=on_instances)
async def create_db_instance(
    service: Databases, call: Call, request: CreateDBInstanceRequest
) -> CreateDBInstanceAnswer:
    """Make an instance: Running at once, without a server behind it."""
    made = await service.create(
        call,
        DDS,
        order_of(request, nodes=3),
    )
    return shown(CreateDBInstanceAnswer, made)


class InstanceItem(Answer, kw_only=True):
    """An instance."""

    db_instance_id: str
    db_instance_description: str
    db_instance_status: str = "Running"
    db_instance_type: str = "replicate"
    db_instance_class: str
    db_instance_storage: int
    engine: str
    engine_version: str
    replication_factor: str
    charge_type: str
    network_type: str = "VPC"
    region_id: str
    zone_id: str
    vpc_id: str = msgspec.field(name="VPCId")
    vswitch_id: str
    creation_time: str
    resource_group_id: str
    lock_mode: str = "Unlock"
    tags: TagItems


class InstanceItems(Answer):
    """Instances."""

    db_instance: Sequence[InstanceItem]


class DescribeDBInstancesRequest(Paged):
    """Which instances."""

    db_instance_id: str | None = None


class DescribeDBInstancesAnswer(Answer):
    """One page of instances."""

    db_instances: InstanceItems
    page_number: int
    page_size: int
    total_count: int


@dds.operation("DescribeDBInstances", on=on_instances)
async def describe_db_instances(
    service: Databases, call: Call, request: DescribeDBInstancesRequest
) -> DescribeDBInstancesAnswer:
    """List instances, newest first."""
    found = await service.list(call, DDS, wanted(request.db_instance_id))
    items = [_item(row) for row in page_of(request, found)]
    return DescribeDBInstancesAnswer(InstanceItems(items), request.page_number, request.page_size, len(found))


class DescribeDBInstanceAttributeAnswer(Answer):
    """One instance."""

    db_instances: InstanceItems


@dds.operation("DescribeDBInstanceAttribute", on=on_instance)
async def describe_db_instance_attribute(
    service: Databases, call: Call, request: InstanceRequest
) -> DescribeDBInstanceAttributeAnswer:
    """Describe one instance."""
    row = await service.find(call, DDS, request.db_instance_id)
    return DescribeDBInstanceAttributeAnswer(InstanceItems([_item(row)]))


def _item(row: DatabaseRow) -> InstanceItem:
    return shown(InstanceItem, row)


@dds.operation("DeleteDBInstance", on=on_instance)
async def delete_db_instance(service: Databases, call: Call, request: InstanceRequest) -> Done:
    """Give an instance back."""
    await service.delete(call, DDS, request.db_instance_id)
    return Done()


class ModifySecurityIpsRequest(InstanceRequest, kw_only=True):
    """The change of one group."""

    security_ips: str
    modify_mode: str | None = None
    group: str | None = msgspec.field(name="SecurityIpGroupName", default=None)
    attribute: str | None = msgspec.field(name="SecurityIpGroupAttribute", default=None)


@dds.operation("ModifySecurityIps", on=on_instance)
async def modify_security_ips(service: Databases, call: Call, request: ModifySecurityIpsRequest) -> Done:
    """Change a group of the whitelist. Kept, not enforced: no server stands behind it."""
    await change_whitelist(service, call, DDS, request)
    return Done()


class SecurityIpGroup(Answer):
    """A group of the whitelist."""

    security_ip_group_name: str
    security_ip_group_attribute: str
    security_ip_list: str


class SecurityIpGroups(Answer):
    """The groups, ``default`` first."""

    security_ip_group: Sequence[SecurityIpGroup]


class DescribeSecurityIpsAnswer(Answer):
    """The whitelist: as one text, and by group."""

    security_ips: str
    security_ip_groups: SecurityIpGroups


@dds.operation("DescribeSecurityIps", on=on_instance)
async def describe_security_ips(service: Databases, call: Call, request: InstanceRequest) -> DescribeSecurityIpsAnswer:
    """List every group of the whitelist."""
    row = await service.find(call, DDS, request.db_instance_id)
    return DescribeSecurityIpsAnswer(
        ",".join(dict.fromkeys(entry for group in whitelist_of(row) for entry in group.entries)),
        SecurityIpGroups(arrays_of(SecurityIpGroup, row)),
    )

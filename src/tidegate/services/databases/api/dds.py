"""ApsaraDB for MongoDB 2015-12-01: instances as far as their whitelists need them (ecs.md 16)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.databases.api.requests import (
    InstanceRequest,
    Paged,
    PlacedRequest,
    TagItems,
    on_instance,
    on_instances,
    page_of,
    tag_items,
    tags_in,
)
from tidegate.services.databases.kinds import DDS, invalid_parameter
from tidegate.services.databases.service import Databases, Order, whitelist_of
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
        Order(
            engine=request.engine,
            engine_version=request.engine_version,
            node_class=request.db_instance_class,
            nodes=3,
            storage=request.db_instance_storage,
            description=request.db_instance_description,
            zone=request.zone_id,
            vpc_id=request.vpc_id,
            vswitch_id=request.vswitch_id,
            charge_type=request.charge_type,
            resource_group_id=request.resource_group_id,
            security_ips=request.security_ip_list,
            tags=tags_in(request.tag),
        ),
    )
    return CreateDBInstanceAnswer(made.id, made.order_id)


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
    found = await service.list(call, DDS, [request.db_instance_id] if request.db_instance_id else ())
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
    return InstanceItem(
        db_instance_id=row.id,
        db_instance_description=row.description,
        db_instance_class=row.node_class,
        db_instance_storage=row.storage,
        engine=row.engine,
        engine_version=row.engine_version,
        replication_factor=str(row.nodes),
        charge_type=row.charge_type,
        region_id=row.region,
        zone_id=row.zone,
        vpc_id=row.vpc_id,
        vswitch_id=row.vswitch_id,
        creation_time=to_seconds(row.created_at),
        resource_group_id=row.resource_group_id,
        tags=tag_items(row),
    )


@dds.operation("DeleteDBInstance", on=on_instance)
async def delete_db_instance(service: Databases, call: Call, request: InstanceRequest) -> Done:
    """Give an instance back."""
    await service.delete(call, DDS, request.db_instance_id)
    return Done()


class ModifySecurityIpsRequest(InstanceRequest, kw_only=True):
    """The change of one group."""

    security_ips: str
    modify_mode: str | None = None
    security_ip_group_name: str | None = None
    security_ip_group_attribute: str | None = None


@dds.operation("ModifySecurityIps", on=on_instance)
async def modify_security_ips(service: Databases, call: Call, request: ModifySecurityIpsRequest) -> Done:
    """Change a group of the whitelist. Kept, not enforced: no server stands behind it."""
    await service.modify_whitelist(
        call,
        DDS,
        request.db_instance_id,
        request.security_ips,
        group=request.security_ip_group_name,
        mode=request.modify_mode,
        attribute=request.security_ip_group_attribute,
    )
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
    groups = whitelist_of(await service.find(call, DDS, request.db_instance_id))
    return DescribeSecurityIpsAnswer(
        ",".join(dict.fromkeys(entry for group in groups for entry in group.entries)),
        SecurityIpGroups([SecurityIpGroup(group.name, group.attribute, ",".join(group.entries)) for group in groups]),
    )

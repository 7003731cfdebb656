"""RDS 2014-08-15: instances as far as their whitelists need them (ecs.md 14)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tidegate.errors import CloudError
from tidegate.services.databases.api.requests import (
    InstanceRequest,
    Paged,
    PlacedRequest,
    on_instance,
    on_instances,
    page_of,
)
from tidegate.services.databases.api.shapes import arrays_of, order_of, shown, wanted
from tidegate.services.databases.kinds import RDS, invalid_parameter
from tidegate.services.databases.service import Databases, whitelist_of
from tidegate.services.operation import Answer, Call, Done, Product
from tidegate.services.whitelist.model import DEFAULT_GROUP
from tidegate.store.databases import DatabaseRow

rds = Product(name="rds", code="rds", versions=("2014-08-15",), invalid=invalid_parameter)

_NETWORK_TYPES = ("MIX", "Classic", "VPC")


class CreateDBInstanceRequest(PlacedRequest, kw_only=True):
    """The instance wanted. What asks for more than a name and a place is ignored."""

    engine: str = "MySQL"
    engine_version: str = "8.0"
    db_instance_class: str = "mysql.n2.medium.1"
    db_instance_storage: int = 20
    db_instance_description: str | None = None
    pay_type: str = "Postpaid"
    security_ip_list: str | None = msgspec.field(name="SecurityIPList", default=None)


class CreateDBInstanceAnswer(Answer):
    """The instance that was made."""

    db_instance_id: str
    order_id: str
    connection_string: str
    port: str


@rds.operation("CreateDBInstance", on=on_instances)
async def create_db_instance(
    service: Databases, call: Call, request: CreateDBInstanceRequest
) -> CreateDBInstanceAnswer:
    """Make an instance: Running at once, without a server behind it."""
    made = await service.create(
        call,
        RDS,
        order_of(request),
    )
    return shown(CreateDBInstanceAnswer, made, connection_string=_domain(made), port=_port(made))


class InstanceItem(Answer, kw_only=True):
    """An instance."""

    db_instance_id: str
    db_instance_description: str
    db_instance_status: str = "Running"
    db_instance_type: str = "Primary"
    db_instance_class: str
    db_instance_net_type: str = "Intranet"
    instance_network_type: str = "VPC"
    connection_string: str
    engine: str
    engine_version: str
    pay_type: str
    region_id: str
    zone_id: str
    vpc_id: str
    vswitch_id: str
    create_time: str
    resource_group_id: str
    lock_mode: str = "Unlock"


class InstanceItems(Answer):
    """Instances."""

    db_instance: Sequence[InstanceItem]


class DescribeDBInstancesRequest(Paged):
    """Which instances."""

    db_instance_id: str | None = None


class DescribeDBInstancesAnswer(Answer):
    """One page of instances."""

    items: InstanceItems
    page_number: int
    page_record_count: int
    total_record_count: int


@rds.operation("DescribeDBInstances", on=on_instances)
async def describe_db_instances(
    service: Databases, call: Call, request: DescribeDBInstancesRequest
) -> DescribeDBInstancesAnswer:
    """List instances, newest first."""
    found = await service.list(call, RDS, wanted(request.db_instance_id))
    items = [_item(row) for row in page_of(request, found)]
    return DescribeDBInstancesAnswer(InstanceItems(items), request.page_number, len(items), len(found))


def _item(row: DatabaseRow) -> InstanceItem:
    return shown(InstanceItem, row, connection_string=_domain(row))


class InstanceAttribute(Answer, kw_only=True):
    """One instance in detail."""

    db_instance_id: str
    db_instance_description: str
    db_instance_status: str = "Running"
    db_instance_class: str
    db_instance_storage: int
    engine: str
    engine_version: str
    connection_string: str
    port: str
    pay_type: str
    region_id: str
    zone_id: str
    vpc_id: str
    vswitch_id: str
    creation_time: str
    resource_group_id: str
    security_ip_list: str = msgspec.field(name="SecurityIPList")
    lock_mode: str = "Unlock"


class InstanceAttributes(Answer):
    """One instance, in a list."""

    db_instance_attribute: Sequence[InstanceAttribute]


class DescribeDBInstanceAttributeAnswer(Answer):
    """One instance."""

    items: InstanceAttributes


@rds.operation("DescribeDBInstanceAttribute", on=on_instance)
async def describe_db_instance_attribute(
    service: Databases, call: Call, request: InstanceRequest
) -> DescribeDBInstanceAttributeAnswer:
    """Describe one instance."""
    row = await service.find(call, RDS, request.db_instance_id)
    entries = ",".join(whitelist_of(row)[0].entries)
    own = {"connection_string": _domain(row), "port": _port(row), "security_ip_list": entries}
    return DescribeDBInstanceAttributeAnswer(InstanceAttributes([shown(InstanceAttribute, row, **own)]))


@rds.operation("DeleteDBInstance", on=on_instance)
async def delete_db_instance(service: Databases, call: Call, request: InstanceRequest) -> Done:
    """Give an instance back."""
    await service.delete(call, RDS, request.db_instance_id)
    return Done()


class ModifySecurityIpsRequest(InstanceRequest, kw_only=True):
    """The change of one group."""

    security_ips: str
    modify_mode: str | None = None
    group: str | None = msgspec.field(name="DBInstanceIPArrayName", default=None)
    attribute: str | None = msgspec.field(name="DBInstanceIPArrayAttribute", default=None)
    whitelist_network_type: str = "MIX"


class TaskAnswer(Answer):
    """The task of the change, which is done already."""

    task_id: str


@rds.operation("ModifySecurityIps", on=on_instance)
async def modify_security_ips(service: Databases, call: Call, request: ModifySecurityIpsRequest) -> TaskAnswer:
    """Change a group of the whitelist. Kept, not enforced: no server stands behind it."""
    _check_network_type(request.whitelist_network_type)
    await service.modify_whitelist(
        call,
        RDS,
        request.db_instance_id,
        request.security_ips,
        group=_group(request.group),
        mode=request.modify_mode,
        attribute=request.attribute,
    )
    return TaskAnswer(service.task_id())


class DescribeIPArrayListRequest(InstanceRequest, kw_only=True):
    """Whose whitelist. All groups are of network type MIX here (ASSUMPTION), so the type selects all or nothing."""

    whitelist_network_type: str = "MIX"


class IPArray(Answer):
    """A group of the whitelist."""

    name: str = msgspec.field(name="DBInstanceIPArrayName")
    attribute: str = msgspec.field(name="DBInstanceIPArrayAttribute")
    entries: str = msgspec.field(name="SecurityIPList")
    kind: str = msgspec.field(name="SecurityIPType", default="IPv4")
    whitelist_network_type: str = "MIX"


class IPArrays(Answer):
    """The groups, ``default`` first."""

    arrays: Sequence[IPArray] = msgspec.field(name="DBInstanceIPArray")


class DescribeIPArrayListAnswer(Answer):
    """The whitelist."""

    items: IPArrays


@rds.operation("DescribeDBInstanceIPArrayList", on=on_instance)
async def describe_db_instance_ip_array_list(
    service: Databases, call: Call, request: DescribeIPArrayListRequest
) -> DescribeIPArrayListAnswer:
    """List every group of the whitelist."""
    row = await service.find(call, RDS, request.db_instance_id)
    _check_network_type(request.whitelist_network_type)
    arrays = arrays_of(IPArray, row)
    return DescribeIPArrayListAnswer(IPArrays(arrays if request.whitelist_network_type == "MIX" else []))


def _group(name: str | None) -> str | None:
    """Return a group's name. The documents write the default one ``Default``, answers ``default`` (ecs.md 14)."""
    return DEFAULT_GROUP if name == "Default" else name


def _check_network_type(text: str) -> None:
    if text not in _NETWORK_TYPES:
        raise CloudError("InvalidWhitelistNetType.Malformed", "Specified whitelist network type is not valid.")


def _domain(row: DatabaseRow) -> str:
    return f"{row.id}.{row.engine.lower()}.rds.aliyuncs.com"


def _port(row: DatabaseRow) -> str:
    return {"PostgreSQL": "5432", "SQLServer": "1433"}.get(row.engine, "3306")

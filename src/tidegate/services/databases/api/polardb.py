"""PolarDB 2017-08-01: clusters as far as their whitelists need them (ecs.md 16)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from tidegate.services.databases.api.requests import (
    ClusterRequest,
    Paged,
    PlacedRequest,
    TagItems,
    ids_in,
    on_cluster,
    on_clusters,
    page_of,
)
from tidegate.services.databases.api.shapes import arrays_of, order_of, shown
from tidegate.services.databases.kinds import POLARDB, invalid_parameter
from tidegate.services.databases.service import Databases
from tidegate.services.operation import Answer, Call, Done, Product, missing_parameter
from tidegate.store.databases import DatabaseRow

polardb = Product(name="polardb", code="polardb", versions=("2017-08-01",), invalid=invalid_parameter)


class CreateDBClusterRequest(PlacedRequest, kw_only=True):
    """The cluster wanted. What asks for more than a name and a place is ignored."""

    db_type: str = "MySQL"
    db_version: str = "8.0"
    db_node_class: str = "polar.mysql.x4.medium"
    db_cluster_description: str | None = None
    pay_type: str = "Postpaid"
    security_ip_list: str | None = msgspec.field(name="SecurityIPList", default=None)


class CreateDBClusterAnswer(Answer):
    """The cluster that was made."""

    db_cluster_id: str
    order_id: str
    resource_group_id: str


@polardb.operation("CreateDBCluster", on=on_clusters)
async def create_db_cluster(service: Databases, call: Call, request: CreateDBClusterRequest) -> CreateDBClusterAnswer:
    """Make a cluster: Running at once, without a server behind it."""
    made = await service.create(
        call,
        POLARDB,
        order_of(request, nodes=2),
    )
    return shown(CreateDBClusterAnswer, made)


class ClusterItem(Answer, kw_only=True):
    """A cluster in a list."""

    db_cluster_id: str
    db_cluster_description: str
    db_cluster_status: str = "Running"
    db_cluster_network_type: str = "VPC"
    db_type: str
    db_version: str
    engine: str = "POLARDB"
    db_node_class: str
    db_node_number: int
    pay_type: str
    region_id: str
    zone_id: str
    vpc_id: str
    vswitch_id: str = msgspec.field(name="VswitchId")
    create_time: str
    resource_group_id: str
    lock_mode: str = "Unlock"
    tags: TagItems


class ClusterItems(Answer):
    """Clusters."""

    db_cluster: Sequence[ClusterItem]


class DescribeDBClustersRequest(Paged):
    """Which clusters; ids are comma-separated."""

    db_cluster_ids: str | None = None


class DescribeDBClustersAnswer(Answer):
    """One page of clusters."""

    items: ClusterItems
    page_number: int
    page_record_count: int
    total_record_count: int


@polardb.operation("DescribeDBClusters", on=on_clusters)
async def describe_db_clusters(
    service: Databases, call: Call, request: DescribeDBClustersRequest
) -> DescribeDBClustersAnswer:
    """List clusters, newest first."""
    found = await service.list(call, POLARDB, ids_in(request.db_cluster_ids))
    items = [_item(row) for row in page_of(request, found)]
    return DescribeDBClustersAnswer(ClusterItems(items), request.page_number, len(items), len(found))


def _item(row: DatabaseRow) -> ClusterItem:
    return shown(ClusterItem, row)


class DescribeDBClusterAttributeAnswer(Answer, kw_only=True):
    """A cluster."""

    db_cluster_id: str
    db_cluster_description: str
    db_cluster_status: str = "Running"
    db_cluster_network_type: str = "VPC"
    db_type: str
    db_version: str
    engine: str = "POLARDB"
    pay_type: str
    region_id: str
    zone_ids: str
    vpc_id: str = msgspec.field(name="VPCId")
    vswitch_id: str
    creation_time: str
    resource_group_id: str
    lock_mode: str = "Unlock"


@polardb.operation("DescribeDBClusterAttribute", on=on_cluster)
async def describe_db_cluster_attribute(
    service: Databases, call: Call, request: ClusterRequest
) -> DescribeDBClusterAttributeAnswer:
    """Describe one cluster."""
    row = await service.find(call, POLARDB, request.db_cluster_id)
    return shown(DescribeDBClusterAttributeAnswer, row)


@polardb.operation("DeleteDBCluster", on=on_cluster)
async def delete_db_cluster(service: Databases, call: Call, request: ClusterRequest) -> Done:
    """Give a cluster back."""
    await service.delete(call, POLARDB, request.db_cluster_id)
    return Done()


class ModifyAccessWhitelistRequest(ClusterRequest, kw_only=True):
    """The change of one group, or of the security groups."""

    white_list_type: Literal["IP", "SecurityGroup"] = "IP"
    security_ips: str | None = None
    modify_mode: str | None = None
    group: str | None = msgspec.field(name="DBClusterIPArrayName", default=None)
    attribute: str | None = msgspec.field(name="DBClusterIPArrayAttribute", default=None)
    security_group_ids: str | None = None


@polardb.operation("ModifyDBClusterAccessWhitelist", on=on_cluster)
async def modify_db_cluster_access_whitelist(
    service: Databases, call: Call, request: ModifyAccessWhitelistRequest
) -> Done:
    """Change a group of the whitelist, or attach security groups. Kept, not enforced: no server stands behind it."""
    if request.white_list_type == "SecurityGroup":
        await service.set_security_groups(call, POLARDB, request.db_cluster_id, request.security_group_ids or "")
        return Done()
    if request.security_ips is None:
        raise missing_parameter("SecurityIps")
    await service.modify_whitelist(
        call,
        POLARDB,
        request.db_cluster_id,
        request.security_ips,
        group=request.group,
        mode=request.modify_mode,
        attribute=request.attribute,
    )
    return Done()


class IPArray(Answer):
    """A group of the whitelist."""

    name: str = msgspec.field(name="DBClusterIPArrayName")
    attribute: str = msgspec.field(name="DBClusterIPArrayAttribute")
    security_ips: str


class IPArrays(Answer):
    """The groups, ``default`` first."""

    arrays: Sequence[IPArray] = msgspec.field(name="DBClusterIPArray")


class SecurityGroup(Answer):
    """A security group whose members are let in."""

    security_group_id: str
    security_group_name: str = ""


class SecurityGroups(Answer):
    """The attached security groups."""

    db_cluster_security_group: Sequence[SecurityGroup]


class DescribeAccessWhitelistAnswer(Answer):
    """The whitelist and the security groups."""

    items: IPArrays
    db_cluster_security_groups: SecurityGroups


@polardb.operation("DescribeDBClusterAccessWhitelist", on=on_cluster)
async def describe_db_cluster_access_whitelist(
    service: Databases, call: Call, request: ClusterRequest
) -> DescribeAccessWhitelistAnswer:
    """List every group of the whitelist, and the security groups."""
    row = await service.find(call, POLARDB, request.db_cluster_id)
    return DescribeAccessWhitelistAnswer(
        IPArrays(arrays_of(IPArray, row)),
        SecurityGroups([SecurityGroup(group) for group in row.security_groups]),
    )

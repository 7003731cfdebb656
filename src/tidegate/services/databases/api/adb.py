"""AnalyticDB for MySQL 2019-03-15: clusters as far as their whitelists need them (ecs.md 16)."""

from __future__ import annotations

from collections.abc import Sequence

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
from tidegate.services.databases.api.shapes import arrays_of, change_whitelist, order_of, shown
from tidegate.services.databases.kinds import ADB, invalid_parameter
from tidegate.services.databases.service import Databases
from tidegate.services.operation import Answer, Call, Product
from tidegate.store.databases import DatabaseRow

adb = Product(name="adb", code="adb", versions=("2019-03-15",), invalid=invalid_parameter)


class CreateDBClusterRequest(PlacedRequest, kw_only=True):
    """The cluster wanted. What asks for more than a name and a place is ignored."""

    db_cluster_version: str = "3.0"
    db_cluster_class: str = ""
    db_cluster_description: str | None = None
    pay_type: str = "Postpaid"


class CreateDBClusterAnswer(Answer):
    """The cluster that was made."""

    db_cluster_id: str
    order_id: str
    resource_group_id: str


@adb.operation("CreateDBCluster", on=on_clusters)
async def create_db_cluster(service: Databases, call: Call, request: CreateDBClusterRequest) -> CreateDBClusterAnswer:
    """Make a cluster: Running at once, without a server behind it."""
    made = await service.create(
        call,
        ADB,
        order_of(request, engine="AnalyticDB"),
    )
    return shown(CreateDBClusterAnswer, made)


class ClusterItem(Answer, kw_only=True):
    """A cluster."""

    db_cluster_id: str
    db_cluster_description: str
    db_cluster_status: str = "Running"
    db_cluster_network_type: str = "VPC"
    db_version: str
    engine: str
    db_node_class: str
    connection_string: str
    port: int = 3306
    pay_type: str
    region_id: str
    zone_id: str
    vpc_id: str = msgspec.field(name="VPCId")
    vswitch_id: str
    create_time: str
    creation_time: str
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
    page_size: int
    total_count: int


@adb.operation("DescribeDBClusters", on=on_clusters)
async def describe_db_clusters(
    service: Databases, call: Call, request: DescribeDBClustersRequest
) -> DescribeDBClustersAnswer:
    """List clusters, newest first."""
    found = await service.list(call, ADB, ids_in(request.db_cluster_ids))
    items = [_item(row) for row in page_of(request, found)]
    return DescribeDBClustersAnswer(ClusterItems(items), request.page_number, request.page_size, len(found))


class DescribeDBClusterAttributeAnswer(Answer):
    """One cluster."""

    items: ClusterItems


@adb.operation("DescribeDBClusterAttribute", on=on_cluster)
async def describe_db_cluster_attribute(
    service: Databases, call: Call, request: ClusterRequest
) -> DescribeDBClusterAttributeAnswer:
    """Describe one cluster."""
    row = await service.find(call, ADB, request.db_cluster_id)
    return DescribeDBClusterAttributeAnswer(ClusterItems([_item(row)]))


def _item(row: DatabaseRow) -> ClusterItem:
    return shown(ClusterItem, row, connection_string=f"{row.id}.ads.aliyuncs.com")


class TaskAnswer(Answer):
    """The cluster that was changed; the task is done already."""

    task_id: int
    db_cluster_id: str


@adb.operation("DeleteDBCluster", on=on_cluster)
async def delete_db_cluster(service: Databases, call: Call, request: ClusterRequest) -> TaskAnswer:
    """Give a cluster back."""
    await service.delete(call, ADB, request.db_cluster_id)
    return TaskAnswer(int(service.task_id()), request.db_cluster_id)


class ModifyAccessWhiteListRequest(ClusterRequest, kw_only=True):
    """The change of one group."""

    security_ips: str
    modify_mode: str | None = None
    group: str | None = msgspec.field(name="DBClusterIPArrayName", default=None)
    attribute: str | None = msgspec.field(name="DBClusterIPArrayAttribute", default=None)


@adb.operation("ModifyDBClusterAccessWhiteList", on=on_cluster)
async def modify_db_cluster_access_white_list(
    service: Databases, call: Call, request: ModifyAccessWhiteListRequest
) -> TaskAnswer:
    """Change a group of the whitelist. Kept, not enforced: no server stands behind it."""
    await change_whitelist(service, call, ADB, request)
    return TaskAnswer(int(service.task_id()), request.db_cluster_id)


class IPArray(Answer):
    """A group of the whitelist."""

    name: str = msgspec.field(name="DBClusterIPArrayName")
    attribute: str = msgspec.field(name="DBClusterIPArrayAttribute")
    entries: str = msgspec.field(name="SecurityIPList")


class IPArrays(Answer):
    """The groups, ``default`` first."""

    arrays: Sequence[IPArray] = msgspec.field(name="IPArray")


class DescribeAccessWhiteListAnswer(Answer):
    """The whitelist."""

    items: IPArrays


@adb.operation("DescribeDBClusterAccessWhiteList", on=on_cluster)
async def describe_db_cluster_access_white_list(
    service: Databases, call: Call, request: ClusterRequest
) -> DescribeAccessWhiteListAnswer:
    """List every group of the whitelist."""
    row = await service.find(call, ADB, request.db_cluster_id)
    return DescribeAccessWhiteListAnswer(IPArrays(arrays_of(IPArray, row)))

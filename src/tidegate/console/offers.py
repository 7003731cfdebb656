"""What there is of each kind of thing that a parameter can name, as far as the reader may see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from tidegate.console.fields import Kind, Options
from tidegate.console.page import Page


class _Listing(msgspec.Struct, frozen=True):
    """The call that lists a kind; where its answer has the rows, their ids and names."""

    product: str
    action: str
    parameters: Mapping[str, Any]
    rows: tuple[str, str | None]
    id: str
    name: str | None = None


_LISTINGS: Final[Mapping[Kind, _Listing]] = {
    "region": _Listing("ecs", "DescribeRegions", {}, ("Regions", "Region"), "RegionId", "LocalName"),
    "role": _Listing("ram", "ListRoles", {"MaxItems": 100}, ("Roles", "Role"), "RoleName"),
    "machine": _Listing(
        "ecs", "DescribeInstances", {"PageSize": 100}, ("Instances", "Instance"), "InstanceId", "InstanceName"
    ),
    "group": _Listing(
        "ess",
        "DescribeScalingGroups",
        {"PageSize": 50},
        ("ScalingGroups", "ScalingGroup"),
        "ScalingGroupId",
        "ScalingGroupName",
    ),
    "redis": _Listing(
        "R-kvstore",
        "DescribeInstances",
        {"PageSize": 50},
        ("Instances", "KVStoreInstance"),
        "InstanceId",
        "InstanceName",
    ),
    "polardb": _Listing(
        "polardb", "DescribeDBClusters", {"PageSize": 30}, ("Items", "DBCluster"), "DBClusterId", "DBClusterDescription"
    ),
    "dds": _Listing(
        "dds",
        "DescribeDBInstances",
        {"PageSize": 30},
        ("DBInstances", "DBInstance"),
        "DBInstanceId",
        "DBInstanceDescription",
    ),
    "adb": _Listing(
        "adb", "DescribeDBClusters", {"PageSize": 30}, ("Items", "DBCluster"), "DBClusterId", "DBClusterDescription"
    ),
    "rds": _Listing(
        "rds",
        "DescribeDBInstances",
        {"PageSize": 30},
        ("Items", "DBInstance"),
        "DBInstanceId",
        "DBInstanceDescription",
    ),
    "vswitch": _Listing(
        "ecs", "DescribeVSwitches", {"PageSize": 50}, ("VSwitches", "VSwitch"), "VSwitchId", "VSwitchName"
    ),
    "image": _Listing("ecs", "DescribeImages", {"PageSize": 50}, ("Images", "Image"), "ImageId", "ImageName"),
    "template": _Listing("oos", "ListTemplates", {"MaxResults": 100}, ("Templates", None), "TemplateName"),
}


async def offers(page: Page, kinds: Iterable[Kind]) -> Options:
    """Look what there is; a kind that the reader may not list offers nothing."""
    wanted = sorted(set(kinds))
    found = await page.together(
        *(page.look(one.product, one.action, **one.parameters) for one in (_LISTINGS[kind] for kind in wanted))
    )
    return {
        kind: [_told(row, _LISTINGS[kind]) for row in answer.rows(*_LISTINGS[kind].rows)]
        for kind, answer in zip(wanted, found, strict=True)
    }


def _told(row: Mapping[str, Any], listing: _Listing) -> tuple[str, str]:
    the_id = str(row[listing.id])
    name = row.get(listing.name) if listing.name else None
    return the_id, f"{name} · {the_id}" if name and name != the_id else the_id

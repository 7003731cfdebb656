"""Regions and limits (ess.md 11, 12.9)."""

from __future__ import annotations

import msgspec

from tidegate.services.ecs import catalog
from tidegate.services.ess import limits
from tidegate.services.ess.api.product import ess
from tidegate.services.ess.requests.activities import Nothing
from tidegate.services.ess.service import Ess
from tidegate.services.operation import Answer, Call

#: Regions that share one endpoint; the others have their own (ess.md 13.1).
_SHARED = frozenset(
    [
        "cn-hangzhou",
        "cn-qingdao",
        "cn-beijing",
        "cn-shanghai",
        "cn-shenzhen",
        "cn-hongkong",
        "ap-southeast-1",
        "us-east-1",
        "us-west-1",
    ]
)


class RegionView(Answer, kw_only=True):
    """A region. There is no classic network here."""

    region_id: str
    local_name: str
    region_endpoint: str
    classic_unavailable: bool = True
    vpc_unavailable: bool = False


class Regions(Answer):
    """All regions."""

    regions: list[RegionView]


class Limitation(Answer, kw_only=True):
    """The quotas of an account."""

    max_number_of_scaling_groups: int = limits.GROUPS_PER_REGION
    max_number_of_scaling_configurations: int = limits.CONFIGURATIONS_PER_GROUP
    max_number_of_scaling_rules: int = limits.RULES_PER_GROUP
    max_number_of_scaling_instances: int = limits.INSTANCES_PER_REGION
    max_number_of_scheduled_tasks: int = limits.SCHEDULED_TASKS_PER_REGION
    max_number_of_lifecycle_hooks: int = limits.HOOKS_PER_GROUP
    max_number_of_notification_configurations: int = limits.NOTIFICATIONS_PER_GROUP
    max_number_of_load_balancers: int = limits.LOAD_BALANCERS_PER_GROUP
    max_number_of_vserver_groups: int = msgspec.field(
        name="MaxNumberOfVServerGroups", default=limits.SERVER_GROUPS_PER_GROUP
    )
    max_number_of_alb_server_group: int = limits.SERVER_GROUPS_PER_GROUP
    max_number_of_nlb_server_group: int = limits.SERVER_GROUPS_PER_GROUP
    max_number_of_db_instances: int = limits.DATABASES_PER_GROUP
    max_number_of_min_size: int = limits.SIZE_OF_GROUP
    max_number_of_max_size: int = limits.SIZE_OF_GROUP


@ess.operation("DescribeRegions")
async def describe_regions(_service: Ess, _call: Call, _request: Nothing) -> Regions:
    """List regions."""
    return Regions(
        [
            RegionView(
                region_id=region.id,
                local_name=region.local_name,
                region_endpoint="ess.aliyuncs.com" if region.id in _SHARED else f"ess.{region.id}.aliyuncs.com",
            )
            for region in catalog.REGIONS.values()
        ]
    )


@ess.operation("DescribeLimitation")
async def describe_limitation(_service: Ess, _call: Call, _request: Nothing) -> Limitation:
    """List the quotas."""
    return Limitation()

"""Scaling groups as objects: creating, changing, states, refusals, deletion (ess.md 2, 12.2, 12.3)."""

from __future__ import annotations

from typing import Any

import pytest

from support.ess import ACCOUNT, REGION, World
from tidegate.services.ess.dialect import OLD


async def test_a_group_begins_inactive_with_the_documented_defaults(world: World) -> None:
    group = (await world.call("CreateScalingGroup", MinSize=1, MaxSize=3))["ScalingGroupId"]

    shown = await world.group(group)

    switch = await world.ecs.default_vswitch(ACCOUNT, REGION)
    assert group.startswith("asg-bp1")
    assert len(group) == len("asg-") + 20
    expected = {
        "ScalingGroupName": group,
        "RegionId": REGION,
        "LifecycleState": "Inactive",
        "GroupType": "ECS",
        "MinSize": 1,
        "MaxSize": 3,
        "DefaultCooldown": 300,
        "EnableDesiredCapacity": False,
        "RemovalPolicies": ["OldestScalingConfiguration", "OldestInstance"],
        "MultiAZPolicy": "PRIORITY",
        "HealthCheckType": "ECS",
        "ScalingPolicy": "release",
        "VSwitchIds": [switch.id],
        "VpcId": switch.vpc_id,
        "GroupDeletionProtection": False,
        "SuspendedProcesses": [],
        "Tags": [],
        "LoadBalancerIds": [],
    }
    assert {name: shown[name] for name in expected} == expected
    counters = (
        "Total",
        "Active",
        "Pending",
        "PendingWait",
        "Protected",
        "Standby",
        "Stopped",
        "Removing",
        "RemovingWait",
    )
    assert [shown[f"{name}Capacity"] for name in counters] == [0] * len(counters)
    assert "DesiredCapacity" not in shown
    assert "ActiveScalingConfigurationId" not in shown
    assert world.roles.linked == [ACCOUNT]


async def test_a_group_is_the_same_through_both_versions(world: World) -> None:
    made = await world.call(
        "CreateScalingGroup",
        version=OLD,
        MinSize=0,
        MaxSize=2,
        **{
            "RemovalPolicy.1": "NewestInstance",
            "Tag.1.Key": "k",
            "Tag.1.Value": "v",
            "Tag.1.Propagate": "true",
            "OnDemandBaseCapacity": 3,
        },
    )
    group = made["ScalingGroupId"]

    old = await world.call("DescribeScalingGroups", version=OLD, **{"ScalingGroupId.1": group})
    new = await world.group(group)

    [shown] = old["ScalingGroups"]["ScalingGroup"]
    assert shown["RemovalPolicies"] == {"RemovalPolicy": ["NewestInstance"]}
    assert shown["Tags"] == {"Tag": [{"TagKey": "k", "TagValue": "v", "Propagate": True}]}
    assert new["RemovalPolicies"] == ["NewestInstance"]
    assert new["OnDemandBaseCapacity"] == shown["OnDemandBaseCapacity"] == 3
    assert shown["VSwitchIds"]["VSwitchId"] == new["VSwitchIds"]


INVALID = "InvalidParameter"


@pytest.mark.parametrize(
    ("values", "code", "named"),
    [
        ({"MinSize": None}, "MissingParameter", "MinSize"),
        ({"MaxSize": None}, "MissingParameter", "MaxSize"),
        ({"MaxSize": 2001}, INVALID, "MaxSize"),
        ({"MinSize": -1}, INVALID, "MinSize"),
        ({"MinSize": 4}, "InvalidParameter.Conflict", "MinSize and parameter MaxSize"),
        ({"DesiredCapacity": 4}, "InvalidParameter.Conflict", "DesiredCapacity and parameter MaxSize"),
        ({"ScalingGroupName": "x"}, INVALID, "ScalingGroupName"),
        ({"ScalingGroupName": "_bad"}, INVALID, "ScalingGroupName"),
        ({"DefaultCooldown": 86401}, INVALID, "DefaultCooldown"),
        ({"RemovalPolicies": ["Random"]}, INVALID, "RemovalPolicy"),
        ({"RemovalPolicies": ["OldestInstance", "OldestInstance"]}, INVALID, "RemovalPolicy"),
        ({"RemovalPolicies": ["CustomPolicy"]}, "MissingParameter", "CustomPolicyARN"),
        ({"MultiAZPolicy": "RANDOM"}, INVALID, "MultiAZPolicy"),
        ({"HealthCheckType": "DOCTOR"}, INVALID, "HealthCheckType"),
        ({"ScalingPolicy": "keep"}, INVALID, "ScalingPolicy"),
        ({"StopInstanceTimeout": 29}, INVALID, "StopInstanceTimeout"),
        ({"MaxInstanceLifetime": 60}, INVALID, "MaxInstanceLifetime"),
        ({"GroupType": "ECI"}, INVALID, "GroupType"),
        ({"VSwitchIds": [f"vsw-{n}" for n in range(6)]}, INVALID, "VSwitchIds"),
        ({"VSwitchIds": ["vsw-x"]}, "InvalidVSwitchId.NotFound", "virtual switch does not exist"),
        ({"LaunchTemplateId": "lt-x"}, "LaunchTemplateSet.NotFound", "launch template set is not found"),
        ({"LoadBalancerIds": '["lb-x"]'}, "InvalidLoadBalancerId.NotFound", "Load Balancer does not exist"),
        ({"DBInstanceIds": '["rm-x"]'}, "InvalidDBInstanceId.NotFound", 'DB instance "rm-x" does not exist'),
        ({"LoadBalancerIds": "lb-x"}, INVALID, "LoadBalancerIds"),
        ({"region": "cn-nowhere"}, "InvalidRegionId.NotFound", "region does not exist"),
        ({"ScalingGroupName": "taken"}, "InvalidScalingGroupName.Duplicate", "ScalingGroupName is duplicated"),
        ({"Tags": [{"Key": ""}]}, "InvalidTags.KeyValue", "cannot be empty"),
    ],
)
async def test_what_a_group_cannot_be(world: World, values: dict[str, Any], code: str, named: str) -> None:
    await world.call("CreateScalingGroup", MinSize=0, MaxSize=1, ScalingGroupName="taken")

    error = await world.refused("CreateScalingGroup", **{"MinSize": 1, "MaxSize": 3, **values})

    assert error.code == code
    assert named in error.message
    assert (await world.call("DescribeScalingGroups"))["TotalCount"] == 1


async def test_a_name_is_free_again_in_another_region_and_account(world: World) -> None:
    for place in ({}, {"region": "cn-beijing"}, {"account": "9999999999999999"}):
        await world.call("CreateScalingGroup", MinSize=0, MaxSize=1, ScalingGroupName="web", **place)


async def test_a_repeated_creation_makes_one_group(world: World) -> None:
    first = await world.call("CreateScalingGroup", MinSize=0, MaxSize=1, token="t")
    again = await world.call("CreateScalingGroup", MinSize=0, MaxSize=1, token="t")

    assert first == again
    assert (await world.call("DescribeScalingGroups"))["TotalCount"] == 1


async def test_a_region_has_at_most_fifty_groups(world: World) -> None:
    for _ in range(50):
        await world.call("CreateScalingGroup", MinSize=0, MaxSize=1)

    error = await world.refused("CreateScalingGroup", MinSize=0, MaxSize=1)

    assert error.code == "QuotaExceeded.ScalingGroup"


async def test_groups_are_found_by_id_name_part_of_name_and_tag(world: World) -> None:
    made = {}
    for name, tag in (("web-1", "a"), ("web-2", "b"), ("db-1", "a")):
        tags = {"Tags.1.Key": "k", "Tags.1.Value": tag}
        answer = await world.call("CreateScalingGroup", MinSize=0, MaxSize=1, ScalingGroupName=name, **tags)
        made[name] = answer["ScalingGroupId"]

    async def names(**filters: Any) -> list[str]:
        answer = await world.call("DescribeScalingGroups", **filters)
        assert answer["TotalCount"] == len(answer["ScalingGroups"]) or "PageSize" in filters
        return [one["ScalingGroupName"] for one in answer["ScalingGroups"]]

    assert await names() == ["db-1", "web-2", "web-1"]
    assert await names(ScalingGroupIds=[made["web-1"], "asg-x"]) == ["web-1"]
    assert await names(ScalingGroupNames=["web-2", "db-1"]) == ["db-1", "web-2"]
    assert await names(ScalingGroupName="web") == ["web-2", "web-1"]
    assert await names(Tags=[{"Key": "k", "Value": "a"}]) == ["db-1", "web-1"]
    assert await names(Tags=[{"Key": "k"}]) == ["db-1", "web-2", "web-1"]
    assert await names(PageSize=1, PageNumber=2) == ["web-2"]
    assert await names(PageSize=1, PageNumber=9) == []
    assert await names(account="9999999999999999") == []
    assert await names(region="cn-beijing") == []


@pytest.mark.parametrize(("page", "named"), [({"PageNumber": 0}, "PageNumber"), ({"PageSize": 51}, "PageSize")])
async def test_a_page_has_bounds(world: World, page: dict[str, int], named: str) -> None:
    error = await world.refused("DescribeScalingGroups", **page)

    assert (error.code, named in error.message) == ("InvalidParameter", True)


async def test_modify_changes_only_what_is_given(world: World) -> None:
    group = await world.make_group(MinSize=0, MaxSize=5, AllocationStrategy="priority", StopInstanceTimeout=60)

    await world.call("ModifyScalingGroup", ScalingGroupId=group, ScalingGroupName="new", MaxSize=3)
    await world.call("ModifyScalingGroup", ScalingGroupId=group, StopInstanceTimeout=0, SpotInstancePools=2)

    shown = await world.group(group)
    assert (shown["ScalingGroupName"], shown["MaxSize"], shown["MinSize"]) == ("new", 3, 0)
    assert "StopInstanceTimeout" not in shown
    assert (shown["SpotInstancePools"], shown["AllocationStrategy"]) == (2, "priority")
    assert shown["LifecycleState"] == "Active"


async def test_a_foreign_configuration_cannot_be_made_active(world: World) -> None:
    group, other = await world.make_group(), await world.make_group(configured=False, enabled=False)
    foreign = await world.make_configuration(group)

    error = await world.refused("ModifyScalingGroup", ScalingGroupId=other, ActiveScalingConfigurationId=foreign)

    assert (error.code, error.status) == ("InvalidScalingConfigurationId.NotFound", 404)


async def test_switching_the_configuration_makes_the_old_one_inactive(world: World) -> None:
    group = await world.make_group()
    new = await world.make_configuration(group)

    await world.call("ModifyScalingGroup", ScalingGroupId=group, ActiveScalingConfigurationId=new)

    answer = await world.call("DescribeScalingConfigurations", ScalingGroupId=group)
    assert {one["ScalingConfigurationId"]: one["LifecycleState"] for one in answer["ScalingConfigurations"]} == {
        one["ScalingConfigurationId"]: "Active" if one["ScalingConfigurationId"] == new else "Inactive"
        for one in answer["ScalingConfigurations"]
    }


async def test_enable_and_disable_follow_the_table(world: World) -> None:
    group = await world.make_group(configured=False, enabled=False)

    no_source = await world.refused("EnableScalingGroup", ScalingGroupId=group)
    configuration = await world.make_configuration(group)
    await world.call("EnableScalingGroup", ScalingGroupId=group, ActiveScalingConfigurationId=configuration)
    twice = await world.refused("EnableScalingGroup", ScalingGroupId=group)
    await world.call("DisableScalingGroup", ScalingGroupId=group)
    disabled_twice = await world.refused("DisableScalingGroup", ScalingGroupId=group)

    assert no_source.code == "MissingActiveScalingConfiguration"
    assert twice.code == disabled_twice.code == "IncorrectScalingGroupStatus"
    assert (await world.group(group))["LifecycleState"] == "Inactive"


async def test_a_group_can_be_enabled_with_instances(world: World) -> None:
    group = await world.make_group(configured=False, enabled=False, MinSize=0, MaxSize=2)
    first, second, third = await world.launch(3)

    too_many = await world.refused("EnableScalingGroup", ScalingGroupId=group, InstanceIds=[first, second, third])
    await world.call("EnableScalingGroup", ScalingGroupId=group, InstanceIds=[first, second])
    await world.settle()

    assert too_many.code == "IncorrectCapacity.MaxSize"
    assert too_many.message == "To attach the instances, the total capacity will be greater than the max size."
    assert await world.members(group) == {first: "InService", second: "InService"}


async def test_enabling_raises_a_group_to_its_minimum(world: World) -> None:
    group = await world.make_group(MinSize=2)

    [activity] = await world.activities(group)
    assert len(await world.members(group)) == 2
    assert activity["Cause"] == (
        'The Total Capacity is less than the MinSize, changing the Total Capacity from "0" to "2".'
    )
    assert activity["TriggerSourceType"] == "Ess"


async def test_an_empty_group_is_deleted_at_once_with_everything_in_it(world: World) -> None:
    group = await world.make_group()
    await world.make_rule(group)
    await world.make_hook(group)

    await world.call("DeleteScalingGroup", ScalingGroupId=group)

    assert (await world.call("DescribeScalingGroups"))["TotalCount"] == 0
    assert (await world.call("DescribeScalingRules", ScalingGroupId=group))["TotalCount"] == 0
    assert (await world.call("DescribeLifecycleHooks", ScalingGroupId=group))["TotalCount"] == 0
    assert (await world.refused("DeleteScalingGroup", ScalingGroupId=group)).code == "InvalidScalingGroupId.NotFound"


async def test_a_group_in_use_is_deleted_only_by_force(world: World) -> None:
    group = await world.make_group()
    await world.scale(group, 1)
    [instance] = await world.members(group)

    in_use = await world.refused("DeleteScalingGroup", ScalingGroupId=group)
    await world.make_hook(group)
    await world.scale(group, 1)
    busy = await world.refused("DeleteScalingGroup", ScalingGroupId=group)

    assert in_use.code == "InstanceInUse"
    assert busy.code == "ScalingActivityInProgress"
    assert await world.machines(instance) == {instance: "Running"}


async def test_a_forced_deletion_waits_for_activities_releases_its_own_and_lets_the_rest_go(world: World) -> None:
    group = await world.make_group()
    await world.scale(group, 2)
    own, protected = await world.members(group)
    attached, entrusted = await world.launch(2)
    await world.call("AttachInstances", ScalingGroupId=group, InstanceIds=[attached])
    await world.settle()
    await world.call("AttachInstances", ScalingGroupId=group, InstanceIds=[entrusted], Entrusted=True)
    await world.settle()
    await world.call("SetInstancesProtection", ScalingGroupId=group, InstanceIds=[protected], ProtectedFromScaleIn=True)
    await world.make_hook(group)
    activity = await world.scale(group, 1)
    [action] = await world.actions(activity)

    await world.call("DeleteScalingGroup", ScalingGroupId=group, ForceDelete=True)
    await world.settle()
    waiting = await world.group(group)
    refused = await world.refused("ModifyScalingGroup", ScalingGroupId=group, MaxSize=9)
    await world.complete(action)

    assert waiting["LifecycleState"] == "Deleting"
    assert refused.code == "IncorrectScalingGroupStatus"
    assert (await world.call("DescribeScalingGroups"))["TotalCount"] == 0
    left = await world.machines(own, protected, attached, entrusted, *action["InstanceIds"])
    assert left == {protected: "Running", attached: "Running"}


async def test_a_protected_group_is_not_deleted(world: World) -> None:
    group = await world.make_group(GroupDeletionProtection=True)

    for force in (False, True):
        error = await world.refused("DeleteScalingGroup", ScalingGroupId=group, ForceDelete=force)
        assert error.code == "OperationDenied.DeletionProtection"

    await world.call("SetGroupDeletionProtection", ScalingGroupId=group, GroupDeletionProtection=False)
    await world.call("DeleteScalingGroup", ScalingGroupId=group)


async def test_nothing_of_a_group_is_seen_from_another_account(world: World) -> None:
    group = await world.make_group()
    stranger = {"account": "9999999999999999"}

    for action, values in (
        ("ModifyScalingGroup", {"MaxSize": 1}),
        ("EnableScalingGroup", {}),
        ("DisableScalingGroup", {}),
        ("DeleteScalingGroup", {}),
        ("CreateLifecycleHook", {"LifecycleTransition": "SCALE_IN"}),
        ("AttachInstances", {"InstanceIds": ["i-1"]}),
        ("ScaleWithAdjustment", {"AdjustmentType": "TotalCapacity", "AdjustmentValue": 1}),
    ):
        error = await world.refused(action, ScalingGroupId=group, **values, **stranger)
        assert error.code == "InvalidScalingGroupId.NotFound", action
        elsewhere = await world.refused(action, ScalingGroupId=group, RegionId="cn-beijing", **values)
        assert elsewhere.code == "InvalidScalingGroupId.NotFound", action


async def test_tags_are_put_listed_and_taken_off(world: World) -> None:
    first, second = await world.make_group(enabled=False), await world.make_group(enabled=False)
    named = {"ResourceType": "scalinggroup"}
    await world.call("TagResources", **named, ResourceIds=[first, second], Tags=[{"Key": "a", "Value": "1"}])
    await world.call("TagResources", **named, ResourceIds=[first], Tags=[{"Key": "b", "Value": "2"}])

    listed = await world.call("ListTagResources", version=OLD, **named, **{"ResourceId.1": first})
    keys = await world.call("ListTagKeys", **named)
    values = await world.call("ListTagValues", **named, Key="a")
    await world.call("UntagResources", **named, ResourceIds=[first], TagKeys=["a"])
    await world.call("UntagResources", **named, ResourceIds=[second], All=True)

    assert listed["TagResources"]["TagResource"] == [
        {"ResourceId": first, "ResourceType": "scalinggroup", "TagKey": key, "TagValue": value, "Propagate": False}
        for key, value in (("a", "1"), ("b", "2"))
    ]
    assert keys["Keys"] == ["a", "b"]
    assert values["Values"] == ["1"]
    assert [one["TagKey"] for one in (await world.group(first))["Tags"]] == ["b"]
    assert (await world.group(second))["Tags"] == []


async def test_regions_and_limits_are_told(world: World) -> None:
    regions = (await world.call("DescribeRegions"))["Regions"]
    limits = await world.call("DescribeLimitation")

    hangzhou = next(one for one in regions if one["RegionId"] == REGION)
    assert hangzhou["RegionEndpoint"] == "ess.aliyuncs.com"
    assert limits["MaxNumberOfLifecycleHooks"] == 10
    assert limits["MaxNumberOfMaxSize"] == 2000
    assert "MaxNumberOfVServerGroups" in limits
    assert "MaxNumberOfDBInstances" in limits

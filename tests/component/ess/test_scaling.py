"""Scaling by hand: what an activity does, in order, and what it says (ess.md 3.2, 3.3, 5, 6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from support.ecs import TYPE
from support.ess import REGION, World
from tidegate.services.ess.dialect import OLD
from tidegate.store.ecs import tags as ecs_tags


async def rule_ids(world: World, group: str) -> list[str]:
    answer = await world.call("DescribeScalingRules", ScalingGroupId=group)
    return [one["ScalingRuleId"] for one in answer["ScalingRules"]]


async def test_a_scale_out_makes_instances_and_puts_them_into_service(world: World) -> None:
    group = await world.make_group()
    rule = await world.make_rule(group, 2)

    activity = (await world.call("ExecuteScalingRule", ScalingRuleAri=rule))["ScalingActivityId"]
    running = await world.activity(activity)
    await world.settle()

    assert (running["StatusCode"], running["Progress"]) == ("InProgress", 0)
    assert "EndTime" not in running
    shown = await world.activity(activity)
    members = await world.members(group)
    made = ", ".join(members)
    assert list(members.values()) == ["InService", "InService"]
    assert await world.machines(*members) == dict.fromkeys(members, "Running")
    [rule_id] = await rule_ids(world, group)
    assert shown["StatusCode"] == "Successful"
    assert shown["Progress"] == 100
    assert shown["Cause"] == (
        f'A user requests to execute scaling rule "{rule_id}", changing the Total Capacity from "0" to "2".'
    )
    assert shown["Description"] == 'Add "2" ECS instances'
    assert shown["StatusMessage"] == '"2" ECS instances are added'
    assert shown["Detail"] == f'new ECS instances "{made}" are created.\n'
    assert (shown["TotalCapacity"], shown["AutoCreatedCapacity"], shown["AttachedCapacity"]) == ("2", "2", "0")
    assert shown["CreatedInstances"] == list(members)
    assert shown["TriggerSourceType"] == "APIs"
    assert shown["EndTime"]


async def test_a_member_shows_where_it_comes_from(world: World) -> None:
    group = await world.make_group()
    activity = await world.scale(group, 1)

    [shown] = (await world.call("DescribeScalingInstances", ScalingGroupId=group))["ScalingInstances"]

    [configuration] = (await world.call("DescribeScalingConfigurations", ScalingGroupId=group))["ScalingConfigurations"]
    view = (await world.ecs.find(world.account, REGION, [shown["InstanceId"]]))[shown["InstanceId"]]
    assert shown["ScalingConfigurationId"] == configuration["ScalingConfigurationId"]
    assert shown["ScalingActivityId"] == activity
    assert (shown["CreationType"], shown["HealthStatus"]) == ("AutoCreated", "Healthy")
    assert (shown["PrivateIpAddress"], shown["ZoneId"]) == (view.private_address, view.zone)
    assert shown["CreatedTime"].endswith("Z")


async def test_instances_carry_what_the_configuration_says(world: World) -> None:
    group = await world.make_group(
        configuration={
            "InstanceName": "web",
            "UserData": "IyEvYmluL3No",
            "Tags": '{"team":"blue"}',
            "LoadBalancerWeight": 20,
        },
        **{"Tags.1.Key": "env", "Tags.1.Value": "prod", "Tags.1.Propagate": "True", "Tags.2.Key": "own"},
    )

    await world.scale(group, 1)

    [instance] = await world.members(group)
    assert world.hosts.specs[instance].user_data == b"#!/bin/sh"
    assert await tags_of(world, instance) == {"team": "blue", "env": "prod", "acs:autoscaling:scalingGroupId": group}
    [shown] = (await world.call("DescribeScalingInstances", ScalingGroupId=group))["ScalingInstances"]
    assert shown["LoadBalancerWeight"] == 20


async def tags_of(world: World, instance: str) -> dict[str, str]:
    async with world.database.connection() as db:
        return (await ecs_tags.of_resources(db, "instance", [instance])).get(instance, {})


async def test_a_scale_in_stops_and_releases(world: World) -> None:
    group = await world.make_group()
    await world.scale(group, 3)
    oldest = next(iter(await world.members(group)))

    activity = await world.scale(group, -1)

    shown = await world.activity(activity)
    assert oldest not in await world.members(group)
    assert await world.machines(oldest) == {}
    assert world.hosts.calls["stop"] == 1
    assert shown["StatusCode"] == "Successful"
    assert shown["Description"] == 'Remove "1" ECS instance'
    assert shown["StatusMessage"] == '"1" ECS instances are removed'
    assert shown["Cause"] == 'A user requests to scale with adjustment, changing the Total Capacity from "3" to "2".'
    assert shown["DestroyedInstances"] == [oldest]
    assert shown["TotalCapacity"] == "2"


@pytest.mark.parametrize(
    ("kind", "value", "values", "members"),
    [
        ("TotalCapacity", 4, {}, 4),
        ("TotalCapacity", 20, {}, 5),
        ("PercentChangeInCapacity", 50, {}, 3),
        ("PercentChangeInCapacity", 10, {"MinAdjustmentMagnitude": 2}, 4),
        ("QuantityChangeInCapacity", -9, {}, 1),
    ],
)
async def test_a_rule_is_clipped_to_the_bounds_of_its_group(
    world: World, kind: str, value: int, values: dict[str, Any], members: int
) -> None:
    group = await world.make_group(MinSize=1, MaxSize=5)
    await world.scale(group, 1)
    rule = await world.make_rule(group, value, kind, **values)

    await world.call("ExecuteScalingRule", ScalingRuleAri=rule)
    await world.settle()

    assert len(await world.members(group)) == members


async def test_a_rule_that_changes_nothing_is_refused_and_leaves_a_rejected_activity(world: World) -> None:
    group = await world.make_group(MaxSize=1)
    await world.scale(group, 1)
    rule = await world.make_rule(group, 1)

    error = await world.refused("ExecuteScalingRule", ScalingRuleAri=rule)

    assert (error.code, error.status) == ("IncorrectCapacity.NoChange", 400)
    assert error.message == "To execute the specified scaling rule, the total capacity will not change."
    rejected = (await world.activities(group))[-1]
    assert (rejected["StatusCode"], rejected["StatusMessage"]) == ("Rejected", error.message)
    assert rejected["EndTime"] == rejected["StartTime"]


async def test_one_activity_at_a_time_without_desired_capacity(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group)
    await world.scale(group, 1)

    error = await world.refused(
        "ScaleWithAdjustment", ScalingGroupId=group, AdjustmentType="QuantityChangeInCapacity", AdjustmentValue=1
    )

    assert error.code == "ScalingActivityInProgress"
    assert [one["StatusCode"] for one in await world.activities(group)] == ["InProgress", "Rejected"]


async def test_an_inactive_group_does_not_scale(world: World) -> None:
    group = await world.make_group(enabled=False)
    rule = await world.make_rule(group)

    error = await world.refused("ExecuteScalingRule", ScalingRuleAri=rule)

    assert error.code == "IncorrectScalingGroupStatus"


async def test_a_repeated_call_gets_the_first_activity(world: World) -> None:
    group = await world.make_group()
    rule = await world.make_rule(group, 1)
    other = await world.make_rule(group, 2)

    first = await world.call("ExecuteScalingRule", ScalingRuleAri=rule, token="t-1")
    await world.settle()
    again = await world.call("ExecuteScalingRule", ScalingRuleAri=rule, token="t-1")
    await world.settle()

    assert again == first
    assert len(await world.members(group)) == 1
    error = await world.refused("ExecuteScalingRule", ScalingRuleAri=other, token="t-1")
    assert error.code == "IdempotentParameterMismatch"


@pytest.mark.parametrize(
    "ari",
    [
        "nonsense",
        "ari:acs:ess:cn-hangzhou:1234567890123456:scalingrule/asr-unknown",
        "ari:acs:ess:cn-hangzhou:9999999999999999:scalingrule/{rule}",
        "ari:acs:ess:cn-beijing:1234567890123456:scalingrule/{rule}",
    ],
)
async def test_a_rule_is_found_only_by_its_own_name(world: World, ari: str) -> None:
    group = await world.make_group()
    await world.make_rule(group)
    [rule] = await rule_ids(world, group)

    error = await world.refused("ExecuteScalingRule", ScalingRuleAri=ari.format(rule=rule))

    assert (error.code, error.status) == ("InvalidScalingRuleAri.NotFound", 404)


async def test_old_samples_spell_the_name_of_a_rule_with_a_capital(world: World) -> None:
    group = await world.make_group()
    ari = await world.make_rule(group)

    await world.call("ExecuteScalingRule", ScalingRuleAri=ari.replace("scalingrule", "scalingRule"))
    await world.settle()

    assert len(await world.members(group)) == 1


async def test_a_type_that_is_sold_out_falls_back_to_the_next_one(world: World) -> None:
    group = await world.make_group(configuration={"InstanceType": None, "InstanceTypes": [TYPE, "ecs.c6.large"]})
    world.ecs.shortages.add(TYPE)

    await world.scale(group, 1)

    [instance] = await world.members(group)
    view = (await world.ecs.find(world.account, REGION, [instance]))[instance]
    assert view.instance_type == "ecs.c6.large"


async def test_an_activity_that_makes_nothing_fails_with_the_reason(world: World) -> None:
    group = await world.make_group()
    world.ecs.shortages.add(TYPE)

    activity = await world.scale(group, 2)

    shown = await world.activity(activity)
    assert shown["StatusCode"] == "Failed"
    assert shown["StatusMessage"].startswith('Fail to create Instances into scaling group("')
    assert shown["ErrorCode"] == "OperationDenied.NoStock"
    assert shown["TotalCapacity"] == "0"
    assert await world.members(group) == {}
    assert (await world.group(group))["TotalCapacity"] == 0


async def test_hooks_are_not_triggered_when_nothing_was_made(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group)
    world.ecs.shortages.add(TYPE)

    activity = await world.scale(group, 2)

    assert await world.actions(activity) == []
    assert (await world.activity(activity))["StatusCode"] == "Failed"


async def test_instances_that_do_not_boot_are_released_and_the_rest_goes_on(world: World) -> None:
    group = await world.make_group()
    world.hosts.broken.add("create")

    activity = await world.scale(group, 1, settle=False)
    await world.settle()
    for _ in range(12):
        await world.advance(minutes=1)

    shown = await world.activity(activity)
    assert shown["StatusCode"] == "Failed"
    assert await world.members(group) == {}
    world.hosts.broken.clear()
    await world.advance(minutes=5)
    assert list(await world.hosts.list()) == []


async def test_a_partial_success_is_a_warning_that_names_the_missing_one(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group)
    activity = await world.scale(group, 3)
    [action] = await world.actions(activity)
    lost = action["InstanceIds"][1]
    await world.ecs.release(world.account, [lost], force=True)
    await world.settle()

    await world.complete(action)

    shown = await world.activity(activity)
    assert sorted(await world.members(group)) == sorted(one for one in action["InstanceIds"] if one != lost)
    assert shown["StatusCode"] == "Warning"
    assert shown["ErrorMessages"][0]["FailedInstanceIds"] == [lost]
    assert shown["TotalCapacity"] == "2"


async def test_a_scale_in_that_finds_only_protected_members_fails(world: World) -> None:
    group = await world.make_group()
    await world.scale(group, 1)
    members = list(await world.members(group))
    await world.call("SetInstancesProtection", ScalingGroupId=group, InstanceIds=members, ProtectedFromScaleIn=True)

    activity = await world.scale(group, -1)

    shown = await world.activity(activity)
    assert shown["StatusCode"] == "Failed"
    assert shown["StatusMessage"] == (
        'Fail to scale instances for scaling group("Ignore to remove 1 instances('
        '"instances in standby/protected status")").'
    )
    assert await world.members(group) == {members[0]: "Protected"}


async def test_a_scale_in_that_finds_too_few_is_a_warning(world: World) -> None:
    group = await world.make_group()
    await world.scale(group, 2)
    kept, gone = await world.members(group)
    await world.call("SetInstancesProtection", ScalingGroupId=group, InstanceIds=[kept], ProtectedFromScaleIn=True)

    activity = await world.scale(group, -2)

    assert (await world.activity(activity))["StatusCode"] == "Warning"
    assert await world.members(group) == {kept: "Protected"}
    assert await world.machines(gone) == {}


async def test_cooldown_starts_when_something_joined_and_blocks_nothing_by_hand(world: World) -> None:
    group = await world.make_group(DefaultCooldown=600)
    rule = await world.make_rule(group, 1, Cooldown=60)

    await world.call("ExecuteScalingRule", ScalingRuleAri=rule)
    await world.settle()

    async with world.database.connection() as db:
        until = await db.fetchval("select cooldown_until from ess_group where id = $1", group)
    assert timedelta(seconds=50) < until - world.clock.now() <= timedelta(seconds=60)
    await world.call("ExecuteScalingRule", ScalingRuleAri=rule)
    await world.settle()
    assert len(await world.members(group)) == 2


async def test_a_zone_balanced_group_spreads_and_shrinks_evenly(world: World) -> None:
    zones = ["cn-hangzhou-h", "cn-hangzhou-i", "cn-hangzhou-j"]
    switches = [(await world.ecs.default_vswitch(world.account, REGION, zone)).id for zone in zones]
    group = await world.make_group(VSwitchIds=switches, MultiAZPolicy="BALANCE")

    await world.scale(group, 5)
    before = await zones_of(world, group)
    await world.scale(group, -2)
    after = await zones_of(world, group)

    assert sorted(before.values()) == [1, 2, 2]
    assert sorted(after.values()) == [1, 1, 1]


async def zones_of(world: World, group: str) -> dict[str, int]:
    answer = await world.call("DescribeScalingInstances", ScalingGroupId=group)
    zones = [one["ZoneId"] for one in answer["ScalingInstances"]]
    return {zone: zones.count(zone) for zone in zones}


async def test_more_than_ecs_makes_at_once_is_made_in_batches(world: World) -> None:
    group = await world.make_group(MaxSize=200)

    activity = await world.scale(group, 130)

    assert (await world.group(group))["ActiveCapacity"] == 130
    assert (await world.activity(activity))["StatusCode"] == "Successful"


async def test_a_recycle_group_stops_and_starts_the_same_machines(world: World) -> None:
    group = await world.make_group(ScalingPolicy="recycle")
    await world.scale(group, 2)
    before = await world.members(group)

    await world.scale(group, -1)
    parked = await world.members(group)
    counted = await world.group(group)
    out = await world.scale(group, 2)

    after = await world.members(group)
    assert sorted(parked.values()) == ["InService", "Stopped"]
    assert (counted["TotalCapacity"], counted["StoppedCapacity"], counted["TotalInstanceCount"]) == (1, 1, 2)
    assert set(before) < set(after)
    assert set(after.values()) == {"InService"}
    assert len(after) == 3
    [stopped] = [one for one, state in parked.items() if state == "Stopped"]
    assert (await world.activity(out))["StartedInstances"] == [stopped]


async def test_a_stop_that_takes_too_long_does_not_hold_a_group_with_a_timeout(world: World) -> None:
    group = await world.make_group(StopInstanceTimeout=60)
    await world.scale(group, 1)
    world.hosts.broken.add("stop")

    activity = await world.scale(group, -1)
    assert (await world.activity(activity))["StatusCode"] == "InProgress"
    await world.advance(seconds=61)
    world.hosts.broken.clear()
    for _ in range(5):
        await world.advance(minutes=1)

    assert (await world.activity(activity))["StatusCode"] == "Successful"
    assert await world.members(group) == {}


async def test_the_old_version_shows_activities_in_fewer_fields_and_wrapped(world: World) -> None:
    group = await world.make_group()
    activity = await world.scale(group, 1)

    answer = await world.call("DescribeScalingActivities", version=OLD, **{"ScalingActivityId.1": activity})

    [shown] = answer["ScalingActivities"]["ScalingActivity"]
    assert shown["StatusCode"] == "Successful"
    assert "Detail" not in shown
    detail = await world.call("DescribeScalingActivityDetail", version=OLD, ScalingActivityId=activity)
    assert detail["Detail"].startswith('new ECS instances "i-')


async def test_all_groups_of_a_region_together_have_a_quota(world: World) -> None:
    first, second = await world.make_group(MaxSize=2000), await world.make_group(MaxSize=2000)
    await world.scale(first, 600, settle=False)

    error = await world.refused(
        "ScaleWithAdjustment", ScalingGroupId=second, AdjustmentType="TotalCapacity", AdjustmentValue=401
    )

    assert error.code == "QuotaExceeded.ScalingInstance"
    assert (await world.activities(second))[-1]["StatusCode"] == "Rejected"

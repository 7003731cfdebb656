"""Target tracking rules: their two alarm tasks, and the group that follows its metric (ess.md 5.4)."""

from __future__ import annotations

from typing import Any

from component.ess.watching import busy, fired, make_watched, pass_periods
from support.ess import ACCOUNT, World

TRACKING = "TargetTrackingScalingRule"


async def make_rule(world: World, group: str, **values: Any) -> str:
    """Create a rule that holds processors at 50 per cent and looks every quarter of a minute; returns its id."""
    wanted = {
        "ScalingRuleType": TRACKING,
        "MetricName": "CpuUtilization",
        "TargetValue": 50,
        "ScaleOutEvaluationCount": 1,
        "ScaleInEvaluationCount": 2,
        "EstimatedInstanceWarmup": 0,
        "AlarmOptions": {"Period": 15},
        **values,
    }
    return str((await world.call("CreateScalingRule", ScalingGroupId=group, **wanted))["ScalingRuleId"])


async def rule_of(world: World, rule: str) -> dict[str, Any]:
    answer = await world.call("DescribeScalingRules", ScalingRuleIds=[rule], ShowAlarmRules=True)
    return dict(answer["ScalingRules"][0])


async def test_it_makes_an_alarm_task_for_each_side_and_shows_them(world: World) -> None:
    group = await make_watched(world)
    made = await world.call(
        "CreateScalingRule",
        ScalingGroupId=group,
        ScalingRuleType=TRACKING,
        ScalingRuleName="half",
        MetricName="CpuUtilization",
        TargetValue=62.5,
    )

    shown = await rule_of(world, made["ScalingRuleId"])
    listed = (await world.call("DescribeAlarms", ScalingGroupId=group))["AlarmList"]

    assert {
        name: shown[name] for name in ("MetricName", "TargetValue", "DisableScaleIn", "EstimatedInstanceWarmup")
    } == {
        "MetricName": "CpuUtilization",
        "TargetValue": 62.5,
        "DisableScaleIn": False,
        "EstimatedInstanceWarmup": 300,
    }
    assert (shown["ScaleOutEvaluationCount"], shown["ScaleInEvaluationCount"]) == (3, 15)
    assert "AdjustmentType" not in shown
    sides = [
        (one["ComparisonOperator"], one["Threshold"], one["EvaluationCount"], one["Period"]) for one in shown["Alarms"]
    ]
    assert sides == [(">", 62.5, 3, 60), ("<", 56.25, 15, 60)]
    assert {"DimensionKey": "scaling_group", "DimensionValue": group} in shown["Alarms"][0]["Dimensions"]
    high, low = sorted(one["Name"] for one in listed)
    assert high.startswith(f"TargetTracking-{made['ScalingRuleId']}-AlarmHigh-")
    assert low.startswith(f"TargetTracking-{made['ScalingRuleId']}-AlarmLow-")
    assert listed[0]["Description"] == (
        "DO NOT EDIT OR DELETE.For TargetTrackingScalingRule scalingRuleAri:"
        f"ari:acs:ess:cn-hangzhou:{ACCOUNT}:scalingrule/{made['ScalingRuleId']}, scalingRuleName:half"
    )
    plain = await world.call("DescribeScalingRules", ScalingRuleIds=[made["ScalingRuleId"]])
    assert plain["ScalingRules"][0]["Alarms"] == []


async def test_the_group_grows_in_proportion_and_shrinks_when_it_is_idle(world: World) -> None:
    group = await make_watched(world, MinSize=0, DefaultCooldown=600)
    await world.scale(group, 2)
    await make_rule(world, group)
    busy(world, 90)
    await pass_periods(world, 2)
    assert len(await world.members(group)) == 4  # 2 x 90 / 50

    busy(world, 45)  # the same work for four
    await pass_periods(world, 4)
    assert len(await world.members(group)) == 4
    busy(world, 10)
    await pass_periods(world, 3)

    assert len(await world.members(group)) == 1
    assert set(await fired(world, group)) == {"Successful"}


async def test_instances_that_warm_up_are_given_time(world: World) -> None:
    group = await make_watched(world, MinSize=0)
    await world.scale(group, 2)
    await world.advance(seconds=60)
    await make_rule(world, group, EstimatedInstanceWarmup=60)
    busy(world, 90)

    await pass_periods(world, 4)

    assert len(await world.members(group)) == 4
    await world.advance(seconds=60)
    await pass_periods(world, 2)
    assert len(await world.members(group)) == 8


async def test_without_scale_in_the_group_only_grows(world: World) -> None:
    group = await make_watched(world, MinSize=0)
    await world.scale(group, 3)
    rule = await make_rule(world, group, DisableScaleIn=True)
    await pass_periods(world, 4)
    assert len(await world.members(group)) == 3
    assert len((await rule_of(world, rule))["Alarms"]) == 1

    await world.call("ModifyScalingRule", ScalingRuleId=rule, DisableScaleIn=False, TargetValue=20)
    assert [one["Threshold"] for one in (await rule_of(world, rule))["Alarms"]] == [20, 18]
    await pass_periods(world, 4)

    assert len(await world.members(group)) == 1


async def test_with_desired_capacity_the_desired_value_follows(world: World) -> None:
    group = await make_watched(world, DesiredCapacity=2)
    await make_rule(world, group)
    busy(world, 90)

    await pass_periods(world, 1)

    assert (await world.group(group))["DesiredCapacity"] == 4
    assert len(await world.members(group)) == 4


async def test_its_alarm_tasks_go_with_it_and_with_the_group(world: World) -> None:
    group = await make_watched(world, MinSize=0)
    rule = await make_rule(world, group)
    await world.call("DeleteScalingRule", ScalingRuleId=rule)
    assert (await world.call("DescribeAlarms"))["AlarmList"] == []

    await make_rule(world, group)
    await world.call("DeleteScalingGroup", ScalingGroupId=group, ForceDelete=True)
    await world.settle()

    assert (await world.call("DescribeAlarms"))["AlarmList"] == []
    await pass_periods(world, 2)
    assert await world.failed_works() == []


async def test_it_is_not_for_anybody_to_execute_or_to_tie_to_alarm_tasks(world: World) -> None:
    group = await world.make_group()
    rule = await make_rule(world, group)
    ari = f"ari:acs:ess:cn-hangzhou:{ACCOUNT}:scalingrule/{rule}"

    executed = await world.refused("ExecuteScalingRule", ScalingRuleAri=ari)
    tied = await world.refused(
        "CreateAlarm", ScalingGroupId=group, MetricName="CpuUtilization", Threshold=1, AlarmActions=[ari]
    )

    assert (executed.code, executed.message) == (
        "ScalingRule.InvalidScalingRuleType",
        "Specific scaling rule type: TargetTrackingScalingRule can not be executed.",
    )
    assert tied.code == "InvalidParameter"


async def test_what_it_cannot_aim_at_is_refused(world: World) -> None:
    group = await world.make_group()
    await make_rule(world, group)

    for values, code in (
        ({}, "TargetTrackingScalingRule.DumplicateMetric"),
        ({"MetricName": "LoadAverage"}, "TargetTrackingScalingRule.UnsupportedMetric"),
        ({"MetricName": None}, "MissingParameter"),
        ({"MetricName": "MemoryUtilization", "TargetValue": None}, "MissingParameter"),
        ({"MetricName": "MemoryUtilization", "TargetValue": 0}, "InvalidParameter"),
        ({"MetricName": "MemoryUtilization", "TargetValue": 1.2345}, "InvalidParameter"),
        ({"MetricName": "MemoryUtilization", "ScaleOutEvaluationCount": 0}, "InvalidParameter"),
        ({"MetricName": "LoadBalancerRealServerAverageQps"}, "MissingParameter"),
    ):
        wanted = {"ScalingRuleType": TRACKING, "MetricName": "CpuUtilization", "TargetValue": 50, **values}
        refused = await world.refused("CreateScalingRule", ScalingGroupId=group, **wanted)
        assert refused.code == code, values

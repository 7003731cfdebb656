"""Alarm tasks: watched metrics, and the rules they execute (ess.md 9.2)."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest

from component.ess.watching import alarm, busy, fired, make_alarm, make_watched, measure_one, pass_periods
from support.crashing import Crash, watched_points
from support.ess import ACCOUNT, REGION, World
from tidegate.services.ess import limits
from tidegate.store import events


async def test_a_busy_group_grows_by_its_rule_and_the_cause_says_so(world: World) -> None:
    group = await make_watched(world)
    rule = await world.make_rule(group, 1)
    task = await make_alarm(world, group, rule)
    assert (await alarm(world, task))["State"] == "INSUFFICIENT_DATA"

    await pass_periods(world, 1)
    assert (await alarm(world, task))["State"] == "OK"
    busy(world, 80)
    await pass_periods(world, 1)

    assert (await alarm(world, task))["State"] == "ALARM"
    [activity] = [one for one in await world.activities(group) if one["TriggerSourceType"] == "Cms"]
    rule_id = rule.rpartition("/")[2]
    assert activity["Cause"] == (
        f'An alarm task execute scaling rule "{rule_id}", changing the Total Capacity from "2" to "3".'
    )
    assert (activity["TriggerSourceId"], activity["StatusCode"]) == (task, "Successful")
    assert list((await world.members(group)).values()) == ["InService"] * 3


async def test_it_fires_again_each_period_while_it_lasts_and_no_more_when_it_is_over(world: World) -> None:
    group = await make_watched(world)
    await make_alarm(world, group, await world.make_rule(group, 1))
    busy(world, 90)

    await pass_periods(world, 3)
    busy(world, 10)
    await pass_periods(world, 3)

    assert await fired(world, group) == ["Successful"] * 3
    assert len(await world.members(group)) == 5


async def test_as_many_periods_as_it_wants_must_breach(world: World) -> None:
    group = await make_watched(world)
    await pass_periods(world, 1, 60)
    task = await make_alarm(world, group, await world.make_rule(group, 1), Period=60, EvaluationCount=2)
    states = []
    for load in (90, 10, 90, 90):
        busy(world, load)
        await pass_periods(world, 4)
        states.append((await alarm(world, task))["State"])

    assert states == ["OK", "OK", "OK", "ALARM"]
    assert await fired(world, group) == ["Successful"]


async def test_in_the_cooldown_a_simple_rule_is_rejected_with_words(world: World) -> None:
    group = await make_watched(world, DefaultCooldown=300)
    await world.advance(seconds=300)  # since the first two have come
    await make_alarm(world, group, await world.make_rule(group, 1))
    busy(world, 90)

    await pass_periods(world, 2)

    assert await fired(world, group) == ["Successful", "Rejected"]
    rejected = (await world.activities(group))[-1]
    assert rejected["StatusMessage"] == "You cannot launch a new scaling activity during the cooldown period."
    assert len(await world.members(group)) == 3
    await world.advance(seconds=300)
    await pass_periods(world, 2)
    assert len(await world.members(group)) == 4


async def test_a_step_rule_gets_the_value_and_leaves_to_warm_up_what_simple_rules_leave_to_cooldown(
    world: World,
) -> None:
    group = await make_watched(world, DefaultCooldown=600)
    steps = [
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 20, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 20, "ScalingAdjustment": 3},
    ]
    made = await world.call(
        "CreateScalingRule",
        ScalingGroupId=group,
        ScalingRuleType="StepScalingRule",
        AdjustmentType="QuantityChangeInCapacity",
        StepAdjustments=steps,
        EstimatedInstanceWarmup=60,
    )
    await world.advance(seconds=120)
    await make_alarm(world, group, made["ScalingRuleAri"])

    busy(world, 90)  # 30 above the threshold
    await pass_periods(world, 2)

    assert len(await world.members(group)) == 5
    assert await fired(world, group) == ["Successful", "Rejected"]  # three warm up already


async def test_a_rule_that_does_not_fit_or_is_gone_leaves_a_rejected_activity(world: World) -> None:
    group = await make_watched(world, MaxSize=2)
    full, gone = await world.make_rule(group, 1), await world.make_rule(group, 2)
    await make_alarm(world, group, full, gone)
    await world.call("DeleteScalingRule", ScalingRuleId=gone.rpartition("/")[2])
    busy(world, 90)

    await pass_periods(world, 1)

    messages = [one["StatusMessage"] for one in await world.activities(group) if one["StatusCode"] == "Rejected"]
    assert sorted(messages) == [
        "The specified scaling rule Ari does not exist.",
        "To execute the specified scaling rule, the total capacity will not change.",
    ]
    assert await world.failed_works() == []


async def test_with_desired_capacity_the_group_scales_first_and_the_desired_value_follows(world: World) -> None:
    group = await make_watched(world, DesiredCapacity=2)
    await make_alarm(world, group, await world.make_rule(group, 2))
    busy(world, 90)

    await pass_periods(world, 1)

    assert (await world.group(group))["DesiredCapacity"] == 4
    assert len(await world.members(group)) == 4
    assert await fired(world, group) == ["Successful"]


async def test_a_suspended_process_and_a_disabled_task_start_nothing(world: World) -> None:
    group = await make_watched(world)
    task = await make_alarm(world, group, await world.make_rule(group, 1))
    await world.call("SuspendProcesses", ScalingGroupId=group, Processes=["AlarmNotification"])
    busy(world, 90)
    await pass_periods(world, 2)
    assert (await alarm(world, task))["State"] == "ALARM"
    assert await fired(world, group) == []

    await world.call("DisableAlarm", AlarmTaskId=task)
    await world.call("ResumeProcesses", ScalingGroupId=group, Processes=["AlarmNotification"])
    await pass_periods(world, 2)
    assert (await alarm(world, task))["Enable"] is False
    assert await fired(world, group) == []
    await world.call("EnableAlarm", AlarmTaskId=task)
    await pass_periods(world, 1)

    assert await fired(world, group) == ["Successful"]


async def test_outside_of_its_time_it_does_not_count(world: World) -> None:
    group = await make_watched(world)
    hour = world.clock.now().hour
    task = await make_alarm(world, group, await world.make_rule(group), Effective=f"TZ=+00 * * {(hour + 1) % 24} * * ?")
    busy(world, 90)
    await pass_periods(world, 2)
    assert await fired(world, group) == []

    await pass_periods(world, 1, 3600)
    await pass_periods(world, 2)

    assert (await alarm(world, task))["State"] == "ALARM"
    assert len(await fired(world, group)) >= 1


async def test_several_metrics_are_joined(world: World) -> None:
    group = await make_watched(world)
    expressions = [
        {"MetricName": "CpuUtilization", "Threshold": 50, "Period": 15},
        {"MetricName": "TcpConnection", "Threshold": 1, "Period": 15},
    ]
    values: dict[str, Any] = {"MetricName": None, "Threshold": None, "Period": None, "Expressions": expressions}
    both = await make_alarm(world, group, **values)
    either = await make_alarm(world, group, **values, ExpressionsLogicOperator="||")
    busy(world, 90)

    await pass_periods(world, 1)

    shown = await alarm(world, both)
    assert (shown["State"], (await alarm(world, either))["State"]) == ("OK", "ALARM")
    assert [one["MetricName"] for one in shown["Expressions"]] == ["CpuUtilization", "TcpConnection"]
    assert (shown["ExpressionsLogicOperator"], "MetricName" in shown) == ("&&", False)
    assert {"DimensionKey": "state", "DimensionValue": "TCP_TOTAL"} in shown["Dimensions"]


async def test_it_outlives_its_group_and_rests(world: World) -> None:
    group = await make_watched(world)
    task = await make_alarm(world, group, await world.make_rule(group, 1))
    busy(world, 90)
    await pass_periods(world, 1)

    await world.call("DeleteScalingGroup", ScalingGroupId=group, ForceDelete=True)
    await pass_periods(world, 2)

    assert (await alarm(world, task))["State"] == "INSUFFICIENT_DATA"
    assert (await world.driver.find(f"alarm/{task}")).status == "Success"
    await world.call("DeleteAlarm", AlarmTaskId=task)


async def test_what_a_user_reports_can_be_watched(world: World) -> None:
    group = await make_watched(world)
    task = await make_alarm(
        world,
        group,
        await world.make_rule(group, 1),
        MetricType="custom",
        GroupId="7",
        MetricName="queue",
        Threshold=100,
        Dimensions=[{"DimensionKey": "shop", "DimensionValue": "a"}],
    )
    for shop, value in (("a", 40), ("b", 400)):
        await report(world, shop, value)
    await pass_periods(world, 1)
    assert (await alarm(world, task))["State"] == "OK"

    await report(world, "a", 200)
    await pass_periods(world, 1)

    assert (await alarm(world, task))["State"] == "ALARM"
    assert await fired(world, group) == ["Successful"]
    await pass_periods(world, 1)
    assert (await alarm(world, task))["State"] == "INSUFFICIENT_DATA"


async def report(world: World, shop: str, value: float) -> None:
    from tidegate.services.cms.reporting import MetricReport

    one = MetricReport(
        group_id="7",
        metric_name="queue",
        type="0",
        dimensions=json.dumps({"shop": shop}),
        values=json.dumps({"value": value}),
    )
    await world.monitor.reports.put_metrics(ACCOUNT, [one])


async def test_nothing_is_known_of_a_metric_that_is_not_measured(world: World) -> None:
    group = await make_watched(world)
    task = await make_alarm(world, group, MetricName="SystemDiskReadOps")

    await pass_periods(world, 2)

    assert (await alarm(world, task))["State"] == "INSUFFICIENT_DATA"


async def test_it_waits_for_the_hosts_to_be_measured_and_not_for_ever(world: World) -> None:
    group = await make_watched(world)
    task = await make_alarm(world, group)
    await pass_periods(world, 1)
    async with world.database.transaction() as tx:
        await tx.execute("update work set due_at = due_at + interval '10 days' where key = 'meter/hosts'")

    await pass_periods(world, 1)
    assert (await alarm(world, task))["State"] == "OK"  # of the period before
    for _ in range(6):
        await world.advance(seconds=2)

    assert (await alarm(world, task))["State"] == "INSUFFICIENT_DATA"


async def test_transitions_are_told_on_the_event_bus(world: World) -> None:
    group = await make_watched(world)
    task = await make_alarm(world, group)
    busy(world, 90)
    await pass_periods(world, 2)
    busy(world, 0)
    await pass_periods(world, 1)

    async with world.database.connection() as db:
        query = events.Query(account_id=ACCOUNT, region=REGION, source="acs.ess")
        found = [one for one in await events.page(db, query, limit=50) if one.type == "ess:Alarm:StateChange"]

    assert [(one.data["previousState"], one.data["state"], one.data["value"]) for one in reversed(found)] == [
        ("INSUFFICIENT_DATA", "ALARM", 90.0),
        ("ALARM", "OK", 0.0),
    ]
    assert all(one.data["alarmTaskId"] == task for one in found)


async def test_it_fires_once_for_a_period_wherever_the_process_dies(world: World) -> None:
    group = await make_watched(world, MaxSize=100)
    await make_alarm(world, group, await world.make_rule(group, 1))
    await pass_periods(world, 1)
    busy(world, 90)
    await measure_one(world)
    with watched_points() as points:
        await world.advance(seconds=3)
        passed = len(points.passed)
    assert passed > 10

    for number in range(1, passed):
        await measure_one(world)
        have = len(await fired(world, group))
        with watched_points() as points:
            points.crash_after = number
            with contextlib.suppress(Crash):
                await world.advance(seconds=3)
        await world.restart().settle()
        assert len(await fired(world, group)) == have + 1, f"crashed at {points.passed[-1:]}"
        await pass_periods(world, 1)  # a new process has to measure once before it can tell


async def test_alarm_tasks_are_listed_changed_and_deleted_in_both_versions(world: World) -> None:
    group = await make_watched(world)
    rule = await world.make_rule(group, 1)
    task = await make_alarm(world, group, rule, Name="hot", Description="too hot", Period=300)
    await make_alarm(world, group, Name="other", MetricName="MemoryUtilization")
    assert task.startswith(f"{group}_")

    changed = await world.call("ModifyAlarm", AlarmTaskId=task, Threshold=90.5, ComparisonOperator=">")
    [new] = (await world.call("DescribeAlarms", MetricName="CpuUtilization"))["AlarmList"]
    old = await world.call("DescribeAlarms", version="2014-08-28", AlarmTaskId=task)

    assert changed == {"AlarmTaskId": task}
    assert {name: new[name] for name in ("Name", "Threshold", "ComparisonOperator", "Period", "EvaluationCount")} == {
        "Name": "hot",
        "Threshold": 90.5,
        "ComparisonOperator": ">",
        "Period": 300,
        "EvaluationCount": 1,
    }
    assert (new["AlarmActions"], new["MetricType"], new["Statistics"]) == ([rule], "system", "Average")
    assert {one["DimensionKey"]: one["DimensionValue"] for one in new["Dimensions"]} == {
        "user_id": ACCOUNT,
        "scaling_group": group,
    }
    [wrapped] = old["AlarmList"]["Alarm"]
    assert wrapped["AlarmActions"] == {"AlarmAction": [rule]}
    assert len(wrapped["Dimensions"]["Dimension"]) == 2
    await world.call("DeleteAlarm", AlarmTaskId=task)
    assert (await world.refused("DeleteAlarm", AlarmTaskId=task)).status == 404
    assert [one["Name"] for one in (await world.call("DescribeAlarms"))["AlarmList"]] == ["other"]
    await world.settle()
    assert await world.failed_works() == []


async def test_there_can_be_so_many_alarm_tasks_in_a_region_and_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ALARMS", 2)
    group = await world.make_group()
    for _ in range(2):
        await make_alarm(world, group)

    refused = await world.refused("CreateAlarm", ScalingGroupId=group, MetricName="CpuUtilization", Threshold=1)

    assert refused.code == "QuotaExceeded.Alarm"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"MetricName": "Happiness"}, "InvalidParameter"),
        ({"MetricName": None}, "MissingParameter"),
        ({"Threshold": None}, "MissingParameter"),
        ({"Threshold": "NaN"}, "InvalidParameter"),
        ({"Period": 30}, "InvalidParameter"),
        ({"Statistics": "Sum"}, "InvalidParameter"),
        ({"ComparisonOperator": "=="}, "InvalidParameter"),
        ({"EvaluationCount": 0}, "InvalidParameter"),
        ({"MetricType": "hybrid"}, "InvalidParameter"),
        ({"MetricType": "custom"}, "MissingParameter"),
        ({"Effective": "always"}, "InvalidParameter"),
        ({"Dimensions": [{"DimensionKey": "device", "DimensionValue": "wlan0"}]}, "InvalidParameter"),
        ({"Expressions": [{"MetricName": "CpuUtilization", "Threshold": 1}]}, "InvalidParameter.Conflict"),
        ({"AlarmActions": ["ari:acs:ess:cn-hangzhou:1:scalingrule/asr-1"]}, "InvalidScalingRuleAri.NotFound"),
        ({"Name": "_"}, "InvalidParameter"),
        ({"ScalingGroupId": "asg-none"}, "InvalidScalingGroupId.NotFound"),
    ],
)
async def test_what_makes_no_sense_is_refused(world: World, values: dict[str, Any], code: str) -> None:
    group = await world.make_group()
    wanted = {"ScalingGroupId": group, "MetricName": "CpuUtilization", "Threshold": 1, **values}

    assert (await world.refused("CreateAlarm", **wanted)).code == code

"""Predictive rules: their forecasts, and the group whose bounds follow them (ess.md 5.5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from component.ess.watching import measure_one
from support.ess import ACCOUNT, World
from tidegate.clock import to_minutes
from tidegate.services.cms.catalog import VALUES
from tidegate.services.cms.times import start_of
from tidegate.store.cms import samples, series
from tidegate.store.cms.samples import Sample
from tidegate.store.cms.series import Series

HOUR = timedelta(hours=1)


async def live_through(world: World, group: str, *, hours: int, busy_at: int) -> datetime:
    """Give a group a past: two instances at 20 per cent, eight at 50 in one hour of the day; returns this hour."""
    await measure_one(world, 3600)
    this_hour = start_of(world.clock.now(), 3600)
    written = []
    for back in range(1, hours + 1):
        at = this_hour - back * HOUR
        instances, cpu = (8.0, 50.0) if at.hour == busy_at else (2.0, 20.0)
        known = {"cpu": cpu, "members": instances}
        written.append(Sample(series=group, at=at, count=1, grain=3600, mean=[known.get(name) for name in VALUES]))
    async with world.database.transaction() as tx:
        await series.add(tx, Series(id=group, account_id=ACCOUNT, kind="group", created_at=this_hour))
        await samples.add(tx, *written)
    return this_hour


async def make_rule(world: World, group: str, **values: Any) -> str:
    wanted = {
        "ScalingRuleType": "PredictiveScalingRule",
        "MetricName": "CpuUtilization",
        "TargetValue": 40,
        **values,
    }
    return str((await world.call("CreateScalingRule", ScalingGroupId=group, **wanted))["ScalingRuleId"])


async def bounds(world: World, group: str) -> tuple[int, int]:
    shown = await world.group(group)
    return shown["MinSize"], shown["MaxSize"]


def span(since: datetime, hours: int) -> dict[str, str]:
    return {"StartTime": to_minutes(since), "EndTime": to_minutes(since + (hours - 1) * HOUR)}


async def test_the_bounds_follow_the_forecast_hour_by_hour(world: World) -> None:
    group = await world.make_group(MaxSize=20)
    this_hour = await live_through(world, group, hours=72, busy_at=(world.clock.now().hour + 3) % 24)
    rule = await make_rule(world, group)

    await world.settle()

    assert await bounds(world, group) == (1, 20)  # 2 x 20 / 40
    assert list((await world.members(group)).values()) == ["InService"]
    tasks = await world.call("QueryPredictiveTaskInfo", ScalingRuleId=rule, **span(this_hour, 48))
    found = tasks["TaskInfos"]["TaskInfo"]
    assert len(found) == 48
    assert found[0] == {"Time": to_minutes(this_hour), "MinValue": 1, "MaxValue": 20}
    assert sorted(one["MinValue"] for one in found)[-3:] == [1, 10, 10]  # 8 x 50 / 40
    [busy, _] = [one["Time"] for one in found if one["MinValue"] == 10]
    while to_minutes(start_of(world.clock.now(), 3600)) != busy:
        assert await bounds(world, group) == (1, 20)
        await world.advance(hours=1)
    assert await bounds(world, group) == (10, 20)
    assert len(await world.members(group)) == 10
    assert await world.failed_works() == []


async def test_a_rule_that_only_predicts_changes_nothing_and_one_with_a_lead_comes_early(world: World) -> None:
    groups = [await world.make_group(MaxSize=20) for _ in range(2)]
    hour = world.clock.now().hour
    for group in groups:
        await live_through(world, group, hours=48, busy_at=(hour + 5) % 24)
    await make_rule(world, groups[0], PredictiveScalingMode="PredictOnly")
    await make_rule(world, groups[1], PredictiveTaskBufferTime=30)
    await world.settle()
    while world.clock.now().hour != (hour + 4) % 24:
        await world.advance(hours=1)
    assert await bounds(world, groups[1]) == (1, 20)

    await world.advance(minutes=31)

    assert await bounds(world, groups[0]) == (0, 20)
    assert await bounds(world, groups[1]) == (10, 20)


async def test_the_past_and_the_future_can_be_asked_for_without_a_rule(world: World) -> None:
    group = await world.make_group()
    this_hour = await live_through(world, group, hours=48, busy_at=(world.clock.now().hour + 3) % 24)
    about = {"ScalingGroupId": group, "MetricName": "CpuUtilization"}

    was = await world.call("QueryHistoricalMetric", **about, **span(this_hour - 24 * HOUR, 24))
    is_to_be = await world.call("QueryPredictiveMetric", **about, **span(this_hour, 24))
    needed = await world.call("QueryPredictiveValue", **about, **span(this_hour, 24), TargetValue=10)

    assert [float(one["MetricValue"]) for one in was["HistoricalMetrics"]["HistoricalMetric"]].count(50.0) == 1
    foreseen = is_to_be["PredictiveMetrics"]["PredictiveMetric"]
    assert (len(foreseen), foreseen[0]["Time"]) == (24, to_minutes(this_hour))
    assert {one["Value"] for one in needed["PredictiveValues"]["PredictiveValue"]} == {4, 40}
    refused = await world.refused(
        "QueryPredictiveMetric", **{**about, "MetricName": "LoadAverage"}, **span(this_hour, 2)
    )
    assert refused.code == "InvalidParameter"


async def test_with_too_little_history_it_waits(world: World) -> None:
    group = await world.make_group()
    this_hour = await live_through(world, group, hours=20, busy_at=0)
    rule = await make_rule(world, group)
    await world.settle()

    answer = await world.call("QueryPredictiveTaskInfo", ScalingRuleId=rule, **span(this_hour, 48))

    assert answer["TaskInfos"]["TaskInfo"] == []
    assert await bounds(world, group) == (0, 10)


async def test_what_it_says_is_stored_shown_and_checked(world: World) -> None:
    group = await world.make_group(MaxSize=7)
    rule = await make_rule(world, group, PredictiveValueBehavior="PredictiveValueOverrideMaxWithBuffer")
    await world.call("ModifyScalingRule", ScalingRuleId=rule, PredictiveValueBuffer=20, InitialMaxSize=9)

    [shown] = (await world.call("DescribeScalingRules", ScalingRuleIds=[rule]))["ScalingRules"]

    assert {name: value for name, value in shown.items() if name.startswith(("Predictive", "Initial", "Target"))} == {
        "TargetValue": 40,
        "PredictiveScalingMode": "PredictAndScale",
        "PredictiveValueBehavior": "PredictiveValueOverrideMaxWithBuffer",
        "PredictiveValueBuffer": 20,
        "PredictiveTaskBufferTime": 0,
        "InitialMaxSize": 9,
    }
    for values, code in (
        ({}, "PredictiveScalingRule.Duplicate"),
        ({"MetricName": "MemoryUtilization"}, "InvalidParameter"),
        ({"TargetValue": None}, "MissingParameter"),
        ({"PredictiveTaskBufferTime": 61}, "InvalidParameter"),
        ({"PredictiveScalingMode": "Guess"}, "InvalidParameter"),
    ):
        wanted = {
            "ScalingRuleType": "PredictiveScalingRule",
            "MetricName": "CpuUtilization",
            "TargetValue": 40,
            **values,
        }
        assert (await world.refused("CreateScalingRule", ScalingGroupId=group, **wanted)).code == code, values
    await world.call("DeleteScalingRule", ScalingRuleId=rule)
    await world.advance(hours=1)
    assert await world.failed_works() == []

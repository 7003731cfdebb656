"""Step rules: made, shown, changed and run by hand (ess.md 5.3, 5.6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from support.ess import World
from tidegate.clock import to_minutes
from tidegate.services.ess.dialect import OLD

STEPS = [
    {"MetricIntervalUpperBound": 0, "ScalingAdjustment": -1},
    {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10.5, "ScalingAdjustment": 1},
    {"MetricIntervalLowerBound": 10.5, "ScalingAdjustment": 3},
]


async def make_rule(world: World, group: str, **values: Any) -> str:
    wanted = {
        "ScalingGroupId": group,
        "ScalingRuleType": "StepScalingRule",
        "AdjustmentType": "QuantityChangeInCapacity",
        "StepAdjustments": STEPS,
        **values,
    }
    return str((await world.call("CreateScalingRule", **wanted))["ScalingRuleAri"])


async def test_what_a_rule_with_a_warm_up_makes_shows_how_warm_it_is(world: World) -> None:
    group = await world.make_group()
    ari = (
        await world.call(
            "CreateScalingRule",
            ScalingGroupId=group,
            ScalingRuleType="StepScalingRule",
            AdjustmentType="QuantityChangeInCapacity",
            StepAdjustments=[{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
            EstimatedInstanceWarmup=60,
        )
    )["ScalingRuleAri"]
    await world.scale(group, 1)
    await world.advance(seconds=61)  # whoever has just joined is left out of the next step
    await world.call("ExecuteScalingRule", ScalingRuleAri=ari, MetricValue=90, BreachThreshold=80)
    await world.settle()

    async def states() -> list[str]:
        answer = await world.call("DescribeScalingInstances", ScalingGroupId=group)
        return [one["WarmupState"] for one in answer["ScalingInstances"]]

    young = await states()
    await world.advance(seconds=61)

    assert young == ["NoNeedWarmup", "WaitingForInstanceWarmup"]
    assert await states() == ["NoNeedWarmup", "InstanceWarmupFinish"]


async def test_a_step_rule_shows_its_steps_in_both_versions(world: World) -> None:
    group = await world.make_group()
    values = {"StepAdjustments": None, "StepAdjustment": STEPS}
    await make_rule(world, group, version=OLD, **values)

    [new] = (await world.call("DescribeScalingRules", ScalingGroupId=group))["ScalingRules"]
    [old] = (await world.call("DescribeScalingRules", version=OLD, ScalingGroupId=group))["ScalingRules"]["ScalingRule"]

    assert new["StepAdjustments"] == STEPS
    assert old["StepAdjustments"] == {"StepAdjustment": STEPS}
    assert (new["ScalingRuleType"], new["EstimatedInstanceWarmup"]) == ("StepScalingRule", 300)
    assert "AdjustmentValue" not in new


@pytest.mark.parametrize(("metric", "members"), [(90.4, 3), (90.5, 5), (79, 1)])
async def test_the_metric_decides_by_how_much(world: World, metric: float, members: int) -> None:
    group = await world.make_group()
    await world.scale(group, 2)
    await world.advance(seconds=300)
    rule = await make_rule(world, group)

    await world.call("ExecuteScalingRule", ScalingRuleAri=rule, MetricValue=metric, BreachThreshold=80)
    await world.settle()

    assert len(await world.members(group)) == members


async def test_instances_that_warm_up_count_against_the_next_step(world: World) -> None:
    group = await world.make_group()
    rule = await make_rule(world, group, EstimatedInstanceWarmup=120)
    small = {"ScalingRuleAri": rule, "MetricValue": 81, "BreachThreshold": 80}
    large = {**small, "MetricValue": 99}

    await world.call("ExecuteScalingRule", **small)
    await world.settle()
    again = await world.refused("ExecuteScalingRule", **small)
    await world.call("ExecuteScalingRule", **large)
    await world.settle()
    warming = len(await world.members(group))
    await world.advance(seconds=121)
    await world.call("ExecuteScalingRule", **large)
    await world.settle()

    assert again.code == "IncorrectCapacity.NoChange"
    assert warming == 3
    assert len(await world.members(group)) == 6


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"BreachThreshold": 80}, "MissingParameter.MetricValue"),
        ({"MetricValue": 80}, "MissingParameter.BreachThreshold"),
        ({"MetricValue": 1e19, "BreachThreshold": 80}, "MetricValueBeyondPermitRange"),
        ({"MetricValue": 80, "BreachThreshold": -1e19}, "BreachThresholdBeyondPermitRange"),
        ({"MetricValue": 70, "BreachThreshold": 80}, "InvalidStepAdjustments.NoStepFound"),
    ],
)
async def test_a_step_rule_needs_a_metric_that_some_step_is_for(
    world: World, values: dict[str, float], code: str
) -> None:
    group = await world.make_group()
    rule = await make_rule(world, group, StepAdjustments=STEPS[1:])

    error = await world.refused("ExecuteScalingRule", ScalingRuleAri=rule, **values)

    assert error.code == code
    if code.endswith("NoStepFound"):
        assert error.message == "No adjustment step found for a metric value of: 70."


async def test_steps_are_checked_when_a_rule_is_made_and_changed(world: World) -> None:
    group = await world.make_group()
    rule_id = (await make_rule(world, group)).rpartition("/")[2]
    gap = [STEPS[0], STEPS[2]]
    wanted = {
        "ScalingGroupId": group,
        "ScalingRuleType": "StepScalingRule",
        "AdjustmentType": "QuantityChangeInCapacity",
        "StepAdjustments": gap,
    }

    made = await world.refused("CreateScalingRule", **wanted)
    changed = await world.refused("ModifyScalingRule", ScalingRuleId=rule_id, StepAdjustments=gap)
    without = await world.refused("CreateScalingRule", **{**wanted, "StepAdjustments": None})
    warmup = await world.refused("ModifyScalingRule", ScalingRuleId=rule_id, EstimatedInstanceWarmup=86401)
    await world.call("ModifyScalingRule", ScalingRuleId=rule_id, StepAdjustments=STEPS[1:])

    assert made.code == changed.code == "InvalidStepAdjustments.Gap"
    assert (without.code, warmup.code) == ("MissingParameter", "InvalidParameter")
    [shown] = (await world.call("DescribeScalingRules", ScalingGroupId=group))["ScalingRules"]
    assert shown["StepAdjustments"] == STEPS[1:]


async def test_a_scheduled_task_takes_simple_rules_only(world: World) -> None:
    rule = await make_rule(world, await world.make_group())
    soon = to_minutes(world.clock.now() + timedelta(minutes=5))

    error = await world.refused("CreateScheduledTask", ScheduledAction=rule, LaunchTime=soon)

    assert (error.code, error.message) == (
        "InvalidParameter",
        'The specified value of parameter "ScheduledAction" is not valid.',
    )

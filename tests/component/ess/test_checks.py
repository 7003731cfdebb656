"""The group's own checks: minimum, maximum, desired capacity, suspended processes (ess.md 2.3, 2.4, 2.6)."""

from __future__ import annotations

import pytest

from support.ecs import TYPE
from support.ess import World


async def test_raising_the_minimum_scales_out_and_runs_hooks(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group)

    await world.call("ModifyScalingGroup", ScalingGroupId=group, MinSize=1)
    await world.settle()

    [activity] = await world.activities(group)
    assert list((await world.members(group)).values()) == ["Pending:Wait"]
    assert len(await world.actions(activity["ScalingActivityId"])) == 1


async def test_lowering_the_maximum_scales_in(world: World) -> None:
    group = await world.make_group(MaxSize=4)
    await world.scale(group, 4)

    await world.call("ModifyScalingGroup", ScalingGroupId=group, MaxSize=1)
    await world.settle()

    assert len(await world.members(group)) == 1
    assert (await world.activities(group))[-1]["Cause"] == (
        'The Total Capacity is greater than the MaxSize, changing the Total Capacity from "4" to "1".'
    )


async def test_after_a_failed_automatic_activity_the_next_try_waits_a_minute(world: World) -> None:
    world.ecs.shortages.add(TYPE)
    group = await world.make_group(MinSize=1)

    await world.settle()
    tried = len(await world.activities(group))
    await world.advance(seconds=30)
    early = len(await world.activities(group))
    world.ecs.shortages.clear()
    await world.advance(seconds=60)

    assert (tried, early) == (1, 1)
    assert [one["StatusCode"] for one in await world.activities(group)] == ["Failed", "Successful"]
    assert len(await world.members(group)) == 1


async def test_an_inactive_group_is_left_alone(world: World) -> None:
    group = await world.make_group(enabled=False)
    await world.call("ModifyScalingGroup", ScalingGroupId=group, MinSize=2)

    await world.advance(minutes=5)

    assert await world.members(group) == {}


async def test_an_activity_that_was_waited_for_is_followed_by_the_check(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group)
    activity = await world.scale(group, 1)
    await world.call("ModifyScalingGroup", ScalingGroupId=group, MinSize=2)
    await world.settle()
    [action] = await world.actions(activity)

    await world.complete(action)

    assert sorted((await world.members(group)).values()) == ["InService", "Pending:Wait"]


async def test_desired_capacity_is_kept(world: World) -> None:
    group = await world.make_group(DesiredCapacity=3)
    first, *_ = await world.members(group)
    await world.ecs.release(world.account, [first], force=True)
    await world.settle()

    await world.advance(seconds=60)

    shown = await world.group(group)
    assert (shown["DesiredCapacity"], shown["ActiveCapacity"], shown["EnableDesiredCapacity"]) == (3, 3, True)
    assert first not in await world.members(group)


async def test_a_rule_by_hand_moves_the_desired_value_and_nothing_else(world: World) -> None:
    group = await world.make_group(DesiredCapacity=1)
    await world.make_hook(group)
    rule = await world.make_rule(group, 3)

    answer = await world.call("ExecuteScalingRule", ScalingRuleAri=rule)
    await world.settle()

    assert "ScalingActivityId" not in answer
    assert (await world.group(group))["DesiredCapacity"] == 4
    assert sorted((await world.members(group)).values()) == ["InService", *["Pending:Wait"] * 3]
    assert (await world.activities(group))[-1]["Cause"] == (
        'The Total Capacity does not match the DesiredCapacity, changing the Total Capacity from "1" to "4".'
    )


async def test_the_vendors_example_counts_from_the_steady_members(world: World) -> None:
    # Desired 3, steady 2, rule +4 → desired 6, not 7.
    group = await world.make_group(DesiredCapacity=2)
    await world.make_hook(group)
    await world.call("ModifyScalingGroup", ScalingGroupId=group, DesiredCapacity=3)
    await world.settle()

    await world.call("ExecuteScalingRule", ScalingRuleAri=await world.make_rule(group, 4))

    assert (await world.group(group))["DesiredCapacity"] == 6


async def test_the_last_request_wins_and_an_overtaken_activity_is_corrected_afterwards(world: World) -> None:
    group = await world.make_group(DesiredCapacity=3)
    await world.make_hook(group)
    plus3, plus1 = await world.make_rule(group, 3), await world.make_rule(group, 1)

    await world.call("ExecuteScalingRule", ScalingRuleAri=plus3)
    await world.settle()
    await world.call("ExecuteScalingRule", ScalingRuleAri=plus1)
    await world.settle()
    between = await world.group(group)
    [action] = await world.actions((await world.activities(group))[-1]["ScalingActivityId"])
    await world.complete(action)

    assert (between["DesiredCapacity"], between["TotalCapacity"]) == (4, 6)
    assert (await world.group(group))["ActiveCapacity"] == 4


async def test_attaching_and_detaching_move_the_desired_value(world: World) -> None:
    group = await world.make_group(DesiredCapacity=1)
    [instance] = await world.launch()

    await world.call("AttachInstances", ScalingGroupId=group, InstanceIds=[instance])
    await world.settle()
    attached = await world.group(group)
    await world.call("DetachInstances", ScalingGroupId=group, InstanceIds=[instance])
    await world.settle()

    assert (attached["DesiredCapacity"], attached["ActiveCapacity"]) == (2, 2)
    assert (await world.group(group))["DesiredCapacity"] == 1
    assert len(await world.members(group)) == 1


async def test_without_decreasing_the_desired_value_a_removed_member_is_replaced(world: World) -> None:
    group = await world.make_group(DesiredCapacity=1)
    [instance] = await world.members(group)

    await world.call("RemoveInstances", ScalingGroupId=group, InstanceIds=[instance], DecreaseDesiredCapacity=False)
    await world.settle()

    [fresh] = await world.members(group)
    assert fresh != instance


async def test_parallel_activities_run_beside_each_other_with_desired_capacity(world: World) -> None:
    group = await world.make_group(DesiredCapacity=1)
    await world.make_hook(group)
    [own] = await world.members(group)
    [outside] = await world.launch()
    await world.call("ModifyScalingGroup", ScalingGroupId=group, DesiredCapacity=2)
    await world.settle()

    await world.call("AttachInstances", ScalingGroupId=group, InstanceIds=[outside])
    await world.settle()

    members = await world.members(group)
    assert (members[own], members[outside]) == ("InService", "InService")
    assert "Pending:Wait" in members.values()


async def test_an_activity_that_is_not_parallel_stands_alone(world: World) -> None:
    group = await world.make_group(DesiredCapacity=1)
    await world.make_hook(group)
    adjustment = {"ScalingGroupId": group, "AdjustmentType": "QuantityChangeInCapacity", "AdjustmentValue": 2}

    answer = await world.call("ScaleWithAdjustment", **adjustment, SyncActivity=True)
    await world.settle()
    before = await world.group(group)
    refused = await world.refused("ScaleWithAdjustment", **adjustment)
    [action] = await world.actions(answer["ScalingActivityId"])
    await world.complete(action)

    assert before["DesiredCapacity"] == 1
    assert refused.code == "ScalingActivityInProgress"
    assert (await world.group(group))["DesiredCapacity"] == 3
    assert (await world.group(group))["ActiveCapacity"] == 3


async def test_desired_capacity_is_switched_off_only_when_nothing_runs(world: World) -> None:
    group = await world.make_group(DesiredCapacity=1)
    await world.make_hook(group)
    await world.call("ModifyScalingGroup", ScalingGroupId=group, DesiredCapacity=2)
    await world.settle()

    busy = await world.refused("ModifyScalingGroup", ScalingGroupId=group, DisableDesiredCapacity=True)
    await world.advance(minutes=10)
    await world.call("ModifyScalingGroup", ScalingGroupId=group, DisableDesiredCapacity=True)

    assert busy.code == "ScalingActivityInProgress"
    assert (await world.group(group))["EnableDesiredCapacity"] is False


async def test_bounds_that_leave_the_desired_value_outside_are_refused(world: World) -> None:
    group = await world.make_group(DesiredCapacity=3)

    error = await world.refused("ModifyScalingGroup", ScalingGroupId=group, MaxSize=2)
    await world.call("ModifyScalingGroup", ScalingGroupId=group, MaxSize=2, DesiredCapacity=2)
    await world.settle()

    assert error.code == "InvalidParameter.Conflict"
    assert len(await world.members(group)) == 2


async def test_a_suspended_scale_out_is_refused_and_the_minimum_waits_for_resume(world: World) -> None:
    group = await world.make_group()
    await world.call("SuspendProcesses", ScalingGroupId=group, Processes=["ScaleOut"])
    await world.call("SuspendProcesses", ScalingGroupId=group, Processes=["ScaleOut"])

    error = await world.refused(
        "ScaleWithAdjustment", ScalingGroupId=group, AdjustmentType="TotalCapacity", AdjustmentValue=1
    )
    await world.call("ModifyScalingGroup", ScalingGroupId=group, MinSize=1)
    await world.settle()
    suspended = await world.group(group)
    await world.call("ResumeProcesses", ScalingGroupId=group, Processes=["ScaleOut", "ScaleIn"])
    await world.settle()

    assert error.code == "OperationDenied"
    assert (suspended["SuspendedProcesses"], suspended["TotalCapacity"]) == (["ScaleOut"], 0)
    assert (await world.group(group))["ActiveCapacity"] == 1


async def test_a_hook_that_always_rolls_back_is_tried_again_only_after_a_pause(world: World) -> None:
    group = await world.make_group(MaxSize=3)
    await world.scale(group, 3)
    await world.make_hook(group, "SCALE_IN", HeartbeatTimeout=30, DefaultResult="ROLLBACK")

    await world.call("ModifyScalingGroup", ScalingGroupId=group, MaxSize=2)
    await world.settle()
    await world.advance(seconds=31)
    await world.advance(seconds=31)

    assert [one["StatusCode"] for one in await world.activities(group)][1:] == ["Failed"]
    await world.advance(seconds=61)
    assert [one["StatusCode"] for one in await world.activities(group)][1:] == ["Failed", "InProgress"]


async def test_old_activities_are_forgotten(world: World) -> None:
    group = await world.make_group()
    activity = await world.scale(group, 1)

    await world.advance(days=31)

    assert (await world.call("DescribeScalingActivities", ScalingActivityIds=[activity]))["TotalCount"] == 0
    assert len(await world.members(group)) == 1


@pytest.mark.parametrize(("change", "broken", "left"), [(-1, "stop", {"InService"}), (1, "launch", set())])
async def test_a_defect_ends_its_activity_and_the_group_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch, change: int, broken: str, left: set[str]
) -> None:
    group = await world.make_group()
    if change < 0:
        await world.scale(group, 1)

    async def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(world.ecs, broken, fail)
        activity = await world.scale(group, change)
        for _ in range(25):
            await world.advance(minutes=2)

    assert (await world.activity(activity))["StatusCode"] == "Failed"
    assert set((await world.members(group)).values()) == left
    await world.scale(group, 1)
    assert list((await world.members(group)).values())[-1] == "InService"

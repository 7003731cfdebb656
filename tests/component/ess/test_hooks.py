"""Lifecycle hooks at work: waits, results, deadlines, heartbeats (ess.md 3.6 to 3.14)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from support.ess import World
from tidegate.services.ess.dialect import OLD


async def statuses(world: World, activity: str) -> list[tuple[str, str]]:
    return [(one["LifecycleActionStatus"], one["LifecycleActionResult"]) for one in await world.actions(activity)]


async def test_timeline_a_a_hook_is_completed_and_the_instances_join(world: World) -> None:
    group = await world.make_group()
    hook = await world.make_hook(group, HeartbeatTimeout=300)

    activity = await world.scale(group, 2)
    held, counted = await world.members(group), await world.group(group)
    [action] = await world.actions(activity)
    await world.complete(action)

    assert list(held.values()) == ["Pending:Wait", "Pending:Wait"]
    assert (counted["PendingWaitCapacity"], counted["TotalCapacity"]) == (2, 2)
    assert action["LifecycleHookId"] == hook
    assert action["InstanceIds"] == list(held)
    assert (action["LifecycleActionStatus"], action["LifecycleActionResult"]) == ("Pending", "CONTINUE")
    assert await world.members(group) == dict.fromkeys(held, "InService")
    assert await statuses(world, activity) == [("Completed", "CONTINUE")]
    assert (await world.activity(activity))["StatusCode"] == "Successful"


async def test_timeline_b_nobody_answers_and_the_default_result_decides(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group, HeartbeatTimeout=300)

    activity = await world.scale(group, 1)
    await world.advance(seconds=299)
    before = await world.members(group)
    await world.advance(seconds=1)

    assert list(before.values()) == ["Pending:Wait"]
    assert list((await world.members(group)).values()) == ["InService"]
    assert await statuses(world, activity) == [("Timeout", "CONTINUE")]


async def test_timeline_b_with_abandon_the_instances_are_released(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group, HeartbeatTimeout=300, DefaultResult="ABANDON")

    activity = await world.scale(group, 2)
    made = list(await world.members(group))
    await world.advance(seconds=300)

    shown = await world.activity(activity)
    assert await world.members(group) == {}
    assert await world.machines(*made) == {}
    assert shown["StatusCode"] == "Failed"
    reason = (
        'Fail to create Instances into scaling group("Abandon lifecycleActionResult parameter caused the instance to '
        'rollback.").'
    )
    assert shown["StatusMessage"] == reason
    assert reason in shown["Detail"]
    assert shown["TotalCapacity"] == "0"
    assert shown["DestroyedInstances"] == made


async def test_timeline_c_an_answer_after_the_deadline_is_refused(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group, HeartbeatTimeout=300)
    activity = await world.scale(group, 1)
    [action] = await world.actions(activity)
    # The deadline has passed, but no timer has fired yet.
    world.clock.advance(timedelta(seconds=400))

    error = await world.refused(
        "CompleteLifecycleAction",
        LifecycleHookId=action["LifecycleHookId"],
        LifecycleActionToken=action["LifecycleActionToken"],
        LifecycleActionResult="ABANDON",
    )
    await world.settle()

    assert (error.code, error.status) == ("LifecycleHookIdAndLifecycleActionToken.Invalid", 400)
    assert error.message == (
        "The specified lifecycleActionToken and lifecycleHookId you provided does not match any in process lifecycle "
        "action."
    )
    assert list((await world.members(group)).values()) == ["InService"]
    assert await statuses(world, activity) == [("Timeout", "CONTINUE")]


async def test_timeline_d_a_rollback_keeps_the_instances(world: World) -> None:
    group = await world.make_group()
    await world.scale(group, 2)
    await world.make_hook(group, "SCALE_IN", HeartbeatTimeout=600)
    await world.make_hook(group, "SCALE_IN", HeartbeatTimeout=60, DefaultResult="ROLLBACK")

    activity = await world.scale(group, -1)
    held = await world.members(group)
    await world.advance(seconds=60)

    [leaving] = [one for one, state in held.items() if state == "Removing:Wait"]
    shown = await world.activity(activity)
    assert set((await world.members(group)).values()) == {"InService"}
    assert await statuses(world, activity) == [("Completed", "ROLLBACK"), ("Timeout", "ROLLBACK")]
    assert shown["StatusCode"] == "Failed"
    assert shown["StatusMessage"] == (
        f'Fail to remove Instances "{leaving}"("Rollback lifecycleActionResult parameter caused the instance to '
        'rollback.").'
    )
    assert (await world.group(group))["TotalCapacity"] == 2


async def test_timeline_e_the_last_hook_of_a_scale_out_decides(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group)
    await world.make_hook(group)
    activity = await world.scale(group, 1)
    first, second = await world.actions(activity)

    await world.advance(seconds=10)
    await world.complete(first, "ABANDON")
    still = await world.members(group)
    await world.advance(seconds=10)
    await world.complete(second, "CONTINUE")

    assert list(still.values()) == ["Pending:Wait"]
    assert list((await world.members(group)).values()) == ["InService"]


async def test_timeline_f_heartbeats_prolong_a_wait_up_to_six_hours(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group, HeartbeatTimeout=30)
    activity = await world.scale(group, 1)
    [action] = await world.actions(activity)
    names = {"lifecycleHookId": action["LifecycleHookId"], "lifecycleActionToken": action["LifecycleActionToken"]}

    await world.advance(seconds=20)
    await world.call("RecordLifecycleActionHeartbeat", **names, heartbeatTimeout=3600)
    await world.advance(seconds=3580)
    still = await world.members(group)
    error = await world.refused("RecordLifecycleActionHeartbeat", **names, heartbeatTimeout=21600)
    await world.advance(seconds=21)

    assert list(still.values()) == ["Pending:Wait"]
    assert error.code == "LifecycleAction.TimeExceeded"
    assert list((await world.members(group)).values()) == ["InService"]


async def test_a_heartbeat_may_also_shorten_a_wait(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group, HeartbeatTimeout=3600)
    activity = await world.scale(group, 1)
    [action] = await world.actions(activity)

    await world.call(
        "RecordLifecycleActionHeartbeat",
        LifecycleHookId=action["LifecycleHookId"],
        LifecycleActionToken=action["LifecycleActionToken"],
        HeartbeatTimeout=30,
    )
    await world.settle()
    await world.advance(seconds=31)

    assert list((await world.members(group)).values()) == ["InService"]


async def test_the_twenty_first_heartbeat_is_refused(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group)
    activity = await world.scale(group, 1)
    [action] = await world.actions(activity)
    names = {"lifecycleHookId": action["LifecycleHookId"], "lifecycleActionToken": action["LifecycleActionToken"]}
    for _ in range(20):
        await world.call("RecordLifecycleActionHeartbeat", **names)

    error = await world.refused("RecordLifecycleActionHeartbeat", **names)

    assert error.code == "LifecycleAction.RecordTimesExceeded"


async def test_a_scale_in_holds_before_anything_is_stopped(world: World) -> None:
    group = await world.make_group()
    await world.scale(group, 1)
    await world.make_hook(group, "SCALE_IN")
    [instance] = await world.members(group)

    activity = await world.scale(group, -1)
    held, running = await world.members(group), await world.machines(instance)
    [action] = await world.actions(activity)
    await world.complete(action)

    assert held == {instance: "Removing:Wait"}
    assert running == {instance: "Running"}
    assert await world.members(group) == {}
    assert await world.machines(instance) == {}
    assert (await world.activity(activity))["StatusCode"] == "Successful"


async def test_an_abandoned_scale_in_removes_all_the_same(world: World) -> None:
    group = await world.make_group()
    await world.scale(group, 1)
    await world.make_hook(group, "SCALE_IN")
    await world.make_hook(group, "SCALE_IN")

    activity = await world.scale(group, -1)
    first, _ = await world.actions(activity)
    await world.complete(first, "ABANDON")

    assert await world.members(group) == {}
    assert await statuses(world, activity) == [("Completed", "ABANDON"), ("Completed", "ABANDON")]
    assert (await world.activity(activity))["StatusCode"] == "Successful"


async def test_a_token_works_once_and_a_repeat_with_the_same_client_token_succeeds(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group)
    activity = await world.scale(group, 1)
    [action] = await world.actions(activity)

    await world.complete(action, token="once")
    await world.complete(action, token="once")
    error = await world.refused(
        "CompleteLifecycleAction",
        LifecycleHookId=action["LifecycleHookId"],
        LifecycleActionToken=action["LifecycleActionToken"],
    )

    assert error.code == "LifecycleHookIdAndLifecycleActionToken.Invalid"


async def test_a_token_belongs_to_its_hook_and_its_account(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group)
    other = await world.make_hook(group, "SCALE_IN")
    activity = await world.scale(group, 1)
    [action] = await world.actions(activity)
    token = action["LifecycleActionToken"]

    wrong_hook = await world.refused("CompleteLifecycleAction", LifecycleHookId=other, LifecycleActionToken=token)
    stranger = await world.refused(
        "CompleteLifecycleAction",
        account="9999999999999999",
        LifecycleHookId=action["LifecycleHookId"],
        LifecycleActionToken=token,
    )
    unknown = await world.refused("CompleteLifecycleAction", LifecycleHookId=other, LifecycleActionToken="x")

    assert {one.code for one in (wrong_hook, stranger, unknown)} == {"LifecycleHookIdAndLifecycleActionToken.Invalid"}


async def test_without_a_result_the_hooks_default_counts(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group, DefaultResult="ABANDON")
    activity = await world.scale(group, 1)
    [action] = await world.actions(activity)

    await world.call(
        "CompleteLifecycleAction",
        LifecycleHookId=action["LifecycleHookId"],
        LifecycleActionToken=action["LifecycleActionToken"],
    )
    await world.settle()

    assert await world.members(group) == {}


async def test_a_bad_result_is_refused_in_the_words_of_its_page(world: World) -> None:
    error = await world.refused(
        "CompleteLifecycleAction", LifecycleHookId="ash-x", LifecycleActionToken="x", LifecycleActionResult="MAYBE"
    )

    assert (error.code, error.message) == ("InvalidParamter", "The specified value of parameter is invalid.")


async def test_deleting_a_hook_ends_its_waits_with_its_default(world: World) -> None:
    group = await world.make_group()
    hook = await world.make_hook(group, DefaultResult="ABANDON")

    activity = await world.scale(group, 1)
    await world.call("DeleteLifecycleHook", LifecycleHookId=hook)
    await world.settle()

    assert await world.members(group) == {}
    assert await statuses(world, activity) == [("Completed", "ABANDON")]


async def test_deleting_one_of_two_hooks_leaves_the_other_waiting(world: World) -> None:
    group = await world.make_group()
    hook = await world.make_hook(group)
    await world.make_hook(group)

    activity = await world.scale(group, 1)
    await world.call("DeleteLifecycleHook", ScalingGroupId=group, LifecycleHookName=hook)
    await world.settle()

    assert list((await world.members(group)).values()) == ["Pending:Wait"]
    assert [one for one, _ in await statuses(world, activity)] == ["Completed", "Pending"]


async def test_an_inactive_hook_does_not_run(world: World) -> None:
    group = await world.make_group()
    hook = await world.make_hook(group)
    await world.call("ModifyLifecycleHook", LifecycleHookId=hook, LifecycleHookStatus="InActive")

    activity = await world.scale(group, 1)

    assert await world.actions(activity) == []
    assert list((await world.members(group)).values()) == ["InService"]


async def test_changing_a_hook_does_not_reach_its_open_waits(world: World) -> None:
    group = await world.make_group()
    hook = await world.make_hook(group, HeartbeatTimeout=60)
    activity = await world.scale(group, 1)

    await world.call(
        "ModifyLifecycleHook",
        LifecycleHookId=hook,
        HeartbeatTimeout=3600,
        DefaultResult="ABANDON",
        LifecycleTransition="SCALE_IN",
    )
    await world.advance(seconds=60)

    assert await statuses(world, activity) == [("Timeout", "CONTINUE")]


async def test_a_hook_of_the_other_direction_does_not_run(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group, "SCALE_IN")

    activity = await world.scale(group, 1)

    assert await world.actions(activity) == []


@pytest.mark.parametrize(
    ("context", "waits"),
    [
        ('{"DisableLifecycleHook":true}', 0),
        ('{"IgnoredLifecycleHookIds":["%s"]}', 1),
        ('{"DisableLifecycleHook":false}', 2),
        ("{}", 2),
    ],
)
async def test_a_context_says_which_hooks_run(world: World, context: str, waits: int) -> None:
    group = await world.make_group()
    hook = await world.make_hook(group)
    await world.make_hook(group)

    answer = await world.call(
        "ScaleWithAdjustment",
        ScalingGroupId=group,
        AdjustmentType="QuantityChangeInCapacity",
        AdjustmentValue=1,
        LifecycleHookContext=context.replace("%s", hook),
    )
    await world.settle()

    assert len(await world.actions(answer["ScalingActivityId"])) == waits


async def test_a_context_may_replace_the_default_result(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group, HeartbeatTimeout=30)

    answer = await world.call(
        "ScaleWithAdjustment",
        ScalingGroupId=group,
        AdjustmentType="QuantityChangeInCapacity",
        AdjustmentValue=1,
        LifecycleHookContext='{"LifecycleHookResult":"ABANDON"}',
    )
    await world.settle()
    await world.advance(seconds=30)

    assert (await world.activity(answer["ScalingActivityId"]))["StatusCode"] == "Failed"


async def test_disabling_the_group_lets_the_wait_come_to_its_end(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group)
    activity = await world.scale(group, 1)
    [action] = await world.actions(activity)

    await world.call("DisableScalingGroup", ScalingGroupId=group)
    await world.settle()
    await world.complete(action)

    assert list((await world.members(group)).values()) == ["InService"]
    assert (await world.activity(activity))["StatusCode"] == "Successful"


async def test_actions_are_paged_and_filtered(world: World) -> None:
    group = await world.make_group()
    for _ in range(3):
        await world.make_hook(group)
    activity = await world.scale(group, 1)
    first, *_ = await world.actions(activity)
    await world.complete(first)

    page = await world.call("DescribeLifecycleActions", ScalingActivityId=activity, MaxResults=2)
    rest = await world.call("DescribeLifecycleActions", ScalingActivityId=activity, NextToken=page["NextToken"])
    pending = await world.call(
        "DescribeLifecycleActions", version=OLD, ScalingActivityId=activity, LifecycleActionStatus="Pending"
    )

    assert (page["TotalCount"], len(page["LifecycleActions"]), page["NextToken"]) == (3, 2, "2")
    assert (len(rest["LifecycleActions"]), rest["NextToken"]) == (1, "")
    assert len(pending["LifecycleActions"]["LifecycleAction"]) == pending["TotalCount"] == 2


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"ScalingActivityId": "asa-x"}, "ScalingActivityId"),
        ({"LifecycleActionStatus": "Maybe"}, "LifecycleActionStatus"),
        ({"MaxResults": 51}, "MaxResults"),
        ({"NextToken": "x"}, "NextToken"),
    ],
)
async def test_actions_cannot_be_asked_for_badly(world: World, parameters: dict[str, str], named: str) -> None:
    group = await world.make_group()
    activity = await world.scale(group, 1)

    error = await world.refused("DescribeLifecycleActions", **{"ScalingActivityId": activity, **parameters})

    assert (error.code, error.message) == (
        "InvalidParameter",
        f'The specified value of parameter "{named}" is not valid.',
    )


async def test_more_than_a_hundred_instances_wait_in_batches_that_are_decided_apart(world: World) -> None:
    group = await world.make_group(MaxSize=200)
    await world.make_hook(group)

    activity = await world.scale(group, 130)
    first, second = await world.actions(activity)
    await world.complete(first, "ABANDON")
    held = await world.members(group)
    await world.complete(second)

    shown = await world.activity(activity)
    assert (len(first["InstanceIds"]), len(second["InstanceIds"])) == (100, 30)
    assert set(held.values()) == {"Pending:Wait"}
    assert await world.members(group) == dict.fromkeys(second["InstanceIds"], "InService")
    assert await world.machines(*first["InstanceIds"][:5]) == {}
    assert (shown["StatusCode"], len(shown["DestroyedInstances"])) == ("Warning", 100)


async def test_of_a_large_scale_in_only_the_batch_that_is_rolled_back_stays(world: World) -> None:
    group = await world.make_group(MaxSize=200)
    await world.scale(group, 130)
    await world.make_hook(group, "SCALE_IN")

    activity = await world.scale(group, -130)
    first, second = await world.actions(activity)
    await world.complete(second, "ROLLBACK")
    await world.complete(first)

    assert await world.members(group) == dict.fromkeys(second["InstanceIds"], "InService")
    assert (await world.activity(activity))["StatusCode"] == "Warning"

"""Instance refreshes: batches within bounds, checkpoints, pauses, taking back, and what may run beside them (ess.md 12.9)."""

from __future__ import annotations

from typing import Any

from support.ecs import TYPE
from support.ess import World
from tidegate.services.ess.dialect import OLD

OTHER = "ubuntu_22_04_x64_20G_alibase_20240530.vhd"


async def make_group(world: World, size: int = 4, **values: Any) -> tuple[str, str]:
    """Make a full group and another configuration for it."""
    group = await world.make_group(MinSize=size, MaxSize=size, **values)
    return group, await world.make_configuration(group, ScalingConfigurationName="next")


async def refresh(world: World, group: str, *, settle: bool = True, **values: Any) -> str:
    started = await world.call("StartInstanceRefresh", ScalingGroupId=group, **values)
    if settle:
        await world.settle()
    return str(started["InstanceRefreshTaskId"])


async def turn(world: World, action: str, group: str, task: str) -> None:
    await world.call(f"{action}InstanceRefresh", ScalingGroupId=group, InstanceRefreshTaskId=task)
    await world.settle()


async def shown(world: World, task: str) -> dict[str, Any]:
    [found] = (await world.call("DescribeInstanceRefreshes", InstanceRefreshTaskIds=[task]))["InstanceRefreshTasks"]
    return dict(found)


async def sources(world: World, group: str) -> list[str]:
    answer = await world.call("DescribeScalingInstances", ScalingGroupId=group, PageSize=100)
    return [one["ScalingConfigurationId"] for one in answer["ScalingInstances"]]


def to(configuration: str) -> dict[str, Any]:
    return {"ScalingConfigurationId": configuration}


async def test_every_member_is_replaced_and_the_group_keeps_what_was_desired(world: World) -> None:
    group, new = await make_group(world)
    before = set(await world.members(group))

    task = await refresh(world, group, DesiredConfiguration=to(new))

    after = await world.members(group)
    assert (await shown(world, task))["Status"] == "Successful"
    assert before.isdisjoint(after)
    assert list(after.values()) == ["InService"] * 4
    assert set(await sources(world, group)) == {new}
    assert (await world.group(group))["ActiveScalingConfigurationId"] == new
    assert await world.machines(*before) == {}
    done = await shown(world, task)
    assert (done["TotalNeedUpdateCapacity"], done["FinishedUpdateCapacity"]) == (4, 4)


async def test_no_more_and_no_fewer_serve_than_the_percentages_allow(world: World) -> None:
    for low, high, wanted in ((80, 150, (4, 6)), (50, 100, (2, 4)), (100, 100, (4, 5))):
        group, new = await make_group(world)
        await world.make_hook(group, "SCALE_OUT")
        await world.make_hook(group, "SCALE_IN")
        bounds = {"MinHealthyPercentage": low, "MaxHealthyPercentage": high}
        task = await refresh(world, group, DesiredConfiguration=to(new), **bounds)
        seen: set[int] = set()
        while (await shown(world, task))["Status"] == "InProgress":
            states = list((await world.members(group)).values())
            seen |= {states.count("InService"), len(states)}
            [running] = [one for one in await world.activities(group) if one["StatusCode"] == "InProgress"]
            assert running["InstanceRefreshTaskId"] == task
            [action] = await world.actions(running["ScalingActivityId"])
            await world.complete(action)

        assert (min(seen), max(seen)) == wanted
        assert set(await sources(world, group)) == {new}


async def test_members_that_match_already_are_skipped_unless_all_are_wanted(world: World) -> None:
    group, new = await make_group(world)
    await refresh(world, group, DesiredConfiguration=to(new))
    before = set(await world.members(group))

    refused = await world.refused("StartInstanceRefresh", ScalingGroupId=group)
    task = await refresh(world, group, SkipMatching=False)

    assert refused.code == "InvalidInstance.NoInstanceNeedBeRefreshed"
    assert (await shown(world, task))["Status"] == "Successful"
    assert before.isdisjoint(await world.members(group))


async def test_a_refresh_pauses_at_its_checkpoints_for_as_long_as_it_was_told(world: World) -> None:
    group, new = await make_group(world)
    checkpoints = [{"Percentage": 50}, {"Percentage": 100}]

    task = await refresh(world, group, DesiredConfiguration=to(new), Checkpoints=checkpoints, CheckpointPauseTime=30)
    first = await shown(world, task)
    half = sorted(await sources(world, group))
    await world.advance(minutes=29)
    still = (await shown(world, task))["Status"]
    await world.advance(minutes=1)

    assert (first["Status"], first["FinishedUpdateCapacity"], still) == ("CheckpointPause", 2, "CheckpointPause")
    assert half.count(new) == 2
    assert (await shown(world, task))["Status"] == "Successful"


async def test_others_scale_while_it_pauses_and_are_refused_while_it_runs(world: World) -> None:
    group, new = await make_group(world)
    await world.call("ModifyScalingGroup", ScalingGroupId=group, MaxSize=6)
    hook = await world.make_hook(group)
    task = await refresh(world, group, DesiredConfiguration=to(new))

    refused = await world.refused(
        "ScaleWithAdjustment", ScalingGroupId=group, AdjustmentType="QuantityChangeInCapacity", AdjustmentValue=1
    )
    await turn(world, "Suspend", group, task)
    [running] = [one for one in await world.activities(group) if one["StatusCode"] == "InProgress"]
    [action] = await world.actions(running["ScalingActivityId"])
    await world.complete(action)
    paused = await shown(world, task)
    await world.call("DeleteLifecycleHook", LifecycleHookId=hook)
    await world.scale(group, 1)
    await turn(world, "Resume", group, task)

    assert (refused.code, paused["Status"]) == ("ScalingActivityInProgress", "Paused")
    done = await shown(world, task)
    assert (done["Status"], done["TotalNeedUpdateCapacity"]) == ("Successful", 5)
    assert await sources(world, group) == [new] * 5


async def test_a_refresh_that_is_cancelled_ends_after_its_batch(world: World) -> None:
    group, new = await make_group(world)
    await world.make_hook(group)
    task = await refresh(world, group, DesiredConfiguration=to(new))

    await turn(world, "Cancel", group, task)
    cancelling = (await shown(world, task))["Status"]
    [action] = await world.actions((await world.activities(group))[-1]["ScalingActivityId"])
    await world.complete(action)

    assert (cancelling, (await shown(world, task))["Status"]) == ("Cancelling", "Cancelled")
    assert (await sources(world, group)).count(new) == 1
    assert (await world.group(group))["ActiveScalingConfigurationId"] != new


async def test_a_refresh_that_is_taken_back_makes_again_what_there_was(world: World) -> None:
    group, new = await make_group(world)
    old = (await world.group(group))["ActiveScalingConfigurationId"]
    checkpoints = [{"Percentage": 50}, {"Percentage": 100}]
    task = await refresh(world, group, DesiredConfiguration=to(new), Checkpoints=checkpoints)

    await turn(world, "Rollback", group, task)

    assert (await shown(world, task))["Status"] == "RollbackSuccessful"
    assert await sources(world, group) == [old] * 4
    assert (await world.group(group))["ActiveScalingConfigurationId"] == old


async def test_a_batch_that_fails_ends_the_refresh_which_can_then_be_taken_back(world: World) -> None:
    group, new = await make_group(world)
    task = await refresh(world, group, DesiredConfiguration=to(new), Checkpoints=[{"Percentage": n} for n in (50, 100)])
    world.ecs.shortages.add(TYPE)
    await world.advance(hours=1)
    failed = await shown(world, task)

    await world.advance(minutes=5)
    world.ecs.shortages.clear()
    await turn(world, "Rollback", group, task)

    assert failed["Status"] == "Failed"
    assert "sold out" in failed["Detail"]
    assert (await shown(world, task))["Status"] == "RollbackSuccessful"
    assert new not in await sources(world, group)


async def test_an_image_changes_the_configuration_of_the_group_in_the_end(world: World) -> None:
    group, _ = await make_group(world, 2)
    active = (await world.group(group))["ActiveScalingConfigurationId"]

    task = await refresh(world, group, DesiredConfiguration={"ImageId": OTHER})

    [configuration] = (await world.call("DescribeScalingConfigurations", ScalingConfigurationIds=[active]))[
        "ScalingConfigurations"
    ]
    assert (await shown(world, task))["Status"] == "Successful"
    assert configuration["ImageId"] == OTHER
    async with world.database.connection() as db:
        images = [
            row["image_id"] for row in await db.fetch("select image_id from ecs_instance where status = 'Running'")
        ]
    assert images == [OTHER] * 2


async def test_attached_standby_and_protected_members_are_left_alone(world: World) -> None:
    group = await world.make_group(MinSize=3, MaxSize=5)
    new = await world.make_configuration(group, ScalingConfigurationName="next")
    [attached] = await world.launch()
    await world.call("AttachInstances", ScalingGroupId=group, InstanceIds=[attached])
    await world.settle()
    first, second, _, _ = await world.members(group)
    await world.call("EnterStandby", ScalingGroupId=group, InstanceIds=[first])
    await world.call("SetInstancesProtection", ScalingGroupId=group, InstanceIds=[second], ProtectedFromScaleIn=True)

    task = await refresh(world, group, DesiredConfiguration=to(new))

    assert (await shown(world, task))["TotalNeedUpdateCapacity"] == 1
    assert {attached, first, second} <= set(await world.members(group))
    assert (await sources(world, group)).count(new) == 1


async def test_a_refresh_waits_for_a_running_activity_and_is_the_only_one(world: World) -> None:
    group, new = await make_group(world, 2)
    await world.call("ModifyScalingGroup", ScalingGroupId=group, MaxSize=3)
    await world.make_hook(group)
    running = await world.scale(group, 1)

    task = await refresh(world, group, DesiredConfiguration=to(new))
    pending = (await shown(world, task))["Status"]
    again = await world.refused("StartInstanceRefresh", ScalingGroupId=group, SkipMatching=False)
    [action] = await world.actions(running)
    await world.complete(action)

    assert (pending, again.code) == ("Pending", "InstanceRefreshTask.InProgress")
    assert (await shown(world, task))["Status"] == "InProgress"


async def test_both_versions_spell_a_refresh_their_own_way(world: World) -> None:
    group, new = await make_group(world, 1)
    started = await world.call(
        "StartInstanceRefresh",
        version=OLD,
        ScalingGroupId=group,
        DesiredConfiguration=to(new),
        Checkpoint=[{"Percentage": 100}],
    )
    await world.settle()

    old = await world.call(
        "DescribeInstanceRefreshes", version=OLD, InstanceRefreshTaskId=[started["InstanceRefreshTaskId"]]
    )

    [one] = old["InstanceRefreshTasks"]["InstanceRefreshTask"]
    assert one["Checkpoints"] == {"Checkpoint": [{"Percentage": 100}]}
    assert one["DesiredConfiguration"] == {"ScalingConfigurationId": new}


async def test_what_cannot_be_refreshed_is_refused_by_its_name(world: World) -> None:
    group, new = await make_group(world, 1)
    recycling = await world.make_group(ScalingPolicy="recycle", MinSize=1)

    async def code(group: str = group, **values: Any) -> str:
        return (await world.refused("StartInstanceRefresh", ScalingGroupId=group, **values)).code

    assert await code(MinHealthyPercentage=101) == "InvalidParameter"
    assert await code(MaxHealthyPercentage=99) == "InvalidParameter"
    assert await code(Checkpoints=[{"Percentage": 50}, {"Percentage": 40}]) == "InvalidParameter"
    assert await code(Checkpoints=[{"Percentage": 50}]) == "InvalidParameter"
    assert await code(CheckpointPauseTime=0) == "InvalidParameter"
    assert await code(DesiredConfiguration=to(new) | {"ImageId": OTHER}) == "InvalidParameter"
    assert await code(DesiredConfiguration={"ImageId": "m-nothing"}) == "InvalidImageId.NotFound"
    assert await code(DesiredConfiguration=to("asc-nothing")) == "InvalidScalingConfigurationId.NotFound"
    assert await code(recycling, SkipMatching=False) == "OperationDenied"
    unknown = {"ScalingGroupId": group, "InstanceRefreshTaskId": "ir-nothing"}
    assert (await world.refused("SuspendInstanceRefresh", **unknown)).code == "InvalidInstanceRefreshTaskId.NotFound"
    task = await refresh(world, group, DesiredConfiguration=to(new))
    over = {"ScalingGroupId": group, "InstanceRefreshTaskId": task}
    assert (await world.refused("ResumeInstanceRefresh", **over)).code == "IncorrectInstanceRefreshTaskStatus"

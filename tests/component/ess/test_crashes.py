"""Activities end in the same place wherever the process dies, and nothing is made twice or left behind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import pytest

from support.crashing import Crash, Points, watched_points
from support.ess import ARN, World
from tidegate.services.ess import actions

METADATA = '{"dbInstanceId":"r-bp1","modifyMode":"Append"}'
#: no scenario passes more points than this
MOST = 300


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> Iterator[Points]:
    """The points of the engine and of Auto Scaling itself."""
    with watched_points() as seen:
        monkeypatch.setattr(actions, "reach", seen.reach)
        yield seen


async def settle(world: World) -> None:
    """Settle; when the process dies, start another one and settle again."""
    try:
        await world.settle()
    except Crash:
        await world.restart().settle()


async def complete(world: World, group: str) -> None:
    """Complete every wait of a group's running activity, repeating a call whose answer was lost."""
    running = [one for one in await world.activities(group) if one["StatusCode"] == "InProgress"]
    for action in [action for one in running for action in await world.actions(one["ScalingActivityId"])]:
        wanted = {
            "LifecycleHookId": action["LifecycleHookId"],
            "LifecycleActionToken": action["LifecycleActionToken"],
            "LifecycleActionResult": "CONTINUE",
        }
        for _ in range(2):
            try:
                await world.call("CompleteLifecycleAction", **wanted, token=action["LifecycleActionToken"])
                break
            except Crash:
                world.restart()
        await settle(world)


async def out_and_in(world: World, group: str) -> None:
    """Scale out by two and in by one, each with a hook and its runbook."""
    for transition in ("SCALE_OUT", "SCALE_IN"):
        await world.make_hook(group, transition, NotificationArn=ARN, NotificationMetadata=METADATA)
    await settle(world)
    for change in (2, -1):
        await world.scale(group, change, settle=False)
        await settle(world)
        await complete(world, group)
    statuses = [one["StatusCode"] for one in await world.activities(group)]
    assert statuses == ["Successful", "Successful"]
    assert list((await world.members(group)).values()) == ["InService"]


async def abandoned(world: World, group: str) -> None:
    """Give up a scale-out when its deadline passes."""
    await world.make_hook(group, DefaultResult="ABANDON", HeartbeatTimeout=30)
    await world.scale(group, 2, settle=False)
    await settle(world)
    world.pass_time(30)
    await settle(world)
    assert await world.members(group) == {}
    assert (await world.activities(group))[-1]["StatusCode"] == "Failed"


async def taken_apart(world: World, group: str) -> None:
    """Delete a group by force."""
    await world.scale(group, 2, settle=False)
    await settle(world)
    await world.call("DeleteScalingGroup", ScalingGroupId=group, ForceDelete=True)
    await settle(world)
    assert group not in await world.all_groups()


async def refreshed(world: World, group: str) -> None:
    """Replace the one instance of a group."""
    await world.scale(group, 1, settle=False)
    await settle(world)
    [before] = await world.members(group)
    task = await world.call("StartInstanceRefresh", ScalingGroupId=group, SkipMatching=False)
    await settle(world)
    [shown] = (await world.call("DescribeInstanceRefreshes", InstanceRefreshTaskIds=[task["InstanceRefreshTaskId"]]))[
        "InstanceRefreshTasks"
    ]
    assert shown["Status"] == "Successful"
    [after] = await world.members(group)
    assert after != before


#: Of a refresh only its own points and those where its batches follow each other: the others are activities like any.
_AMONG = {refreshed: ("refresh.", "scale-out.close")}


@pytest.mark.parametrize("scenario", [out_and_in, abandoned, taken_apart, refreshed])
async def test_a_death_at_any_point_changes_nothing(
    world: World, points: Points, scenario: Callable[[World, str], Awaitable[None]]
) -> None:
    points.among = _AMONG.get(scenario, ("",))
    for number in range(1, MOST):
        for old in await world.all_groups():
            await world.call("DeleteScalingGroup", ScalingGroupId=old, ForceDelete=True)
        group = await world.make_group()
        points.passed.clear()
        points.crash_after = number

        await scenario(world, group)

        point, points.crash_after = points.crash_after, None
        await world.settle()
        left = [member for one in await world.all_groups() for member in await world.members(one)]
        assert sorted(await world.hosts.states()) == sorted(left), f"after a death at point {number}"
        assert await world.failed_works() == []
        if point is not None:  # the scenario ended before it came to this point
            break
    else:
        raise AssertionError("the scenario never came to its end without a crash")
    started = list(world.runbooks.started)
    assert len(started) == len(set(started))

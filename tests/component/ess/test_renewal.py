"""Rebalancing among zones and the longest life of members: others are made first, then the old ones leave."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.ecs import TYPE
from support.ess import REGION, World
from tidegate.services.ess.renewal import surplus

ZONES = [f"{REGION}-{letter}" for letter in "hij"]


async def make_balanced(world: World, **values: Any) -> str:
    vswitches = [(await world.ecs.default_vswitch(world.account, REGION, zone)).id for zone in ZONES]
    return await world.make_group(VSwitchIds=vswitches, **{"MultiAZPolicy": "BALANCE", "MaxSize": 20} | values)


async def zones(world: World, group: str) -> dict[str, int]:
    answer = await world.call("DescribeScalingInstances", ScalingGroupId=group, PageSize=100)
    return dict(Counter(one["ZoneId"] for one in answer["ScalingInstances"]))


async def make_uneven(world: World, **values: Any) -> str:
    """Make a group of six whose instances found room in two of three zones only."""
    world.ecs.shortages.add(f"{TYPE}@{ZONES[2]}")
    group = await make_balanced(world, **values)
    await world.scale(group, 6)
    assert (await zones(world, group)).get(ZONES[2]) is None
    world.ecs.shortages.clear()
    return group


async def test_rebalancing_makes_new_ones_where_there_are_few_and_lets_as_many_go(world: World) -> None:
    group = await make_uneven(world)

    made = (await world.call("RebalanceInstances", ScalingGroupId=group))["ScalingActivityId"]
    await world.settle()

    assert await zones(world, group) == dict.fromkeys(ZONES, 2)
    first, second = [one for one in await world.activities(group) if "Rebalance" in one["Cause"]]
    assert first["ScalingActivityId"] == made
    assert (first["StatusCode"], second["StatusCode"]) == ("Successful", "Successful")
    assert first["CreatedCapacity"] == second["DestroyedCapacity"] == 2


async def test_a_full_group_rises_above_its_maximum_by_a_tenth_while_it_is_rebalanced(world: World) -> None:
    group = await make_uneven(world, MaxSize=6)
    hook = await world.make_hook(group)

    made = (await world.call("RebalanceInstances", ScalingGroupId=group))["ScalingActivityId"]
    await world.settle()
    shown = await world.group(group)
    [action] = await world.actions(made)
    await world.complete(action)

    assert (shown["TotalCapacity"], action["LifecycleHookId"]) == (7, hook)
    assert (await world.group(group))["TotalCapacity"] == 6
    assert (await zones(world, group))[ZONES[2]] == 1


async def test_what_is_even_or_not_meant_to_be_is_not_rebalanced(world: World) -> None:
    even = await make_balanced(world)
    await world.scale(even, 4)
    other = await world.make_group()

    refused = await world.refused("RebalanceInstances", ScalingGroupId=even)
    denied = await world.refused("RebalanceInstances", ScalingGroupId=other)

    assert (refused.code, denied.code) == ("IncorrectCapacity.NoChange", "OperationDenied")


async def test_a_group_that_balances_strictly_rebalances_itself_when_it_is_told_to(world: World) -> None:
    group = await make_uneven(world)
    await world.advance(minutes=2)
    untouched = await zones(world, group)

    await world.call("ModifyScalingGroup", ScalingGroupId=group, AutoRebalance=True, BalanceMode="BalancedOnly")
    await world.settle()

    assert len(untouched) == 2
    assert await zones(world, group) == dict.fromkeys(ZONES, 2)


async def test_suspended_scaling_lets_nothing_be_rebalanced(world: World) -> None:
    group = await make_uneven(world)
    await world.call("SuspendProcesses", ScalingGroupId=group, Processes=["ScaleIn"])

    denied = await world.refused("RebalanceInstances", ScalingGroupId=group)

    assert denied.code == "OperationDenied"


async def test_members_are_replaced_when_they_have_lived_their_longest(world: World) -> None:
    group = await world.make_group(MaxInstanceLifetime=86400, MinSize=3, MaxSize=3)
    before = set(await world.members(group))

    await world.advance(hours=23)
    young = set(await world.members(group))
    for _ in range(4):
        await world.advance(minutes=30)
    old = await world.members(group)

    assert young == before
    assert before.isdisjoint(old)
    assert list(old.values()) == ["InService"] * 3
    assert await world.machines(*before) == {}


@given(st.lists(st.integers(0, 30), min_size=1, max_size=5))
def test_as_few_move_as_must(sizes: list[int]) -> None:
    names = [f"vsw-{number}" for number in range(len(sizes))]
    by_vswitch = {name: [f"{name}/{n}" for n in range(size)] for name, size in zip(names, sizes, strict=True)}

    moved = surplus(by_vswitch, names)

    low, extra = divmod(sum(sizes), len(sizes))
    targets = sorted([low + 1] * extra + [low] * (len(sizes) - extra))
    least = sum(max(0, have - want) for have, want in zip(sorted(sizes), targets, strict=True))
    assert len(moved) == len(set(moved)) == least

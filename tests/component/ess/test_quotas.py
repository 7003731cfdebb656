"""Every quota of one table: DescribeLimitation reports it, and one more than it is refused with its code (ess.md 11)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from support.ess import World
from tidegate.errors import CloudError
from tidegate.services.ess import limits

#: Small enough to be reached in a test.
FEW = 2


def named(name: str) -> dict[str, Any]:
    return {"ScalingRuleName": name, "AdjustmentType": "TotalCapacity", "AdjustmentValue": 1}


async def group_of(world: World, number: int, group: str) -> None:
    if number:  # the first one is there
        await world.call("CreateScalingGroup", MinSize=0, MaxSize=1)


async def configuration_of(world: World, number: int, group: str) -> None:
    if number:
        await world.make_configuration(group)


async def rule_of(world: World, number: int, group: str) -> None:
    await world.call("CreateScalingRule", ScalingGroupId=group, **named(f"rule-{number}"))


async def hook_of(world: World, number: int, group: str) -> None:
    await world.make_hook(group)


async def task_of(world: World, number: int, group: str) -> None:
    launch = world.clock.now().strftime("%Y-%m-%dT23:59Z")
    await world.call("CreateScheduledTask", ScalingGroupId=group, DesiredCapacity=1, LaunchTime=launch)


async def instance_of(world: World, number: int, group: str) -> None:
    await world.scale(group, 1)


async def many(world: World, field: str, ids: Any) -> None:
    await world.call("CreateScalingGroup", MinSize=0, MaxSize=1, **{field: ids})


async def load_balancer_of(world: World, number: int, group: str) -> None:
    """Name one more at once; whether they are there is asked later."""
    if number == FEW:
        await many(world, "LoadBalancerIds", json.dumps([f"lb-{n}" for n in range(FEW + 1)]))


async def database_of(world: World, number: int, group: str) -> None:
    if number == FEW:
        await many(world, "DBInstanceIds", json.dumps([f"rm-{n}" for n in range(FEW + 1)]))


async def server_group_of(world: World, number: int, group: str) -> None:
    if number == FEW:
        groups = [{"AlbServerGroupId": f"sgp-{n}", "Port": 80, "Weight": 1} for n in range(FEW + 1)]
        await many(world, "AlbServerGroups", groups)


TABLE: list[tuple[str, str, Callable[[World, int, str], Awaitable[None]], str]] = [
    ("MaxNumberOfScalingGroups", "GROUPS_PER_REGION", group_of, "QuotaExceeded.ScalingGroup"),
    ("MaxNumberOfScalingConfigurations", "CONFIGURATIONS_PER_GROUP", configuration_of, "QuotaExceeded.ScalingConfiguration"),
    ("MaxNumberOfScalingRules", "RULES_PER_GROUP", rule_of, "QuotaExceeded.ScalingRule"),
    ("MaxNumberOfLifecycleHooks", "HOOKS_PER_GROUP", hook_of, "QuotaExceeded.LifecycleHook"),
    ("MaxNumberOfScheduledTasks", "SCHEDULED_TASKS_PER_REGION", task_of, "QuotaExceeded.ScheduledTask"),
    ("MaxNumberOfScalingInstances", "INSTANCES_PER_REGION", instance_of, "QuotaExceeded.ScalingInstance"),
    ("MaxNumberOfLoadBalancers", "LOAD_BALANCERS_PER_GROUP", load_balancer_of, "QuotaExceeded.LoadBalancer"),
    ("MaxNumberOfDBInstances", "DATABASES_PER_GROUP", database_of, "QuotaExceeded.RDS"),
    ("MaxNumberOfAlbServerGroup", "SERVER_GROUPS_PER_GROUP", server_group_of, "QuotaExceeded.ServerGroup"),
]  # fmt: skip


@pytest.mark.parametrize(("shown", "limit", "make", "code"), TABLE, ids=[row[0] for row in TABLE])
async def test_one_more_than_a_quota_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, shown: str, limit: str, make: Any, code: str
) -> None:
    reported = (await world.call("DescribeLimitation"))[shown]
    assert reported == getattr(limits, limit)
    group = await world.make_group()
    monkeypatch.setattr(limits, limit, FEW)
    for number in range(FEW):
        await make(world, number, group)

    with pytest.raises(CloudError) as refused:
        await make(world, FEW, group)

    assert refused.value.code == code

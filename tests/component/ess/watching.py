"""What tests of alarm tasks do over and over: periods that pass, hosts that are busy, alarms that are made."""

from __future__ import annotations

from typing import Any

from support.ess import World
from tidegate.plane.hosts.memory import Load
from tidegate.services.cms.times import start_of

#: an alarm task that fires after one busy quarter of a minute
QUICK = {"MetricName": "CpuUtilization", "Threshold": 60, "Period": 15, "EvaluationCount": 1}


async def pass_periods(world: World, count: int, seconds: int = 15) -> None:
    """Let so many periods end, each measured and then looked at."""
    for _ in range(count):
        await measure_one(world, seconds)
        await world.advance(seconds=3)


async def measure_one(world: World, seconds: int = 15) -> None:
    """Let a period end and be measured, so that it can be looked at three seconds from now."""
    now = world.clock.now()
    ahead = start_of(now, seconds).timestamp() + seconds - now.timestamp()
    await world.advance(seconds=ahead + 0.1)


async def make_watched(world: World, **values: Any) -> str:
    """Create a group whose hosts are measured, two of them, at rest."""
    await pass_periods(world, 1, 3600)
    group = await world.make_group(**{"MinSize": 2, "DefaultCooldown": 0, **values})
    await world.measure()
    await pass_periods(world, 2)
    return group


def busy(world: World, per_cent: float) -> None:
    """Keep every host so busy; its type has two processors."""
    world.hosts.load = Load(cpu=per_cent / 50)


async def make_alarm(world: World, group: str, *rules: str, **values: Any) -> str:
    """Create an alarm task that executes rules."""
    wanted = {"ScalingGroupId": group, "AlarmActions": list(rules), **QUICK, **values}
    return str((await world.call("CreateAlarm", **wanted))["AlarmTaskId"])


async def alarm(world: World, alarm_id: str) -> dict[str, Any]:
    """Return what DescribeAlarms shows."""
    [shown] = (await world.call("DescribeAlarms", AlarmTaskId=alarm_id))["AlarmList"]
    return dict(shown)


async def fired(world: World, group: str) -> list[str]:
    """Return the statuses of the activities that alarm tasks asked for, oldest first."""
    return [one["StatusCode"] for one in await world.activities(group) if one["TriggerSourceType"] == "Cms"]

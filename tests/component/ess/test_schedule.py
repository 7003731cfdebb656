"""Scheduled tasks: what can be planned, and what happens when a task is due (ess.md 9.1, 12.8)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from support.clocks import StillClock
from support.crashing import Crash, watched_points
from support.ess import World, make_world
from tidegate.clock import to_minutes
from tidegate.services.ess.dialect import OLD

MINUTE = timedelta(minutes=1)


@pytest.fixture
def begin(world: World) -> datetime:
    """The present, moved to just after the start of a minute, so that no test runs into the next one."""
    now = world.clock.now()
    world.clock.advance(now.replace(second=0, microsecond=0) + MINUTE - now)
    return world.clock.now().replace(second=0, microsecond=0)


def at(begin: datetime, minutes: int) -> str:
    return to_minutes(begin + minutes * MINUTE)


async def plan(world: World, **values: Any) -> str:
    return str((await world.call("CreateScheduledTask", **values))["ScheduledTaskId"])


async def shown(world: World, task: str) -> dict[str, Any]:
    [found] = (await world.call("DescribeScheduledTasks", ScheduledTaskIds=[task]))["ScheduledTasks"]
    return dict(found)


async def statuses(world: World, group: str) -> list[str]:
    return [one["StatusCode"] for one in await world.activities(group)]


# ---- planning --------------------------------------------------------------------------------------------------------


async def test_a_task_shows_what_it_was_given(world: World, begin: datetime) -> None:
    group = await world.make_group()
    rule = await world.make_rule(group)
    task = await plan(
        world,
        ScheduledTaskName="morning",
        Description="up",
        ScheduledAction=rule,
        LaunchTime=at(begin, 5),
        RecurrenceType="Weekly",
        RecurrenceValue="1,2",
        RecurrenceEndTime=at(begin, 5000),
        LaunchExpirationTime=60,
    )

    assert len(task) == 24
    assert await shown(world, task) == {
        "ScheduledTaskId": task,
        "ScheduledTaskName": "morning",
        "Description": "up",
        "ScheduledAction": rule,
        "LaunchTime": at(begin, 5),
        "RecurrenceType": "Weekly",
        "RecurrenceValue": "1,2",
        "RecurrenceEndTime": at(begin, 5000),
        "LaunchExpirationTime": 60,
        "TaskEnabled": True,
    }


async def test_both_versions_see_the_same_tasks(world: World, begin: datetime) -> None:
    group = await world.make_group()
    rule = await world.make_rule(group)
    ids = [await plan(world, version=OLD, ScheduledAction=rule, LaunchTime=at(begin, 5)) for _ in range(2)]

    answer = await world.call("DescribeScheduledTasks", version=OLD, **{"ScheduledAction.1": rule})
    one = await world.call("DescribeScheduledTasks", version=OLD, **{"ScheduledTaskId.1": ids[0]})

    assert [task["ScheduledTaskId"] for task in answer["ScheduledTasks"]["ScheduledTask"]] == ids[::-1]
    assert one["TotalCount"] == 1


async def test_tasks_are_found_by_what_they_are(world: World, begin: datetime) -> None:
    group = await world.make_group()
    rule = await world.make_rule(group)
    bounds = await plan(world, ScalingGroupId=group, MinValue=1, LaunchTime=at(begin, 5), ScheduledTaskName="night-in")
    off = await plan(
        world, ScheduledAction=rule, LaunchTime=at(begin, 5), TaskEnabled=False, ScheduledTaskName="night-out"
    )
    cron = await plan(
        world,
        ScheduledAction=rule,
        RecurrenceType="Cron",
        RecurrenceValue="0 3 ? * MON",
        RecurrenceEndTime=at(begin, 50000),
    )

    async def found(**filters: Any) -> list[str]:
        answer = await world.call("DescribeScheduledTasks", **filters)
        assert answer["TotalCount"] == len(answer["ScheduledTasks"])
        return [task["ScheduledTaskId"] for task in answer["ScheduledTasks"]]

    assert await found() == [cron, off, bounds]
    assert await found(ScalingGroupId=group) == [bounds]
    assert await found(TaskName="night") == [off, bounds]
    assert await found(ScheduledTaskNames=["night-out"]) == [off]
    assert await found(TaskEnabled=False) == [off]
    assert await found(RecurrenceType="Cron", RecurrenceValue="0 3 ? * MON") == [cron]
    assert await found(ScheduledActions=[rule]) == [cron, off]
    assert await found(region="cn-beijing") == []


@pytest.mark.parametrize(
    ("values", "code", "named"),
    [
        ({"LaunchTime": None}, "MissingParameter", "LaunchTime"),
        ({"ScheduledAction": None}, "MissingParameter", "ScheduledAction"),
        ({"ScheduledAction": None, "MinValue": 1}, "MissingParameter", "ScalingGroupId"),
        ({"ScheduledAction": None, "ScalingGroupId": "asg"}, "InvalidScalingGroupId.NotFound", ""),
        ({"ScheduledAction": "ari:acs:ess:x"}, "InvalidScalingRuleAri.NotFound", ""),
        ({"RegionId": "cn-beijing"}, "ScheduledAction.RegionMismatch", ""),
        ({"RegionId": "cn-nowhere"}, "InvalidRegionId.NotFound", ""),
        ({"LaunchTime": "2020-01-01T00:00Z"}, "InvalidParameter", "LaunchTime"),
        ({"LaunchTime": "tomorrow"}, "InvalidParameter", "LaunchTime"),
        ({"LaunchTime": 91 * 1440}, "InvalidParameter", "LaunchTime"),
        ({"RecurrenceType": "Daily"}, "MissingParameter", "RecurrenceValue"),
        ({"RecurrenceType": "Daily", "RecurrenceValue": "1"}, "MissingParameter", "RecurrenceEndTime"),
        ({"RecurrenceValue": "1"}, "MissingParameter", "RecurrenceType"),
        (
            {"RecurrenceType": "Daily", "RecurrenceValue": "1", "RecurrenceEndTime": 366 * 1440},
            "InvalidParameter",
            "RecurrenceEndTime",
        ),
        (
            {"RecurrenceType": "Daily", "RecurrenceValue": "1", "RecurrenceEndTime": 1},
            "InvalidParameter",
            "RecurrenceEndTime",
        ),
        (
            {"RecurrenceType": "Cron", "RecurrenceValue": "* * * * ?", "RecurrenceEndTime": 1440},
            "InvalidParameter",
            "RecurrenceValue",
        ),
        (
            {"RecurrenceType": "Hourly", "RecurrenceValue": "1", "RecurrenceEndTime": 1440},
            "InvalidParameter",
            "RecurrenceType",
        ),
        ({"LaunchExpirationTime": 21601}, "InvalidParameter", "LaunchExpirationTime"),
        ({"ScheduledTaskName": "x"}, "InvalidParameter", "ScheduledTaskName"),
        ({"ScheduledTaskName": "taken"}, "InvalidScheduledTaskName.Duplicate", "ScheduledTaskName"),
        ({"Description": "x" * 201}, "InvalidParameter", "Description"),
    ],
)
async def test_what_cannot_be_planned_is_refused(
    world: World, begin: datetime, values: dict[str, Any], code: str, named: str
) -> None:
    rule = await world.make_rule(await world.make_group())
    await plan(world, ScheduledAction=rule, LaunchTime=at(begin, 5), ScheduledTaskName="taken")
    wanted = {"ScheduledAction": rule, "LaunchTime": 5, **values}
    for name in ("LaunchTime", "RecurrenceEndTime"):
        if isinstance(wanted.get(name), int):
            wanted[name] = at(begin, wanted[name])

    error = await world.refused("CreateScheduledTask", **wanted)

    assert error.code == code
    assert named in error.message


async def test_a_region_has_twenty_tasks(world: World, begin: datetime) -> None:
    rule = await world.make_rule(await world.make_group())
    for _ in range(20):
        await plan(world, ScheduledAction=rule, LaunchTime=at(begin, 5))

    error = await world.refused("CreateScheduledTask", ScheduledAction=rule, LaunchTime=at(begin, 5))

    assert (error.code, error.message) == ("QuotaExceeded.ScheduledTask", "Scheduled task quota exceeded.")


async def test_bounds_must_say_something_that_makes_sense(world: World, begin: datetime) -> None:
    group = await world.make_group()
    wanted = {"ScalingGroupId": group, "LaunchTime": at(begin, 5)}

    assert (await world.refused("CreateScheduledTask", **wanted)).code == "MissingParameter"
    assert (await world.refused("CreateScheduledTask", MinValue=2001, **wanted)).code == "InvalidParameter"
    contradiction = await world.refused("CreateScheduledTask", MinValue=3, MaxValue=2, **wanted)
    assert contradiction.code == "InvalidParameter.Conflict"
    rule = await world.make_rule(group)
    both = await world.refused("CreateScheduledTask", MinValue=1, ScheduledAction=rule, **wanted)
    assert both.code == "InvalidParameter.Conflict"


async def test_others_do_not_see_a_task(world: World, begin: datetime) -> None:
    rule = await world.make_rule(await world.make_group())
    task = await plan(world, ScheduledAction=rule, LaunchTime=at(begin, 5))

    for action in ("ModifyScheduledTask", "DeleteScheduledTask"):
        error = await world.refused(action, ScheduledTaskId=task, account="9999999999999999")
        assert (error.code, error.status) == ("InvalidScheduledTaskId.NotFound", 404)


# ---- running ---------------------------------------------------------------------------------------------------------


async def test_a_due_task_runs_its_rule_once(world: World, begin: datetime) -> None:
    group = await world.make_group()
    rule = await world.make_rule(group, 2)
    task = await plan(world, ScheduledAction=rule, LaunchTime=at(begin, 5))

    await world.advance(minutes=4)
    assert await world.members(group) == {}
    await world.advance(minutes=1)
    await world.advance(hours=1)

    [activity] = await world.activities(group)
    rule_id = rule.rpartition("/")[2]
    assert activity["Cause"] == (
        f'A scheduled task execute scaling rule "{rule_id}",changing the Total Capacity from "0" to "2".'
    )
    assert (activity["StatusCode"], activity["TriggerSourceType"]) == ("Successful", "Ess")
    assert activity["TriggerSourceId"] == task
    assert len(await world.members(group)) == 2


async def test_a_recurring_task_runs_until_its_end_and_ignores_cooldown(world: World, begin: datetime) -> None:
    group = await world.make_group(DefaultCooldown=86400)
    await plan(
        world,
        ScheduledAction=await world.make_rule(group),
        LaunchTime=at(begin, 1),
        RecurrenceType="Daily",
        RecurrenceValue="1",
        RecurrenceEndTime=at(begin, 1 + 2 * 1440),
    )

    counts = []
    await world.advance(minutes=1)
    for _ in range(5):
        counts.append(len(await world.members(group)))
        await world.advance(days=1)

    assert counts == [1, 2, 3, 3, 3]


async def test_a_refused_task_is_retried_until_it_expires(world: World, begin: datetime) -> None:
    group = await world.make_group(enabled=False)
    await plan(
        world,
        ScheduledAction=await world.make_rule(group),
        LaunchTime=at(begin, 1),
        LaunchExpirationTime=120,
    )

    for _ in range(6):
        await world.advance(minutes=1)

    activities = await world.activities(group)
    assert [one["StatusCode"] for one in activities] == ["Rejected"] * 3
    assert activities[0]["StatusMessage"] == (
        "The current status of the specified scaling group does not support this action."
    )
    assert activities[0]["Cause"].startswith('A scheduled task execute scaling rule "')


async def test_a_refused_task_starts_once_it_may(world: World, begin: datetime) -> None:
    group = await world.make_group(enabled=False)
    await plan(world, ScheduledAction=await world.make_rule(group), LaunchTime=at(begin, 1))

    await world.advance(minutes=1)
    await world.call("EnableScalingGroup", ScalingGroupId=group)
    for _ in range(3):
        await world.advance(minutes=1)

    assert await statuses(world, group) == ["Rejected", "Successful"]
    assert len(await world.members(group)) == 1


async def test_of_two_tasks_in_one_minute_the_newer_one_runs_first(world: World, begin: datetime) -> None:
    group = await world.make_group()
    older = await plan(world, ScheduledAction=await world.make_rule(group, 1), LaunchTime=at(begin, 1))
    newer = await plan(world, ScheduledAction=await world.make_rule(group, 2), LaunchTime=at(begin, 1))

    await world.advance(minutes=1)
    first = await world.activities(group)
    await world.advance(minutes=1)

    assert [one["TriggerSourceId"] for one in first] == [newer]
    assert [one["TriggerSourceId"] for one in await world.activities(group)] == [newer, older]


async def test_a_run_that_was_missed_for_too_long_is_left_out(world: World, begin: datetime) -> None:
    group = await world.make_group()
    rule = await world.make_rule(group)
    await plan(world, ScheduledAction=rule, LaunchTime=at(begin, 1), LaunchExpirationTime=300)
    await world.settle()

    world.pass_time(8 * 60)  # nobody looks
    await world.restart().settle()

    assert await world.activities(group) == []


async def test_a_run_that_was_missed_for_a_short_time_is_made_up_for(world: World, begin: datetime) -> None:
    group = await world.make_group()
    await plan(
        world,
        ScheduledAction=await world.make_rule(group),
        LaunchTime=at(begin, 1),
        RecurrenceType="Daily",
        RecurrenceValue="1",
        RecurrenceEndTime=at(begin, 30 * 1440),
    )
    await world.settle()

    world.pass_time(3 * 86400 + 5 * 60)  # three runs are over, the fourth is 4 minutes late
    await world.restart().settle()

    assert await statuses(world, group) == ["Successful"]


async def test_a_suspended_process_starts_nothing(world: World, begin: datetime) -> None:
    group = await world.make_group()
    await plan(world, ScheduledAction=await world.make_rule(group), LaunchTime=at(begin, 1))
    await world.call("SuspendProcesses", ScalingGroupId=group, Processes=["ScheduledAction"])

    await world.advance(minutes=2)

    assert await world.activities(group) == []


async def test_with_a_desired_capacity_the_rule_moves_only_that(world: World, begin: datetime) -> None:
    group = await world.make_group(DesiredCapacity=1)
    await plan(world, ScheduledAction=await world.make_rule(group, 2), LaunchTime=at(begin, 1))

    await world.advance(minutes=1)

    assert (await world.group(group))["DesiredCapacity"] == 3
    assert (await world.activities(group))[-1]["Cause"].startswith(
        "The Total Capacity does not match the DesiredCapacity"
    )
    assert len(await world.members(group)) == 3


async def test_a_task_can_set_the_bounds_of_a_group(world: World, begin: datetime) -> None:
    group = await world.make_group(MinSize=0, MaxSize=5)
    await plan(world, ScalingGroupId=group, MinValue=2, MaxValue=3, LaunchTime=at(begin, 1))

    await world.advance(minutes=1)

    after = await world.group(group)
    assert (after["MinSize"], after["MaxSize"]) == (2, 3)
    assert len(await world.members(group)) == 2


async def test_bounds_that_contradict_those_of_the_group_are_rejected(world: World, begin: datetime) -> None:
    group = await world.make_group(MinSize=0, MaxSize=5)
    await plan(world, ScalingGroupId=group, MinValue=6, LaunchTime=at(begin, 1), LaunchExpirationTime=0)

    for _ in range(2):
        await world.advance(minutes=1)

    assert await statuses(world, group) == ["Rejected"]
    assert (await world.group(group))["MinSize"] == 0


async def test_a_rule_that_is_gone_leaves_one_rejected_activity(world: World, begin: datetime) -> None:
    group = await world.make_group()
    rule = await world.make_rule(group)
    await plan(world, ScheduledAction=rule, LaunchTime=at(begin, 1))
    await world.call("DeleteScalingRule", ScalingRuleId=rule.rpartition("/")[2])

    for _ in range(3):
        await world.advance(minutes=1)

    [activity] = await world.activities(group)
    assert (activity["StatusCode"], activity["StatusMessage"]) == (
        "Rejected",
        "The specified scaling rule Ari does not exist.",
    )


async def test_a_task_outlives_its_group_and_then_does_nothing(world: World, begin: datetime) -> None:
    group = await world.make_group()
    task = await plan(world, ScheduledAction=await world.make_rule(group), LaunchTime=at(begin, 1))
    await world.call("DeleteScalingGroup", ScalingGroupId=group)

    await world.advance(minutes=2)

    assert (await shown(world, task))["TaskEnabled"] is True
    assert await world.failed_works() == []


# ---- changing --------------------------------------------------------------------------------------------------------


async def test_a_disabled_task_waits_and_what_it_missed_is_not_made_up_for(world: World, begin: datetime) -> None:
    group = await world.make_group()
    task = await plan(world, ScheduledAction=await world.make_rule(group), LaunchTime=at(begin, 1), TaskEnabled=False)
    await world.advance(minutes=2)
    await world.call("ModifyScheduledTask", ScheduledTaskId=task, TaskEnabled=True)
    await world.advance(minutes=2)
    assert await world.activities(group) == []

    await world.call("ModifyScheduledTask", ScheduledTaskId=task, LaunchTime=at(begin, 10))
    await world.advance(minutes=6)

    assert await statuses(world, group) == ["Successful"]


async def test_the_same_minute_is_not_run_twice_whatever_is_changed(world: World, begin: datetime) -> None:
    group = await world.make_group()
    task = await plan(world, ScheduledAction=await world.make_rule(group), LaunchTime=at(begin, 1))
    await world.advance(minutes=1)

    await world.call("ModifyScheduledTask", ScheduledTaskId=task, LaunchTime=at(begin, 1), Description="again")
    await world.call("ModifyScheduledTask", ScheduledTaskId=task, TaskEnabled=False)
    await world.call("ModifyScheduledTask", ScheduledTaskId=task, TaskEnabled=True)
    await world.settle()

    assert await statuses(world, group) == ["Successful"]


async def test_a_task_can_be_aimed_at_something_else(world: World, begin: datetime) -> None:
    group = await world.make_group()
    rule = await world.make_rule(group)
    task = await plan(world, ScheduledAction=rule, LaunchTime=at(begin, 5))

    error = await world.refused("ModifyScheduledTask", ScheduledTaskId=task, MaxValue=4)
    await world.call("ModifyScheduledTask", ScheduledTaskId=task, ScalingGroupId=group, MaxValue=4)
    bounds = await shown(world, task)
    await world.call("ModifyScheduledTask", ScheduledTaskId=task, ScheduledAction=rule)
    back = await shown(world, task)

    assert error.code == "MissingParameter"
    assert (bounds["ScalingGroupId"], bounds["MaxValue"], "ScheduledAction" in bounds) == (group, 4, False)
    assert (back["ScheduledAction"], "ScalingGroupId" in back, "MaxValue" in back) == (rule, False, False)


async def test_a_deleted_task_does_nothing_more(world: World, begin: datetime) -> None:
    group = await world.make_group()
    task = await plan(world, ScheduledAction=await world.make_rule(group), LaunchTime=at(begin, 1))

    await world.call("DeleteScheduledTask", ScheduledTaskId=task)
    await world.advance(minutes=2)

    assert await world.activities(group) == []
    assert (await world.call("DescribeScheduledTasks"))["TotalCount"] == 0


# ---- crashes ---------------------------------------------------------------------------------------------------------


async def test_a_task_runs_once_wherever_the_process_dies(world: World, begin: datetime) -> None:
    group = await world.make_group()
    rule = await world.make_rule(group)
    deadly: set[str] = set()
    with watched_points() as points:
        for number in range(1, 20):
            now = world.clock.now().replace(second=0, microsecond=0)
            task = await plan(world, ScheduledAction=rule, LaunchTime=at(now, 1))
            await world.settle()
            world.pass_time(60)
            points.passed, points.crash_after = [], number
            with pytest.raises(Crash) as death:
                await world.settle()
            deadly.add(str(death.value))
            await world.restart().settle()
            started = [one for one in await world.activities(group) if one["TriggerSourceId"] == task]
            assert [one["StatusCode"] for one in started] == ["Successful"]
            assert len(await world.members(group)) == 1
            await world.call("DeleteScheduledTask", ScheduledTaskId=task)
            await world.scale(group, -1)

    assert {"task.transaction.acted", "task.transaction.recorded"} <= deadly


async def test_a_task_looked_at_whole_days_before_its_end_comes_to_rest(world: World) -> None:
    clock = StillClock()
    still = make_world(world.database, clock, world.ids)
    group = await still.make_group()
    ari = await still.make_rule(group, 1)
    await still.call(
        "CreateScheduledTask",
        ScheduledAction=ari,
        LaunchTime="2026-01-01T12:00Z",
        RecurrenceType="Daily",
        RecurrenceValue="1",
        RecurrenceEndTime="2026-01-11T00:00Z",
    )

    looks = [await still.advance(days=1) for _ in range(10)]

    assert max(looks) < 100

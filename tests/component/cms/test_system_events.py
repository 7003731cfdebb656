"""System events: what instances and groups tell CloudMonitor."""

from __future__ import annotations

import json
from typing import Any

from component.cms.conftest import Watched
from support.ess import ACCOUNT, REGION

MONITOR = f"acs:ess:{REGION}:{ACCOUNT}:cloudmonitor"


async def shown(watched: Watched, **filters: Any) -> list[dict[str, Any]]:
    answer = await watched.call("DescribeSystemEventAttribute", PageSize=100, **filters)
    assert (answer["Code"], answer["Success"]) == ("200", True)
    return list(reversed(answer["SystemEvents"]["SystemEvent"]))


async def test_a_group_with_cloudmonitor_as_receiver_shows_its_activities(watched: Watched) -> None:
    world = watched.world
    group = await world.make_group(ScalingGroupName="web-group")
    wanted = ["AUTOSCALING:SCALE_OUT_SUCCESS", "AUTOSCALING:SCALE_IN_SUCCESS"]
    await world.call(
        "CreateNotificationConfiguration", ScalingGroupId=group, NotificationArn=MONITOR, NotificationTypes=wanted
    )
    activity = await world.scale(group, 2)
    await world.scale(group, -1)

    found = await shown(watched, Product="ESS")

    assert [one["Name"] for one in found] == wanted
    assert json.loads(found[0]["Content"])["scalingActivityId"] == activity
    assert (found[0]["Level"], found[0]["InstanceName"]) == ("INFO", "web-group")
    assert found[0]["ResourceId"] == f"acs:ess:{REGION}:{ACCOUNT}:scalinggroup/{group}"
    assert await shown(watched, Product="ESS", SearchKeywords=f"{activity} and Nothing") == []
    assert len(await shown(watched, Product="ESS", SearchKeywords=f"{activity} or Nothing")) == 1
    assert await shown(watched, Product="ESS", Level="CRITICAL") == []


async def test_status_changes_of_instances_are_listed_and_counted(watched: Watched) -> None:
    [one] = await watched.world.launch(1)

    found = await shown(watched, Product="ECS", Name="Instance:StateChange", SearchKeywords=one)
    [counted] = (await watched.call("DescribeSystemEventCount", Product="ecs", SearchKeywords=one))[
        "SystemEventCounts"
    ]["SystemEventCount"]

    assert [json.loads(event["Content"])["state"] for event in found] == ["Starting", "Running"]
    assert (counted["Num"], counted["InstanceName"]) == (2, one)
    assert await shown(watched, account="999") == []
    assert await watched.refused("DescribeSystemEventAttribute", Level="LOUD") == "ParameterInvalid"

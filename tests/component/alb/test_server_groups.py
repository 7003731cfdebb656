"""Server groups of application load balancers through their operations."""

from __future__ import annotations

import asyncio
from typing import Any

from support.clouds import REGION, Memory
from support.ecs import IMAGE, TYPE


async def instances(cloud: Memory, amount: int) -> list[str]:
    made = await cloud.call("ecs", "RunInstances", RegionId=REGION, ImageId=IMAGE, InstanceType=TYPE, Amount=amount)
    ids = list(made["InstanceIdSets"]["InstanceIdSet"])
    async with asyncio.timeout(10):
        while True:
            found = await cloud.call("ecs", "DescribeInstanceStatus", RegionId=REGION, InstanceId=ids)
            if {one["Status"] for one in found["InstanceStatuses"]["InstanceStatus"]} == {"Running"}:
                return ids
            await asyncio.sleep(0.01)


async def shown(cloud: Memory, group: str, **parameters: Any) -> dict[tuple[str, int], int]:
    answer = await cloud.call("alb", "ListServerGroupServers", ServerGroupId=group, **parameters)
    return {(one["ServerId"], one["Port"]): one["Weight"] for one in answer["Servers"]}


async def test_servers_come_are_weighed_and_go(cloud: Memory) -> None:
    made = await cloud.call(
        "alb", "CreateServerGroup", ServerGroupName="web", HealthCheckConfig={"HealthCheckPath": "/w"}
    )
    group = made["ServerGroupId"]
    one, two = await instances(cloud, 2)

    servers = [{"ServerId": one, "ServerType": "Ecs", "Port": 80}, {"ServerId": two, "Port": 80, "Weight": 30}]
    await cloud.call("alb", "AddServersToServerGroup", ServerGroupId=group, Servers=servers)
    added = await shown(cloud, group)
    changed = [{"ServerId": one, "Port": 80, "Weight": 0}]
    await cloud.call("alb", "UpdateServerGroupServersAttribute", ServerGroupId=group, Servers=changed)
    weighed = await shown(cloud, group)
    await cloud.call("alb", "RemoveServersFromServerGroup", ServerGroupId=group, Servers=servers[:1])
    listed = await cloud.call("alb", "ListServerGroups", ServerGroupNames=["web"])

    assert added == {(one, 80): 100, (two, 80): 30}
    assert weighed == {(one, 80): 0, (two, 80): 30}
    assert await shown(cloud, group) == {(two, 80): 30}
    (item,) = listed["ServerGroups"]
    assert (item["ServerGroupId"], item["ServerCount"]) == (group, 1)
    assert item["HealthCheckConfig"]["HealthCheckPath"] == "/w"


async def test_lists_come_in_parts(cloud: Memory) -> None:
    for name in ("a", "b", "c"):
        await cloud.call("alb", "CreateServerGroup", ServerGroupName=name)

    first = await cloud.call("alb", "ListServerGroups", MaxResults=2)
    rest = await cloud.call("alb", "ListServerGroups", MaxResults=2, NextToken=first["NextToken"])

    names = [one["ServerGroupName"] for one in [*first["ServerGroups"], *rest["ServerGroups"]]]
    assert (names, first["TotalCount"], "NextToken" in rest) == (["c", "b", "a"], 3, False)


async def test_what_is_not_there_is_refused(cloud: Memory) -> None:
    made = await cloud.call("alb", "CreateServerGroup", ServerGroupName="web")
    group = made["ServerGroupId"]
    server = [{"ServerId": "i-none", "Port": 80}]

    stranger = await cloud.refused("alb", "AddServersToServerGroup", ServerGroupId=group, Servers=server)
    bad = await cloud.refused(
        "alb", "AddServersToServerGroup", ServerGroupId=group, Servers=[{"ServerId": "i-1", "Port": 0}]
    )
    await cloud.call("alb", "DeleteServerGroup", ServerGroupId=group)
    gone = await cloud.refused("alb", "ListServerGroupServers", ServerGroupId=group)

    assert (stranger.code, bad.code) == ("ResourceNotFound.BackendServer", "InvalidParameter")
    assert (gone.code, gone.status) == ("ResourceNotFound.ServerGroup", 404)

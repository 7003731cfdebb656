"""Load balancers through their operations, over records of load balancers that tests can break."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from support.clouds import REGION, Memory
from support.ecs import IMAGE, TYPE
from tidegate.plane.balancer.memory import MemoryBalancers


def plane(cloud: Memory) -> MemoryBalancers:
    twin = cloud.cloud.world.balancers
    assert isinstance(twin, MemoryBalancers)
    return twin


async def eventually(look: Callable[[], Awaitable[bool]]) -> None:
    """The controller works beside the test."""
    async with asyncio.timeout(10):
        while not await look():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def balancer(cloud: Memory, **parameters: Any) -> str:
    made = await cloud.call("slb", "CreateLoadBalancer", RegionId=REGION, AddressType="intranet", **parameters)
    return str(made["LoadBalancerId"])


async def instances(cloud: Memory, amount: int) -> list[str]:
    made = await cloud.call("ecs", "RunInstances", RegionId=REGION, ImageId=IMAGE, InstanceType=TYPE, Amount=amount)
    ids = list(made["InstanceIdSets"]["InstanceIdSet"])

    async def running() -> bool:
        found = await cloud.call("ecs", "DescribeInstanceStatus", RegionId=REGION, InstanceId=ids)
        return {one["Status"] for one in found["InstanceStatuses"]["InstanceStatus"]} == {"Running"}

    await eventually(running)
    return ids


async def listen(cloud: Memory, lb: str, port: int = 80, protocol: str = "HTTP", **settings: Any) -> None:
    settings.setdefault("BackendServerPort", 8080)
    await cloud.call("slb", f"CreateLoadBalancer{protocol}Listener", LoadBalancerId=lb, ListenerPort=port, **settings)
    await cloud.call("slb", "StartLoadBalancerListener", LoadBalancerId=lb, ListenerPort=port)


def servers(*entries: Any) -> str:
    return json.dumps([{"ServerId": one} if isinstance(one, str) else one for one in entries])


async def targets(cloud: Memory, lb: str, port: int = 80) -> dict[str, int]:
    spec = plane(cloud).specs.get(lb)
    return {t.id: t.weight for one in (spec.listeners if spec else ()) if one.port == port for t in one.targets}


async def shows(cloud: Memory, lb: str, expected: dict[str, int], port: int = 80) -> None:
    async def equal() -> bool:
        return await targets(cloud, lb, port) == expected

    await eventually(equal)


async def test_servers_come_are_weighed_and_go(cloud: Memory) -> None:
    lb = await balancer(cloud)
    one, two = await instances(cloud, 2)
    await listen(cloud, lb)

    added = await cloud.call(
        "slb",
        "AddBackendServers",
        LoadBalancerId=lb,
        BackendServers=servers({"ServerId": one, "Weight": "50", "Type": "ecs"}, {"ServerId": two}),
    )
    await shows(cloud, lb, {f"{one}:8080": 50, f"{two}:8080": 100})
    await cloud.call(
        "slb", "SetBackendServers", LoadBalancerId=lb, BackendServers=servers({"ServerId": one, "Weight": 0})
    )
    await shows(cloud, lb, {f"{one}:8080": 0, f"{two}:8080": 100})
    removed = await cloud.call("slb", "RemoveBackendServers", LoadBalancerId=lb, BackendServers=json.dumps([one]))
    again = await cloud.call("slb", "RemoveBackendServers", LoadBalancerId=lb, BackendServers=servers(one))
    await shows(cloud, lb, {f"{two}:8080": 100})
    described = await cloud.call("slb", "DescribeLoadBalancerAttribute", LoadBalancerId=lb)

    shown = added["BackendServers"]["BackendServer"]
    assert {each["ServerId"]: each["Weight"] for each in shown} == {one: 50, two: 100}
    assert [each["ServerId"] for each in removed["BackendServers"]["BackendServer"]] == [two]
    assert again == removed
    assert described["LoadBalancerStatus"] == "active"
    assert described["ListenerPorts"]["ListenerPort"] == [80]
    assert [each["ServerId"] for each in described["BackendServers"]["BackendServer"]] == [two]


async def test_health_is_what_the_load_balancer_sees(cloud: Memory) -> None:
    lb = await balancer(cloud)
    one, two = await instances(cloud, 2)
    await listen(cloud, lb)
    await listen(cloud, lb, 81, "TCP", HealthCheckSwitch="off", BackendServerPort=22)
    added = await cloud.call("slb", "AddBackendServers", LoadBalancerId=lb, BackendServers=servers(one, two))
    addresses = {each["ServerId"]: each["ServerIp"] for each in added["BackendServers"]["BackendServer"]}
    plane(cloud).broken.add(addresses[two])
    await shows(cloud, lb, {f"{one}:8080": 100, f"{two}:8080": 100})

    checked = await cloud.call("slb", "DescribeHealthStatus", LoadBalancerId=lb, ListenerPort=80)
    every = await cloud.call("slb", "DescribeHealthStatus", LoadBalancerId=lb)

    def told(answer: dict[str, Any]) -> set[tuple[str, int, int, str]]:
        found = answer["BackendServers"]["BackendServer"]
        return {(each["ServerId"], each["ListenerPort"], each["Port"], each["ServerHealthStatus"]) for each in found}

    assert told(checked) == {(one, 80, 8080, "normal"), (two, 80, 8080, "abnormal")}
    assert told(every) - told(checked) == {(one, 81, 22, "unavailable"), (two, 81, 22, "unavailable")}


async def test_servers_finish_behind_listeners_that_drain(cloud: Memory) -> None:
    lb = await balancer(cloud)
    one, two = await instances(cloud, 2)
    await listen(cloud, lb, 80, "TCP", ConnectionDrain="on", ConnectionDrainTimeout=10)
    await cloud.call("slb", "AddBackendServers", LoadBalancerId=lb, BackendServers=servers(one, two))
    await shows(cloud, lb, {f"{one}:8080": 100, f"{two}:8080": 100})
    plane(cloud).connections[lb, f"{one}:8080"] = 1

    left = await cloud.call("slb", "RemoveBackendServers", LoadBalancerId=lb, BackendServers=servers(one, two))
    await shows(cloud, lb, {f"{one}:8080": 0})
    leaving = await cloud.cloud.services.slb.is_settled(await cloud.cloud.services.ram.account_id(), [lb], [one])
    plane(cloud).connections.clear()
    await shows(cloud, lb, {})

    assert left["BackendServers"]["BackendServer"] == []
    assert not leaving


async def test_a_vserver_group_serves_its_listener_only(cloud: Memory) -> None:
    lb = await balancer(cloud)
    one, two = await instances(cloud, 2)
    made = await cloud.call(
        "slb",
        "CreateVServerGroup",
        LoadBalancerId=lb,
        VServerGroupName="web",
        BackendServers=servers({"ServerId": one, "Port": 9000, "Weight": 30}),
    )
    group = made["VServerGroupId"]
    await listen(cloud, lb, 80, "HTTP", VServerGroupId=group)
    await shows(cloud, lb, {f"{one}:9000": 30})

    await cloud.call(
        "slb",
        "AddVServerGroupBackendServers",
        VServerGroupId=group,
        BackendServers=servers({"ServerId": one, "Port": 9001}, {"ServerId": two, "Port": "9000"}),
    )
    await shows(cloud, lb, {f"{one}:9000": 30, f"{one}:9001": 100, f"{two}:9000": 100})
    await cloud.call(
        "slb",
        "SetVServerGroupAttribute",
        VServerGroupId=group,
        VServerGroupName="shop",
        BackendServers=servers({"ServerId": one, "Port": 9001, "Weight": 7}),
    )
    await cloud.call(
        "slb",
        "ModifyVServerGroupBackendServers",
        VServerGroupId=group,
        OldBackendServers=servers({"ServerId": one, "Port": 9000}),
        NewBackendServers=servers({"ServerId": two, "Port": 9001, "Weight": 1}),
    )
    await cloud.call(
        "slb",
        "RemoveVServerGroupBackendServers",
        VServerGroupId=group,
        BackendServers=servers({"ServerId": two, "Port": 9000}),
    )
    await shows(cloud, lb, {f"{one}:9001": 7, f"{two}:9001": 1})
    described = await cloud.call("slb", "DescribeVServerGroupAttribute", VServerGroupId=group)
    listed = await cloud.call("slb", "DescribeVServerGroups", LoadBalancerId=lb)
    in_use = await cloud.refused("slb", "DeleteVServerGroup", VServerGroupId=group)
    await cloud.call("slb", "DeleteLoadBalancerListener", LoadBalancerId=lb, ListenerPort=80)
    await cloud.call("slb", "DeleteVServerGroup", VServerGroupId=group)
    gone = await cloud.refused("slb", "DescribeVServerGroupAttribute", VServerGroupId=group)

    assert made["BackendServers"]["BackendServer"][0]["Port"] == 9000
    assert (described["VServerGroupName"], described["LoadBalancerId"]) == ("shop", lb)
    assert listed["VServerGroups"]["VServerGroup"][0]["ServerCount"] == 2
    assert (in_use.code, gone.code) == ("RspoolVipExist", "InvalidVServerGroupId.NotFound")


async def test_status_listeners_and_release_reach_the_real_one(cloud: Memory) -> None:
    lb = await balancer(cloud, LoadBalancerName="shop")
    await listen(cloud, lb)
    await shows(cloud, lb, {})

    async def listening(ports: list[int]) -> None:
        async def equal() -> bool:
            return lb in plane(cloud).specs and [one.port for one in plane(cloud).specs[lb].listeners] == ports

        await eventually(equal)

    await listening([80])
    await cloud.call("slb", "SetLoadBalancerStatus", LoadBalancerId=lb, LoadBalancerStatus="inactive")
    await listening([])
    await cloud.call("slb", "SetLoadBalancerStatus", LoadBalancerId=lb, LoadBalancerStatus="active")
    await listening([80])
    await cloud.call("slb", "StopLoadBalancerListener", LoadBalancerId=lb, ListenerPort=80)
    await listening([])
    listed = await cloud.call("slb", "DescribeLoadBalancers", RegionId=REGION, LoadBalancerName="shop")
    await cloud.call("slb", "SetLoadBalancerName", LoadBalancerId=lb, LoadBalancerName="other")
    await cloud.call("slb", "SetLoadBalancerDeleteProtection", LoadBalancerId=lb, DeleteProtection="on")
    protected = await cloud.refused("slb", "DeleteLoadBalancer", LoadBalancerId=lb)
    await cloud.call("slb", "SetLoadBalancerDeleteProtection", LoadBalancerId=lb, DeleteProtection="off")
    await cloud.call("slb", "DeleteLoadBalancer", LoadBalancerId=lb)
    unknown = await cloud.refused("slb", "DescribeLoadBalancerAttribute", LoadBalancerId=lb)

    async def gone() -> bool:
        return lb not in plane(cloud).specs

    await eventually(gone)
    assert (listed["TotalCount"], listed["LoadBalancers"]["LoadBalancer"][0]["LoadBalancerId"]) == (1, lb)
    assert protected.code == "OperationDenied.DeleteProtectionIsOn"
    assert (unknown.code, unknown.status) == ("InvalidLoadBalancerId.NotFound", 404)
    assert unknown.message == "The specified LoadBalancerId does not exist."


async def test_a_listener_shows_its_settings_and_takes_new_ones(cloud: Memory) -> None:
    lb = await balancer(cloud)
    await listen(cloud, lb, 443, "TCP", healthCheckInterval=5, UnhealthyThreshold=4)

    await cloud.call(
        "slb",
        "SetLoadBalancerTCPListenerAttribute",
        LoadBalancerId=lb,
        ListenerPort=443,
        Scheduler="wlc",
        HealthCheckType="http",
        HealthCheckURI="/well",
        HealthCheckHttpCode="http_2xx,http_3xx",
    )
    shown = await cloud.call("slb", "DescribeLoadBalancerTCPListenerAttribute", LoadBalancerId=lb, ListenerPort=443)

    async def applied() -> bool:
        spec = plane(cloud).specs.get(lb)
        return spec is not None and [one.check and one.check.kind for one in spec.listeners] == ["http"]

    await eventually(applied)
    (listener,) = plane(cloud).specs[lb].listeners
    assert listener.scheduler == "wlc"
    assert listener.check is not None
    assert (listener.check.interval, listener.check.fall, listener.check.path) == (5, 4, "/well")
    assert listener.check.statuses == "200-299,300-399"
    assert (shown["Status"], shown["HealthCheck"], shown["HealthCheckInterval"], shown["HealthyThreshold"]) == (
        "running",
        "on",
        5,
        3,
    )


async def test_what_an_instance_leaves_behind_is_taken_out(cloud: Memory) -> None:
    lb = await balancer(cloud)
    one, two = await instances(cloud, 2)
    await listen(cloud, lb)
    await cloud.call("slb", "AddBackendServers", LoadBalancerId=lb, BackendServers=servers(one, two))
    await cloud.call("ecs", "DeleteInstance", InstanceId=one, Force=True)

    async def looked() -> bool:
        found = await cloud.call("ecs", "DescribeInstances", RegionId=REGION, InstanceIds=json.dumps([one]))
        return found["TotalCount"] == 0

    await eventually(looked)
    await cloud.call("slb", "SetLoadBalancerName", LoadBalancerId=lb, LoadBalancerName="look-again")

    await shows(cloud, lb, {f"{two}:8080": 100})


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("[", "BackendServersMalformed"),
        ("[]", "BackendServersMalformed"),
        ('[{"ServerId":"i-1","Weight":101}]', "BackendServersMalformed"),
        ('[{"ServerId":"i-1"}]', "ObtainIpFail"),
        ('[{"ServerId":"eni-1","Type":"eni"}]', "UnsupportedOperation"),
        (json.dumps([f"i-{n}" for n in range(21)]), "TooManyBackendServers"),
    ],
)
async def test_servers_that_cannot_be_are_refused(cloud: Memory, given: str, code: str) -> None:
    lb = await balancer(cloud)

    refused = await cloud.refused("slb", "AddBackendServers", LoadBalancerId=lb, BackendServers=given)

    assert refused.code == code


@pytest.mark.parametrize(
    ("action", "settings", "code"),
    [
        ("CreateLoadBalancerHTTPListener", {"BackendServerPort": 80, "HealthCheckInterval": 51}, "InvalidParameter"),
        ("CreateLoadBalancerHTTPListener", {"BackendServerPort": 80, "HealthCheckURI": "/'\n"}, "InvalidParameter"),
        ("CreateLoadBalancerHTTPListener", {"BackendServerPort": 80, "StickySession": "on"}, "UnsupportedOperation"),
        ("CreateLoadBalancerTCPListener", {}, "MissingParameter"),
        ("CreateLoadBalancerTCPListener", {"VServerGroupId": "rsp-none"}, "InvalidVServerGroupId.NotFound"),
        ("CreateLoadBalancerUDPListener", {}, "UnsupportedOperation"),
        ("CreateLoadBalancerHTTPSListener", {}, "UnsupportedOperation"),
        ("StartLoadBalancerListener", {}, "ListenerNotFound"),
        ("SetLoadBalancerTCPListenerAttribute", {}, "ListenerNotFound"),
    ],
)
async def test_listeners_that_cannot_be_are_refused(
    cloud: Memory, action: str, settings: dict[str, Any], code: str
) -> None:
    lb = await balancer(cloud)

    refused = await cloud.refused("slb", action, LoadBalancerId=lb, ListenerPort=80, **settings)

    assert refused.code == code


async def test_a_port_has_one_listener(cloud: Memory) -> None:
    lb = await balancer(cloud)
    await listen(cloud, lb)

    refused = await cloud.refused(
        "slb", "CreateLoadBalancerTCPListener", LoadBalancerId=lb, ListenerPort=80, BackendServerPort=1
    )

    assert refused.code == "ListenerAlreadyExists"


async def test_a_change_that_waits_too_long_for_another_is_told_so(
    cloud: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate.services.slb.limits.PATIENCE", 0.05)
    lb = await balancer(cloud)

    async with cloud.cloud.database.transaction() as tx:
        await tx.execute("select 1 from balancer where id = $1 for update", lb)
        refused = await cloud.refused("slb", "SetLoadBalancerName", LoadBalancerId=lb, LoadBalancerName="shop")

    assert refused.code == "ServiceIsConfiguring"
    assert refused.message == "A previous configuration is pending; please try again later."

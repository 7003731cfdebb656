"""Hosts are measured, and what they did can be asked for."""

from __future__ import annotations

import msgspec
import pytest

from component.cms.conftest import Watched
from support.ess import ACCOUNT
from tidegate.plane.hosts.memory import Load
from tidegate.reconcile import meter


async def test_a_busy_host_shows_in_the_metrics_of_its_instance(watched: Watched) -> None:
    [instance] = await watched.world.launch(1)
    watched.world.hosts.load = Load(cpu=1.0, memory=1 << 30, received=1000, connections=5, established=3)

    await watched.pass_periods(6)

    points = await watched.points("CPUUtilization", Period=15)
    assert {point["Average"] for point in points} == {50.0}  # ecs.g6.large has two processors
    assert {(point["userId"], point["instanceId"]) for point in points} == {(ACCOUNT, instance)}
    assert all(point["timestamp"] % 15_000 == 0 for point in points)
    assert len(points) == 5  # the first measurement had nothing to be compared with
    [minute] = await watched.points("CPUUtilization", Period=60)
    assert minute["Average"] == minute["Minimum"] == minute["Maximum"] == 50.0
    assert {one["Average"] for one in await watched.points("cpu_idle", Period=15)} == {50.0}
    assert {one["Average"] for one in await watched.points("IntranetInRate", Period=15)} == {8000.0}
    assert {one["Average"] for one in await watched.points("InternetInRate", Period=15)} == {0.0}
    assert {one["Average"] for one in await watched.points("memory_usedspace", Period=15)} == {float(1 << 30)}
    tcp = await watched.points("net_tcpconnection", Period=15)
    assert {(one["state"], one["Average"]) for one in tcp} == {("TCP_TOTAL", 5.0), ("ESTABLISHED", 3.0)}
    only = await watched.points("net_tcpconnection", Period=15, Dimensions='[{"state":"ESTABLISHED"}]')
    assert {(one["state"], one["Average"]) for one in only} == {("ESTABLISHED", 3.0)}


async def test_only_ones_own_instances_can_be_asked_for(watched: Watched) -> None:
    mine, other = await watched.world.launch(2)
    await watched.pass_periods(3)

    named = await watched.points("cpu_total", Period=15, Dimensions=msgspec.json.encode({"instanceId": mine}).decode())
    both = await watched.points("cpu_total", Period=15)
    foreign = await watched.points("cpu_total", Period=15, account="999")

    assert {point["instanceId"] for point in named} == {mine}
    assert {point["instanceId"] for point in both} == {mine, other}
    assert foreign == []


async def test_a_long_answer_comes_page_by_page_and_nothing_twice(watched: Watched) -> None:
    await watched.world.launch(3)
    await watched.pass_periods(5)
    whole = await watched.points("net_tcpconnection", Period=15)

    seen, token = [], None
    while True:
        page = await watched.call(
            "DescribeMetricList",
            Namespace="acs_ecs_dashboard",
            MetricName="net_tcpconnection",
            Period=15,
            Length=10,
            NextToken=token,
        )
        seen += msgspec.json.decode(page["Datapoints"])
        assert len(seen) <= len(whole)
        if (token := page.get("NextToken")) is None:
            break

    def key(point: dict[str, object]) -> list[str]:
        return [str(point[name]) for name in ("timestamp", "instanceId", "state")]

    assert len(whole) == 4 * 3 * 2
    assert sorted(seen, key=key) == sorted(whole, key=key)


async def test_the_last_value_of_each_instance_and_of_all_together(watched: Watched) -> None:
    first, second = await watched.world.launch(2)
    watched.world.hosts.loads = {first: Load(cpu=2.0), second: Load(cpu=1.0)}
    await watched.pass_periods(4)

    last = await watched.points("cpu_total", action="DescribeMetricLast", Period=15)
    joined = await watched.points("cpu_total", action="DescribeMetricData", Period=15, Express='{"groupby":["userId"]}')

    top = await watched.points("cpu_total", action="DescribeMetricTop", Period=15, Length=1)
    least = await watched.points("cpu_total", action="DescribeMetricTop", Period=15, OrderDesc=False)

    assert [(one["order"], one["instanceId"]) for one in top] == [(1, first)]
    assert [(one["order"], one["instanceId"]) for one in least] == [(1, second), (2, first)]
    assert {point["instanceId"]: point["Average"] for point in last} == {first: 100.0, second: 50.0}
    assert len({point["timestamp"] for point in last}) == 1
    [all_together] = joined
    assert (all_together["userId"], all_together["Average"]) == (ACCOUNT, 75.0)
    assert (all_together["Minimum"], all_together["Maximum"]) == (50.0, 100.0)


async def test_a_group_is_measured_by_the_members_in_service(watched: Watched) -> None:
    group = await watched.world.make_group(MinSize=2)
    first, second = await watched.world.members(group)
    await watched.world.launch(1)
    watched.world.hosts.loads = {first: Load(cpu=2.0), second: Load(cpu=1.0)}

    await watched.pass_periods(3)

    dimensions = msgspec.json.encode([{"user_id": ACCOUNT, "scaling_group": group}]).decode()
    points = await watched.points("CpuUtilization", Namespace="acs_ess_dashboard", Period=15, Dimensions=dimensions)
    assert {(one["Average"], one["Minimum"], one["Maximum"]) for one in points} == {(75.0, 50.0, 100.0)}
    await watched.world.call("EnterStandby", ScalingGroupId=group, InstanceIds=[second])
    await watched.pass_periods(1)
    [point] = await watched.points(
        "CpuUtilization", action="DescribeMetricLast", Namespace="acs_ess_dashboard", Period=15
    )
    assert point["Average"] == 100.0


async def test_old_samples_become_coarser_and_say_the_same(watched: Watched) -> None:
    [instance] = await watched.world.launch(1)
    watched.world.hosts.loads = {instance: Load(cpu=1.0)}
    await watched.pass_periods(4 * 5 + 1)
    start = str(round(watched.world.clock.now().timestamp() - 600) * 1000)
    watched.world.hosts.loads = {instance: Load(cpu=2.0)}
    before = await watched.points("cpu_total", Period=300, StartTime=start)

    await watched.world.advance(hours=3)

    after = await watched.points("cpu_total", Period=300, StartTime=start)
    assert before
    assert after[: len(before)] == before
    async with watched.world.database.connection() as db:
        grains = [row["grain"] for row in await db.fetch("select grain from cms_sample order by at")]
    assert grains == [300, 300, 15]
    await watched.world.advance(days=2)
    assert {one["Average"] for one in await watched.points("cpu_total", Period=3600, StartTime=start)} == {50.0, 100.0}
    await watched.world.advance(days=40)
    async with watched.world.database.connection() as db:
        assert await db.fetchval("select count(*) from cms_sample where grain > 15") <= 1


async def test_a_plane_that_does_not_answer_costs_samples_and_nothing_else(watched: Watched) -> None:
    await watched.world.launch(1)
    await watched.pass_periods(2)
    watched.world.hosts.broken.add("measure")
    await watched.pass_periods(30)
    watched.world.hosts.broken.clear()

    await watched.pass_periods(3)

    assert len(await watched.points("cpu_total", Period=15)) == 1 + 2
    assert await watched.world.failed_works() == []


async def test_what_is_measured_is_listed(watched: Watched) -> None:
    metas = await watched.call("DescribeMetricMetaList", Namespace="acs_ecs_dashboard", PageSize=100)
    projects = await watched.call("DescribeProjectMeta", Labels='{"name":"product","value":"ECS"}')

    names = {one["MetricName"] for one in metas["Resources"]["Resource"]}
    assert {"CPUUtilization", "memory_usedutilization", "load_1m", "net_tcpconnection"} <= names
    assert metas["TotalCount"] == str(len(names))
    assert [one["Namespace"] for one in projects["Resources"]["Resource"]] == ["acs_ecs_dashboard"]


async def test_questions_that_make_no_sense_are_refused(watched: Watched) -> None:
    known = {"Namespace": "acs_ecs_dashboard", "MetricName": "cpu_total"}

    assert await watched.refused("DescribeMetricList", Namespace="acs_ecs_dashboard") == "ParameterInvalid"
    assert await watched.refused("DescribeMetricList", **{**known, "MetricName": "x"}) == "ResourceNotFound"
    assert await watched.refused("DescribeMetricList", **{**known, "Namespace": "x"}) == "ResourceNotFound"
    for wrong in (
        {"Period": "61"},
        {"Length": "1441"},
        {"StartTime": "yesterday"},
        {"StartTime": "2026-01-02 00:00:00", "EndTime": "2026-01-01 00:00:00"},
        {"Dimensions": "i-1"},
        {"NextToken": "?"},
    ):
        assert await watched.refused("DescribeMetricList", **known, **wrong) == "ParameterInvalid", wrong


async def test_very_many_hosts_are_measured_once_a_minute(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "_MANY", 1)
    await watched.world.launch(2)
    watched.world.hosts.load = Load(cpu=1.0)
    await watched.pass_periods(1, 60)
    measured = watched.world.hosts.calls["measure"]

    await watched.pass_periods(8)

    assert watched.world.hosts.calls["measure"] - measured == 2
    points = await watched.points("cpu_total", Period=60)
    assert len({point["timestamp"] for point in points}) == 2
    assert {point["Average"] for point in points} == {50.0}

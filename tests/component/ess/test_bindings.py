"""Load balancers, server groups and databases that groups keep in step (ess.md 3.2 to 3.4, 12.9)."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from support.beside import Beside
from support.crashing import Crash, watched_points
from support.ess import ACCOUNT, World
from tidegate.errors import CloudError
from tidegate.reconcile import balancer
from tidegate.services.ess.dialect import OLD


@pytest.fixture
def beside(world: World) -> Beside:
    return Beside(world)


async def test_members_join_with_weight_50_and_leave_everything(world: World, beside: Beside) -> None:
    lb, database, alb = await beside.balancer(), await beside.database(), await beside.server_group()
    vgroup = await beside.vserver_group(lb)
    group = await world.make_group(
        LoadBalancerIds=json.dumps([lb]),
        DBInstanceIds=json.dumps([database]),
        VServerGroups=[
            {"LoadBalancerId": lb, "VServerGroupAttributes": [{"VServerGroupId": vgroup, "Port": 9000, "Weight": 7}]}
        ],
        AlbServerGroups=[{"AlbServerGroupId": alb, "Port": 80, "Weight": 9}],
    )

    out = await world.activity(await world.scale(group, 2))
    ids = list(await world.members(group))
    addresses = await beside.addresses(*ids)
    joined = beside.targets(lb), await beside.of_group(vgroup), await beside.of_server_group(alb)
    let_in = await beside.entries(database)
    back = await world.activity(await world.scale(group, -2))

    assert (out["StatusCode"], back["StatusCode"]) == ("Successful", "Successful")
    assert joined == (dict.fromkeys(ids, 50), dict.fromkeys(ids, 7), dict.fromkeys(ids, 9))
    assert let_in == addresses
    assert (beside.targets(lb), await beside.of_group(vgroup), await beside.of_server_group(alb)) == ({}, {}, {})
    assert await beside.entries(database) == {"127.0.0.1"}


async def test_databases_come_before_the_hook_and_load_balancers_after_it(world: World, beside: Beside) -> None:
    lb, database = await beside.balancer(), await beside.database()
    group = await world.make_group(LoadBalancerIds=json.dumps([lb]), DBInstanceIds=json.dumps([database]))
    await world.make_hook(group)
    await world.make_hook(group, "SCALE_IN")

    out = await world.scale(group, 1)
    (instance,) = await world.members(group)
    addresses = await beside.addresses(instance)
    waiting = beside.targets(lb), await beside.entries(database)
    [action] = await world.actions(out)
    await world.complete(action)
    serving = beside.targets(lb), await beside.entries(database)
    leaving = await world.scale(group, -1)
    held = beside.targets(lb), await beside.entries(database)
    [action] = await world.actions(leaving)
    await world.complete(action)

    assert waiting == ({}, addresses)
    assert serving == ({instance: 50}, addresses)
    assert held == ({}, addresses)
    assert (beside.targets(lb), await beside.entries(database)) == ({}, {"127.0.0.1"})


async def test_what_a_group_is_bound_to_is_shown_in_both_versions(world: World, beside: Beside) -> None:
    lb, other, database = await beside.balancer(), await beside.balancer(), await beside.database()
    group = await world.make_group(
        LoadBalancerIds=json.dumps([lb]),
        DBInstanceIds=json.dumps([database]),
        LoadBalancerConfigs=[{"LoadBalancerId": other, "Weight": 20}],
    )
    await world.scale(group, 1)
    new = await world.group(group)
    old = await world.call("DescribeScalingGroups", version=OLD, **{"ScalingGroupId.1": group})

    assert new["LoadBalancerIds"] == [lb, other]
    assert new["LoadBalancerConfigs"] == [{"LoadBalancerId": other, "Weight": 20}]
    assert new["DBInstanceIds"] == [database]
    assert old["ScalingGroups"]["ScalingGroup"][0]["LoadBalancerIds"] == {"LoadBalancerId": [lb, other]}
    assert list(beside.targets(other).values()) == [20]


async def test_rolled_back_members_get_their_weight_again(world: World, beside: Beside) -> None:
    lb = await beside.balancer()
    group = await world.make_group(LoadBalancerIds=json.dumps([lb]), configuration={"LoadBalancerWeight": 30})
    await world.scale(group, 1)
    await world.make_hook(group, "SCALE_IN")
    (instance,) = await world.members(group)

    leaving = await world.scale(group, -1)
    gone = beside.targets(lb)
    [action] = await world.actions(leaving)
    await world.complete(action, "ROLLBACK")

    assert gone == {}
    assert beside.targets(lb) == {instance: 30}
    assert await world.members(group) == {instance: "InService"}


async def test_abandoned_instances_are_taken_out_of_databases(world: World, beside: Beside) -> None:
    lb, database = await beside.balancer(), await beside.database()
    group = await world.make_group(LoadBalancerIds=json.dumps([lb]), DBInstanceIds=json.dumps([database]))
    await world.make_hook(group)
    out = await world.scale(group, 1)

    [action] = await world.actions(out)
    await world.complete(action, "ABANDON")

    assert (await world.activity(out))["StatusCode"] == "Failed"
    assert await world.members(group) == {}
    assert (beside.targets(lb), await beside.entries(database)) == ({}, {"127.0.0.1"})


async def test_standby_has_weight_0_and_comes_back(world: World, beside: Beside) -> None:
    lb = await beside.balancer()
    group = await world.make_group(LoadBalancerIds=json.dumps([lb]))
    await world.scale(group, 2)
    one, two = await world.members(group)

    await world.call("EnterStandby", ScalingGroupId=group, InstanceIds=[one])
    await world.settle()
    away = beside.targets(lb)
    await world.call("ExitStandby", ScalingGroupId=group, InstanceIds=[one])
    await world.settle()

    assert away == {one: 0, two: 50}
    assert beside.targets(lb) == {one: 50, two: 50}
    assert await world.failed_works() == []


@pytest.mark.parametrize("option", [None, "both"])
async def test_detached_instances_leave_what_stands_beside_only_when_told_to(
    world: World, beside: Beside, option: str | None
) -> None:
    lb, database = await beside.balancer(), await beside.database()
    group = await world.make_group(LoadBalancerIds=json.dumps([lb]), DBInstanceIds=json.dumps([database]))
    await world.scale(group, 1)
    (instance,) = await world.members(group)
    addresses = await beside.addresses(instance)
    options = {} if option is None else {"DetachOption": option}

    await world.call("DetachInstances", ScalingGroupId=group, InstanceIds=[instance], **options)
    await world.settle()

    assert beside.targets(lb) == ({instance: 50} if option is None else {})
    assert await beside.entries(database) == (addresses if option is None else {"127.0.0.1"})


async def test_attached_instances_bring_their_weights(world: World, beside: Beside) -> None:
    lb, database = await beside.balancer(), await beside.database()
    group = await world.make_group(LoadBalancerIds=json.dumps([lb]), DBInstanceIds=json.dumps([database]))
    one, two = await world.launch(2)

    await world.call("AttachInstances", ScalingGroupId=group, InstanceIds=[one, two], LoadBalancerWeights=[80])
    await world.settle()

    assert beside.targets(lb) == {one: 80, two: 50}
    assert await beside.entries(database) == await beside.addresses(one, two)


async def test_a_deleted_group_leaves_nothing_beside(world: World, beside: Beside) -> None:
    lb, database = await beside.balancer(), await beside.database()
    group = await world.make_group(LoadBalancerIds=json.dumps([lb]), DBInstanceIds=json.dumps([database]))
    await world.scale(group, 2)

    await world.call("DeleteScalingGroup", ScalingGroupId=group, ForceDelete=True)
    await world.settle()
    await world.advance(minutes=2)

    assert await world.all_groups() == []
    assert (beside.targets(lb), await beside.entries(database)) == ({}, {"127.0.0.1"})


# ---- attaching and detaching ------------------------------------------------------------------------------------------


async def test_load_balancers_and_databases_come_and_go_with_force(world: World, beside: Beside) -> None:
    lb, database = await beside.balancer(), await beside.database()
    group = await world.make_group()
    await world.scale(group, 2)
    ids = list(await world.members(group))
    await world.call("EnterStandby", ScalingGroupId=group, InstanceIds=ids[:1])

    started = await world.call(
        "AttachLoadBalancers", ScalingGroupId=group, LoadBalancers=[lb], ForceAttach=True, Async=True
    )
    await world.settle()
    await world.call("AttachDBInstances", ScalingGroupId=group, DBInstances=[database], ForceAttach=True)
    await world.settle()
    attached = beside.targets(lb), await beside.entries(database)
    await world.call("DetachDBInstances", ScalingGroupId=group, DBInstances=[database], ForceDetach=True)
    await world.settle()
    await world.call("DetachLoadBalancers", ScalingGroupId=group, LoadBalancers=[lb], ForceDetach=True)
    await world.settle()

    assert (await world.activity(started["ScalingActivityId"]))["StatusCode"] == "Successful"
    assert attached == ({ids[0]: 0, ids[1]: 50}, await beside.addresses(*ids))
    assert (beside.targets(lb), await beside.entries(database)) == ({}, {"127.0.0.1"})
    shown = await world.group(group)
    assert (shown["LoadBalancerIds"], shown["DBInstanceIds"]) == ([], [])


async def test_without_force_only_later_members_are_touched(world: World, beside: Beside) -> None:
    lb = await beside.balancer()
    vgroup, alb = await beside.vserver_group(lb), await beside.server_group()
    group = await world.make_group()
    await world.scale(group, 1)
    (first,) = await world.members(group)
    of_lb = [{"LoadBalancerId": lb, "VServerGroupAttributes": [{"VServerGroupId": vgroup, "Port": 80}]}]

    answer = await world.call("AttachVServerGroups", ScalingGroupId=group, VServerGroups=of_lb)
    wanted = [{"ServerGroupId": alb, "Type": "ALB", "Port": 80, "Weight": 3}]
    await world.call("AttachServerGroups", ScalingGroupId=group, ServerGroups=wanted)
    await world.scale(group, 1)
    second = next(one for one in await world.members(group) if one != first)
    attached = await beside.of_group(vgroup), await beside.of_server_group(alb)
    await world.call("DetachVServerGroups", ScalingGroupId=group, VServerGroups=of_lb)
    await world.call("DetachServerGroups", ScalingGroupId=group, ServerGroups=wanted)
    await world.settle()

    assert answer == {}
    assert attached == ({second: 50}, {second: 3})
    assert await beside.of_group(vgroup) == {second: 50}
    assert (await world.group(group))["VServerGroups"] == []


async def test_albs_answer_with_an_activity(world: World, beside: Beside) -> None:
    alb = await beside.server_group()
    group = await world.make_group()
    await world.scale(group, 1)
    (instance,) = await world.members(group)
    wanted = [{"AlbServerGroupId": alb, "Port": 80, "Weight": 3}]

    answer = await world.call("AttachAlbServerGroups", ScalingGroupId=group, AlbServerGroups=wanted, ForceAttach=True)
    await world.settle()
    attached = await beside.of_server_group(alb)
    await world.call("DetachAlbServerGroups", ScalingGroupId=group, AlbServerGroups=wanted, ForceDetach=True)
    await world.settle()

    assert (await world.activity(answer["ScalingActivityId"]))["StatusCode"] == "Successful"
    assert (attached, await beside.of_server_group(alb)) == ({instance: 3}, {})


# ---- refusals ---------------------------------------------------------------------------------------------------------


async def test_what_cannot_stand_beside_a_group_is_refused(world: World, beside: Beside) -> None:
    lb, unchecked = await beside.balancer(), await beside.balancer(HealthCheck="off")
    inactive, full = await beside.balancer(), await beside.database(full=True)
    await world.slb.change(ACCOUNT, inactive, status="inactive")
    group = await world.make_group()
    await world.scale(group, 1)

    async def code(action: str, **parameters: Any) -> tuple[str, str]:
        error = await world.refused(action, ScalingGroupId=group, **parameters)
        return error.code, error.message

    assert await code("AttachLoadBalancers", LoadBalancers=["lb-none"]) == (
        "InvalidLoadBalancerId.NotFound",
        "The specified Load Balancer does not exist.",
    )
    assert await code("AttachLoadBalancers", LoadBalancers=[unchecked]) == (
        "IncorrectLoadBalancerHealthCheck",
        "The current health check type of specified load balancer does not support this action.",
    )
    assert await code("AttachLoadBalancers", LoadBalancers=[inactive]) == (
        "IncorrectLoadBalancerStatus",
        "The current status of the specified load balancer does not support this action.",
    )
    assert (await code("AttachLoadBalancers"))[0] == "MissingParameter"
    assert (await code("DetachLoadBalancers", LoadBalancers=[lb]))[0] == "InvalidLoadBalancerId.NotFound"
    assert await code("AttachDBInstances", DBInstances=["rm-none"]) == (
        "InvalidDBInstanceId.NotFound",
        'DB instance "rm-none" does not exist.',
    )
    assert await code("AttachServerGroups", ServerGroups=[{"ServerGroupId": "sgp-1", "Type": "NLB", "Port": 1}]) == (
        "AlbServerGroup.NotExist",
        'The ServerGroup "sgp-1" do(es) not exist.',
    )
    await world.call("AttachDBInstances", ScalingGroupId=group, DBInstances=[full])
    refused = await world.refused(
        "ScaleWithAdjustment", ScalingGroupId=group, AdjustmentType="QuantityChangeInCapacity", AdjustmentValue=1
    )
    assert (refused.code, refused.message) == (
        "QuotaExceeded.DBInstanceSecurityIP",
        f'Security IP quota exceeded in DB instance "{full}".',
    )
    last = (await world.activities(group))[-1]
    assert (last["StatusCode"], last["StatusMessage"]) == ("Rejected", refused.message)


async def test_a_group_has_five_load_balancers_at_most(world: World, beside: Beside) -> None:
    found = [await beside.balancer() for _ in range(6)]

    error = await world.refused(
        "CreateScalingGroup", MinSize=0, MaxSize=1, ScalingGroupName="web", LoadBalancerIds=json.dumps(found)
    )

    assert error.code == "QuotaExceeded.LoadBalancer"
    assert error.message == 'LoadBalancer quota exceeded in the scaling group "web".'


# ---- faults -----------------------------------------------------------------------------------------------------------


async def test_an_inactive_load_balancer_keeps_the_group_from_scaling_until_it_is_active(
    world: World, beside: Beside
) -> None:
    lb = await beside.balancer()
    group = await world.make_group(LoadBalancerIds=json.dumps([lb]))
    await world.slb.change(ACCOUNT, lb, status="inactive")

    await world.call("ModifyScalingGroup", ScalingGroupId=group, MinSize=1)
    await world.settle()
    [rejected] = await world.activities(group)
    await world.slb.change(ACCOUNT, lb, status="active")
    await world.advance(minutes=3)

    assert rejected["StatusCode"] == "Rejected"
    assert rejected["StatusMessage"].startswith("The current status of the specified load balancer")
    assert list((await world.members(group)).values()) == ["InService"]
    assert await world.failed_works() == []


async def test_a_busy_load_balancer_is_asked_again(
    world: World, beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    lb = await beside.balancer()
    group = await world.make_group(LoadBalancerIds=json.dumps([lb]))
    real, tries = world.slb.add_servers, 0

    async def busy(*args: Any, **more: Any) -> object:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise CloudError("BackendServer.configuring", "The specified backend servers are being configured.")
        return await real(*args, **more)

    monkeypatch.setattr(world.slb, "add_servers", busy)
    out = await world.scale(group, 1)
    waiting = (await world.activity(out))["StatusCode"]
    await world.advance(seconds=2)
    await world.advance(seconds=2)

    assert (waiting, (await world.activity(out))["StatusCode"]) == ("InProgress", "Successful")
    assert list(beside.targets(lb).values()) == [50]


@pytest.mark.parametrize("code", ["TooManyBackendServers", "BackendServer.configuring"])
async def test_instances_that_no_load_balancer_takes_are_released(
    world: World, beside: Beside, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    lb, database = await beside.balancer(), await beside.database()
    group = await world.make_group(LoadBalancerIds=json.dumps([lb]), DBInstanceIds=json.dumps([database]))

    async def refuse(*args: Any, **more: Any) -> object:
        raise CloudError(code, "No more of them.")

    monkeypatch.setattr(world.slb, "add_servers", refuse)
    out = await world.scale(group, 2)
    for _ in range(5):
        await world.advance(seconds=30)

    failed = await world.activity(out)
    assert (failed["StatusCode"], failed["ErrorCode"]) == ("Failed", code)
    assert await world.members(group) == {}
    assert await world.machines(*failed["CreatedInstances"]) == {}
    assert await beside.entries(database) == {"127.0.0.1"}


async def test_connections_are_drained_before_machines_stop(world: World, beside: Beside) -> None:
    lb = await beside.balancer(protocol="tcp", ConnectionDrain="on", ConnectionDrainTimeout=600)
    group = await world.make_group(LoadBalancerIds=json.dumps([lb]))
    await world.scale(group, 1)
    (instance,) = await world.members(group)
    world.balancers.connections[lb, f"{instance}:8080"] = 2

    leaving = await world.scale(group, -1)
    await world.advance(seconds=60)
    draining = beside.targets(lb), await world.machines(instance)
    world.balancers.connections.clear()
    await world.advance(seconds=2)

    assert draining == ({instance: 0}, {instance: "Running"})
    assert (await world.activity(leaving))["StatusCode"] == "Successful"
    assert (beside.targets(lb), await world.machines(instance)) == ({}, {})


async def test_what_a_load_balancer_finds_broken_is_replaced(world: World, beside: Beside) -> None:
    lb = await beside.balancer()
    group = await world.make_group(LoadBalancerIds=json.dumps([lb]), HealthCheckType="LOAD_BALANCER", MinSize=2)
    broken, fine = await world.members(group)
    world.balancers.broken |= await beside.addresses(broken)

    await world.advance(seconds=30)
    young = set(await world.members(group))
    await world.advance(minutes=2)
    world.balancers.broken.clear()
    await world.advance(minutes=2)

    assert young == {broken, fine}
    members = await world.members(group)
    assert fine in members
    assert broken not in members
    assert list(members.values()) == ["InService"] * 2
    assert beside.targets(lb) == dict.fromkeys(members, 50)


async def test_a_machine_lost_behind_the_groups_back_leaves_its_address(world: World, beside: Beside) -> None:
    database = await beside.database()
    group = await world.make_group(DBInstanceIds=json.dumps([database]))
    await world.scale(group, 1)
    (instance,) = await world.members(group)
    addresses = await beside.addresses(instance)

    await world.ecs.release(ACCOUNT, [instance])
    await world.settle()
    await world.advance(minutes=2)

    assert await world.members(group) == {}
    assert await beside.entries(database) == addresses


# ---- crashes ----------------------------------------------------------------------------------------------------------


_STRIDE = 6
#: the steps that are about what stands beside a group; all others die in test_crashes
_POINTS = (
    "bind.",
    "balancer.",
    "scale-out.let-in",
    "scale-out.ready",
    "scale-out.balance",
    "scale-in.weigh-nothing",
    "scale-in.unbalance",
    "scale-in.keep-out",
)


async def settle(world: World) -> None:
    """Settle; when the process dies, start another one and settle again."""
    try:
        await world.settle()
    except Crash:
        await world.restart().settle()
    await world.advance(seconds=3)


async def test_a_death_at_any_point_leaves_everything_in_step(world: World, beside: Beside) -> None:
    lb, database = await beside.balancer(protocol="tcp", ConnectionDrain="on"), await beside.database()
    with watched_points(balancer) as points:
        points.among = _POINTS
        # Some by chance: all of them take a minute.
        for number in range(random.SystemRandom().randrange(1, _STRIDE + 1), 300, _STRIDE):
            group = await world.make_group()
            await world.scale(group, 1)
            points.passed.clear()
            points.crash_after = number

            await through(world, group, lb, database)

            point, points.crash_after = points.crash_after, None
            (left,) = await world.members(group)
            assert beside.targets(lb) == {left: 50}, f"after a death at point {number}"
            assert await beside.entries(database) == await beside.addresses(left), f"after a death at point {number}"
            await world.call("DeleteScalingGroup", ScalingGroupId=group, ForceDelete=True)
            await world.settle()
            assert (beside.targets(lb), await beside.entries(database)) == ({}, {"127.0.0.1"})
            assert await world.failed_works() == []
            if point is not None:  # it ended before it came to this point
                assert number > 20
                return


async def through(world: World, group: str, lb: str, database: str) -> None:
    """Bind a group with its member, scale out and in."""
    await world.call("AttachLoadBalancers", ScalingGroupId=group, LoadBalancers=[lb], ForceAttach=True)
    await settle(world)
    await world.call("AttachDBInstances", ScalingGroupId=group, DBInstances=[database], ForceAttach=True)
    await settle(world)
    for change in (1, -1):
        await world.scale(group, change, settle=False)
        await settle(world)

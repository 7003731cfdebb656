"""Instances by hand: attach, detach, remove, protect, standby, health (ess.md 3.5, 8, 12.6)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from support.ess import World
from tidegate.errors import CloudError


async def act(world: World, action: str, group: str, *instances: str, **more: Any) -> dict[str, Any]:
    answer = await world.call(action, ScalingGroupId=group, InstanceIds=list(instances), **more)
    await world.settle()
    return answer


async def test_an_attached_instance_joins_without_hooks(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group)
    [instance] = await world.launch()

    answer = await act(world, "AttachInstances", group, instance)

    shown = await world.activity(answer["ScalingActivityId"])
    [member] = (await world.call("DescribeScalingInstances", ScalingGroupId=group))["ScalingInstances"]
    assert await world.members(group) == {instance: "InService"}
    assert (member["CreationType"], member["ScalingConfigurationId"], member["LoadBalancerWeight"]) == (
        "Attached",
        "",
        50,
    )
    assert (
        shown["Cause"]
        == f'A user requests to attach instance "{instance}", changing the Total Capacity from "0" to "1".'
    )
    assert (shown["AttachedCapacity"], shown["AutoCreatedCapacity"]) == ("1", "0")
    assert shown["StatusCode"] == "Successful"


async def test_attaching_runs_hooks_only_when_asked_and_abandon_lets_the_instance_go(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group)
    [instance] = await world.launch()

    answer = await act(world, "AttachInstances", group, instance, LifecycleHook=True)
    held = await world.members(group)
    [action] = await world.actions(answer["ScalingActivityId"])
    await world.complete(action, "ABANDON")

    assert held == {instance: "Pending:Wait"}
    assert await world.members(group) == {}
    assert await world.machines(instance) == {instance: "Running"}
    assert (await world.activity(answer["ScalingActivityId"]))["StatusCode"] == "Failed"


async def test_a_detached_instance_lives_on_whatever_its_origin(world: World) -> None:
    group = await world.make_group()
    await world.scale(group, 1)
    await world.make_hook(group, "SCALE_IN")
    [instance] = await world.members(group)

    answer = await act(world, "DetachInstances", group, instance)

    assert await world.members(group) == {}
    assert await world.machines(instance) == {instance: "Running"}
    shown = await world.activity(answer["ScalingActivityId"])
    assert (shown["StatusCode"], shown["DestroyedInstances"]) == ("Successful", [])


async def test_detaching_runs_hooks_when_asked(world: World) -> None:
    group = await world.make_group()
    await world.scale(group, 1)
    await world.make_hook(group, "SCALE_IN")
    [instance] = await world.members(group)

    answer = await act(world, "DetachInstances", group, instance, LifecycleHook=True)
    held = await world.members(group)
    [action] = await world.actions(answer["ScalingActivityId"])
    await world.complete(action)

    assert held == {instance: "Removing:Wait"}
    assert await world.machines(instance) == {instance: "Running"}
    assert await world.members(group) == {}


async def test_removing_releases_what_the_group_owns_and_lets_go_what_it_does_not(world: World) -> None:
    group = await world.make_group()
    await world.scale(group, 1)
    [own] = await world.members(group)
    attached, entrusted = await world.launch(2)
    await act(world, "AttachInstances", group, attached)
    await act(world, "AttachInstances", group, entrusted, Entrusted=True)

    answer = await act(world, "RemoveInstances", group, own, attached, entrusted)

    assert await world.members(group) == {}
    assert await world.machines(own, attached, entrusted) == {attached: "Running"}
    assert sorted((await world.activity(answer["ScalingActivityId"]))["DestroyedInstances"]) == sorted([own, entrusted])


async def test_removing_runs_hooks_unless_the_context_says_otherwise(world: World) -> None:
    group = await world.make_group()
    await world.scale(group, 2)
    await world.make_hook(group, "SCALE_IN")
    first, second = await world.members(group)

    await act(world, "RemoveInstances", group, first, LifecycleHookContext='{"DisableLifecycleHook":true}')
    without = await world.members(group)
    await act(world, "RemoveInstances", group, second)

    assert without == {second: "InService"}
    assert await world.members(group) == {second: "Removing:Wait"}


async def test_entrusting_can_be_changed_later(world: World) -> None:
    group = await world.make_group()
    [instance] = await world.launch()
    await act(world, "AttachInstances", group, instance)

    await world.call("ModifyInstanceAttribute", ScalingGroupId=group, InstanceId=instance, Entrusted=True)
    await act(world, "RemoveInstances", group, instance)

    assert await world.machines(instance) == {}


@pytest.mark.parametrize(
    ("action", "named", "code", "status"),
    [
        ("AttachInstances", "unknown", "InvalidInstanceId.NotFound", 404),
        ("AttachInstances", "stopped", "IncorrectInstanceStatus", 400),
        ("AttachInstances", "member", "InvalidInstanceId.InUse", 400),
        ("AttachInstances", "elsewhere", "InvalidInstanceId.InUse", 400),
        ("DetachInstances", "unknown", "InvalidInstanceId.NotFound", 404),
        ("DetachInstances", "outside", "InvalidInstanceId.NotFound", 404),
        ("RemoveInstances", "elsewhere", "InvalidInstanceId.NotFound", 404),
        ("EnterStandby", "outside", "InvalidInstanceId.NotFound", 404),
        ("ExitStandby", "member", "IncorrectInstanceStatus", 400),
        ("SetInstancesProtection", "unknown", "InvalidInstanceId.NotFound", 404),
    ],
)
async def test_what_cannot_be_done_to_an_instance(
    world: World, action: str, named: str, code: str, status: int
) -> None:
    group, other = await world.make_group(), await world.make_group()
    outside, stopped, member, elsewhere = await world.launch(4)
    await act(world, "AttachInstances", group, member)
    await act(world, "AttachInstances", other, elsewhere)
    await world.ecs.stop(world.account, [stopped])
    await world.settle()
    subject = {"unknown": "i-unknown", "outside": outside, "stopped": stopped, "member": member, "elsewhere": elsewhere}
    more = {"ProtectedFromScaleIn": True} if action == "SetInstancesProtection" else {}

    error = await world.refused(action, ScalingGroupId=group, InstanceIds=[subject[named]], **more)

    assert (error.code, error.status) == (code, status)
    assert subject[named] in error.message
    assert await world.members(group) == {member: "InService"}


async def test_attaching_and_removing_stay_within_the_bounds(world: World) -> None:
    group = await world.make_group(MinSize=1, MaxSize=2)
    [own] = await world.members(group)
    first, second = await world.launch(2)

    above = await world.refused("AttachInstances", ScalingGroupId=group, InstanceIds=[first, second])
    below = await world.refused("RemoveInstances", ScalingGroupId=group, InstanceIds=[own])

    assert above.message == "To attach the instances, the total capacity will be greater than the MaxSize."
    assert below.message == "To remove the instances, the total capacity will be lesser than the MinSize."
    assert [one["StatusCode"] for one in await world.activities(group)] == ["Successful", "Rejected", "Rejected"]


async def test_invalid_instances_can_be_passed_over(world: World) -> None:
    group = await world.make_group()
    [instance] = await world.launch()

    await act(world, "AttachInstances", group, instance, "i-unknown", IgnoreInvalidInstance=True)
    answer = await act(world, "RemoveInstances", group, instance, "i-unknown", IgnoreInvalidInstance=True)

    assert answer["IgnoredInstances"] == [
        {
            "InstanceId": "i-unknown",
            "Code": "InvalidInstanceId.NotFound",
            "Message": 'Instance "i-unknown" does not exist.',
        }
    ]
    assert await world.members(group) == {}
    alone = await world.refused(
        "RemoveInstances", ScalingGroupId=group, InstanceIds=["i-unknown"], IgnoreInvalidInstance=True
    )
    assert alone.code == "InvalidInstanceId.NotFound"


async def test_two_groups_that_take_the_same_instance_at_once_do_not_both_get_it(world: World) -> None:
    groups = [await world.make_group() for _ in range(4)]
    [instance] = await world.launch()

    answers = await asyncio.gather(
        *(world.call("AttachInstances", ScalingGroupId=group, InstanceIds=[instance]) for group in groups),
        return_exceptions=True,
    )
    await world.settle()

    refused = [one for one in answers if isinstance(one, CloudError)]
    assert [one.code for one in refused] == ["InvalidInstanceId.InUse"] * 3
    assert [state for group in groups for state in (await world.members(group)).values()] == ["InService"]


async def test_many_rules_at_once_start_one_activity(world: World) -> None:
    group = await world.make_group()
    rule = await world.make_rule(group)

    answers = await asyncio.gather(
        *(world.call("ExecuteScalingRule", ScalingRuleAri=rule) for _ in range(12)), return_exceptions=True
    )
    await world.settle()

    assert sorted(type(one).__name__ for one in answers) == ["CloudError"] * 11 + ["dict"]
    assert len(await world.members(group)) == 1


async def test_a_call_names_at_most_twenty_instances(world: World) -> None:
    group = await world.make_group()

    error = await world.refused("AttachInstances", ScalingGroupId=group, InstanceIds=[f"i-{n}" for n in range(21)])

    assert error.code == "InvalidParameter"


async def test_attaching_a_stopped_member_starts_it_again(world: World) -> None:
    group = await world.make_group(ScalingPolicy="recycle")
    await world.scale(group, 1)
    [instance] = await world.members(group)
    await world.scale(group, -1)

    answer = await act(world, "AttachInstances", group, instance)

    assert await world.members(group) == {instance: "InService"}
    assert await world.machines(instance) == {instance: "Running"}
    assert (await world.activity(answer["ScalingActivityId"]))["StatusCode"] == "Successful"


async def test_a_repeated_attach_is_one_activity(world: World) -> None:
    group = await world.make_group()
    [instance] = await world.launch()

    first = await act(world, "AttachInstances", group, instance, token="t")
    again = await act(world, "AttachInstances", group, instance, token="t")

    assert first == again
    assert len(await world.activities(group)) == 1


async def test_protection_and_standby_keep_members_from_automatic_scale_in(world: World) -> None:
    group = await world.make_group()
    await world.scale(group, 3)
    protected, standby, free = await world.members(group)

    await act(world, "SetInstancesProtection", group, protected, ProtectedFromScaleIn=True)
    await act(world, "EnterStandby", group, standby)
    await world.scale(group, -1)
    counted = await world.group(group)
    await act(world, "SetInstancesProtection", group, protected, ProtectedFromScaleIn=False)
    await act(world, "ExitStandby", group, standby)

    assert (counted["ProtectedCapacity"], counted["StandbyCapacity"], counted["TotalCapacity"]) == (1, 1, 2)
    assert await world.machines(free) == {}
    assert await world.members(group) == {protected: "InService", standby: "InService"}


async def test_protection_can_be_taken_twice_and_given_twice(world: World) -> None:
    group = await world.make_group()
    await world.scale(group, 1)
    [instance] = await world.members(group)

    for protected in (True, True, False, False):
        await act(world, "SetInstancesProtection", group, instance, ProtectedFromScaleIn=protected)

    assert await world.members(group) == {instance: "InService"}


async def test_a_protected_member_can_be_removed_by_hand(world: World) -> None:
    group = await world.make_group()
    await world.scale(group, 1)
    [instance] = await world.members(group)
    await act(world, "SetInstancesProtection", group, instance, ProtectedFromScaleIn=True)

    await act(world, "RemoveInstances", group, instance)

    assert await world.members(group) == {}


async def test_a_stopped_machine_is_found_unhealthy_and_replaced(world: World) -> None:
    group = await world.make_group(MinSize=1)
    [sick] = await world.members(group)
    await world.ecs.stop(world.account, [sick])
    await world.settle()

    await world.advance(seconds=60)

    [fresh] = await world.members(group)
    assert fresh != sick
    assert await world.machines(sick) == {}
    _, removal, refill = await world.activities(group)
    assert removal["Cause"] == (
        'The health check found unhealthy instances, changing the Total Capacity from "1" to "0".'
    )
    assert refill["Cause"].startswith("The Total Capacity is less than the MinSize")


async def test_a_machine_that_was_released_behind_the_group_is_dropped(world: World) -> None:
    group = await world.make_group()
    await world.scale(group, 2)
    gone, kept = await world.members(group)
    await world.ecs.release(world.account, [gone], force=True)
    await world.settle()

    await world.advance(seconds=60)

    assert await world.members(group) == {kept: "InService"}


async def test_an_instance_marked_by_hand_is_removed_at_once(world: World) -> None:
    group = await world.make_group()
    [attached] = await world.launch()
    await act(world, "AttachInstances", group, attached)

    await world.call("SetInstanceHealth", InstanceId=attached, HealthStatus="Unhealthy")
    await world.settle()

    assert await world.members(group) == {}
    assert await world.machines(attached) == {attached: "Running"}


async def test_an_unknown_instance_cannot_be_marked(world: World) -> None:
    error = await world.refused("SetInstanceHealth", InstanceId="i-x", HealthStatus="Unhealthy")

    assert (error.code, error.status) == ("InvalidInstanceId.NotFound", 400)


@pytest.mark.parametrize("turn", ["EnterStandby", "SetInstancesProtection"])
async def test_standby_and_protected_members_are_not_health_checked(world: World, turn: str) -> None:
    group = await world.make_group()
    await world.scale(group, 1)
    [instance] = await world.members(group)
    await act(world, turn, group, instance, **({"ProtectedFromScaleIn": True} if turn.startswith("Set") else {}))
    await world.ecs.stop(world.account, [instance])
    await world.settle()

    await world.advance(seconds=60)

    assert list(await world.members(group)) == [instance]


@pytest.mark.parametrize("values", [{"HealthCheckType": "NONE"}, {"suspended": ["HealthCheck"]}])
async def test_health_checks_can_be_switched_off(world: World, values: dict[str, Any]) -> None:
    suspended = values.pop("suspended", [])
    group = await world.make_group(**values)
    await world.scale(group, 1)
    if suspended:
        await world.call("SuspendProcesses", ScalingGroupId=group, Processes=suspended)
    [instance] = await world.members(group)
    await world.ecs.stop(world.account, [instance])
    await world.settle()

    await world.advance(seconds=60)

    assert await world.members(group) == {instance: "InService"}


async def test_members_are_filtered(world: World) -> None:
    group = await world.make_group()
    activity = await world.scale(group, 2)
    [attached] = await world.launch()
    await act(world, "AttachInstances", group, attached)
    first, second, _ = await world.members(group)
    await act(world, "EnterStandby", group, first)

    async def found(**filters: Any) -> list[str]:
        answer = await world.call("DescribeScalingInstances", **filters)
        return [one["InstanceId"] for one in answer["ScalingInstances"]]

    assert await found(ScalingActivityId=activity) == [first, second]
    assert await found(LifecycleState="Standby") == [first]
    assert await found(LifecycleStates=["Standby", "InService"]) == [first, second, attached]
    assert await found(CreationType="Attached") == [attached]
    assert await found(InstanceIds=[second, "i-x"]) == [second]
    assert await found(HealthStatus="Unhealthy") == []
    assert await found(ScalingGroupId=group, PageSize=2, PageNumber=2) == [attached]
    assert await found(account="9999999999999999") == []

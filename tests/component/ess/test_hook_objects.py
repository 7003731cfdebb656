"""Lifecycle hooks as objects: creating, changing, finding, deleting, and every refusal (ess.md 3.6, 4.1, 12.1)."""

from __future__ import annotations

from typing import Any

import pytest

from support.ess import ACCOUNT, ARN, REGION, World
from tidegate.services.ess.dialect import OLD


async def hooks(world: World, **parameters: Any) -> list[dict[str, Any]]:
    return list((await world.call("DescribeLifecycleHooks", **parameters))["LifecycleHooks"])


async def test_a_hook_has_defaults(world: World) -> None:
    group = await world.make_group()

    hook = await world.make_hook(group)

    assert await hooks(world, ScalingGroupId=group) == [
        {
            "LifecycleHookId": hook,
            "LifecycleHookName": hook,
            "LifecycleTransition": "SCALE_OUT",
            "HeartbeatTimeout": 600,
            "DefaultResult": "CONTINUE",
            "LifecycleHookStatus": "Active",
            "ScalingGroupId": group,
            "NotificationArn": f"acs:ess:{REGION}:{ACCOUNT}:null/null",
        }
    ]
    assert hook.startswith("ash-bp1")


async def test_a_hook_returns_what_it_was_given(world: World) -> None:
    group = await world.make_group()
    metadata = '{"dbInstanceId":"r-1","modifyMode":"Append"}'

    await world.make_hook(
        group,
        LifecycleHookName="挂钩-1",
        DefaultResult="ROLLBACK",
        HeartbeatTimeout=30,
        NotificationArn=ARN,
        NotificationMetadata=metadata,
    )

    [shown] = await hooks(world, ScalingGroupId=group, LifecycleHookName="挂钩-1")
    assert shown["NotificationArn"] == ARN
    assert shown["NotificationMetadata"] == metadata
    assert (shown["HeartbeatTimeout"], shown["DefaultResult"]) == (30, "ROLLBACK")


async def test_hooks_are_found_by_id_in_any_group_and_unknown_ids_left_out(world: World) -> None:
    first = await world.make_hook(await world.make_group())
    second = await world.make_hook(await world.make_group())

    found = await world.call(
        "DescribeLifecycleHooks",
        version=OLD,
        **{"LifecycleHookId.1": second, "LifecycleHookId.2": first, "LifecycleHookId.3": "x"},
    )

    assert found["TotalCount"] == 2
    assert [one["LifecycleHookId"] for one in found["LifecycleHooks"]["LifecycleHook"]] == [first, second]
    assert await hooks(world, LifecycleHookIds=[first], account="9999999999999999") == []
    assert await hooks(world, LifecycleHookIds=[first], region="cn-beijing") == []


async def test_modify_changes_only_what_is_given(world: World) -> None:
    group = await world.make_group()
    hook = await world.make_hook(group, LifecycleHookName="one", HeartbeatTimeout=60)

    await world.call("ModifyLifecycleHook", ScalingGroupId=group, LifecycleHookName="one", DefaultResult="ABANDON")
    await world.call("ModifyLifecycleHook", LifecycleHookId=hook, LifecycleTransition="SCALE_IN")

    [shown] = await hooks(world, ScalingGroupId=group)
    assert (shown["LifecycleHookName"], shown["HeartbeatTimeout"]) == ("one", 60)
    assert (shown["DefaultResult"], shown["LifecycleTransition"]) == ("ABANDON", "SCALE_IN")


@pytest.mark.parametrize(
    ("values", "code", "message"),
    [
        ({"LifecycleTransition": "SIDEWAYS"}, "InvalidParamter", "The specified value of parameter is not valid."),
        ({"DefaultResult": "MAYBE"}, "InvalidParamter", "The specified value of parameter is not valid."),
        ({"HeartbeatTimeout": 29}, "InvalidParamter", "The specified value of parameter is not valid."),
        ({"HeartbeatTimeout": 21601}, "InvalidParamter", "The specified value of parameter is not valid."),
        ({"HeartbeatTimeout": "soon"}, "InvalidParamter", "The specified value of parameter is not valid."),
        ({"LifecycleHookName": "x"}, "InvalidParamter", "The specified value of parameter is not valid."),
        ({"LifecycleHookName": "-bad"}, "InvalidParamter", "The specified value of parameter is not valid."),
        ({"NotificationMetadata": "m" * 4097}, "InvalidParamter", "The specified value of parameter is not valid."),
        (
            {"NotificationArn": ARN, "NotificationMetadata": "[1]"},
            "InvalidParamter",
            "The specified value of parameter is not valid.",
        ),
        (
            {"NotificationArn": "acs:oos:cn-beijing:1:template/T"},
            "InvalidNotificationArn",
            "The specified parameter notificationArn is invalid.",
        ),
        (
            {"NotificationArn": f"acs:oos:{REGION}:{ACCOUNT}:template/Missing"},
            "InvalidNotificationArn",
            "The specified parameter notificationArn is invalid.",
        ),
        (
            {"NotificationArn": f"acs:mns:{REGION}:{ACCOUNT}:queue/q"},
            "QueueNotExist",
            "The specified queue does not exist.",
        ),
        (
            {"LifecycleHookName": "taken"},
            "InvalidLifecycleHookName.Duplicate",
            "The specified value of parameter lifecycleHookName is duplicated.",
        ),
    ],
)
async def test_what_a_hook_cannot_be(world: World, values: dict[str, Any], code: str, message: str) -> None:
    group = await world.make_group()
    await world.make_hook(group, LifecycleHookName="taken")

    error = await world.refused(
        "CreateLifecycleHook", **{"ScalingGroupId": group, "LifecycleTransition": "SCALE_OUT", **values}
    )

    assert (error.code, error.message, error.status) == (code, message, 400)
    assert len(await hooks(world, ScalingGroupId=group)) == 1


async def test_a_group_has_at_most_ten_hooks(world: World) -> None:
    group = await world.make_group()
    for _ in range(10):
        await world.make_hook(group)

    error = await world.refused("CreateLifecycleHook", ScalingGroupId=group, LifecycleTransition="SCALE_IN")

    assert error.code == "QuotaExceeded.LifecycleHook"
    assert error.message == "Lifecycle hook quota exceeded in the specified scaling group."


@pytest.mark.parametrize(
    ("action", "parameters", "code", "message"),
    [
        (
            "ModifyLifecycleHook",
            {"LifecycleHookId": "ash-x"},
            "InvalidLifecycleHookId.NotExist",
            "The specified lifecycleHookId not exist.",
        ),
        (
            "ModifyLifecycleHook",
            {"ScalingGroupId": "{group}", "LifecycleHookName": "none"},
            "InvalidLifecycleHookName.NotExist",
            "The specified lifecycleHookName you provided not exist.",
        ),
        ("ModifyLifecycleHook", {}, "InvalidParamter", "The specified value of parameter is not valid."),
        (
            "DeleteLifecycleHook",
            {"LifecycleHookId": "ash-x"},
            "InvalidLifecycleHookId.NotExist",
            "The specified lifecycleHookId does not exist.",
        ),
        (
            "DeleteLifecycleHook",
            {"ScalingGroupId": "{group}", "LifecycleHookName": "none"},
            "InvalidLifecycleHookName.NotExist",
            "The specified lifecycleHookName you provided does not exist.",
        ),
        ("DeleteLifecycleHook", {}, "InvalidParamter", "The specified value of parameter is invalid."),
        ("DescribeLifecycleHooks", {}, "InvalidParamter", "The specified value of parameter is not valid."),
        (
            "CreateLifecycleHook",
            {"LifecycleTransition": "SCALE_OUT"},
            "MissingParameter",
            'The input parameter "ScalingGroupId" that is mandatory for processing this request is not supplied.',
        ),
        (
            "CreateLifecycleHook",
            {"ScalingGroupId": "asg-x", "LifecycleTransition": "SCALE_OUT"},
            "InvalidScalingGroupId.NotFound",
            "The specified scaling group does not exist.",
        ),
        (
            "RecordLifecycleActionHeartbeat",
            {"lifecycleHookId": "x", "lifecycleActionToken": "y", "heartbeatTimeout": "12"},
            "InvalidParamter",
            "The specified value of parameter is not valid.",
        ),
    ],
)
async def test_the_words_differ_from_page_to_page(
    world: World, action: str, parameters: dict[str, str], code: str, message: str
) -> None:
    group = await world.make_group()

    error = await world.refused(action, **{name: value.replace("{group}", group) for name, value in parameters.items()})

    assert (error.code, error.message) == (code, message)


async def test_a_group_is_not_created_when_one_of_its_hooks_is_bad(world: World) -> None:
    hook = {"LifecycleHooks.1.LifecycleTransition": "SCALE_OUT", "LifecycleHooks.1.HeartbeatTimeout": 1}

    error = await world.refused("CreateScalingGroup", MinSize=0, MaxSize=1, **hook)

    assert error.code == "InvalidParamter"
    assert (await world.call("DescribeScalingGroups"))["TotalCount"] == 0


async def test_a_group_is_created_with_its_hooks_in_both_spellings(world: World) -> None:
    for version, name in ((OLD, "LifecycleHook"), ("2022-02-22", "LifecycleHooks")):
        made = await world.call(
            "CreateScalingGroup",
            version=version,
            MinSize=0,
            MaxSize=1,
            **{f"{name}.1.LifecycleTransition": "SCALE_OUT", f"{name}.1.LifecycleHookName": "h1"},
        )
        [shown] = await hooks(world, ScalingGroupId=made["ScalingGroupId"])
        assert shown["LifecycleHookName"] == "h1"

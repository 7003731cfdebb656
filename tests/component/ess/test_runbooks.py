"""What a hook tells its runbook, and what happens when that cannot be started (ess.md 4.4)."""

from __future__ import annotations

from support.ess import ARN, REGION, TEMPLATE, World
from tidegate.errors import CloudError

METADATA = '{"dbInstanceId":"r-bp1","modifyMode":"Append","OOSAssumeRole":"OOSServiceRole"}'


async def test_the_runbook_is_started_once_with_everything_it_declares(world: World) -> None:
    group = await world.make_group()
    hook = await world.make_hook(group, NotificationArn=ARN, NotificationMetadata=METADATA)

    activity = await world.scale(group, 2)
    await world.settle()

    [action] = await world.actions(activity)
    [(token, (template, parameters, principal))] = world.runbooks.started.items()
    assert token == action["LifecycleActionToken"]
    assert template == TEMPLATE
    assert parameters == {
        "regionId": REGION,
        "instanceIds": action["InstanceIds"],
        "lifecycleHookId": hook,
        "lifecycleActionToken": token,
        "dbInstanceId": "r-bp1",
        "modifyMode": "Append",
        "OOSAssumeRole": "OOSServiceRole",
    }
    assert (principal.kind, principal.name) == ("Service", "AliyunServiceRoleForAutoScaling")
    detail = (await world.activity(activity))["Detail"]
    assert f'OOS execution "exec-0" of lifecycle hook "{hook}" is started.\n' in detail


async def test_a_runbook_that_cannot_be_started_is_recorded_and_the_deadline_decides(world: World) -> None:
    group = await world.make_group()
    hook = await world.make_hook(group, HeartbeatTimeout=30, NotificationArn=ARN, NotificationMetadata=METADATA)
    world.runbooks.refusal = CloudError("QuotaExceeded.Execution", "too many")

    activity = await world.scale(group, 1)
    waiting = await world.activity(activity)
    await world.advance(seconds=30)

    assert waiting["StatusCode"] == "InProgress"
    assert f'Fail to start the OOS execution of lifecycle hook "{hook}"("QuotaExceeded.Execution' in waiting["Detail"]
    assert (await world.activity(activity))["StatusCode"] == "Successful"


async def test_a_defect_behind_a_runbook_does_not_hold_the_group(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group, HeartbeatTimeout=30, NotificationArn=ARN, NotificationMetadata=METADATA)
    world.runbooks.refusal = ZeroDivisionError("a secret detail")

    activity = await world.scale(group, 1)
    await world.advance(seconds=30)

    shown = await world.activity(activity)
    assert shown["StatusCode"] == "Successful"
    assert '("InternalError").' in shown["Detail"]
    assert "secret" not in shown["Detail"]


async def test_a_template_that_was_deleted_after_the_hook_was_made_is_recorded(world: World) -> None:
    group = await world.make_group()
    await world.make_hook(group, NotificationArn=ARN, NotificationMetadata=METADATA)
    world.runbooks.templates.clear()

    activity = await world.scale(group, 1)

    assert "Fail to start the OOS execution" in (await world.activity(activity))["Detail"]


async def test_each_hook_tells_its_own_runbook(world: World) -> None:
    group = await world.make_group()
    for _ in range(3):
        await world.make_hook(group, NotificationArn=ARN, NotificationMetadata=METADATA)
    await world.make_hook(group)

    activity = await world.scale(group, 1)

    tokens = [one["LifecycleActionToken"] for one in await world.actions(activity)]
    assert set(world.runbooks.started) == set(tokens[:3])


async def test_a_scale_in_tells_its_runbook_too(world: World) -> None:
    group = await world.make_group()
    await world.scale(group, 1)
    metadata = '{"dbInstanceId":"r-bp1","modifyMode":"Delete"}'
    await world.make_hook(group, "SCALE_IN", NotificationArn=ARN, NotificationMetadata=metadata)

    await world.scale(group, -1)

    [(_, parameters, _)] = world.runbooks.started.values()
    assert parameters["modifyMode"] == "Delete"

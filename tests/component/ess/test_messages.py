"""What Auto Scaling tells queues, topics, the event bus and CloudMonitor, and when (ess.md 4, 10)."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from support.crashing import Crash, watched_points
from support.ess import ACCOUNT, ARN, REGION, World
from tidegate.clock import to_minutes
from tidegate.errors import CloudError
from tidegate.reconcile import messages as sending
from tidegate.services.ess.announcer import EXPIRING, REJECT, TYPES
from tidegate.services.ess.dialect import OLD
from tidegate.services.mns.requests import QueueAttributes, Subscribe, TopicAttributes
from tidegate.services.operation import Call, Principal
from tidegate.store import events
from tidegate.store.mns.messages import Message

QUEUE = f"acs:mns:{REGION}:{ACCOUNT}:queue/told"
TOPIC = f"acs:mns:{REGION}:{ACCOUNT}:topic/news"
BUS = f"acs:eventbridge:{REGION}:{ACCOUNT}:eventbus/default"
MONITOR = f"acs:ess:{REGION}:{ACCOUNT}:cloudmonitor"
MNS = Call(
    principal=Principal(kind="Account", account_id=ACCOUNT, id=ACCOUNT),
    region=REGION,
    request_id="R",
    product="mns",
    action="",
    version="",
)


async def make_queue(world: World, name: str = "told") -> None:
    await world.mns.queues.create(MNS, QueueAttributes(queue_name=name, visibility_timeout=1))


async def make_topic(world: World) -> None:
    await world.mns.topics.create(MNS, TopicAttributes(topic_name="news"))
    endpoint = f"acs:mns:{REGION}:{ACCOUNT}:queues/told"
    wanted = Subscribe(topic_name="news", subscription_name="s", endpoint=endpoint, notify_content_format="SIMPLIFIED")
    await world.mns.topics.subscribe(MNS, wanted)


async def received(world: World, name: str = "told") -> list[Message]:
    try:
        return await world.mns.messages.receive(MNS, name, 16, 0)
    except CloudError:
        return []


async def told(world: World) -> list[dict[str, Any]]:
    """What the queue has got, decoded."""
    return [json.loads(base64.b64decode(message.body)) for message in await received(world)]


async def published(world: World, product: str | None = None) -> list[events.Event]:
    """The events of Auto Scaling, oldest first."""
    async with world.database.connection() as db:
        query = events.Query(account_id=ACCOUNT, source="acs.ess", product=product)
        return list(reversed(await events.page(db, query, limit=100)))


async def notify(world: World, group: str, types: Sequence[str] = TYPES, arn: str = QUEUE, **more: Any) -> None:
    wanted = {"ScalingGroupId": group, "NotificationArn": arn, "NotificationTypes": list(types), **more}
    await world.call("CreateNotificationConfiguration", **wanted)


# ---- hooks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arn", [QUEUE, f"acs:ess:{REGION}:{ACCOUNT}:queue/told", TOPIC])
async def test_a_consumer_that_reads_the_message_can_complete_the_hook(world: World, arn: str) -> None:
    await make_queue(world)
    await make_topic(world)
    group = await world.make_group()
    hook = await world.make_hook(group, LifecycleHookName="drain", NotificationArn=arn, NotificationMetadata="blue")

    activity = await world.scale(group, 2)
    [message] = await told(world)

    [action] = await world.actions(activity)
    content = message["content"]
    assert (message["userId"], message["regionId"]) == (ACCOUNT, REGION)
    assert message["resourceArn"] == f"acs:ess:{REGION}:{ACCOUNT}:scalinggroup/{group}"
    assert content["instanceIds"] == action["InstanceIds"]
    assert (content["lifecycleHookName"], content["notificationMetadata"]) == ("drain", "blue")
    assert (content["scalingActivityId"], content["lifecycleTransition"]) == (activity, "SCALE_OUT")
    await world.call(
        "CompleteLifecycleAction",
        LifecycleHookId=content["lifecycleHookId"],
        LifecycleActionToken=content["lifecycleActionToken"],
        LifecycleActionResult=content["defaultResult"],
    )
    await world.settle()
    assert content["lifecycleHookId"] == hook
    assert set((await world.members(group)).values()) == {"InService"}
    assert await world.failed_works() == []


async def test_a_message_is_sent_again_until_its_queue_is_there(world: World) -> None:
    await make_queue(world)
    group = await world.make_group()
    await world.make_hook(group, NotificationArn=QUEUE)
    await world.mns.queues.delete(MNS, "told")

    activity = await world.scale(group, 1)
    detail = (await world.activity(activity))["Detail"]
    await make_queue(world)
    await world.advance(seconds=10)

    assert 'Fail to send a message to queue "told"("QueueNotExist").\n' in detail
    [message] = await told(world)
    assert message["content"]["scalingActivityId"] == activity


async def test_a_message_nobody_could_be_given_does_not_hold_the_group_and_is_dropped_after_the_wait(
    world: World,
) -> None:
    await make_queue(world)
    group = await world.make_group()
    await world.make_hook(group, NotificationArn=QUEUE, HeartbeatTimeout=30)
    await world.mns.queues.delete(MNS, "told")

    activity = await world.scale(group, 1)
    await world.advance(seconds=31)
    await world.advance(seconds=31)

    assert (await world.activity(activity))["StatusCode"] == "Successful"
    async with world.database.connection() as db:
        assert await db.fetchval("select count(*) from ess_message") == 0


async def test_a_hook_can_tell_the_event_bus(world: World) -> None:
    group = await world.make_group()
    hook = await world.make_hook(group, "SCALE_OUT", NotificationArn=BUS)
    await world.make_hook(group, "SCALE_IN", NotificationArn=BUS)

    activity = await world.scale(group, 1)
    await world.complete((await world.actions(activity))[0])
    await world.scale(group, -1)

    hooks = [event for event in await published(world) if ":LifecycleHook:" in event.type]
    assert [event.type.rpartition(":")[2] for event in hooks] == ["Test", "Test", "ScaleOut", "ScaleIn"]
    assert hooks[0].data["lifecycleHookId"] == hooks[2].data["lifecycleHookId"] == hook
    assert hooks[2].data["scalingActivityId"] == activity


@pytest.mark.parametrize(
    ("arn", "code", "message"),
    [
        (QUEUE, "QueueNotExist", "The specified queue does not exist."),
        (TOPIC, "TopicNotExist", "The specified topic does not exist."),
        (f"acs:mns:cn-beijing:{ACCOUNT}:queue/told", "InvalidNotificationArn", None),
        (f"acs:mns:{REGION}:1:queue/told", "InvalidNotificationArn", None),
        (f"acs:eventbridge:{REGION}:{ACCOUNT}:eventbus/mine", "InvalidNotificationArn", None),
    ],
)
async def test_a_hook_cannot_tell_what_is_not_there(world: World, arn: str, code: str, message: str | None) -> None:
    group = await world.make_group()
    hook = await world.make_hook(group)
    values = {"LifecycleTransition": "SCALE_OUT", "NotificationArn": arn}

    errors = [
        await world.refused("CreateLifecycleHook", ScalingGroupId=group, **values),
        await world.refused("ModifyLifecycleHook", LifecycleHookId=hook, NotificationArn=arn),
        await world.refused("CreateScalingGroup", MinSize=0, MaxSize=1, LifecycleHooks=[values]),
    ]

    assert {error.code for error in errors} == {code}
    assert message is None or {error.message for error in errors} == {message}


async def test_metadata_is_cleared_by_an_empty_text_and_kept_when_absent(world: World) -> None:
    group = await world.make_group()
    hook = await world.make_hook(group, NotificationArn=ARN, NotificationMetadata='{"a":"b"}')

    async def metadata() -> str | None:
        [shown] = (await world.call("DescribeLifecycleHooks", LifecycleHookIds=[hook]))["LifecycleHooks"]
        return shown.get("NotificationMetadata")

    await world.call("ModifyLifecycleHook", LifecycleHookId=hook, HeartbeatTimeout=60)
    kept = await metadata()
    await world.call("ModifyLifecycleHook", LifecycleHookId=hook, NotificationMetadata="")

    assert (kept, await metadata()) == ('{"a":"b"}', None)


# ---- activities ------------------------------------------------------------------------------------------------------


async def test_the_start_and_the_end_of_activities_are_told(world: World) -> None:
    await make_queue(world)
    group = await world.make_group()
    await notify(world, group)
    await notify(world, group, ["AUTOSCALING:SCALE_IN_SUCCESS"], MONITOR)
    await world.scale(group, 2)
    await world.scale(group, -1)
    await world.refused("DetachInstances", ScalingGroupId=group, InstanceIds=["i-nobody"])

    found = [(message["eventType"], message["content"]["statusCode"]) for message in await told(world)]

    assert found == [
        ("AUTOSCALING:SCALE_OUT_START", "InProgress"),
        ("AUTOSCALING:SCALE_OUT_SUCCESS", "Successful"),
        ("AUTOSCALING:SCALE_IN_START", "InProgress"),
        ("AUTOSCALING:SCALE_IN_SUCCESS", "Successful"),
    ]
    assert [event.type.partition(":")[2] for event in await published(world)] == [
        "ScalingActivity:ScaleOutStart",
        "ScalingActivity:ScaleOutSuccess",
        "ScalingActivity:ScaleInStart",
        "ScalingActivity:ScaleInSuccess",
        "CloudMonitor:AUTOSCALING[SCALEINSUCCESS]",
    ]
    assert [event.name for event in await published(world, "ESS")] == ["AUTOSCALING:SCALE_IN_SUCCESS"]


async def test_failures_and_rejections_are_told_to_those_who_asked_for_them(world: World) -> None:
    await make_queue(world)
    group = await world.make_group(MaxSize=2)
    for receiver in (QUEUE, MONITOR):
        await notify(world, group, ["AUTOSCALING:SCALE_OUT_ERROR", REJECT], receiver)
    await world.make_hook(group, DefaultResult="ABANDON", HeartbeatTimeout=30)
    await world.scale(group, 1)
    rejected = await world.refused(
        "ScaleWithAdjustment", ScalingGroupId=group, AdjustmentType="QuantityChangeInCapacity", AdjustmentValue=1
    )
    await world.advance(seconds=31)

    found = await told(world)

    assert rejected.code == "ScalingActivityInProgress"
    assert [message["eventType"] for message in found] == [REJECT, "AUTOSCALING:SCALE_OUT_ERROR"]
    assert [message["content"]["statusCode"] for message in found] == ["Rejected", "Failed"]
    assert [(event.name, event.level) for event in await published(world, "ESS")] == [
        (REJECT, "WARN"),
        ("AUTOSCALING:SCALE_OUT_ERROR", "CRITICAL"),
    ]


async def test_a_scheduled_task_that_expires_is_told_of_daily_in_its_last_week(world: World) -> None:
    await make_queue(world)
    group = await world.make_group()
    rule = await world.make_rule(group)
    await notify(world, group, [EXPIRING])
    begin = world.clock.now()
    await world.call(
        "CreateScheduledTask",
        ScheduledAction=rule,
        LaunchTime=to_minutes(begin + timedelta(minutes=5)),
        RecurrenceType="Daily",
        RecurrenceValue="1",
        RecurrenceEndTime=to_minutes(begin + timedelta(days=9)),
    )
    await world.call("SuspendProcesses", ScalingGroupId=group, Processes=["ScheduledAction"])
    found: set[str] = set()
    counted = []
    for _ in range(22):
        await world.advance(hours=12)
        found |= {message.id for message in await received(world)}
        counted.append(len(found))

    assert counted[:3] == [0, 0, 0]
    assert counted[3:17:2] == [1, 2, 3, 4, 5, 6, 7]
    assert counted[-1] == 7


async def test_receivers_get_their_own_form(world: World) -> None:
    await make_queue(world)
    await make_queue(world, "plain")
    await make_topic(world)
    group = await world.make_group()
    start = ["AUTOSCALING:SCALE_OUT_START"]
    plain = f"acs:ess:{REGION}:{ACCOUNT}:queue/plain"
    await notify(world, group, start, TOPIC)
    await notify(world, group, start, plain, MessageEncoding="PlainText", TimeZone="UTC+8")
    await notify(world, group, start, MONITOR)
    await world.scale(group, 1)

    [encoded] = await told(world)
    [text] = await received(world, "plain")

    read = json.loads(text.body)
    assert read["content"]["startTime"].endswith("+08:00")
    assert encoded["content"]["startTime"].endswith("Z")
    assert encoded["content"]["scalingActivityId"] == read["content"]["scalingActivityId"]


# ---- configurations --------------------------------------------------------------------------------------------------


async def test_configurations_are_shown_as_both_versions_show_them(world: World) -> None:
    await make_queue(world)
    group = await world.make_group()
    await notify(world, group, [REJECT], MessageEncoding="PlainText")
    changed = {"ScalingGroupId": group, "NotificationArn": QUEUE, "NotificationType.1": EXPIRING}
    await world.call("ModifyNotificationConfiguration", version=OLD, **changed)

    new = await world.call("DescribeNotificationConfigurations", ScalingGroupId=group)
    old = await world.call("DescribeNotificationConfigurations", version=OLD, ScalingGroupId=group)
    types = await world.call("DescribeNotificationTypes", version=OLD)
    await world.call("DeleteNotificationConfiguration", ScalingGroupId=group, NotificationArn=QUEUE)

    [model] = new["NotificationConfigurationModels"]
    assert model == {
        "ScalingGroupId": group,
        "NotificationArn": QUEUE,
        "NotificationTypes": [EXPIRING],
        "MessageEncoding": "PlainText",
        "TimeZone": "UTC",
    }
    [wrapped] = old["NotificationConfigurationModels"]["NotificationConfigurationModel"]
    assert wrapped["NotificationTypes"] == {"NotificationType": [EXPIRING]}
    assert types["NotificationTypes"]["NotificationType"] == list(TYPES)
    gone = await world.call("DescribeNotificationConfigurations", ScalingGroupId=group)
    assert gone["NotificationConfigurationModels"] == []


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"NotificationArn": "acs:x"}, "InvalidNotificationArn"),
        ({"NotificationArn": ARN}, "InvalidNotificationArn"),
        ({"NotificationArn": f"acs:ess:{REGION}:{ACCOUNT}:queue/none"}, "QueueNotExist"),
        ({"NotificationArn": TOPIC}, "TopicNotExist"),
        ({"NotificationTypes": ["AUTOSCALING:MAYBE"]}, "InvalidNotificationTypes"),
        ({"NotificationTypes": []}, "MissingParameter"),
        ({"MessageEncoding": "UTF-8"}, "InvalidParameter"),
        ({"TimeZone": "Mars"}, "InvalidParameter"),
        ({"ScalingGroupId": "asg-none"}, "InvalidScalingGroupId.NotFound"),
    ],
)
async def test_what_a_configuration_cannot_be(world: World, values: dict[str, Any], code: str) -> None:
    await make_queue(world)
    group = await world.make_group()
    wanted = {"ScalingGroupId": group, "NotificationArn": QUEUE, "NotificationTypes": [REJECT], **values}

    assert (await world.refused("CreateNotificationConfiguration", **wanted)).code == code


async def test_a_receiver_has_one_configuration_and_a_group_six(world: World) -> None:
    for number in range(7):
        await make_queue(world, f"q{number}")
    group = await world.make_group()
    arns = [f"acs:ess:{REGION}:{ACCOUNT}:queue/q{number}" for number in range(7)]
    for arn in arns[:6]:
        await notify(world, group, [REJECT], arn)
    wanted = {"ScalingGroupId": group, "NotificationTypes": [REJECT]}

    errors = [
        await world.refused("CreateNotificationConfiguration", NotificationArn=arns[0], **wanted),
        await world.refused("CreateNotificationConfiguration", NotificationArn=arns[6], **wanted),
        await world.refused("ModifyNotificationConfiguration", NotificationArn=arns[6], **wanted),
        await world.refused("DeleteNotificationConfiguration", ScalingGroupId=group, NotificationArn=arns[6]),
    ]

    assert [error.code for error in errors] == [
        "NotificationConfigurationExist",
        "NotificationConfigurationQuotaExceed.ForScalingGroup",
        "NotificationConfigurationNotExist",
        "NotificationConfigurationNotExist",
    ]


# ---- crashes ---------------------------------------------------------------------------------------------------------


async def test_wherever_the_process_dies_the_message_arrives_and_its_id_is_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every point between the wait's beginning and the message's being known to have arrived."""
    await make_queue(world)
    group = await world.make_group()
    await world.make_hook(group, NotificationArn=QUEUE, HeartbeatTimeout=30)
    number, finished = 0, False
    while not finished:
        number += 1
        with watched_points() as points:
            monkeypatch.setattr(sending, "reach", points.reach)
            activity = await world.scale(group, 1, settle=False)
            points.crash_after = number
            try:
                await world.settle()
                finished = True
            except Crash:
                early = [message.id for message in await received(world)]  # a consumer that is faster than the crash
                await world.restart().settle()
            else:
                early = []
        world.pass_time(2)
        found = {message.id for message in await received(world)} | set(early)
        assert len(found) == 1, f"after {points.passed[-1]}"
        async with world.database.transaction() as tx:
            await tx.execute("delete from mns_message")
        await world.advance(seconds=31)
        assert (await world.activity(activity))["StatusCode"] == "Successful"
        await world.scale(group, -1)
    assert number > 10
    assert await world.failed_works() == []

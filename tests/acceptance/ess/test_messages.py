"""A consumer of queue messages completes hooks, and reads what a group tells, all through the official SDKs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_ess20140828 import models as v14
from alibabacloud_ess20220222 import models as v22
from mns.mns_exception import MNSServerException
from mns.queue import QueueMeta
from mns.subscription import SubscriptionMeta
from mns.topic import TopicMeta

from support.running import RunningCloud
from support.sdks import REGION, Sdks, eventually, make_group


def owner(sdks: Sdks) -> str:
    from alibabacloud_sts20150401.client import Client

    return str(Client(sdks._config()).get_caller_identity().body.account_id)


def scale(sdks: Sdks, group: str, change: int = 1) -> str:
    request = v22.ScaleWithAdjustmentRequest(
        scaling_group_id=group, adjustment_type="QuantityChangeInCapacity", adjustment_value=change
    )
    activity: str = sdks.ess.scale_with_adjustment(request).body.scaling_activity_id
    return activity


def consume(queue: Any) -> dict[str, Any]:
    """Wait for a message, as the vendor's sample consumers do, and delete it."""
    message = queue.receive_message(20)
    queue.delete_message(message.receipt_handle)
    found: dict[str, Any] = json.loads(message.message_body)
    return found


def complete(sdks: Sdks, content: dict[str, Any]) -> None:
    sdks.ess.complete_lifecycle_action(
        v22.CompleteLifecycleActionRequest(
            region_id=REGION,
            lifecycle_hook_id=content["lifecycleHookId"],
            lifecycle_action_token=content["lifecycleActionToken"],
            lifecycle_action_result=content["defaultResult"],
        )
    )


def in_service(sdks: Sdks, group: str) -> int:
    request = v22.DescribeScalingInstancesRequest(region_id=REGION, scaling_group_id=group, lifecycle_state="InService")
    count: int = sdks.ess.describe_scaling_instances(request).body.total_count
    return count


@pytest.mark.parametrize("through", ["queue", "topic"])
def test_a_consumer_completes_the_hook_from_its_message(sdks: Sdks, through: str) -> None:
    account, name = owner(sdks), f"hooks-by-{through}"
    queue = sdks.mns().get_queue(name)
    queue.create(QueueMeta())
    topic = sdks.mns().get_topic(name)
    topic.create(TopicMeta())
    endpoint = f"acs:mns:{REGION}:{account}:queues/{name}"
    topic.get_subscription("s").subscribe(SubscriptionMeta(endpoint, "BACKOFF_RETRY", "SIMPLIFIED", ""))
    group = make_group(sdks)
    hook = sdks.ess.create_lifecycle_hook(
        v22.CreateLifecycleHookRequest(
            scaling_group_id=group,
            lifecycle_transition="SCALE_OUT",
            notification_arn=f"acs:mns:{REGION}:{account}:{through}/{name}",
            notification_metadata="blue",
        )
    ).body.lifecycle_hook_id

    activity = scale(sdks, group, 2)
    message = consume(queue)

    assert message["content"]["scalingActivityId"] == activity
    assert message["content"]["notificationMetadata"] == "blue"
    assert len(message["content"]["instanceIds"]) == 2
    assert in_service(sdks, group) == 0
    complete(sdks, message["content"])
    eventually(lambda: in_service(sdks, group), lambda count: count == 2, "both in service")
    sdks.ess.modify_lifecycle_hook(
        v22.ModifyLifecycleHookRequest(region_id=REGION, lifecycle_hook_id=hook, notification_metadata="")
    )
    request = v22.DescribeLifecycleHooksRequest(region_id=REGION, lifecycle_hook_ids=[hook])
    [shown] = sdks.ess.describe_lifecycle_hooks(request).body.lifecycle_hooks
    assert not shown.notification_metadata


def test_a_group_tells_its_receivers_what_both_sdks_have_asked_for(sdks: Sdks) -> None:
    account = owner(sdks)
    queue = sdks.mns().get_queue("told")
    queue.create(QueueMeta())
    group = make_group(sdks)
    arn = f"acs:ess:{REGION}:{account}:queue/told"
    types = ["AUTOSCALING:SCALE_OUT_SUCCESS", "AUTOSCALING:SCALE_IN_START"]
    sdks.ess.create_notification_configuration(
        v22.CreateNotificationConfigurationRequest(
            region_id=REGION, scaling_group_id=group, notification_arn=arn, notification_types=types
        )
    )
    request = v14.DescribeNotificationConfigurationsRequest(scaling_group_id=group)
    found = sdks.ess2014.describe_notification_configurations(request).body
    [shown] = found.notification_configuration_models.notification_configuration_model

    activity = scale(sdks, group)
    message = consume(queue)

    assert (shown.notification_arn, shown.notification_types.notification_type) == (arn, types)
    assert message["eventType"] == "AUTOSCALING:SCALE_OUT_SUCCESS"
    assert (message["content"]["scalingActivityId"], message["content"]["statusCode"]) == (activity, "Successful")
    with pytest.raises(MNSServerException, match="Message not exist"):
        queue.receive_message(0)


def test_messages_and_waits_outlive_a_power_cut(sdks: Sdks, cloud: RunningCloud) -> None:
    account = owner(sdks)
    sdks.mns().get_queue("survives").create(QueueMeta())
    group = make_group(sdks)
    sdks.ess.create_lifecycle_hook(
        v22.CreateLifecycleHookRequest(
            scaling_group_id=group,
            lifecycle_transition="SCALE_OUT",
            notification_arn=f"acs:mns:{REGION}:{account}:queue/survives",
        )
    )
    cloud.stop()
    # The process ends itself when the message has arrived, before it knows.
    cloud.start(TIDEGATE_CRASH_AT="ess-message.sent")
    activity = scale(Sdks(cloud.endpoint, sdks.key, sdks.secret), group)
    assert cloud.has_died(20)
    cloud.start()
    again = Sdks(cloud.endpoint, sdks.key, sdks.secret)

    complete(again, consume(again.mns().get_queue("survives"))["content"])

    request = v22.DescribeLifecycleActionsRequest(region_id=REGION, scaling_activity_id=activity)
    [action] = again.ess.describe_lifecycle_actions(request).body.lifecycle_actions
    assert action.lifecycle_action_status == "Completed"

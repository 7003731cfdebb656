"""EventBridge through its official SDK: what groups and users tell reaches queues by rules."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from alibabacloud_eventbridge20200401 import models
from alibabacloud_eventbridge20200401.client import Client
from mns.mns_exception import MNSServerException
from mns.queue import QueueMeta

from support.clouds import Memory
from support.sdks import REGION, Sdks, make_group


def target(owner: str, queue: str, **body: str) -> models.CreateRuleRequestEventTargets:
    parameter = models.CreateRuleRequestEventTargetsParamList
    return models.CreateRuleRequestEventTargets(
        id=f"to-{queue}",
        type="acs.mns.queue",
        endpoint=f"acs:mns:{REGION}:{owner}:queues/{queue}",
        param_list=[
            parameter(resource_key="queue", form="CONSTANT", value=queue),
            parameter(resource_key="Body", **(body or {"form": "ORIGINAL"})),
            parameter(resource_key="IsBase64Encode", form="CONSTANT", value="true"),
        ],
    )


def received(sdks: Sdks, queue: str, wait: int = 20) -> Any:
    message = sdks.mns().get_queue(queue).receive_message(wait)
    sdks.mns().get_queue(queue).delete_message(message.receipt_handle)
    return message.message_body.decode()


def hook_by_bus(sdks: Sdks, owner: str) -> None:
    from alibabacloud_ess20220222 import models as ess

    bridge = Client(sdks._config())
    sdks.mns().get_queue("hooks").create(QueueMeta())
    pattern = {"source": ["acs.ess"], "type": [{"prefix": "ess:LifecycleHook:Scale"}]}
    bridge.create_rule(
        models.CreateRuleRequest(
            event_bus_name="default",
            rule_name="hooks",
            filter_pattern=json.dumps(pattern),
            event_targets=[target(owner, "hooks")],
        )
    )
    group = make_group(sdks)
    sdks.ess.create_lifecycle_hook(
        ess.CreateLifecycleHookRequest(
            scaling_group_id=group,
            lifecycle_transition="SCALE_OUT",
            notification_arn=f"acs:eventbridge:{REGION}:{owner}:eventbus/default",
        )
    )
    sdks.ess.scale_with_adjustment(
        ess.ScaleWithAdjustmentRequest(
            scaling_group_id=group, adjustment_type="QuantityChangeInCapacity", adjustment_value=1
        )
    )

    event = json.loads(received(sdks, "hooks"))

    assert (event["source"], event["type"]) == ("acs.ess", "ess:LifecycleHook:ScaleOut")
    assert event["data"]["scalingGroupId"] == group
    sdks.ess.complete_lifecycle_action(
        ess.CompleteLifecycleActionRequest(
            region_id=REGION,
            lifecycle_hook_id=event["data"]["lifecycleHookId"],
            lifecycle_action_token=event["data"]["lifecycleActionToken"],
        )
    )


async def test_a_hook_on_the_bus_reaches_a_consumer_by_a_rule(cloud: Memory, sdks: Sdks) -> None:
    await asyncio.to_thread(hook_by_bus, sdks, await cloud.cloud.services.ram.account_id())


def own_events(sdks: Sdks, owner: str) -> None:
    bridge = Client(sdks._config())
    for queue in ("all", "some"):
        sdks.mns().get_queue(queue).create(QueueMeta())
    bridge.create_event_bus(models.CreateEventBusRequest(event_bus_name="mine"))
    named = {"event_bus_name": "mine", "rule_name": "orders"}
    template = {
        "form": "TEMPLATE",
        "value": '{"what":"$.data.name","who":"$.data.by[0]"}',
        "template": "${who}: ${what}",
    }
    bridge.create_rule(
        models.CreateRuleRequest(
            **named,
            filter_pattern='{"data":{"amount":[{"numeric":[">",10]}]}}',
            event_targets=[target(owner, "all"), target(owner, "some", **template)],
        )
    )

    def put(*amounts: int) -> None:
        told = [
            models.PutEventsRequestEventList(
                source="shop", type="order", data=json.dumps({"amount": one, "name": f"tea {one}", "by": ["ada"]})
            )
            for one in amounts
        ]
        body = bridge.put_events(models.PutEventsRequest(event_bus_name="mine", event_list=told)).body
        assert (body.data.failed_entry_count, len(body.data.entry_list)) == (0, len(amounts))

    put(5, 11)

    assert json.loads(received(sdks, "all"))["data"]["amount"] == 11
    assert received(sdks, "some") == "ada: tea 11"
    bridge.delete_targets(models.DeleteTargetsRequest(**named, target_ids=["to-some"]))
    bridge.disable_rule(models.DisableRuleRequest(**named))
    put(12)
    bridge.enable_rule(models.EnableRuleRequest(**named))
    put(13)
    assert json.loads(received(sdks, "all"))["data"]["amount"] == 13
    with pytest.raises(MNSServerException, match="Message not exist"):
        received(sdks, "some", 0)
    rule = bridge.get_rule(models.GetRuleRequest(**named)).body.data
    assert (rule.status, [one.id for one in rule.targets]) == ("ENABLE", ["to-all"])
    [listed] = bridge.list_rules(models.ListRulesRequest(event_bus_name="mine")).body.data.rules
    buses = bridge.list_event_buses(models.ListEventBusesRequest()).body.data
    assert (listed.rule_name, [one.event_bus_name for one in buses.event_buses]) == ("orders", ["default", "mine"])
    bridge.delete_rule(models.DeleteRuleRequest(**named))
    bridge.delete_event_bus(models.DeleteEventBusRequest(event_bus_name="mine"))
    tried = models.TestEventPatternRequest(event='{"source":"a"}', event_pattern='{"source":["a"]}')
    assert bridge.test_event_pattern(tried).body.data.result is True


async def test_events_of_users_go_by_patterns_and_templates(cloud: Memory, sdks: Sdks) -> None:
    await asyncio.to_thread(own_events, sdks, await cloud.cloud.services.ram.account_id())


async def test_what_eventbridge_refuses(cloud: Memory) -> None:
    def rule(**changes: Any) -> dict[str, Any]:
        return {"EventBusName": "default", "RuleName": "one", "FilterPattern": "{}", **changes}

    nowhere = [{"Id": "x", "Type": "acs.fc.function", "Endpoint": "acs:fc:x"}]
    await cloud.call("eventbridge", "CreateRule", **rule())
    refusals = [
        await cloud.refused("eventbridge", "CreateRule", **rule()),
        await cloud.refused("eventbridge", "CreateRule", **rule(RuleName="two", FilterPattern="[]")),
        await cloud.refused("eventbridge", "CreateRule", **rule(RuleName="two", EventBusName="none")),
        await cloud.refused("eventbridge", "CreateRule", **rule(RuleName="two", EventTargets=nowhere)),
        await cloud.refused("eventbridge", "DeleteRule", EventBusName="default", RuleName="two"),
        await cloud.refused("eventbridge", "DeleteEventBus", EventBusName="default"),
        await cloud.refused(
            "eventbridge", "PutEvents", EventBusName="default", EventList=[{"Source": "a", "Type": "b"}]
        ),
    ]

    assert [one.code for one in refusals] == [
        "EventRuleExisted",
        "InvalidEventPattern",
        "EventBusNotExisted",
        "InvalidTarget",
        "EventRuleNotExisted",
        "EventBusInUse",
        "PutEventsDenied",
    ]

"""Mns-open (2022-01-19) through its official SDK: the same queues and topics as the REST door has."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from alibabacloud_mns_open20220119 import models
from alibabacloud_mns_open20220119.client import Client
from mns.queue import Message

from support.clouds import Memory
from support.sdks import REGION, Sdks


def walk(sdks: Sdks, owner: str) -> dict[str, Any]:
    """Everything the SDK can do with a queue, a topic and a subscription."""
    client = Client(sdks._config())
    for name in ("orders", "other"):
        client.create_queue(models.CreateQueueRequest(queue_name=name, visibility_timeout=40))
    sdks.mns().get_queue("orders").send_message(Message("one"))
    client.set_queue_attributes(models.SetQueueAttributesRequest(queue_name="orders", delay_seconds=3))
    found: dict[str, Any] = {
        "queue": client.get_queue_attributes(models.GetQueueAttributesRequest(queue_name="orders")).body.data,
        "queues": client.list_queue(models.ListQueueRequest(page_num=2, page_size=1)).body.data,
    }
    client.create_topic(models.CreateTopicRequest(topic_name="news", max_message_size=2048))
    endpoint = f"acs:mns:{REGION}:{owner}:queues/other"
    names = {"topic_name": "news", "subscription_name": "s"}
    client.subscribe(models.SubscribeRequest(**names, endpoint=endpoint, push_type="queue", message_tag="red"))
    client.set_subscription_attributes(
        models.SetSubscriptionAttributesRequest(**names, notify_strategy="EXPONENTIAL_DECAY_RETRY")
    )
    found["topic"] = client.get_topic_attributes(models.GetTopicAttributesRequest(topic_name="news")).body.data
    found["topics"] = client.list_topic(models.ListTopicRequest(topic_name="ew")).body.data
    found["subscription"] = client.get_subscription_attributes(
        models.GetSubscriptionAttributesRequest(**names)
    ).body.data
    found["subscriptions"] = client.list_subscription_by_topic(
        models.ListSubscriptionByTopicRequest(topic_name="news")
    ).body.data
    client.unsubscribe(models.UnsubscribeRequest(**names))
    client.delete_topic(models.DeleteTopicRequest(topic_name="news"))
    client.delete_queue(models.DeleteQueueRequest(queue_name="orders"))
    with pytest.raises(Exception, match="The queue name you provided is not exist"):
        client.get_queue_attributes(models.GetQueueAttributesRequest(queue_name="orders"))
    return found


async def test_the_control_operations_work_on_the_same_queues_and_topics(cloud: Memory, sdks: Sdks) -> None:
    owner = await cloud.cloud.services.ram.account_id()

    found = await asyncio.to_thread(walk, sdks, owner)

    assert (found["queue"].visibility_timeout, found["queue"].delay_seconds) == (40, 3)
    assert found["queue"].active_messages == 1
    assert ([one.queue_name for one in found["queues"].page_data], found["queues"].total) == (["other"], 2)
    assert (found["topic"].max_message_size, found["topics"].page_data[0].topic_name) == (2048, "news")
    assert (found["subscription"].filter_tag, found["subscription"].notify_strategy) == (
        "red",
        "EXPONENTIAL_DECAY_RETRY",
    )
    assert [one.subscription_name for one in found["subscriptions"].page_data] == ["s"]

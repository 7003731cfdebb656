"""MNS through the official SDK: queues, long polls, topics, errors, permissions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from mns.mns_exception import MNSServerException
from mns.queue import Message, QueueMeta
from mns.subscription import SubscriptionMeta
from mns.topic import TopicMessage, TopicMeta

from support.clouds import Memory
from support.sdks import Sdks

T = TypeVar("T")

#: the SDK calls its own deprecated fields
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated:DeprecationWarning")


def text(message: Any) -> str:
    """The body of a received message, which the SDK leaves as bytes."""
    return bytes(message.message_body).decode()


async def aside(act: Callable[..., T], *given: Any) -> T:
    """Call an SDK, which blocks, beside the cloud in this process."""
    return await asyncio.to_thread(act, *given)


async def refused(act: Callable[..., Any], *given: Any) -> MNSServerException:
    with pytest.raises(MNSServerException) as caught:
        await aside(act, *given)
    return caught.value


async def test_a_message_goes_through_a_queue(sdks: Sdks) -> None:
    account = sdks.mns()
    queue = account.get_queue("orders")
    url = await aside(queue.create, QueueMeta(vis_timeout=45, polling_wait_sec=0))
    again = await aside(queue.create, QueueMeta(vis_timeout=45, polling_wait_sec=0))
    differs = await refused(queue.create, QueueMeta(vis_timeout=50))

    sent = await aside(queue.send_message, Message("你好 <tide> & 'quotes'", priority=3))
    peeked = await aside(queue.peek_message)
    received = await aside(queue.receive_message)
    hidden = await refused(queue.receive_message)
    attributes = await aside(queue.get_attributes)
    await aside(queue.delete_message, received.receipt_handle)
    used = await refused(queue.delete_message, received.receipt_handle)

    assert url == again == f"http://{sdks.endpoint}/queues/orders"
    assert (differs.type, differs.message) == ("QueueAlreadyExist", "The queue you want to create is already exist.")
    assert text(received) == text(peeked) == "你好 <tide> & 'quotes'"
    assert received.message_id == sent.message_id
    assert received.message_body_md5 == sent.message_body_md5
    assert (peeked.dequeue_count, received.dequeue_count, received.priority) == (0, 1, 3)
    assert received.next_visible_time - received.first_dequeue_time == 45_000
    assert (hidden.type, hidden.message) == ("MessageNotExist", "Message not exist.")
    assert (attributes.active_messages, attributes.inactive_messages, attributes.visibility_timeout) == (0, 1, 45)
    assert used.type == "ReceiptHandleError"


async def test_batches_delays_and_visibility(cloud: Memory, sdks: Sdks) -> None:
    queue = sdks.mns().get_queue("batches")
    await aside(queue.create, QueueMeta(vis_timeout=30))
    sent = await aside(queue.batch_send_message, [Message(f"m{number}") for number in range(5)])
    late = await aside(queue.send_message, Message("late", delay_seconds=600))
    urgent = await aside(queue.send_message, Message("urgent", priority=1))

    looked = await aside(queue.batch_peek_message, 16)
    got = await aside(queue.batch_receive_message, 4)
    changed = await aside(queue.change_message_visibility, got[0].receipt_handle, 0)
    back = await aside(queue.receive_message)
    await aside(queue.batch_delete_message, [one.receipt_handle for one in got[1:]] + [back.receipt_handle])
    stale = await refused(queue.batch_delete_message, [got[1].receipt_handle])
    await aside(queue.delete_message, late.receipt_handle)

    assert [text(one) for one in looked] == ["urgent", "m0", "m1", "m2", "m3", "m4"]
    assert [one.message_id for one in got] == [urgent.message_id, *(one.message_id for one in sent[:3])]
    assert (text(back), back.dequeue_count) == ("urgent", 2)
    assert changed.receipt_handle != got[0].receipt_handle
    assert (stale.type, len(stale.sub_errors)) == ("ReceiptHandleError", 1)
    attributes = await aside(queue.get_attributes)
    assert (attributes.active_messages, attributes.delay_messages, attributes.inactive_messages) == (2, 0, 0)


async def test_a_long_poll_is_woken_by_the_message_and_by_nothing_else(sdks: Sdks) -> None:
    await aside(sdks.mns().get_queue("polled").create, QueueMeta())
    pollers = [asyncio.create_task(aside(sdks.mns().get_queue("polled").receive_message, 20)) for _ in range(3)]
    late = asyncio.create_task(aside(sdks.mns().get_queue("polled").receive_message, 1))

    with pytest.raises(MNSServerException, match="Message not exist"):
        await late
    assert not any(poller.done() for poller in pollers)
    await aside(sdks.mns().get_queue("polled").batch_send_message, [Message(f"m{number}") for number in range(3)])

    bodies = [text(one) for one in await asyncio.gather(*pollers)]
    assert sorted(bodies) == ["m0", "m1", "m2"]


async def test_queues_are_listed_changed_and_deleted(sdks: Sdks) -> None:
    account = sdks.mns()
    for name in ("a-1", "a-2", "a-3", "b-1"):
        await aside(account.get_queue(name).create, QueueMeta())
    await aside(account.get_queue("a-2").set_attributes, QueueMeta(delay_sec=7))

    first, marker = await aside(account.list_queue, "a-", 2)
    rest, end = await aside(account.list_queue, "a-", 2, marker)
    await aside(account.get_queue("a-2").delete)
    gone = await refused(account.get_queue("a-2").get_attributes)

    assert [url.rpartition("/")[2] for url in first + rest] == ["a-1", "a-2", "a-3"]
    assert (marker, end) == ("a-3", "")
    assert (gone.type, gone.message) == ("QueueNotExist", "The queue name you provided is not exist.")


async def test_a_topic_gives_its_messages_to_queues_by_tag_and_in_three_formats(cloud: Memory, sdks: Sdks) -> None:
    account = sdks.mns()
    topic = account.get_topic("news")
    await aside(topic.create, TopicMeta(maximum_message_size=2048))
    owner = await cloud.cloud.services.ram.account_id()
    for form, tag in (("XML", ""), ("JSON", "sport"), ("SIMPLIFIED", "weather")):
        await aside(account.get_queue(f"q-{form}").create, QueueMeta())
        endpoint = f"acs:mns:cn-hangzhou:{owner}:queues/q-{form}"
        meta = SubscriptionMeta(endpoint, "BACKOFF_RETRY", form, tag)
        await aside(topic.get_subscription(f"s-{form}").subscribe, meta)

    message = TopicMessage("goal!", "sport")
    published = await aside(topic.publish_message, message)

    plain = [account.get_queue(f"q-{form}") for form in ("XML", "JSON", "SIMPLIFIED")]
    for queue in plain:
        queue.set_encoding(False)
    full = await aside(plain[0].receive_message)
    told = json.loads((await aside(plain[1].receive_message)).message_body)
    nothing = await refused(plain[2].receive_message)
    assert f"<MessageId>{published.message_id}</MessageId><Message>goal!</Message>" in full.message_body
    assert (told["TopicName"], told["Message"], told["MessageTag"], told["TopicOwner"]) == (
        "news",
        "goal!",
        "sport",
        owner,
    )
    assert nothing.type == "MessageNotExist"

    subscription = topic.get_subscription("s-JSON")
    await aside(subscription.set_attributes, SubscriptionMeta(notify_strategy="EXPONENTIAL_DECAY_RETRY"))
    seen = await aside(subscription.get_attributes)
    urls, _ = await aside(topic.list_subscription)
    await aside(subscription.unsubscribe)
    left, _ = await aside(topic.list_subscription)
    assert (seen.notify_strategy, seen.filter_tag, seen.notify_content_format) == (
        "EXPONENTIAL_DECAY_RETRY",
        "sport",
        "JSON",
    )
    assert [len(urls), len(left)] == [3, 2]
    assert (await aside(topic.get_attributes)).maximum_message_size == 2048
    foreign = SubscriptionMeta("http://192.0.2.1/hook", "BACKOFF_RETRY", "XML", "")
    assert (await refused(topic.get_subscription("out").subscribe, foreign)).type == "EndpointInvalid"
    assert (await refused(account.get_topic("none").publish_message, message)).type == "TopicNotExist"


async def test_ram_decides_about_every_queue(cloud: Memory, sdks: Sdks) -> None:
    policy = {
        "Version": "1",
        "Statement": [
            {"Effect": "Allow", "Action": "mns:SendMessage", "Resource": "acs:mns:*:*:/queues/mine/messages"},
            {"Effect": "Allow", "Action": "mns:CreateQueue", "Resource": "*"},
        ],
    }
    await cloud.call("ram", "CreateUser", UserName="ada")
    await cloud.call("ram", "CreatePolicy", PolicyName="send", PolicyDocument=json.dumps(policy))
    await cloud.call("ram", "AttachPolicyToUser", UserName="ada", PolicyName="send", PolicyType="Custom")
    key = (await cloud.call("ram", "CreateAccessKey", UserName="ada"))["AccessKey"]
    ada = Sdks(sdks.endpoint, key["AccessKeyId"], key["AccessKeySecret"]).mns()
    for name in ("mine", "other"):
        await aside(ada.get_queue(name).create, QueueMeta())

    await aside(ada.get_queue("mine").send_message, Message("hello"))
    denied = [
        (await refused(ada.get_queue("other").send_message, Message("hello"))).type,
        (await refused(ada.get_queue("mine").receive_message)).type,
        (await refused(ada.get_queue("mine").delete)).type,
    ]

    assert denied == ["AccessDenied"] * 3


async def test_wrong_signatures_keys_and_hosts_are_refused(cloud: Memory, sdks: Sdks) -> None:
    port = sdks.endpoint.partition(":")[2]
    forged = Sdks(sdks.endpoint, sdks.key, "made-up").mns()
    unknown = Sdks(sdks.endpoint, "LTAINobody", "made-up").mns()
    owner = await cloud.cloud.services.ram.account_id()
    host = f"{owner}.mns.cn-beijing.localhost:{port}"
    there = sdks.mns()
    there.mns_client.host = host  # what is signed and sent as Host; the connection stays where it is

    assert (await refused(forged.list_queue)).type == "SignatureDoesNotMatch"
    assert (await refused(unknown.list_queue)).type == "InvalidAccessKeyId"
    url = await aside(there.get_queue("north").create, QueueMeta())
    here, _ = await aside(sdks.mns().list_queue)
    assert (url, here) == (f"http://{host}/queues/north", [])
    there.mns_client.host = host.replace(owner, "1111111111111111")
    assert (await refused(there.list_queue)).type == "AccessDenied"


async def test_delayed_messages_come_in_the_order_of_their_delays(cloud: Memory, sdks: Sdks) -> None:
    queue = sdks.mns().get_queue("later")
    await aside(queue.create, QueueMeta())
    for name, delay in (("third", 2), ("first", 0), ("second", 1)):
        await aside(queue.send_message, Message(name, delay_seconds=delay))

    waited = [await aside(sdks.mns().get_queue("later").receive_message, 10) for _ in range(3)]

    assert [text(one) for one in waited] == ["first", "second", "third"]
    assert timedelta(milliseconds=waited[2].first_dequeue_time - waited[2].enqueue_time) >= timedelta(seconds=2)

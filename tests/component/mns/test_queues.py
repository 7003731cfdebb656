"""Queues: bounds, retention, receipts, long polls of several processes, and nothing lost or given twice."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from support.mns import MnsWorld, make_mns
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.reconcile.mns import MnsController
from tidegate.services.mns import limits, receipts
from tidegate.services.mns.requests import QueueAttributes
from tidegate.store.mns.messages import Message, Receipt


def receipt_of(message: Message) -> str:
    return receipts.write(Receipt(message.position, message.dequeue_count, message.visible_at))


async def refusal(attempt: object) -> tuple[str, str]:
    with pytest.raises(CloudError) as caught:
        await attempt  # type: ignore[misc]
    return caught.value.code, caught.value.message


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"visibility_timeout": 0}, "The value of VisibilityTimeout should between 1 and 43200 seconds."),
        ({"maximum_message_size": 1023}, "The value of MaximumMessageSize should between 1024 and 65536 bytes."),
        ({"polling_wait_seconds": 31}, "The value of PollingWaitSeconds should between 0 and 30 seconds."),
        ({"message_retention_period": 59}, "The value of MessageRetentionPeriod should between 60 and 604800 seconds."),
    ],
)
async def test_attributes_have_bounds(world: MnsWorld, attributes: dict[str, int], message: str) -> None:
    assert await refusal(world.queue("q", **attributes)) == ("InvalidArgument", message)


@pytest.mark.parametrize(
    ("name", "code"), [("-a", "InvalidQueueName"), ("a_b", "InvalidQueueName"), ("a" * 121, "QueueNameLengthError")]
)
async def test_names_have_a_form(world: MnsWorld, name: str, code: str) -> None:
    assert (await refusal(world.queue(name)))[0] == code


async def test_messages_have_bounds(world: MnsWorld) -> None:
    await world.queue("q", maximum_message_size=1024)

    refusals = [
        await refusal(world.send("q", "x" * 1025)),
        await refusal(world.send("q", "潮" * 342)),
        await refusal(world.send("q", "x", priority=17)),
        await refusal(world.send("q", "x", delay_seconds=604801)),
        await refusal(world.send("q", *["x"] * 17)),
        await refusal(world.receive("q", 17)),
    ]

    assert {code for code, _ in refusals} == {"InvalidArgument"}
    assert await refusal(world.receive("q", 1)) == ("MessageNotExist", "Message not exist.")


async def test_a_message_is_gone_after_its_retention(world: MnsWorld) -> None:
    await world.queue("q", message_retention_period=60)
    await world.send("q", "old")
    await MnsController(world.mns).begin()
    await world.driver.advance(seconds=61)

    assert (await refusal(world.receive("q")))[0] == "MessageNotExist"
    await world.driver.advance(minutes=6)
    async with world.database.connection() as db:
        assert await db.fetchval("select count(*) from mns_message") == 0


async def test_a_received_message_comes_back_and_its_old_receipt_is_worth_nothing(world: MnsWorld) -> None:
    await world.queue("q", visibility_timeout=10)
    await world.send("q", "once")
    [first] = await world.receive("q")
    world.clock.advance(first.visible_at - world.clock.now())
    [second] = await world.receive("q")

    stale = await world.mns.messages.delete(world.call, "q", [receipt_of(first), "", "no receipt", "AAAA"])
    done = await world.mns.messages.delete(world.call, "q", [receipt_of(second)])

    assert (first.id, second.id, second.dequeue_count) == (second.id, first.id, 2)
    assert {failure.error.code for failure in stale} == {"ReceiptHandleError"}
    assert (len(stale), done) == (4, [])


async def test_a_receipt_is_no_good_in_another_queue(world: MnsWorld) -> None:
    await world.queue("q")
    await world.queue("other")
    await world.send("q", "mine")
    [message] = await world.receive("q")

    failed = await world.mns.messages.delete(world.call, "other", [receipt_of(message)])

    assert [failure.error.code for failure in failed] == ["ReceiptHandleError"]
    assert await world.mns.messages.delete(world.call, "q", [receipt_of(message)]) == []


async def test_many_receivers_share_a_queue_without_getting_a_message_twice(world: MnsWorld) -> None:
    await world.queue("q")
    for start in range(0, 160, 16):
        await world.send("q", *(f"m{number}" for number in range(start, start + 16)))

    async def drain() -> list[str]:
        got: list[str] = []
        while True:
            try:
                got += [message.body for message in await world.receive("q", 5)]
            except CloudError:
                return got

    shares = await asyncio.gather(*(drain() for _ in range(6)))

    assert Counter(body for share in shares for body in share) == Counter(f"m{number}" for number in range(160))


async def test_a_poll_in_another_process_is_woken_too(world: MnsWorld) -> None:
    await world.queue("q")
    other = make_mns(world.database, world.clock, Ids(seed=2))
    polls = [asyncio.create_task(other.receive("q", 1, 20)) for _ in range(2)]
    await other.until_waiting(2)

    await world.send("q", "here", "there")
    found = await asyncio.wait_for(asyncio.gather(*polls), 10)

    assert sorted(message.body for [message] in found) == ["here", "there"]
    await other.mns.close()


async def test_a_poll_gets_a_message_the_moment_it_becomes_visible_again(world: MnsWorld) -> None:
    await world.queue("q", visibility_timeout=1)
    await world.send("q", "back")
    [first] = await world.receive("q")

    [second] = await world.receive("q", 1, 20)

    assert (second.id, second.dequeue_count) == (first.id, 2)
    assert second.first_dequeued_at == first.first_dequeued_at


async def test_polls_beyond_the_bound_are_sent_away_at_once_and_so_is_everybody_when_the_cloud_stops(
    world: MnsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "POLLS_OF_A_QUEUE", 1)
    await world.queue("q")
    waiting = asyncio.create_task(world.receive("q", 1, 30))
    await world.until_waiting(1)

    assert (await refusal(world.receive("q", 1, 30)))[0] == "MessageNotExist"
    await world.mns.close()
    assert (await refusal(waiting))[0] == "MessageNotExist"


async def test_a_poll_ends_when_its_queue_is_deleted(world: MnsWorld) -> None:
    await world.queue("q")
    waiting = asyncio.create_task(world.receive("q", 1, 30))
    await world.until_waiting(1)

    await world.mns.queues.delete(world.call, "q")

    assert (await refusal(waiting))[0] == "QueueNotExist"


async def test_only_what_is_named_is_changed(world: MnsWorld) -> None:
    await world.queue("q", visibility_timeout=5, delay_seconds=3)
    await world.mns.queues.change(world.call, QueueAttributes(queue_name="q", delay_seconds=4))

    queue, _ = await world.mns.queues.describe(world.call, "q")

    assert (queue.attributes.visibility_timeout, queue.attributes.delay_seconds) == (5, 4)


async def test_the_same_id_is_put_once(world: MnsWorld) -> None:
    await world.queue("q")
    for _ in range(2):
        await world.mns.send(world.call.account_id, "cn-hangzhou", "q", "hello", message_id="M-1")

    [only] = await world.receive("q")

    assert (only.id, only.body) == ("M-1", "hello")

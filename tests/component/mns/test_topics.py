"""Topics: who is given what, and how pushes are tried again."""

from __future__ import annotations

import pytest

from support.crashing import Crash, watched_points
from support.mns import ACCOUNT, ENDPOINT, REGION, MnsWorld
from tidegate.errors import CloudError
from tidegate.services.mns.publishing import pauses
from tidegate.services.mns.requests import Subscribe

TOPIC = (ACCOUNT, REGION, "news")


async def publish(world: MnsWorld, body: str = "hello", tag: str = "", message_id: str = "M-1") -> None:
    await world.mns.publishing.publish(TOPIC, body, tag, message_id)
    await world.driver.settle()


async def test_an_endpoint_is_pushed_to_until_it_takes_the_message(world: MnsWorld) -> None:
    await world.topic("news", hook=ENDPOINT)
    world.receiver.answers = False
    await publish(world)
    await world.driver.advance(seconds=16)
    assert world.receiver.got == ["M-1", "M-1"]

    world.receiver.answers = True
    await world.driver.advance(seconds=16)
    await world.driver.advance(hours=1)

    assert world.receiver.got == ["M-1", "M-1", "M-1"]
    assert (await world.mns.topics.describe(world.call, "news"))[1] == 0


async def test_a_message_nobody_takes_is_given_up_after_the_strategy_s_tries(world: MnsWorld) -> None:
    await world.topic("news", hook=ENDPOINT)
    world.receiver.answers = False
    await publish(world)
    for _ in range(6):
        await world.driver.advance(seconds=20)

    assert len(world.receiver.got) == 4
    assert (await world.mns.topics.describe(world.call, "news"))[1] == 0


async def test_the_long_strategy_tries_for_a_day(world: MnsWorld) -> None:
    await world.topic("news", hook=ENDPOINT)
    await world.mns.topics.set_strategy(world.call, "news", "hook", "EXPONENTIAL_DECAY_RETRY")
    world.receiver.answers = False
    await publish(world)
    for seconds in (1, 2, 4, 8, 16):
        await world.driver.advance(seconds=seconds + 0.1)

    waits = pauses("EXPONENTIAL_DECAY_RETRY")
    assert len(world.receiver.got) == 6
    assert (len(waits), waits[:3], waits[8:12]) == (176, [1, 2, 4], [256, 512, 512, 512])


async def test_a_queue_that_is_made_later_gets_what_was_published_before(world: MnsWorld) -> None:
    await world.topic("news", late=world.queue_endpoint("later"))
    await publish(world)
    await world.queue("later")
    await world.driver.advance(seconds=16)

    [message] = await world.receive("later")

    assert message.body == "hello"


async def test_publishing_the_same_id_again_gives_it_to_nobody_twice(world: MnsWorld) -> None:
    await world.queue("q")
    await world.topic("news", queue=world.queue_endpoint("q"), hook=ENDPOINT)
    world.receiver.answers = False
    await publish(world)
    await publish(world)

    assert len(await world.receive("q")) == 1
    assert world.receiver.got == ["M-1"]


async def test_what_a_subscriber_has_not_got_goes_with_its_subscription(world: MnsWorld) -> None:
    await world.topic("news", hook=ENDPOINT)
    world.receiver.answers = False
    await publish(world)
    await world.mns.topics.unsubscribe(world.call, "news", "hook")
    await world.driver.advance(hours=1)

    assert world.receiver.got == ["M-1"]


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:9",
        "http://127.0.0.1:9/hooks",
        "http://127.0.0.1:9/hook/../admin",
        "http://127.0.0.1:9/hook/%2e%2e/admin",
        "http://user@127.0.0.1:9/hook",
        "https://127.0.0.1:9/hook",
        "http://127.0.0.1:99/hook",
        "ftp://127.0.0.1:9/hook",
        f"acs:mns:{REGION}:1111111111111111:queues/q",
        f"acs:mns:cn-beijing:{ACCOUNT}:queues/q",
        "mail:directmail:a@b",
    ],
)
async def test_messages_go_nowhere_but_to_own_queues_and_allowed_addresses(world: MnsWorld, endpoint: str) -> None:
    await world.topic("news")

    with pytest.raises(CloudError) as caught:
        await world.mns.topics.subscribe(
            world.call, Subscribe(topic_name="news", subscription_name="s", endpoint=endpoint)
        )

    assert caught.value.code == "EndpointInvalid"


async def test_a_subscription_is_made_once_and_differs_never(world: MnsWorld) -> None:
    await world.topic("news", hook=ENDPOINT)
    same = Subscribe(
        topic_name="news", subscription_name="hook", endpoint=f"{ENDPOINT}/deeper", notify_content_format="SIMPLIFIED"
    )

    with pytest.raises(CloudError) as caught:
        await world.mns.topics.subscribe(world.call, same)
    same.endpoint = ENDPOINT

    assert caught.value.code == "SubscriptionAlreadyExist"
    assert await world.mns.topics.subscribe(world.call, same) is False


async def test_wherever_the_process_dies_a_push_arrives_and_is_over(world: MnsWorld) -> None:
    await world.topic("news", hook=ENDPOINT)
    number, finished = 0, False
    while not finished:
        number += 1
        with watched_points() as points:
            points.crash_after = number
            try:
                await publish(world, message_id=f"M-{number}")
                finished = True
            except Crash:
                await world.driver.settle()
        assert 1 <= world.receiver.got.count(f"M-{number}") <= 2, points.passed
        async with world.database.connection() as db:
            assert await db.fetchval("select count(*) from mns_push") == 0
    assert number > 5

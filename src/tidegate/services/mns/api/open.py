"""The same queues and topics through Mns-open (2022-01-19), which has what the console does: no messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from tidegate.services.mns import limits, refusals
from tidegate.services.mns.api.product import on_queue, on_subscription, on_subscriptions, on_topic, url
from tidegate.services.mns.notification import milliseconds
from tidegate.services.mns.requests import Listing, ListSubscriptionByTopic, QueueAttributes, Subscribe, TopicAttributes
from tidegate.services.mns.service import Mns
from tidegate.services.operation import Answer, Call, Product, Request
from tidegate.store.mns.queues import Counts, Queue
from tidegate.store.mns.topics import Subscription, Topic

T = TypeVar("T")

mns_open = Product(name="Mns-open", code="mns", versions=("2022-01-19",), denial=refusals.denied)

_PAGE = 50


# ---- requests --------------------------------------------------------------------------------------------------------


class OpenQueue(Request, kw_only=True):
    """A queue, with what is to be set on it."""

    queue_name: str
    delay_seconds: int | None = None
    maximum_message_size: int | None = None
    message_retention_period: int | None = None
    visibility_timeout: int | None = None
    polling_wait_seconds: int | None = None
    enable_logging: bool | None = None


class OpenTopic(Request, kw_only=True):
    """A topic, with what is to be set on it."""

    topic_name: str
    max_message_size: int | None = None
    enable_logging: bool | None = None


class OpenSubscription(Request, kw_only=True):
    """A subscription."""

    topic_name: str
    subscription_name: str


class OpenStrategy(OpenSubscription, kw_only=True):
    """A subscription whose strategy is to be set."""

    notify_strategy: str


class OpenSubscribe(OpenSubscription, kw_only=True):
    """A subscription that is to be made; ``push_type`` is ``queue`` or ``http``."""

    endpoint: str
    push_type: str
    message_tag: str = ""
    notify_strategy: str = "BACKOFF_RETRY"
    notify_content_format: str = "XML"


class OpenPage(Request, kw_only=True):
    """A page of a list; names by a part of them."""

    page_num: int = 1
    page_size: int = 10


class OpenQueues(OpenPage, kw_only=True):
    """A page of queues."""

    queue_name: str = ""


class OpenTopics(OpenPage, kw_only=True):
    """A page of topics."""

    topic_name: str = ""


class OpenSubscriptions(OpenPage, kw_only=True):
    """A page of a topic's subscriptions."""

    topic_name: str
    subscription_name: str = ""


# ---- answers ---------------------------------------------------------------------------------------------------------


class Outcome(Answer, kw_only=True):
    """What every answer begins with, and what it is about."""

    code: int = 200
    status: str = "Success"
    message: str = "operation success"
    success: bool = True
    data: Any = msgspec.UNSET


class Fine(Answer, kw_only=True):
    """What a change says once more about itself."""

    code: int = 200
    message: str = "operation success"
    success: bool = True


class PageView(Answer, kw_only=True):
    """A page."""

    page_num: int
    page_size: int
    pages: int
    size: int
    total: int
    page_data: list[Any]


class OpenQueueView(Answer, kw_only=True):
    """A queue."""

    queue_name: str
    create_time: int
    last_modify_time: int
    delay_seconds: int
    maximum_message_size: int
    message_retention_period: int
    visibility_timeout: int
    polling_wait_seconds: int
    logging_enabled: bool
    active_messages: int
    inactive_messages: int
    delay_messages: int


class OpenTopicView(Answer, kw_only=True):
    """A topic."""

    topic_name: str
    create_time: int
    last_modify_time: int
    max_message_size: int
    message_retention_period: int
    message_count: int
    logging_enabled: bool
    topic_url: str


class OpenSubscriptionView(Answer, kw_only=True):
    """A subscription."""

    subscription_name: str
    topic_name: str
    topic_owner: str
    endpoint: str
    filter_tag: str
    notify_strategy: str
    notify_content_format: str
    create_time: int
    last_modify_time: int


def _queue(queue: Queue, counts: Counts) -> OpenQueueView:
    return OpenQueueView(
        queue_name=queue.name,
        create_time=milliseconds(queue.created_at) // 1000,
        last_modify_time=milliseconds(queue.modified_at) // 1000,
        active_messages=counts.active,
        inactive_messages=counts.inactive,
        delay_messages=counts.delayed,
        **msgspec.structs.asdict(queue.attributes),
    )


def _topic(call: Call, topic: Topic, waiting: int) -> OpenTopicView:
    return OpenTopicView(
        topic_name=topic.name,
        create_time=milliseconds(topic.created_at) // 1000,
        last_modify_time=milliseconds(topic.modified_at) // 1000,
        max_message_size=topic.maximum_message_size,
        message_retention_period=int(limits.TOPIC_RETENTION.total_seconds()),
        message_count=waiting,
        logging_enabled=topic.logging_enabled,
        topic_url=url(call, f"/topics/{topic.name}"),
    )


def _subscription(topic: Topic, one: Subscription) -> OpenSubscriptionView:
    return OpenSubscriptionView(
        subscription_name=one.name,
        topic_name=topic.name,
        topic_owner=topic.account_id,
        endpoint=one.endpoint,
        filter_tag=one.filter_tag,
        notify_strategy=one.notify_strategy,
        notify_content_format=one.content_format,
        create_time=milliseconds(one.created_at) // 1000,
        last_modify_time=milliseconds(one.modified_at) // 1000,
    )


def _page(request: OpenPage, found: Sequence[T]) -> tuple[Sequence[T], PageView]:
    """Return the part of a list that is asked for, and the page around it."""
    if request.page_num < 1:
        raise mns_open.invalid("PageNum")
    if not 1 <= request.page_size <= _PAGE:
        raise mns_open.invalid("PageSize")
    start = (request.page_num - 1) * request.page_size
    part = found[start : start + request.page_size]
    pages = -(-len(found) // request.page_size)
    view = PageView(
        page_num=request.page_num,
        page_size=request.page_size,
        pages=pages,
        size=len(part),
        total=len(found),
        page_data=[],
    )
    return part, view


def _wanted_queue(request: OpenQueue) -> QueueAttributes:
    given = msgspec.structs.asdict(request)
    return QueueAttributes(logging_enabled=given.pop("enable_logging"), **given)


def _wanted_topic(request: OpenTopic) -> TopicAttributes:
    return TopicAttributes(
        topic_name=request.topic_name,
        maximum_message_size=request.max_message_size,
        logging_enabled=request.enable_logging,
    )


# ---- queues ----------------------------------------------------------------------------------------------------------


@mns_open.operation("CreateQueue", on=on_queue)
async def create_queue(service: Mns, call: Call, request: OpenQueue) -> Outcome:
    """Make a queue."""
    await service.queues.create(call, _wanted_queue(request))
    return Outcome(data=Fine())


@mns_open.operation("SetQueueAttributes", on=on_queue)
async def set_queue_attributes(service: Mns, call: Call, request: OpenQueue) -> Outcome:
    """Change the attributes of a queue."""
    await service.queues.change(call, _wanted_queue(request))
    return Outcome(data=Fine())


@mns_open.operation("GetQueueAttributes", on=on_queue)
async def get_queue_attributes(service: Mns, call: Call, request: OpenQueue) -> Outcome:
    """Show a queue and how many messages it has."""
    return Outcome(data=_queue(*await service.queues.describe(call, request.queue_name)))


@mns_open.operation("DeleteQueue", on=on_queue)
async def delete_queue(service: Mns, call: Call, request: OpenQueue) -> Outcome:
    """Delete a queue with its messages."""
    await service.queues.delete(call, request.queue_name)
    return Outcome()


@mns_open.operation("ListQueue")
async def list_queue(service: Mns, call: Call, request: OpenQueues) -> Outcome:
    """List queues by name."""
    found, _ = await service.queues.page(call, Listing())
    part, page = _page(request, [queue.name for queue, _ in found if request.queue_name in queue.name])
    page.page_data = [_queue(*await service.queues.describe(call, name)) for name in part]
    return Outcome(data=page)


# ---- topics ----------------------------------------------------------------------------------------------------------


@mns_open.operation("CreateTopic", on=on_topic)
async def create_topic(service: Mns, call: Call, request: OpenTopic) -> Outcome:
    """Make a topic."""
    await service.topics.create(call, _wanted_topic(request))
    return Outcome(data=Fine())


@mns_open.operation("SetTopicAttributes", on=on_topic)
async def set_topic_attributes(service: Mns, call: Call, request: OpenTopic) -> Outcome:
    """Change the attributes of a topic."""
    await service.topics.change(call, _wanted_topic(request))
    return Outcome(data=Fine())


@mns_open.operation("GetTopicAttributes", on=on_topic)
async def get_topic_attributes(service: Mns, call: Call, request: OpenTopic) -> Outcome:
    """Show a topic."""
    return Outcome(data=_topic(call, *await service.topics.describe(call, request.topic_name)))


@mns_open.operation("DeleteTopic", on=on_topic)
async def delete_topic(service: Mns, call: Call, request: OpenTopic) -> Outcome:
    """Delete a topic with its subscriptions."""
    await service.topics.delete(call, request.topic_name)
    return Outcome()


@mns_open.operation("ListTopic")
async def list_topic(service: Mns, call: Call, request: OpenTopics) -> Outcome:
    """List topics by name."""
    found, _ = await service.topics.page(call, Listing())
    part, page = _page(request, [topic.name for topic, _ in found if request.topic_name in topic.name])
    page.page_data = [_topic(call, *await service.topics.describe(call, name)) for name in part]
    return Outcome(data=page)


# ---- subscriptions ---------------------------------------------------------------------------------------------------


@mns_open.operation("Subscribe", on=on_subscription)
async def subscribe(service: Mns, call: Call, request: OpenSubscribe) -> Outcome:
    """Have a topic's messages given to a queue or an address."""
    is_queue = request.endpoint.startswith("acs:mns:")
    if request.push_type != ("queue" if is_queue else "http"):
        raise mns_open.invalid("PushType")
    wanted = Subscribe(
        topic_name=request.topic_name,
        subscription_name=request.subscription_name,
        endpoint=request.endpoint,
        filter_tag=request.message_tag,
        notify_strategy=request.notify_strategy,
        notify_content_format=request.notify_content_format,
    )
    await service.topics.subscribe(call, wanted)
    return Outcome(data=Fine())


@mns_open.operation("SetSubscriptionAttributes", on=on_subscription)
async def set_subscription_attributes(service: Mns, call: Call, request: OpenStrategy) -> Outcome:
    """Change how often a push is tried again."""
    await service.topics.set_strategy(call, request.topic_name, request.subscription_name, request.notify_strategy)
    return Outcome()


@mns_open.operation("GetSubscriptionAttributes", on=on_subscription)
async def get_subscription_attributes(service: Mns, call: Call, request: OpenSubscription) -> Outcome:
    """Show a subscription."""
    topic, found = await service.topics.subscription(call, request.topic_name, request.subscription_name)
    return Outcome(data=_subscription(topic, found))


@mns_open.operation("Unsubscribe", on=on_subscription)
async def unsubscribe(service: Mns, call: Call, request: OpenSubscription) -> Outcome:
    """Delete a subscription."""
    await service.topics.unsubscribe(call, request.topic_name, request.subscription_name)
    return Outcome()


@mns_open.operation("ListSubscriptionByTopic", on=on_subscriptions)
async def list_subscription_by_topic(service: Mns, call: Call, request: OpenSubscriptions) -> Outcome:
    """List the subscriptions of a topic by name."""
    topic, found, _ = await service.topics.subscriptions(call, ListSubscriptionByTopic(topic_name=request.topic_name))
    part, page = _page(request, [one for one in found if request.subscription_name in one.name])
    page.page_data = [_subscription(topic, one) for one in part]
    return Outcome(data=page)

"""Topics and subscriptions: the operations (2015-06-06)."""

from __future__ import annotations

import msgspec

from tidegate.services.mns import limits
from tidegate.services.mns.api.product import (
    mns,
    on_subscription,
    on_subscriptions,
    on_topic,
    on_topic_messages,
    on_topics,
    url,
)
from tidegate.services.mns.api.queues import Made
from tidegate.services.mns.notification import milliseconds
from tidegate.services.mns.requests import (
    Listing,
    ListSubscriptionByTopic,
    NamedSubscription,
    NamedTopic,
    PublishMessage,
    SetSubscriptionAttributes,
    Subscribe,
    TopicAttributes,
)
from tidegate.services.mns.service import Mns
from tidegate.services.operation import Answer, Call, Done
from tidegate.store.mns.topics import Topic
from tidegate.wire.mns import body_md5


class TopicView(Answer, kw_only=True):
    """A topic in full, or in a list its address alone."""

    topic_url: str | msgspec.UnsetType = msgspec.field(name="TopicURL", default=msgspec.UNSET)
    topic_name: str | msgspec.UnsetType = msgspec.UNSET
    create_time: int | msgspec.UnsetType = msgspec.UNSET
    last_modify_time: int | msgspec.UnsetType = msgspec.UNSET
    maximum_message_size: int | msgspec.UnsetType = msgspec.UNSET
    message_retention_period: int | msgspec.UnsetType = msgspec.UNSET
    message_count: int | msgspec.UnsetType = msgspec.UNSET
    logging_enabled: bool | msgspec.UnsetType = msgspec.UNSET


class TopicPage(Answer):
    """A page of topics."""

    topic: list[TopicView]
    next_marker: str | msgspec.UnsetType = msgspec.UNSET


class SubscriptionView(Answer, kw_only=True):
    """A subscription in full, or in a list its address alone."""

    subscription_url: str | msgspec.UnsetType = msgspec.field(name="SubscriptionURL", default=msgspec.UNSET)
    subscription_name: str | msgspec.UnsetType = msgspec.UNSET
    subscriber: str | msgspec.UnsetType = msgspec.UNSET
    topic_owner: str | msgspec.UnsetType = msgspec.UNSET
    topic_name: str | msgspec.UnsetType = msgspec.UNSET
    endpoint: str | msgspec.UnsetType = msgspec.UNSET
    notify_strategy: str | msgspec.UnsetType = msgspec.UNSET
    notify_content_format: str | msgspec.UnsetType = msgspec.UNSET
    filter_tag: str | msgspec.UnsetType = msgspec.UNSET
    create_time: int | msgspec.UnsetType = msgspec.UNSET
    last_modify_time: int | msgspec.UnsetType = msgspec.UNSET


class SubscriptionPage(Answer):
    """A page of subscriptions."""

    subscription: list[SubscriptionView]
    next_marker: str | msgspec.UnsetType = msgspec.UNSET


class Published(Answer):
    """A message that was published."""

    message_id: str
    message_body_md5: str = msgspec.field(name="MessageBodyMD5")


def _path(name: str) -> str:
    return f"/topics/{name}"


def _shown(topic: Topic, waiting: int, address: str | msgspec.UnsetType = msgspec.UNSET) -> TopicView:
    return TopicView(
        topic_url=address,
        topic_name=topic.name,
        create_time=milliseconds(topic.created_at) // 1000,
        last_modify_time=milliseconds(topic.modified_at) // 1000,
        maximum_message_size=topic.maximum_message_size,
        message_retention_period=int(limits.TOPIC_RETENTION.total_seconds()),
        message_count=waiting,
        logging_enabled=topic.logging_enabled,
    )


@mns.operation("CreateTopic", on=on_topic)
async def create_topic(service: Mns, call: Call, request: TopicAttributes) -> Made:
    """Make a topic."""
    created = await service.topics.create(call, request)
    return Made(url(call, _path(request.topic_name)), not created)


@mns.operation("SetTopicAttributes", on=on_topic)
async def set_topic_attributes(service: Mns, call: Call, request: TopicAttributes) -> Done:
    """Change the attributes of a topic."""
    await service.topics.change(call, request)
    return Done()


@mns.operation("GetTopicAttributes", on=on_topic)
async def get_topic_attributes(service: Mns, call: Call, request: NamedTopic) -> TopicView:
    """Show a topic."""
    return _shown(*await service.topics.describe(call, request.topic_name))


@mns.operation("DeleteTopic", on=on_topic)
async def delete_topic(service: Mns, call: Call, request: NamedTopic) -> Done:
    """Delete a topic with its subscriptions."""
    await service.topics.delete(call, request.topic_name)
    return Done()


@mns.operation("ListTopic", on=on_topics)
async def list_topic(service: Mns, call: Call, request: Listing) -> TopicPage:
    """List topics by name."""
    found, marker = await service.topics.page(call, request)
    views = []
    for topic, waiting in found:
        address = url(call, _path(topic.name))
        views.append(TopicView(topic_url=address) if waiting is None else _shown(topic, waiting, address))
    return TopicPage(views, marker or msgspec.UNSET)


@mns.operation("Subscribe", on=on_subscription)
async def subscribe(service: Mns, call: Call, request: Subscribe) -> Made:
    """Have a topic's messages given to a queue or an address."""
    created = await service.topics.subscribe(call, request)
    path = f"{_path(request.topic_name)}/subscriptions/{request.subscription_name}"
    return Made(url(call, path), not created)


@mns.operation("SetSubscriptionAttributes", on=on_subscription)
async def set_subscription_attributes(service: Mns, call: Call, request: SetSubscriptionAttributes) -> Done:
    """Change how often a push is tried again."""
    await service.topics.set_strategy(call, request.topic_name, request.subscription_name, request.notify_strategy)
    return Done()


@mns.operation("GetSubscriptionAttributes", on=on_subscription)
async def get_subscription_attributes(service: Mns, call: Call, request: NamedSubscription) -> SubscriptionView:
    """Show a subscription."""
    topic, found = await service.topics.subscription(call, request.topic_name, request.subscription_name)
    return SubscriptionView(
        subscription_name=found.name,
        subscriber=topic.account_id,
        topic_owner=topic.account_id,
        topic_name=topic.name,
        endpoint=found.endpoint,
        notify_strategy=found.notify_strategy,
        notify_content_format=found.content_format,
        filter_tag=found.filter_tag or msgspec.UNSET,
        create_time=milliseconds(found.created_at) // 1000,
        last_modify_time=milliseconds(found.modified_at) // 1000,
    )


@mns.operation("Unsubscribe", on=on_subscription)
async def unsubscribe(service: Mns, call: Call, request: NamedSubscription) -> Done:
    """Delete a subscription."""
    await service.topics.unsubscribe(call, request.topic_name, request.subscription_name)
    return Done()


@mns.operation("ListSubscriptionByTopic", on=on_subscriptions)
async def list_subscription_by_topic(service: Mns, call: Call, request: ListSubscriptionByTopic) -> SubscriptionPage:
    """List the subscriptions of a topic by name."""
    topic, found, marker = await service.topics.subscriptions(call, request)
    path = f"{_path(topic.name)}/subscriptions/"
    views = [SubscriptionView(subscription_url=url(call, path + one.name)) for one in found]
    return SubscriptionPage(views, marker or msgspec.UNSET)


@mns.operation("PublishMessage", on=on_topic_messages)
async def publish_message(service: Mns, call: Call, request: PublishMessage) -> Published:
    """Publish a message to a topic's subscribers."""
    message_id = service.around.ids.uuid().replace("-", "")
    key = call.account_id, call.region, request.topic_name
    await service.publishing.publish(key, request.message_body, request.message_tag, message_id)
    return Published(message_id, body_md5(request.message_body))

"""What is asked of MNS. Names are those of the XML elements, query items and headers that carry them."""

from __future__ import annotations

import msgspec

from tidegate.services.operation import Request


class QueueAttributes(Request, kw_only=True):
    """What can be set on a queue; what is absent has its default, or stays."""

    queue_name: str
    delay_seconds: int | None = None
    maximum_message_size: int | None = None
    message_retention_period: int | None = None
    visibility_timeout: int | None = None
    polling_wait_seconds: int | None = None
    logging_enabled: bool | None = None


class NamedQueue(Request):
    """A queue."""

    queue_name: str


class Listing(Request, kw_only=True):
    """A page of a list."""

    prefix: str = ""
    marker: str = ""
    ret_number: int = 1_000
    with_meta: bool = False


class Property(Request, kw_only=True):
    """A property of a message."""

    name: str
    value: str
    type: str


class UserProperties(Request, kw_only=True):
    """The sender's own properties."""

    property_value: tuple[Property, ...] = ()


class SystemProperties(Request, kw_only=True):
    """Properties that the system knows: trace ids."""

    system_property_value: tuple[Property, ...] = ()


class Body(Request, kw_only=True):
    """A message to be sent."""

    message_body: str
    delay_seconds: int | None = None
    priority: int | None = None
    user_properties: UserProperties | None = None
    system_properties: SystemProperties | None = None


class SendMessage(Body, kw_only=True):
    """SendMessage."""

    queue_name: str


class BatchSendMessage(Request, kw_only=True):
    """BatchSendMessage."""

    queue_name: str
    message: tuple[Body, ...]


class ReceiveMessage(Request, kw_only=True):
    """ReceiveMessage and PeekMessage."""

    queue_name: str
    wait_seconds: int | None = msgspec.field(name="waitseconds", default=None)


class BatchReceiveMessage(ReceiveMessage, kw_only=True):
    """BatchReceiveMessage and BatchPeekMessage."""

    number: int = msgspec.field(name="numOfMessages")


class DeleteMessage(Request, kw_only=True):
    """DeleteMessage."""

    queue_name: str
    receipt_handle: str


class BatchDeleteMessage(Request, kw_only=True):
    """BatchDeleteMessage."""

    queue_name: str
    receipt_handle: tuple[str, ...]


class ChangeMessageVisibility(Request, kw_only=True):
    """ChangeMessageVisibility."""

    queue_name: str
    receipt_handle: str
    visibility_timeout: int


class TopicAttributes(Request, kw_only=True):
    """What can be set on a topic."""

    topic_name: str
    maximum_message_size: int | None = None
    logging_enabled: bool | None = None


class NamedTopic(Request):
    """A topic."""

    topic_name: str


class Subscribe(Request, kw_only=True):
    """Subscribe."""

    topic_name: str
    subscription_name: str
    endpoint: str
    filter_tag: str = ""
    notify_strategy: str = "BACKOFF_RETRY"
    notify_content_format: str = "XML"


class NamedSubscription(Request):
    """A subscription."""

    topic_name: str
    subscription_name: str


class SetSubscriptionAttributes(NamedSubscription):
    """SetSubscriptionAttributes."""

    notify_strategy: str


class ListSubscriptionByTopic(Listing, kw_only=True):
    """ListSubscriptionByTopic."""

    topic_name: str


class PublishMessage(Request, kw_only=True):
    """PublishMessage."""

    topic_name: str
    message_body: str
    message_tag: str = ""

"""What a subscriber is given: the message alone, or with what is known about it (NotifyContentFormat). Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from tidegate.store.mns.topics import Subscription, Topic
from tidegate.wire.mns import body_md5, write_xml


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was published."""

    message_id: str
    body: str
    tag: str
    published_at: datetime


def content(publication: Publication, topic: Topic, subscription: Subscription) -> str:
    """Return the body that a subscriber is given."""
    match subscription.content_format:
        case "SIMPLIFIED":
            return publication.body
        case "JSON":
            return msgspec.json.encode(_fields(publication, topic, subscription)).decode()
        case "XML":
            return write_xml("Notification", _fields(publication, topic, subscription)).decode()


def content_type(subscription: Subscription) -> str:
    """Return the content type of a push."""
    # ASSUMPTION on JSON: the page shows the other two
    types = {"SIMPLIFIED": "text/plain;charset=utf-8", "XML": "text/xml;charset=utf-8", "JSON": "application/json"}
    return types[subscription.content_format]


def milliseconds(moment: datetime) -> int:
    """Return a moment as MNS writes it: milliseconds since 1970."""
    return round(moment.timestamp() * 1000)


def _fields(publication: Publication, topic: Topic, subscription: Subscription) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "TopicOwner": topic.account_id,
        "TopicName": topic.name,
        "Subscriber": topic.account_id,
        "SubscriptionName": subscription.name,
        "MessageId": publication.message_id,
        "Message": publication.body,
        "MessageMD5": body_md5(publication.body),
    }
    if publication.tag:
        fields["MessageTag"] = publication.tag
    return {**fields, "PublishTime": str(milliseconds(publication.published_at))}

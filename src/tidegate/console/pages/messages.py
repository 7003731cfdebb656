"""Message Service: queues and topics, what waits in them, who is subscribed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from tidegate.console.page import Page

_PER_PAGE = 50
_PEEKED = 16


async def messages(page: Page) -> Response:
    """Show all queues, or all topics."""
    tab = "topics" if page.query.get("tab") == "topics" else "queues"
    found = await page.look(
        "mns",
        "ListTopic" if tab == "topics" else "ListQueue",
        RetNumber=_PER_PAGE,
        WithMeta=True,
        Marker=page.query.get("token") or None,
    )
    return page.render("mns.html", tab=tab, found=found, rows=found.rows("Topic" if tab == "topics" else "Queue"))


async def queue(page: Page) -> Response:
    """Show one queue, and what would be received next; looking takes nothing out."""
    name = page.path("name")
    one = await page.call("mns", "GetQueueAttributes", QueueName=name)
    waiting = await page.look("mns", "BatchPeekMessage", QueueName=name, numOfMessages=_PEEKED)
    nothing_waits = waiting.refusal is not None and waiting.refusal.code == "MessageNotExist"
    return page.render(
        "mns_queue.html",
        name=name,
        one=one,
        waiting=waiting,
        nothing_waits=nothing_waits,
        rows=[(message, readable(message)) for message in waiting.rows("Message")],
    )


async def topic(page: Page) -> Response:
    """Show one topic and who is subscribed to it."""
    name = page.path("name")
    one = await page.call("mns", "GetTopicAttributes", TopicName=name)
    found, queues = await page.together(
        page.look("mns", "ListSubscriptionByTopic", TopicName=name, RetNumber=_PER_PAGE, WithMeta=True),
        page.look("mns", "ListQueue", RetNumber=_PER_PAGE, WithMeta=True),
    )
    return page.render(
        "mns_topic.html",
        name=name,
        one=one,
        found=found,
        endpoints=[f"acs:mns:{page.region}:{page.account}:queues/{row['QueueName']}" for row in queues.rows("Queue")],
    )


def readable(message: Mapping[str, Any]) -> str:
    """Return the body of a message, decoded where it is Base64 of a text, as those of Auto Scaling are."""
    body = str(message.get("MessageBody", ""))
    try:
        return base64.b64decode(body, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return body

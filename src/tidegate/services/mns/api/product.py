"""The product itself, whom its operations touch, and the addresses of what it makes."""

from __future__ import annotations

from typing import Any

from tidegate.services.mns import refusals
from tidegate.services.mns.service import Mns
from tidegate.services.operation import Call, Product
from tidegate.wire.mns import VERSION

mns = Product(
    name="Mns",
    code="mns",
    versions=(VERSION,),
    missing=refusals.missing,
    invalid=refusals.invalid,
    denial=refusals.denied,
    rest=True,
)


def on_queue(_service: Mns, _call: Call, request: Any) -> list[str]:
    """The queue itself."""
    return [f"/queues/{request.queue_name}"]


def on_messages(_service: Mns, _call: Call, request: Any) -> list[str]:
    """The messages of a queue."""
    return [f"/queues/{request.queue_name}/messages"]


def on_queues(_service: Mns, _call: Call, _request: Any) -> list[str]:
    """All queues."""
    return ["/queues"]


def on_topic(_service: Mns, _call: Call, request: Any) -> list[str]:
    """The topic itself."""
    return [f"/topics/{request.topic_name}"]


def on_topic_messages(_service: Mns, _call: Call, request: Any) -> list[str]:
    """The messages of a topic."""
    return [f"/topics/{request.topic_name}/messages"]


def on_topics(_service: Mns, _call: Call, _request: Any) -> list[str]:
    """All topics."""
    return ["/topics"]


def on_subscription(_service: Mns, _call: Call, request: Any) -> list[str]:
    """A subscription of a topic."""
    return [f"/topics/{request.topic_name}/subscriptions/{request.subscription_name}"]


def on_subscriptions(_service: Mns, _call: Call, request: Any) -> list[str]:
    """All subscriptions of a topic."""
    return [f"/topics/{request.topic_name}/subscriptions"]


def url(call: Call, path: str) -> str:
    """Return the address of something as the cloud has it; the door writes its own in place of the host."""
    return f"http://{call.account_id}.mns.{call.region}.aliyuncs.com{path}"

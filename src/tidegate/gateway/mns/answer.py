"""Writes the answers of MNS: a status, a few headers and XML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tidegate.errors import CloudError
from tidegate.gateway.exchange import Exchange, known
from tidegate.gateway.read import Send
from tidegate.services.mns.api.messages import Problems
from tidegate.services.mns.api.queues import Made
from tidegate.services.operation import Call, Done
from tidegate.wire.mns import VERSION, write_xml

_XML = b"text/xml;charset=utf-8"
#: The root element of an answer, and the status where that is not 200.
_ROOTS: Mapping[str, tuple[str, int]] = {
    "GetQueueAttributes": ("Queue", 200),
    "ListQueue": ("Queues", 200),
    "SendMessage": ("Message", 201),
    "BatchSendMessage": ("Messages", 201),
    "ReceiveMessage": ("Message", 200),
    "BatchReceiveMessage": ("Messages", 200),
    "PeekMessage": ("Message", 200),
    "BatchPeekMessage": ("Messages", 200),
    "ChangeMessageVisibility": ("ChangeVisibility", 200),
    "GetTopicAttributes": ("Topic", 200),
    "ListTopic": ("Topics", 200),
    "GetSubscriptionAttributes": ("Subscription", 200),
    "ListSubscriptionByTopic": ("Subscriptions", 200),
    "PublishMessage": ("Message", 201),
}
#: In a list, what holds the address of each thing.
_ADDRESSES = {"Queue": "QueueURL", "Topic": "TopicURL", "Subscription": "SubscriptionURL"}


@dataclass(frozen=True)
class Response:
    """What is sent back."""

    status: int
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def encode(exchange: Exchange) -> Response:
    """Return the response to a call that succeeded."""
    match exchange.answer:
        case Made(location=location, existed=existed):
            return Response(204 if existed else 201, headers={"Location": _ours(exchange, location)})
        case Done() | Problems(error=[]):
            return Response(204)
        case Problems() as problems:
            return Response(404, write_xml("Errors", msgspec.to_builtins(problems)))
    root, status = _ROOTS[exchange.action]
    tree: dict[str, Any] = msgspec.to_builtins(exchange.answer)
    for name, address in _ADDRESSES.items():
        if isinstance(things := tree.get(name), list):
            for thing in things:
                thing[address] = _ours(exchange, thing[address])
    return Response(status, write_xml(root, tree))


def encode_error(exchange: Exchange, error: CloudError) -> Response:
    """Return the response to a call that failed."""
    tree = {
        "Code": error.code,
        "Message": error.message,
        "RequestId": exchange.request_id,
        "HostId": f"http://{exchange.headers.get('host', '')}",
    }
    return Response(error.status, write_xml("Error", tree))


async def respond(exchange: Exchange, response: Response, send: Send) -> None:
    """Send it."""
    headers = [(b"x-mns-request-id", exchange.request_id.encode()), (b"x-mns-version", VERSION.encode())]
    headers += [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in response.headers.items()]
    if response.content:
        headers += [(b"content-type", _XML)]
    if response.status != 204:
        headers += [(b"content-length", b"%d" % len(response.content))]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})


def _ours(exchange: Exchange, address: str) -> str:
    """Return an address under the host by which the client knows this cloud."""
    call: Call = known(exchange.call)
    cloud = f"http://{call.account_id}.mns.{call.region}.aliyuncs.com"
    return f"http://{exchange.headers.get('host', '')}{address.removeprefix(cloud)}"

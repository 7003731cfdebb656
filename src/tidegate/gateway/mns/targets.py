"""Which operation a REST request of MNS means, and its parameters (wire form: method, path, query, headers, body). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tidegate.services.mns import refusals
from tidegate.wire.mns import MalformedError, read_xml
from tidegate.wire.parameters import flatten

_HOST = re.compile(r"(?P<account>\d{1,32})\.mns\.(?P<region>[a-z0-9-]+?)(?:-internal)?(?:-vpc)?(?:\.[^:]*)?(?::\d+)?")
#: headers that are parameters of the list operations
_LISTING = {
    "x-mns-prefix": "Prefix",
    "x-mns-marker": "Marker",
    "x-mns-ret-number": "RetNumber",
    "x-mns-with-meta": "WithMeta",
}


@dataclass(frozen=True)
class Place:
    """What a host name says: whose MNS, and where. Empty where it says nothing."""

    account_id: str = ""
    region: str = ""


@dataclass(frozen=True)
class Target:
    """An operation and its parameters."""

    action: str
    parameters: Mapping[str, str]


def place_of(host: str) -> Place:
    """Read ``<account>.mns.<region>.…``; any other host is the path style, which names neither."""
    match = _HOST.fullmatch(host.lower())
    return Place(match["account"], match["region"]) if match else Place()


def target_of(method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Target:
    """Return what a request means; raises CloudError when it means nothing."""
    given = {name.lower(): value for name, value in query.items()}
    match path.strip("/").split("/"):
        case ["queues"] if method == "GET":
            return Target("ListQueue", _listing(headers))
        case ["queues", name]:
            return _named(method, given, body, {"QueueName": name}, "Queue")
        case ["queues", name, "messages"]:
            return _messages(method, given, body, name)
        case ["topics"] if method == "GET":
            return Target("ListTopic", _listing(headers))
        case ["topics", name]:
            return _named(method, given, body, {"TopicName": name}, "Topic")
        case ["topics", name, "messages"] if method == "POST":
            return Target("PublishMessage", {**_body(body, "Message"), "TopicName": name})
        case ["topics", name, "subscriptions"] if method == "GET":
            return Target("ListSubscriptionByTopic", {**_listing(headers), "TopicName": name})
        case ["topics", name, "subscriptions", subscription]:
            return _subscription(method, given, body, {"TopicName": name, "SubscriptionName": subscription})
    raise refusals.url_invalid()


def _named(method: str, query: Mapping[str, str], body: bytes, name: Mapping[str, str], thing: str) -> Target:
    match method:
        case "PUT":
            action = f"Set{thing}Attributes" if _is_set(query, "metaoverride") else f"Create{thing}"
            return Target(action, {**_body(body, thing), **name})
        case "GET":
            return Target(f"Get{thing}Attributes", name)
        case "DELETE":
            return Target(f"Delete{thing}", name)
    raise refusals.url_invalid()


def _subscription(method: str, query: Mapping[str, str], body: bytes, names: Mapping[str, str]) -> Target:
    match method:
        case "PUT":
            action = "SetSubscriptionAttributes" if _is_set(query, "metaoverride") else "Subscribe"
            return Target(action, {**_body(body, "Subscription"), **names})
        case "GET":
            return Target("GetSubscriptionAttributes", names)
        case "DELETE":
            return Target("Unsubscribe", names)
    raise refusals.url_invalid()


def _messages(method: str, query: Mapping[str, str], body: bytes, name: str) -> Target:
    queue = {"QueueName": name}
    match method:
        case "POST":
            root, tree = _read(body)
            if root not in {"Message", "Messages"}:
                raise refusals.schema(root)
            action = "SendMessage" if root == "Message" else "BatchSendMessage"
            return Target(action, {**flatten(tree), **queue})
        case "GET":
            verb = "PeekMessage" if _is_set(query, "peekonly") else "ReceiveMessage"
            return Target(f"Batch{verb}" if "numofmessages" in query else verb, {**query, **queue})
        case "PUT":
            return Target("ChangeMessageVisibility", {**query, **queue})
        case "DELETE" if "receipthandle" in query or not body:
            return Target("DeleteMessage", {**query, **queue})
        case "DELETE":
            return Target("BatchDeleteMessage", {**_body(body, "ReceiptHandles"), **queue})
    raise refusals.url_invalid()


def _listing(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[header] for header, name in _LISTING.items() if header in headers}


def _is_set(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() == "true"


def _body(body: bytes, expected: str) -> dict[str, str]:
    """Return what a body holds; an empty one holds nothing."""
    if not body:
        return {}
    root, tree = _read(body)
    if root != expected:
        raise refusals.schema(root)
    return flatten(tree)


def _read(body: bytes) -> tuple[str, dict[str, Any]]:
    try:
        return read_xml(body)
    except MalformedError as error:
        raise refusals.malformed() from error

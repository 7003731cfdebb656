"""Targets of rules: which there are, and what they are given of an event (pages "Event target parameters", "Transform"). Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from string import Template
from typing import Any, Literal

import msgspec

from tidegate.services.operation import Request

_KINDS: Mapping[str, tuple[Literal["queue", "topic"], str]] = {
    "acs.mns.queue": ("queue", "queues"),
    "acs.mns.topic": ("topic", "topics"),
}
_ENDPOINT = re.compile(r"acs:mns:(?P<region>[^:]+):(?P<account>[^:]+):(?P<kind>queues|topics)/(?P<name>[^/]+)")
_STEP = re.compile(r"\.(\w+)|\[(\d{1,6})\]|\['([^']+)'\]")
_FORMS = ("ORIGINAL", "CONSTANT", "JSONPATH", "TEMPLATE")


class Parameter(Request, kw_only=True):
    """One value that a target is given, and how it is made of the event."""

    resource_key: str
    form: str = "ORIGINAL"
    value: str | None = None
    template: str | None = None


class Target(Request, kw_only=True):
    """Where a rule hands its events on to."""

    id: str
    type: str
    endpoint: str = ""
    param_list: list[Parameter] = msgspec.field(default_factory=list)


class Receiver(msgspec.Struct, frozen=True):
    """The queue or topic behind a target."""

    kind: Literal["queue", "topic"]
    name: str


def receiver_of(target: Target, account_id: str, region: str) -> Receiver | None:
    """Return what a target means; None unless it is a queue or a topic of the account, and its parameters can be read."""
    if target.type not in _KINDS or any(one.form not in _FORMS for one in target.param_list):
        return None
    kind, plural = _KINDS[target.type]
    named = _parameter(target, kind)
    if named is not None and named.value:
        return Receiver(kind, named.value)
    match = _ENDPOINT.fullmatch(target.endpoint)
    if match is None or (match["account"], match["region"], match["kind"]) != (account_id, region, plural):
        return None
    return Receiver(kind, match["name"])


def body_of(target: Target, event: Mapping[str, Any]) -> str:
    """Return the message for an event; in Base64 unless ``IsBase64Encode`` says no."""
    body = _parameter(target, "body")
    text = _text(event) if body is None else _made(body, event)
    plain = _parameter(target, "isbase64encode")
    if plain is not None and (plain.value or "").lower() == "false":
        return text
    return base64.b64encode(text.encode()).decode()


def _parameter(target: Target, name: str) -> Parameter | None:
    return next((one for one in target.param_list if one.resource_key.lower() == name), None)


def _made(parameter: Parameter, event: Mapping[str, Any]) -> str:
    match parameter.form:
        case "CONSTANT":
            return parameter.value or ""
        case "JSONPATH":
            return _text(at(parameter.value or "$", event))
        case "TEMPLATE":
            paths = _paths(parameter.value)
            return Template(parameter.template or "").safe_substitute(
                {name: _text(at(path, event)) for name, path in paths.items()}
            )
        case _:
            return _text(event)


def _paths(value: str | None) -> Mapping[str, str]:
    try:
        return msgspec.json.decode(value or "{}", type=dict[str, str])
    except msgspec.MsgspecError:
        return {}


def at(path: str, event: Mapping[str, Any]) -> Any:
    """Follow ``$.data.list[0]`` through an event; None where it leads nowhere."""
    if not path.startswith("$"):
        return None
    found: Any = event
    place = 1
    while place < len(path):
        step = _STEP.match(path, place)
        if step is None:
            return None
        place = step.end()
        found = _one(found, step[1] or step[3], step[2])
    return found


def _one(found: Any, name: str | None, index: str | None) -> Any:
    if name is not None:
        return found.get(name) if isinstance(found, Mapping) else None
    number = int(index or 0)
    return found[number] if isinstance(found, Sequence) and not isinstance(found, str) and number < len(found) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()

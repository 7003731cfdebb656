"""What an event looks like to its readers, and which events a pattern wants. Pure."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from tidegate.clock import to_seconds
from tidegate.store.events import Event

#: version of CloudMonitor's message (oos.md 5.10)
_VERSION = "1.0"


def cloud_event(event: Event) -> dict[str, Any]:
    """Return the event as EventBridge tells it: a CloudEvents envelope (ess.md 4.3)."""
    return {
        "id": event.id.rpartition("/")[2],
        "source": event.source,
        "specversion": "1.0",
        "type": event.type,
        "datacontenttype": "application/json;charset=utf-8",
        "subject": event.subject,
        "time": to_seconds(event.at),
        "aliyunaccountid": event.account_id,
        "aliyunregionid": event.region,
        "aliyuneventbusname": event.bus,
        "data": dict(event.data),
    }


def monitor_event(event: Event) -> dict[str, Any]:
    """Return the event as CloudMonitor tells it: the message body of an OOS event trigger (oos.md 5.10)."""
    return {
        "id": event.id,
        "product": event.product,
        "name": event.name,
        "level": event.level,
        "regionId": event.region,
        "resourceId": event.subject,
        "userId": event.account_id,
        "eventTime": to_seconds(event.at),
        "ver": _VERSION,
        "content": dict(event.data),
    }


def wants(pattern: Mapping[str, Any], event: Event) -> bool:
    """Whether a pattern matches; its keys are those of the two forms an event has, which do not contradict each other."""
    return matches(pattern, cloud_event(event) | (monitor_event(event) if event.product else {}))


def matches(pattern: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    """Compare an event, as it is told, with a pattern.

    A map asks for the fields inside, a list accepts each of its values, anything else must be equal; fields that the
    pattern does not name may be anything. A map in a list is an expression of EventBridge (page "Event patterns"):
    ``prefix``, ``suffix``, ``contains``, ``anything-but``, ``numeric``, ``cidr``, ``exists``; several must all hold.
    """
    return all(_is_wanted(name, wanted, told.get(name)) for name, wanted in pattern.items())


def _is_wanted(name: str, wanted: Any, found: Any) -> bool:
    match wanted:
        case Mapping():
            return isinstance(found, Mapping) and matches(wanted, found)
        case list() | tuple():
            return any(_holds(one, found) if isinstance(one, Mapping) else _is(name, one, found) for one in wanted)
        case _:
            return _is(name, wanted, found)


def _is(name: str, wanted: Any, found: Any) -> bool:
    if name in _ANY_CASE and isinstance(wanted, str) and isinstance(found, str):
        return wanted.casefold() == found.casefold()
    return isinstance(wanted, bool) is isinstance(found, bool) and bool(wanted == found)


def _holds(expression: Mapping[str, Any], found: Any) -> bool:
    return all(
        _EXPRESSIONS[name](wanted, found) if name in _EXPRESSIONS else False for name, wanted in expression.items()
    )


def _but(wanted: Any, found: Any) -> bool:
    match wanted:
        case Mapping():
            return found is not None and not _holds(wanted, found)
        case list():
            return found is not None and found not in wanted
        case _:
            return found is not None and found != wanted


def _compares(wanted: Any, found: Any) -> bool:
    if not isinstance(found, int | float) or isinstance(found, bool) or not isinstance(wanted, list) or len(wanted) % 2:
        return False
    pairs = zip(wanted[::2], wanted[1::2], strict=True)
    return all(
        word in _COMPARISONS and isinstance(bound, int | float) and _COMPARISONS[word](found, bound)
        for word, bound in pairs
    )


def _lies_in(wanted: Any, found: Any) -> bool:
    try:
        return ip_address(str(found)) in ip_network(str(wanted), strict=False)
    except ValueError:
        return False


#: fields whose words products and templates write in different cases
_ANY_CASE = frozenset({"product", "level"})
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_EXPRESSIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "prefix": lambda wanted, found: isinstance(found, str) and found.startswith(str(wanted)),
    "suffix": lambda wanted, found: isinstance(found, str) and found.endswith(str(wanted)),
    "contains": lambda wanted, found: isinstance(found, str) and str(wanted) in found,
    "exists": lambda wanted, found: (found is not None) is bool(wanted),
    "anything-but": _but,
    "numeric": _compares,
    "cidr": _lies_in,
}


def is_pattern(pattern: object) -> bool:
    """Whether something is a pattern: a map of maps and lists, with expressions that exist."""
    return isinstance(pattern, Mapping) and all(_is_condition(one) for one in pattern.values())


def _is_condition(one: object) -> bool:
    if isinstance(one, Mapping):
        return is_pattern(one)
    return isinstance(one, list) and all(not isinstance(item, list) and _is_item(item) for item in one)


def _is_item(item: object) -> bool:
    return not isinstance(item, Mapping) or (bool(item) and set(item) <= set(_EXPRESSIONS))

"""What an event looks like to its readers, and which events a pattern wants. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.clock import to_seconds
from tidegate.store.events import Event

#: version of CloudMonitor's message (oos.md 5.10)
_VERSION = "1.0"


def cloud_event(event: Event) -> dict[str, Any]:
    """Return the event as EventBridge tells it: a CloudEvents envelope (ess.md 4.3)."""
    return {
        "id": event.id,
        "source": event.source,
        "specversion": "1.0",
        "type": event.type,
        "datacontenttype": "application/json;charset=utf-8",
        "subject": event.subject,
        "time": to_seconds(event.at),
        "aliyunaccountid": event.account_id,
        "aliyunregionid": event.region,
        "aliyuneventbusname": "default",
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
    """Whether a pattern matches; its keys are those of the two forms an event has, which do not contradict each other.

    A field that is a list accepts each of its values, a map asks for the fields inside, anything else must be equal.
    Fields that the pattern does not name may be anything; texts are compared ignoring case.
    """
    told = cloud_event(event) | (monitor_event(event) if event.product else {})
    return _matches(pattern, told)


def _matches(wanted: Any, found: Any) -> bool:
    match wanted:
        case Mapping():
            return isinstance(found, Mapping) and all(_matches(inner, found.get(key)) for key, inner in wanted.items())
        case list() | tuple():
            return any(_matches(one, found) for one in wanted)
        case str():
            return isinstance(found, str) and found.casefold() == wanted.casefold()
        case _:
            return bool(found == wanted)

"""``ACS::EventTrigger``: every event that fits runs the rest of the template as a child (oos.md 5.10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from tidegate.services.oos.actions.base import (
    ActionFailedError,
    AwaitNotice,
    AwaitSignal,
    LookAgain,
    Situation,
)
from tidegate.services.oos.actions.execute_api import call
from tidegate.services.oos.actions.firing import Firings
from tidegate.services.oos.values import from_json

#: properties of the trigger and the fields of an event's message that they ask for
_FIELDS: Final = {"Product": "product", "Name": "name", "Level": "level", "RegionId": "regionId", "Content": "content"}


async def perform(situation: Situation) -> LookAgain | AwaitSignal | AwaitNotice:
    """Listen from the first look on; fire for what has come since the last."""
    firings = Firings(situation)
    if not situation.memo:
        await situation.inbox.listen(read_pattern(situation.properties))
    await firings.begin()
    await situation.inbox.take(situation.memo.get("taken", ()))
    firings.add_notices()
    taken = []
    for event_id, body in await situation.inbox.waiting():
        taken.append(event_id)
        if await _has_tags(situation, body):
            firings.add(body)
    return firings.outcome({"taken": taken})


def read_pattern(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an event's message must look like; raises ActionFailedError."""
    pattern: dict[str, Any] = {}
    for name, field in _FIELDS.items():
        wanted = _plain(properties.get(name))
        if wanted in (None, "", [], {}):
            continue
        if name == "Content" and not isinstance(wanted, dict):
            raise ActionFailedError("the property Content must be a map")
        pattern[field] = wanted
    if not pattern:
        raise ActionFailedError("an event trigger needs at least one of Product, Name, Level, RegionId and Content")
    return pattern


async def _has_tags(situation: Situation, body: Mapping[str, Any]) -> bool:
    """Whether the instance that an event is about has the tags that the trigger asks for."""
    tags = _plain(situation.properties.get("Tags"))
    if not tags:
        return True
    if not isinstance(tags, list) or str(body.get("product")).upper() != "ECS":
        raise ActionFailedError("Tags must be a list, and are known for events of ECS only")
    content = body.get("content") or {}
    instance = content.get("resourceId") or content.get("instanceId")
    parameters = {"RegionId": body.get("regionId"), "InstanceIds": [instance], "Tag": tags}
    asked = {"Service": "ECS", "API": "DescribeInstances", "Parameters": parameters}
    answer = await call(replace(situation, properties=asked))
    return bool(answer["Instances"]["Instance"])


def _plain(value: Any) -> Any:
    """Read what was given as JSON text."""
    if not isinstance(value, str) or value[:1] not in ("[", "{"):
        return value
    try:
        return from_json(value)
    except ValueError:
        return value

"""``ACS::EventTrigger``: every event that fits runs the rest of the template as a child (oos.md 5.10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from tidegate.errors import CloudError
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
    tags = read_tags(situation.properties)
    if not situation.memo:
        await situation.inbox.listen(read_pattern(situation.properties))
    await firings.begin()
    await situation.inbox.take(situation.memo.get("taken", ()))
    firings.add_notices()
    taken = []
    # What there is no room for stays where it is until something that was started has ended.
    for event_id, body in (await situation.inbox.waiting())[: firings.room]:
        taken.append(event_id)
        if not tags or await _has_tags(situation, body, tags):
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


def read_tags(properties: Mapping[str, Any]) -> list[Any]:
    """Return the tags that the instance of an event must have; raises ActionFailedError."""
    tags = _plain(properties.get("Tags")) or []
    if not isinstance(tags, list) or (tags and str(properties.get("Product")).upper() != "ECS"):
        raise ActionFailedError("Tags must be a list, and are known for events of ECS only")
    return tags


async def _has_tags(situation: Situation, body: Mapping[str, Any], tags: list[Any]) -> bool:
    """Whether the instance that an event is about has these tags; an event of which nobody can tell does not fire."""
    content = body.get("content") or {}
    instance = content.get("resourceId") or content.get("instanceId")
    parameters = {"RegionId": body.get("regionId"), "InstanceIds": [instance], "Tag": tags}
    asked = {"Service": "ECS", "API": "DescribeInstances", "Parameters": parameters}
    try:
        answer = await call(replace(situation, properties=asked))
    except CloudError as error:
        situation.log(f"The event {body.get('id')} is left out, its instance's tags cannot be read: {error}.")
        return False
    return bool(answer["Instances"]["Instance"])


def _plain(value: Any) -> Any:
    """Read what was given as JSON text."""
    if not isinstance(value, str) or value[:1] not in ("[", "{"):
        return value
    try:
        return from_json(value)
    except ValueError:
        return value

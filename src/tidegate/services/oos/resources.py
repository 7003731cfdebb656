"""What became of each resource that an execution worked on (oos.md 7.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from tidegate.services.oos.model import Task, Template
from tidegate.services.oos.values import to_json, to_text
from tidegate.store.oos.records import TaskRecord

#: where an item that is a map names its resource, in this order
_NAMES: Final = ("ResourceId", "InstanceId", "DBInstanceId", "Id")


class ResourceStatus(msgspec.Struct, frozen=True):
    """One resource, and the item of the loop that worked on it, when it has begun."""

    resource_id: str
    item: TaskRecord | None


def loop_over_targets(template: Template) -> Task | None:
    """Return the first looped task whose items come from ACS::SelectTargets (oos.md 7.7, ASSUMPTION)."""
    names = [re.escape(task.name) for task in template.tasks if task.action == "ACS::SelectTargets"]
    reference = re.compile(rf"\{{\{{\s*(?:{'|'.join(names)})\.", re.IGNORECASE)
    for task in template.tasks:
        items = (task.source.get("Loop") or {}).get("Items") if task.loop is not None else None
        if names and items is not None and reference.search(to_json(items)):
            return task
    return None


def statuses(looped: TaskRecord, items: Mapping[int, TaskRecord]) -> Sequence[ResourceStatus]:
    """Return one row for each item of a loop, in the order of the items."""
    listed = (looped.loop or {}).get("Items", ())
    return [ResourceStatus(_resource_of(item), items.get(number)) for number, item in enumerate(listed, 1)]


def _resource_of(item: Any) -> str:
    if isinstance(item, dict):
        return next((to_text(item[name]) for name in _NAMES if name in item), to_json(item))
    return to_text(item)

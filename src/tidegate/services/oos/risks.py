"""High-risk actions: what people confirm before it is done (oos.md 7.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from tidegate.services.oos.catalog import Catalog
from tidegate.services.oos.expressions import Expression, Literal, MapOf, map_of
from tidegate.services.oos.model import Task, Template
from tidegate.services.oos.values import to_text

#: beginnings of operations that destroy or interrupt something (ASSUMPTION)
_RISKY: Final = (
    "delete",
    "release",
    "stop",
    "reboot",
    "remove",
    "terminate",
    "reset",
    "reinit",
    "replacesystemdisk",
)
_CALLING: Final = frozenset({"ACS::ExecuteAPI", "ACS::WaitFor", "ACS::CheckFor"})
#: the properties that tell
_TELLING: Final = ("API", "Risk")
#: what a task that waits for a confirmation remembers
UNCONFIRMED: Final[Mapping[str, Any]] = {"unconfirmed": True}


def must_confirm(mode: str, safety_check: str) -> bool:
    """Whether an execution asks before a high-risk action.

    ``Skip`` counts in Automatic mode only [D]; where every task is started by hand, that is the confirmation (ASSUMPTION).
    """
    return safety_check == "ConfirmEveryHighRiskAction" or mode == "FailurePause"


def is_high_risk(action: str, properties: Mapping[str, Any]) -> bool:
    """Whether a task destroys or interrupts something, and its author did not call that normal."""
    if action not in _CALLING or to_text(properties.get("Risk")).lower() == "normal":
        return False
    return to_text(properties.get("API")).lower().startswith(_RISKY)


class RiskyCall(msgspec.Struct, frozen=True):
    """A high-risk operation, and who calls it: tasks, and the templates they stand in."""

    service: str
    api: str
    tasks: list[str]
    templates: list[str]


def risky_calls(name: str, template: Template, catalog: Catalog) -> Sequence[RiskyCall]:
    """Return the high-risk operations that a template and the product actions in it call by name."""
    found: dict[tuple[str, str], RiskyCall] = {}
    for owner, task in _tasks(name, template, catalog, frozenset()):
        properties = task.source.get("Properties")
        if isinstance(properties, dict) and is_high_risk(task.action, properties):
            service, api = to_text(properties.get("Service")), to_text(properties.get("API"))
            call = found.setdefault((service.lower(), api.lower()), RiskyCall(service, api, [], []))
            call.tasks.append(task.name)
            call.templates.append(owner)
    return list(found.values())


def _tasks(name: str, template: Template, catalog: Catalog, within: frozenset[str]) -> Iterator[tuple[str, Task]]:
    for task in template.all_tasks:
        yield name, task
        key = task.action.lower()
        child = catalog.find(key)
        if child is not None and key not in within:
            yield from _tasks(task.action, child.validated.require(), catalog, within | {key})


def telling(properties: Expression) -> Expression:
    """Return what of a task's properties is needed to know its risk; the rest may cost more to evaluate."""
    match properties:
        case Literal(dict() as given):
            return Literal({name: given[name] for name in _TELLING if name in given})
        case MapOf(entries):
            return map_of({name: value for name, value in entries if name in _TELLING})
    return Literal({})

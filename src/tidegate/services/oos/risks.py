"""High-risk actions: what people confirm before it is done (oos.md 7.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tidegate.services.oos.expressions import Expression, Literal, MapOf, map_of
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


def telling(properties: Expression) -> Expression:
    """Return what of a task's properties is needed to know its risk; the rest may cost more to evaluate."""
    match properties:
        case Literal(dict() as given):
            return Literal({name: given[name] for name in _TELLING if name in given})
        case MapOf(entries):
            return map_of({name: value for name, value in entries if name in _TELLING})
    return Literal({})

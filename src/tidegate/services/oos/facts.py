"""The pseudo parameters of one execution (oos.md 3.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tidegate.clock import Clock, to_seconds

#: version of the helper program that patch and inventory templates name; any text (oos.md 3.2)
UTIL_VERSION: Final = "1.0.0"


def pseudo_parameters(
    *, account_id: str, region: str, execution_id: str, user: str, clock: Clock, item: Any = None
) -> Callable[[str], Any]:
    """Return what gives a value to a pseudo parameter by its lower-case name; times are those of asking."""
    facts = {
        "regionid": region,
        "executionid": execution_id,
        "accountid": account_id,
        "executeuser": user,
        "oosutilversion": UTIL_VERSION,
        "taskloopitem": item,
    }

    def value(name: str) -> Any:
        match name:
            case "currentutctime":
                return to_seconds(clock.now())
            case "currentdate":
                return to_seconds(clock.now())[:10]
        return facts[name]

    return value

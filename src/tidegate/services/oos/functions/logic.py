"""Comparisons and conditions. ``Fn::If``, ``Fn::And`` and ``Fn::Or`` are evaluated lazily by ``expressions``."""

from __future__ import annotations

from typing import Any, Final

from tidegate.services.oos.functions.base import Function
from tidegate.services.oos.values import are_equal, is_true


def choose(condition: Any, then: Any, otherwise: Any) -> Any:
    """Return ``then`` or ``otherwise``."""
    return then if is_true(condition) else otherwise


def negate(value: Any) -> bool:
    """Negate a condition, which may stand in a list of one."""
    return not is_true(value[0] if isinstance(value, list) and len(value) == 1 else value)


def every(*conditions: Any) -> bool:
    """Whether all conditions hold."""
    return all(map(is_true, conditions))


def some(*conditions: Any) -> bool:
    """Whether a condition holds."""
    return any(map(is_true, conditions))


FUNCTIONS: Final = (
    Function("Fn::Equals", are_equal, least=2, most=2),
    Function("Fn::If", choose, least=3, most=3),
    Function("Fn::Not", negate, shape="value"),
    Function("Fn::And", every, least=2),
    Function("Fn::Or", some, least=2),
)

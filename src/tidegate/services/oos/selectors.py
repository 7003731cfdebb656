"""Selectors: jq programs over an answer, and the types of what they select (oos.md 3.4–3.6)."""

from __future__ import annotations

import re
from typing import Any

from tidegate.services.oos.expressions import Scope
from tidegate.services.oos.model import TaskOutput
from tidegate.services.oos.values import ExpressionError, check_size, from_json, to_json

_BARE = re.compile(r"\s*[A-Za-z_]")


def complete_program(selector: str) -> str:
    """Put the dot before a selector that starts with a bare name: ``Instances.Instance[]`` (oos.md 3.5)."""
    return f".{selector.strip()}" if _BARE.match(selector) else selector


async def select_output(output: TaskOutput, answer: Any, scope: Scope) -> Any:
    """Return the value of one task output; raises ExpressionError naming the output."""
    try:
        program = await output.selector.evaluate(scope)
        if not isinstance(program, str):
            return program  # a function gave the value itself (oos.md 3.4, ASSUMPTION)
        return check_size(type_results(output.type, await scope.programs.run_jq(complete_program(program), answer)))
    except ExpressionError as error:
        raise ExpressionError(f"the output {output.name} cannot be selected: {error}") from error


def type_results(kind: str, results: list[Any]) -> Any:
    """Make one value of all results: a list holds them all, any other type is the first of them (oos.md 3.6)."""
    if kind in ("List", "Array"):
        return results
    value = results[0] if results else None
    return _as_scalar(kind, value) if isinstance(value, str) else value


def _as_scalar(kind: str, text: str) -> Any:
    """Convert a text for Number and Boolean; one that does not fit stays (oos.md 3.6, ASSUMPTION)."""
    if kind not in ("Number", "Boolean"):
        return text
    try:
        value = from_json(text.strip().lower())
    except ValueError:
        return text
    is_boolean = isinstance(value, bool)
    is_number = isinstance(value, int | float) and not is_boolean
    return value if (kind == "Boolean" and is_boolean) or (kind == "Number" and is_number) else text


def describe(value: Any) -> str:
    """Write a selected value into a message, cut."""
    text = to_json(value)
    return text if len(text) <= 200 else text[:197] + "..."

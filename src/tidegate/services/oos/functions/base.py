"""What a function of the template language is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tidegate.services.oos.values import ExpressionError, from_json, to_json


@dataclass(frozen=True, slots=True)
class Function:
    """A pure function of plain values.

    ``shape`` tells how a template writes the arguments: ``list`` → ``apply(*arguments)``, ``value`` → ``apply(value)``.
    ``least`` and ``most`` bound the number of listed arguments.
    """

    name: str
    apply: Callable[..., Any]
    shape: Literal["list", "value"] = "list"
    least: int = 1
    most: int | None = None

    def call(self, arguments: Any) -> Any:
        """Apply to evaluated arguments; raises ExpressionError naming the function."""
        try:
            return self.apply(arguments) if self.shape == "value" else self.apply(*self._listed(arguments))
        except ExpressionError as error:
            raise ExpressionError(f"{self.name}: {error}") from error

    def _listed(self, arguments: Any) -> list[Any]:
        if not isinstance(arguments, list):
            raise ExpressionError("needs a list of arguments")
        if wrong := self.count_problem(len(arguments)):
            raise ExpressionError(wrong)
        return arguments

    def count_problem(self, count: int) -> str | None:
        """Say what is wrong with ``count`` arguments, or None."""
        if self.shape == "value" or (count >= self.least and (self.most is None or count <= self.most)):
            return None
        wanted = str(self.least) if self.least == self.most else f"at least {self.least}"
        if self.most is not None and self.most != self.least:
            wanted = f"{self.least} to {self.most}"
        return f"needs {wanted} arguments, has {count}"


def need_list(value: Any) -> list[Any]:
    """Return ``value`` when it is a list."""
    if not isinstance(value, list):
        raise ExpressionError(f"not a list: {to_json(value)[:80]}")
    return value


def need_map(value: Any) -> dict[str, Any]:
    """Return ``value`` when it is a map."""
    if not isinstance(value, dict):
        raise ExpressionError(f"not a map: {to_json(value)[:80]}")
    return value


def need_text(value: Any) -> str:
    """Return ``value`` when it is a text."""
    if not isinstance(value, str):
        raise ExpressionError(f"not a text: {to_json(value)[:80]}")
    return value


def need_number(value: Any) -> int | float:
    """Return ``value`` as a number that JSON can hold; a text of a number is one."""
    number = value
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            number = from_json(value.strip())
    if isinstance(number, int | float) and not isinstance(number, bool):
        return number
    raise ExpressionError(f"not a number: {to_json(value)[:80]}")


def need_integer(value: Any) -> int:
    """Return ``value`` as an integer; a text of one is one."""
    number = need_number(value)
    if number != int(number):
        raise ExpressionError(f"not an integer: {to_json(value)[:80]}")
    return int(number)

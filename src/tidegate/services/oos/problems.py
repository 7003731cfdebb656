"""What is wrong with a template, and where."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

Severity = Literal["error", "unsupported", "warning"]


class Mark(NamedTuple):
    """A place in a text; both numbers start at 1."""

    line: int
    column: int


class Problem(msgspec.Struct, frozen=True, order=True):
    """One finding. ``check`` names the rule of oos.md 1.7 (``V1`` … ``V11``).

    An error makes the text no template; something unsupported is kept but cannot be run here; a warning changes nothing.
    """

    line: int
    column: int
    check: str
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message} [{self.check}]"


class Problems:
    """Collects every finding about one template."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def error(self, mark: Mark, check: str, message: str) -> None:
        """Note something that makes the template invalid."""
        self._found.append(Problem(mark.line, mark.column, check, message))

    def unsupported(self, mark: Mark, check: str, message: str) -> None:
        """Note something that the cloud can do and this one cannot yet."""
        self._found.append(Problem(mark.line, mark.column, check, message, "unsupported"))

    def warn(self, mark: Mark, check: str, message: str) -> None:
        """Note something that has no effect or looks like a slip."""
        self._found.append(Problem(mark.line, mark.column, check, message, "warning"))

    def sorted(self) -> tuple[Problem, ...]:
        """Return what was found, once each, in the order of the text."""
        return tuple(sorted(set(self._found)))

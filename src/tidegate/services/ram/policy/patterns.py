"""Wildcard patterns and resource names: who is meant by ``acs:ecs:*:*:instance/i-*`` (ram.md 5 and 6)."""

from __future__ import annotations

import re
from collections.abc import Callable

Match = Callable[[str], bool]


def match_glob(pattern: str) -> Match:
    """Compile a pattern in which ``*`` is any run of characters and ``?`` is exactly one.

    The time to match grows with pattern times text, whatever the pattern: every run between two stars is taken where
    it first occurs and never looked for again (an atomic group), which loses no match.
    """
    if "*" not in pattern and "?" not in pattern:
        return pattern.__eq__
    first, *rest = [_match_run(run) for run in re.split(r"\*+", pattern)]
    if not rest:
        return _whole(first)
    *middle, last = rest
    return _whole(first + "".join(f"(?>.*?{run})" for run in middle if run) + ".*" + last)


def _match_run(run: str) -> str:
    return "".join("." if character == "?" else re.escape(character) for character in run)


def _whole(expression: str) -> Match:
    match = re.compile(expression, re.DOTALL).fullmatch
    return lambda text: match(text) is not None


def fold_resource(name: str) -> str:
    """Write a resource name or pattern so that equal ones are equal texts.

    Everything before the first ``/`` is compared ignoring case and what follows exactly (ASSUMPTION, ram.md 5); an
    empty region is the same as ``*`` (ram.md 6).
    """
    parts = name.split(":", 4)
    if len(parts) == 5 and not parts[2]:
        parts[2] = "*"
        name = ":".join(parts)
    head, slash, tail = name.partition("/")
    return head.lower() + slash + tail


def is_role(resource: str) -> bool:
    """Tell whether a folded resource name is a role's, which is compared ignoring case throughout (ram.md 1)."""
    return resource.startswith("acs:ram:") and ":role/" in resource


class ActionPattern:
    """A pattern of actions, ``ecs:Describe*``; case does not count."""

    __slots__ = ("_match",)

    def __init__(self, pattern: str) -> None:
        self._match = match_glob(pattern.lower())

    def matches(self, action: str) -> bool:
        """Tell whether ``action``, in lower case, is meant."""
        return self._match(action)


class ResourcePattern:
    """A pattern of resource names, ``acs:ecs:*:*:instance/*`` or ``*``."""

    __slots__ = ("_match", "_match_role")

    def __init__(self, pattern: str) -> None:
        folded = fold_resource(pattern)
        self._match = match_glob(folded)
        self._match_role = self._match if folded == folded.lower() else match_glob(folded.lower())

    def matches(self, resource: str) -> bool:
        """Tell whether ``resource``, folded, is meant."""
        return self._match_role(resource.lower()) if is_role(resource) else self._match(resource)

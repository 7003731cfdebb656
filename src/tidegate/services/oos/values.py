"""Rules for plain JSON values: how they are written, compared and taken for true or false (oos.md 3.3, 3.7)."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from tidegate.errors import TidegateError
from tidegate.services.oos import limits

Json = Any  # None, bool, int, float, str, list[Json] or dict[str, Json]


class ExpressionError(TidegateError):
    """An expression has no value; the task that needs it fails with this message (oos.md 4.3)."""


def to_json(value: Json) -> str:
    """Write ``value`` as compact JSON without ASCII escaping."""
    return msgspec.json.encode(value).decode()


def from_json(text: str) -> Json:
    """Read JSON; raises ValueError for everything else. Integers beyond 64 bits become floats, as in jq."""
    try:
        value = msgspec.json.decode(text)
        return json.loads(text, parse_int=_to_number) if _LONG_NUMBER.search(text) else value
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise ValueError(str(error)) from None


_LONG_NUMBER = re.compile(r"[0-9]{19}")


def _to_number(digits: str) -> int | float:
    number = int(digits)
    return number if is_integer(number) else float(number)


def is_integer(number: int) -> bool:
    """Whether an integer is one that JSON writers and databases can hold: 64 bits."""
    return -(2**63) <= number < 2**64


def to_text(value: Json) -> str:
    """Write ``value`` into the middle of a text: texts as they are, null as nothing, everything else as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else to_json(value)


def is_true(value: Json) -> bool:
    """Take ``value`` for a condition: a boolean, or its text in any case; null and empty are false (oos.md 3.7)."""
    match value:
        case bool():
            return value
        case str() if value.strip().lower() in ("true", "false", ""):
            return value.strip().lower() == "true"
        case int() | float():
            return value != 0
    if not value:
        return False
    raise ExpressionError(f"not a condition: {to_json(value)[:80]}")


def are_equal(left: Json, right: Json) -> bool:
    """Compare deeply; scalars of different types by their text, null only with null (oos.md 3.7)."""
    match left, right:
        case None, other:
            return other is None
        case list(), list():
            return len(left) == len(right) and all(map(are_equal, left, right))
        case dict(), dict():
            return left.keys() == right.keys() and all(are_equal(left[key], right[key]) for key in left)
        case (None | list() | dict(), _) | (_, None | list() | dict()):
            return False
        case str(), str():
            return left == right
    if isinstance(left, bool | str) or isinstance(right, bool | str):
        return to_text(left) == to_text(right)
    return bool(left == right)


def check_size(value: Json, limit: int = limits.VALUE_CHARACTERS) -> Json:
    """Return ``value``; raises ExpressionError when its JSON would be longer than ``limit`` characters.

    Walks instead of writing, so that a value which holds the same long part many times costs nothing.
    """
    left = limit
    open_values = [value]
    while open_values:
        match open_values.pop():
            case str() as text:
                left -= len(text) + 3
            case list() as items:
                left -= len(items) + 2
                open_values.extend(items if left >= 0 else ())
            case dict() as entries:
                left -= sum(map(len, entries)) + 4 * len(entries) + 2
                open_values.extend(entries.values() if left >= 0 else ())
            case _:
                left -= 5
        check_length(limit - left, limit)
    return value


def check_length(characters: int, limit: int = limits.VALUE_CHARACTERS) -> None:
    """Refuse a text of so many characters, before it is made."""
    if characters > limit:
        raise ExpressionError(f"the value is larger than {limit // 1024} KB")

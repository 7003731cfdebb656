"""Where in a JSON text something is, so that a complaint about it can name a line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

_WHITE: Final = re.compile(r"[ \t\r\n]*")
_DECODER: Final = json.JSONDecoder()
#: ``Statement[0].Action has "ecs", which …``: the place, and the text that is complained about there
_COMPLAINT: Final = re.compile(r'(\S+) (?:has (?:an unknown (?:key|operator) )?("(?:[^"\\]|\\.)*"))?')


def line_of(document: str, complaint: str) -> int | None:
    """Return the line, from 1, of what a complaint begins by naming; None when that is not in the document."""
    found = _COMPLAINT.match(complaint)
    if found is None:
        return None
    place = places(document).get(found[1])
    if place is None:
        return None
    if found[2]:
        quoted = document.find(found[2], place)
        place = quoted if quoted >= 0 else place
    return document.count("\n", 0, place) + 1


def places(document: str) -> Mapping[str, int]:
    """Return the offset of every key and element of a valid JSON text, by paths like ``Statement[0].Action``."""
    found: dict[str, int] = {}
    _walk(document, 0, "", found)
    return found


def _walk(text: str, at: int, path: str, found: dict[str, int]) -> int:
    """Walk over one value and return where it ends."""
    at = _skip(text, at)
    if text[at] not in "{[":
        return _DECODER.raw_decode(text, at)[1]
    is_object, end = text[at] == "{", "}" if text[at] == "{" else "]"
    at, index = _skip(text, at + 1), 0
    while text[at] != end:
        start = at
        if is_object:
            key, at = _DECODER.raw_decode(text, at)
            inner = f"{path}.{key}" if path else key
            at = _skip(text, at) + 1
        else:
            inner = f"{path}[{index}]"
        found.setdefault(inner, start)
        at = _skip(text, _walk(text, at, inner, found))
        at = _skip(text, at + 1) if text[at] == "," else at
        index += 1
    return at + 1


def _skip(text: str, at: int) -> int:
    white = _WHITE.match(text, at)
    return white.end() if white else at

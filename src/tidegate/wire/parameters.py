"""Reads flat parameters into typed requests, and writes values back as flat parameters.

The request's type decides how a parameter is read (wire.md 6): ``Tags.1.Key`` for a list of records, ``SystemDisk.Size``
for a record, JSON text for a ``JsonText`` field. One decoder is compiled per type and kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from tidegate.errors import CloudError
from tidegate.wire.shapes import JSON_TEXT, Json, JsonText, Many, Record, Shape, Text, record_of

__all__ = ["ANY", "JSON_TEXT", "MAX_DEPTH", "Decoder", "JsonText", "decode", "decoder", "flatten"]

#: Names with more dots than this are refused.
MAX_DEPTH = 8
#: Digits of a list index.
_INDEX_DIGITS = 9
_INTEGER_DIGITS = 18

#: What stands in a request for a mandatory value that is missing or unreadable, so that the call can still be
#: authorized first (wire.md 15.3): ``instance/*``.
ANY = "*"

#: A parameter with everything under it. The key "" holds the value of a name that is also the head of longer names.
Tree: TypeAlias = dict[str, "str | Tree"]
Branch: TypeAlias = str | Tree
RequestT = TypeVar("RequestT", bound=msgspec.Struct)
Complain = Callable[[str], CloudError]

_NOTHING: Any = object()


class _Complaints:
    """Keeps the first thing wrong with a request, in the product's own words."""

    __slots__ = ("first", "invalid", "missing")

    def __init__(self, missing: Complain, invalid: Complain) -> None:
        self.missing = missing
        self.invalid = invalid
        self.first: CloudError | None = None

    def about_missing(self, path: str) -> None:
        if self.first is None:
            self.first = self.missing(path)

    def about_invalid(self, path: str) -> None:
        if self.first is None:
            self.first = self.invalid(path)


_Read = Callable[[Branch, str, _Complaints], Any]


class Decoder(Generic[RequestT]):
    """Reads requests of one type."""

    def __init__(self, request_type: type[RequestT]) -> None:
        self._read = _record_reader(record_of(request_type))

    def __call__(
        self, parameters: Mapping[str, str], missing: Complain, invalid: Complain
    ) -> tuple[RequestT, CloudError | None]:
        """Return the request and the first complaint about it; with a complaint, ``ANY`` fills what is mandatory.

        Names match exactly first, then ignoring case; unknown names are ignored, blank values are not given.
        """
        complaints = _Complaints(missing, invalid)
        request: RequestT = self._read(_tree(parameters, complaints), "", complaints)
        return request, complaints.first


@cache
def decoder(request_type: type[RequestT]) -> Decoder[RequestT]:
    """Return the decoder of a request type, compiled once."""
    return Decoder(request_type)


def decode(
    parameters: Mapping[str, str], request_type: type[RequestT], missing: Complain, invalid: Complain
) -> RequestT:
    """Read ``parameters`` as a ``request_type``; raises ``missing(name)`` or ``invalid(name)`` naming the parameter."""
    compiled: Decoder[RequestT] = decoder(request_type)
    request, complaint = compiled(parameters, missing, invalid)
    if complaint is not None:
        raise complaint
    return request


def flatten(values: Mapping[str, Any]) -> dict[str, str]:
    """Write nested values as SDKs do: ``Tags.1.Key``, ``true``, decimal numbers; None is not sent."""
    flat: dict[str, str] = {}
    for name, value in values.items():
        _flatten(name, value, flat)
    return flat


def _flatten(name: str, value: Any, flat: dict[str, str]) -> None:
    if value is None:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _flatten(f"{name}.{key}", inner, flat)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value, 1):
            _flatten(f"{name}.{number}", inner, flat)
    elif isinstance(value, bool):
        flat[name] = "true" if value else "false"
    else:
        flat[name] = str(value)


def _tree(parameters: Mapping[str, str], complaints: _Complaints) -> Tree:
    """Group dotted names under their heads."""
    tree: Tree = {}
    for name, value in parameters.items():
        if "." not in name:
            _plant(tree, name, value)
            continue
        *heads, last = name.split(".")
        if len(heads) >= MAX_DEPTH:
            complaints.about_invalid(name)
            continue
        node = tree
        for head in heads:
            inner = node.get(head)
            if not isinstance(inner, dict):
                inner = {} if inner is None else {"": inner}
                node[head] = inner
            node = inner
        _plant(node, last, value)
    return tree


def _plant(node: Tree, name: str, value: str) -> None:
    there = node.get(name)
    if isinstance(there, dict):
        there[""] = value
    else:
        node[name] = value


def _reader(shape: Shape) -> _Read:
    match shape:
        case Text(clearable=True):
            return _text_reader(str, clearable=True)
        case Text(kind):
            return _text_reader(_PARSERS[kind] if kind in _PARSERS else _converter(kind))
        case Json(kind):
            return _text_reader(_json_parser(kind))
        case Many():
            return _list_reader(shape)
        case Record():
            return _record_reader(shape)


def _text_reader(parse: Callable[[str], Any], *, clearable: bool = False) -> _Read:
    def read(branch: Branch, path: str, complaints: _Complaints) -> Any:
        text = branch if isinstance(branch, str) else _only_text(branch)
        if not text:
            return "" if clearable and branch == "" else _NOTHING
        if "\0" not in text:  # PostgreSQL cannot keep it, and no API wants it
            with suppress(ValueError, msgspec.MsgspecError, RecursionError):
                return parse(text)
        complaints.about_invalid(path)
        return _NOTHING

    return read


def _only_text(tree: Tree) -> str:
    """Accept ``X.1`` where ``X`` is a single value."""
    if "" in tree:
        return str(tree[""])
    return next((text for index in _indices(tree) if isinstance(text := tree[index], str)), "")


def _list_reader(shape: Many) -> _Read:
    read_item = _reader(shape.item)

    def read(branch: Branch, path: str, complaints: _Complaints) -> Any:
        # "X" alone is a list of one.
        tree: Tree = branch if isinstance(branch, dict) else {"1": branch}
        items = [read_item(tree[index], f"{path}.{index}", complaints) for index in _indices(tree)]
        given = [item for item in items if item is not _NOTHING]
        return shape.container(given) if given else _NOTHING

    return read


def _indices(tree: Tree) -> list[str]:
    """Return the list indices among the keys in the order of their numbers: gaps and any order are fine."""
    return sorted((key for key in tree if key.isascii() and key.isdigit() and len(key) <= _INDEX_DIGITS), key=int)


def _record_reader(record: Record) -> _Read:
    fields = {field.wire: (field.attribute, field.wire, _reader(field.shape)) for field in record.fields}
    folded = {name.lower(): field for name, field in fields.items()}
    dotted = [(name.split("."), field) for name, field in fields.items() if "." in name]
    required = [(field.attribute, field.wire) for field in record.fields if field.required]
    make = record.type

    def read(branch: Branch, path: str, complaints: _Complaints) -> Any:
        if isinstance(branch, str):
            if branch:
                complaints.about_invalid(path)
            return _NOTHING
        prefix = f"{path}." if path else ""
        values: dict[str, Any] = {}
        for name, inner in _dots_joined(branch, dotted).items() if dotted else branch.items():
            field = fields.get(name)
            if field is None:
                field = folded.get(name.lower())
                if field is None or field[1] in branch:
                    continue  # unknown, or given under its exact name as well
            value = field[2](inner, prefix + field[1], complaints)
            if value is not _NOTHING:
                values[field[0]] = value
        for attribute, wire in required:
            if attribute not in values:
                complaints.about_missing(prefix + wire)
                values[attribute] = ANY
        return make(**values)

    return read


def _dots_joined(tree: Tree, dotted: list[tuple[list[str], Any]]) -> Tree:
    """Offer what belongs to fields whose own wire names have dots (``SystemDisk.Size``) under these names."""
    joined = dict(tree)
    for steps, field in dotted:
        found = _walk(tree, steps)
        if found is not None:
            joined[field[1]] = found
    return joined


def _walk(branch: Branch, steps: list[str]) -> Branch | None:
    """Follow a path, each step exactly or else ignoring case."""
    for step in steps:
        if not isinstance(branch, dict):
            return None
        inner = branch.get(step)
        if inner is None:
            inner = next((value for key, value in branch.items() if key.lower() == step.lower()), None)
        if inner is None:
            return None
        branch = inner
    return branch


def _boolean(text: str) -> bool:
    """Python sends ``True``, Node and Go ``true``."""
    match text.lower():
        case "true":
            return True
        case "false":
            return False
        case _:
            raise ValueError(text)


def _integer(text: str) -> int:
    digits = text.removeprefix("-")
    if len(digits) > _INTEGER_DIGITS or not digits.isdigit() or not digits.isascii():
        raise ValueError(text)
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


_PARSERS: Mapping[Any, Callable[[str], Any]] = {
    str: str,
    Any: str,
    bool: _boolean,
    int: _integer,
    float: _number,
}


def _converter(kind: Any) -> Callable[[str], Any]:
    """Literals, enums, constrained numbers: whatever msgspec reads from a text."""

    def parse(text: str) -> Any:
        return msgspec.convert(text, kind, strict=False)

    return parse


def _json_parser(kind: Any) -> Callable[[str], Any]:
    read = msgspec.json.Decoder(kind, strict=False).decode

    def parse(text: str) -> Any:
        if "\\u0000" in text:
            raise ValueError(text)
        return read(text)

    return parse

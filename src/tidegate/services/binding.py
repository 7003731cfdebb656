"""Finds the API parameter that a runbook means (ecs.md 12, oos.md 5.1).

Templates spell parameters like the setters of old SDKs: ``InstanceIds`` for ``InstanceId.N``, ``SystemDiskSize`` for
``SystemDisk.Size``, ``ScalingGroupId1`` for ``ScalingGroupId.1``, a list where the API wants JSON text. The operation's
request type tells what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import msgspec

from tidegate.wire.parameters import flatten
from tidegate.wire.shapes import Json, Many, Record, Shape, Text, record_of

_NUMBERED = re.compile(r"(?P<head>.*?[^0-9])(?P<index>[1-9][0-9]?)(?P<rest>[^0-9].*)?", re.ASCII)


def bind(request: type[msgspec.Struct], parameters: Mapping[str, Any], region: str) -> dict[str, str]:
    """Return template parameters as flat wire parameters of ``request``.

    ``None`` and empty texts are not sent; names that mean nothing pass through; RegionId defaults to ``region``.
    """
    names = _names(request)
    flat: dict[str, str] = {}
    for name, value in parameters.items():
        if value is None or value == "":
            continue
        path, shape = _find(names, name)
        flat.update(flatten({path: _write(value, shape)}))
    flat.setdefault("RegionId", region)
    return flat


_Names = Mapping[str, tuple[str, Shape]]


@cache
def _names(request: type[msgspec.Struct]) -> tuple[_Names, _Names]:
    """Return what each spelling means: as the API writes it, and folded to lower case in every form a template uses.

    Where two parameters share a spelling the closer form wins: the name itself, then dots removed, then plurals.
    """
    record = record_of(request)
    exact = {field.wire: (field.wire, field.shape) for field in record.fields}
    folded: dict[str, tuple[str, Shape]] = {}
    for path, shape in exact.values():
        folded.setdefault(path.lower(), (path, shape))
    for path, shape in _undotted(record, ""):
        folded.setdefault(path.replace(".", "").lower(), (path, shape))
    for path, shape in exact.values():
        if isinstance(shape, Many | Json):
            for other in _other_numbers(path):
                folded.setdefault(other.lower(), (path, shape))
    return exact, folded


def _find(names: tuple[_Names, _Names], name: str) -> tuple[str, Shape]:
    exact, folded = names
    found = exact.get(name) or folded.get(name.lower())
    if found is not None:
        return found
    return _numbered(folded, name) or (name, Text(str))


def _numbered(folded: _Names, name: str) -> tuple[str, Shape] | None:
    """Read ``ScalingGroupId1`` and ``Filter2Key`` as elements of a list."""
    match = _NUMBERED.fullmatch(name)
    found = folded.get(match["head"].lower()) if match else None
    if match is None or found is None or not isinstance(found[1], Many):
        return None
    element, item = f"{found[0]}.{match['index']}", found[1].item
    if match["rest"] is None:
        return element, item
    fields = item.fields if isinstance(item, Record) else ()
    return next(((f"{element}.{f.wire}", f.shape) for f in fields if f.wire.lower() == match["rest"].lower()), None)


def _undotted(record: Record, prefix: str) -> Iterator[tuple[str, Shape]]:
    for field in record.fields:
        path = f"{prefix}{field.wire}"
        if "." in path:
            yield path, field.shape
        if isinstance(field.shape, Record):
            yield from _undotted(field.shape, f"{path}.")


def _other_numbers(name: str) -> Iterator[str]:
    """Return the plurals a singular may have, and the singulars a plural may have."""
    if name.endswith("ies"):
        yield name[:-3] + "y"
    if name.endswith("y"):
        yield name[:-1] + "ies"
    if name.endswith("es"):
        yield name[:-2]
    if name.endswith("s"):
        yield name[:-1]
        yield name + "es"
    else:
        yield name + "s"


def _write(value: Any, shape: Shape) -> Any:
    """Return ``value`` as ``flatten`` needs it: JSON text where one text is wanted, a list where a list is."""
    match shape:
        case Many(item):
            items = value if isinstance(value, list | tuple) else [value]
            return [_write(each, item) for each in items if each is not None]
        case Record(_, fields) if isinstance(value, Mapping):
            shapes = {field.wire.lower(): field.shape for field in fields}
            return {key: _write(inner, shapes.get(key.lower(), Text(str))) for key, inner in value.items()}
        case Json() if not isinstance(value, str):
            return _json(value)
        case _ if isinstance(value, Mapping | list | tuple):
            return _json(value)
        case _:
            return value


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()

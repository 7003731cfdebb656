"""Values for the empty fields of an answer: by their names, and by what was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from support.corpus.names import text_for

_NUMBERS = {"pagesize": 100, "maxresults": 100, "exitcode": 0}


#: what no name tells: operation, path, value
KNOWN: tuple[tuple[str, tuple[str | int, ...], str], ...] = (
    (
        "ecs.describeinstancesfullstatus",
        ("InstanceFullStatusSet", "InstanceFullStatusType", 0, "HealthStatus", "Name"),
        "Ok",
    ),
    ("hbr.describetask", ("Result",), '{"HanaBackups": [{"BackupId": 1}]}'),
    ("resourcecenter.searchresources", ("Resources", 0, "ResourceId"), "i-bp1tide1"),
    ("resourcecenter.searchresources", ("Resources", 0, "ResourceType"), "ACS::ECS::Instance"),
)


def fill(shape: Any, asked: Mapping[str, Any], region: str, style: Callable[[str], int] = lambda _: 0) -> Any:
    """Return an answer of a shape: what was asked for is answered, everything else has a value that its name suggests."""
    known = {key.lower(): value for key, value in asked.items()}
    return _repeated(_filled(shape, "", known, region, style), known)


def _filled(shape: Any, name: str, known: Mapping[str, Any], region: str, style: Callable[[str], int]) -> Any:
    match shape:
        case dict():
            return {key: _filled(value, key, known, region, style) for key, value in shape.items()}
        case list():
            return [_filled(value, name, known, region, style) for value in shape]
        case bool():
            return False
        case int() | float():
            return _NUMBERS.get(name.lower(), 1)
        case "":
            return _text(name, known, region, style)
    return shape


def _text(name: str, known: Mapping[str, Any], region: str, style: Callable[[str], int]) -> str:
    key = name.lower()
    if isinstance(known.get(key), str) and not known[key].startswith("["):
        return str(known[key])
    return region if key.endswith("regionid") else text_for(name, style(name))


def listed(value: Any) -> list[Any] | None:
    """Return a list, also one that was given as JSON text."""
    if isinstance(value, str) and value.startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return value if isinstance(value, list) else None


def _repeated(tree: Any, known: Mapping[str, Any]) -> Any:
    """Let a list of things have one of each that was asked for by ids: ``InstanceIds`` gives ``InstanceId``s."""
    match tree:
        case dict():
            return {key: _repeated(value, known) for key, value in tree.items()}
        case [dict() as only]:
            for field in only:
                for spelled in (f"{field.lower()}s", f"{field.lower()}list", field.lower()):
                    wanted = listed(known.get(spelled))
                    if wanted and field.endswith(("Id", "Name", "id")) and all(isinstance(one, str) for one in wanted):
                        return [{**only, field: one} for one in wanted]
            return [_repeated(only, known)]
    return tree

"""The parameters of a template as fields of a form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from tidegate.console.words import Language
from tidegate.services.oos.model import ParameterDefinition
from tidegate.services.oos.validation import lint


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field. ``value`` is the default as it is edited; ``options`` are (value, text)."""

    name: str
    type: str
    label: str
    hint: str
    required: bool
    value: str
    secret: bool
    options: Sequence[tuple[str, str]]


def fields_of(content: str, language: Language, redis: Iterable[Mapping[str, Any]] = ()) -> list[Field]:
    """Return a field for each parameter; the one that names a Redis instance offers those there are."""
    template = lint(content).template
    if template is None:
        return []
    instances = [
        (one["InstanceId"], f"{one['InstanceName'] or one['InstanceId']} · {one['InstanceId']}") for one in redis
    ]
    return [_field(definition, language, instances) for definition in template.parameters.values()]


def _field(definition: ParameterDefinition, language: Language, redis: Sequence[tuple[str, str]]) -> Field:
    options = [(_written(value), _written(value)) for value in definition.allowed_values]
    if not options and definition.name.lower() == "dbinstanceid" and not definition.has_default:
        options = list(redis)
    return Field(
        name=definition.name,
        type=definition.type,
        label=_text(definition.source.get("Label"), language) or definition.name,
        hint=_text(definition.source.get("Description"), language),
        required=definition.is_required,
        value=_written(definition.default) if definition.has_default else "",
        secret=definition.no_echo,
        options=options,
    )


def _text(value: Any, language: Language) -> str:
    if isinstance(value, Mapping):
        value = value.get("zh-cn" if language == "zh" else "en") or next(iter(value.values()), "")
    return value if isinstance(value, str) else ""


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    return "" if value is None else msgspec.json.encode(value).decode()

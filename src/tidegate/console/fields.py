"""The parameters of a template as fields of a form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from tidegate.console.words import Language
from tidegate.services.oos.model import ParameterDefinition, Template
from tidegate.services.oos.validation import lint

#: Kinds of things that a parameter can name and that there are pages for.
Kind = Literal[
    "region", "role", "machine", "group", "redis", "polardb", "dds", "adb", "rds", "vswitch", "image", "template"
]
Options = Mapping[Kind, Sequence[tuple[str, str]]]

#: AssociationProperty (oos.md 2.5) → what it names. What is not here is written by hand.
_ASSOCIATIONS: Final[Mapping[str, Kind]] = {
    "RegionId": "region",
    "ALIYUN::ECS::RegionId": "region",
    "ALIYUN::ECS::Instance::InstanceId": "machine",
    "ALIYUN::RAM::Role": "role",
    "ALIYUN::RAM::Role::RoleName": "role",
    "ALIYUN::ESS::ScalingGroup::ScalingGroupId": "group",
    "ALIYUN::ESS::AutoScalingGroup::AutoScalingGroupId": "group",
    "ALIYUN::Redis::Instance::InstanceId": "redis",
    "ALIYUN::RDS::Instance::InstanceId": "rds",
    "ALIYUN::POLARDB::DBCluster::DBClusterId": "polardb",
    "ALIYUN::MONGODB::Instance::InstanceId": "dds",
    "ALIYUN::ADB::DBCluster::DBClusterId": "adb",
    "ALIYUN::ECS::VSwitch::VSwitchId": "vswitch",
    "ALIYUN::VPC::VSwitch::VSwitchId": "vswitch",
    "ALIYUN::ECS::Image::ImageId": "image",
    "TemplateName": "template",
}
#: ASSUMPTION: names that say what they name where no AssociationProperty does, in small letters.
_NAMES: Final[Mapping[str, Kind]] = {
    "regionid": "region",
    "oosassumerole": "role",
    "ramrole": "role",
    "instanceid": "machine",
    "instanceids": "machine",
    "scalinggroupid": "group",
}
_DATABASE_NAMES: Final = frozenset({"dbinstanceid", "dbclusterid"})
#: Services that tasks call → the kind of database that a parameter called after one names then.
_DATABASES: Final[Mapping[str, Kind]] = {
    "R-KVSTORE": "redis",
    "POLARDB": "polardb",
    "DDS": "dds",
    "ADB": "adb",
    "RDS": "rds",
}
_SECTION: Final = re.compile(r"[A-Z0-9-]+")


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field. ``value`` is the default as it is edited; ``options`` are (value, text).

    ``is_closed``: only the options may be chosen; else they are suggestions. ``is_filled``: whoever starts the template
    fills the value in, so that people leave it alone.
    """

    name: str
    type: str
    label: str
    hint: str
    required: bool
    value: str
    secret: bool
    options: Sequence[tuple[str, str]]
    is_closed: bool = False
    is_filled: bool = False
    is_long: bool = False
    least: float | None = None
    most: float | None = None
    longest: int | None = None


def template_of(content: str) -> Template | None:
    """Read a template; None for a text that is none."""
    return lint(content).template if content else None


def kinds_of(template: Template | None) -> set[Kind]:
    """Return the kinds of things that a template's parameters name."""
    if template is None:
        return set()
    kinds = (_kind(one, template) for one in template.parameters.values() if not _is_filled(one))
    return {kind for kind in kinds if kind is not None}


def fields_of(template: Template | None, language: Language, options: Options) -> list[Field]:
    """Return a field for each parameter; those that name something offer what there is of it."""
    if template is None:
        return []
    fields = []
    for definition in template.parameters.values():
        kind = _kind(definition, template)
        fields.append(_field(definition, language, options.get(kind, ()) if kind is not None else ()))
    return fields


def description_of(template: Template | None, language: Language) -> str:
    """Return what a template says of itself in the reader's language."""
    return text_in(template.description, language) if template is not None else ""


def text_in(value: Any, language: Language) -> str:
    """Return a text that a template may give in several languages."""
    if isinstance(value, Mapping):
        value = value.get("zh-cn" if language == "zh" else "en") or next(iter(value.values()), "")
    return value if isinstance(value, str) else ""


def _kind(definition: ParameterDefinition, template: Template) -> Kind | None:
    if definition.type not in ("String", "List"):
        return None
    association = definition.source.get("AssociationProperty")
    if isinstance(association, str) and association in _ASSOCIATIONS:
        return _ASSOCIATIONS[association]
    name = definition.name.lower()
    if name in _DATABASE_NAMES:
        return next((kind for service, kind in _DATABASES.items() if service in _services(template)), None)
    return _NAMES.get(name)


def _services(template: Template) -> set[str]:
    """Return the products that a template's tasks call, in capital letters: by API name or by the action's own name."""
    said = set()
    for task in template.tasks:
        properties = task.source.get("Properties")
        service = properties.get("Service") if isinstance(properties, Mapping) else None
        said |= {service.upper()} if isinstance(service, str) else set(_SECTION.findall(task.action.upper()))
    return said


def _field(definition: ParameterDefinition, language: Language, offered: Sequence[tuple[str, str]]) -> Field:
    allowed = [(_written(value), _written(value)) for value in definition.allowed_values]
    if definition.type == "Boolean":
        allowed = [("true", "true"), ("false", "false")]
    closed = bool(allowed) or (bool(offered) and definition.is_required)
    return Field(
        name=definition.name,
        type=definition.type,
        label=text_in(definition.source.get("Label"), language) or definition.name,
        hint=text_in(definition.source.get("Description"), language),
        required=definition.is_required,
        value=_written(definition.default) if definition.has_default else "",
        secret=definition.no_echo,
        options=allowed or list(offered),
        is_closed=closed,
        is_filled=_is_filled(definition),
        is_long=definition.source.get("AssociationProperty") in ("Code", "TextArea"),
        least=definition.min_value,
        most=definition.max_value,
        longest=definition.max_length,
    )


def _is_filled(definition: ParameterDefinition) -> bool:
    """Tell whether the default is a placeholder that Auto Scaling replaces (oos.md 2.4)."""
    return definition.has_default and "${" in _written(definition.default)


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    return "" if value is None else msgspec.json.encode(value).decode()

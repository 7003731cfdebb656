"""Parses the parameter definitions of a template (oos.md 2.1, V3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast, get_args

from tidegate.services.oos import limits
from tidegate.services.oos.compiler import Compiler
from tidegate.services.oos.document import Node
from tidegate.services.oos.expressions import Literal
from tidegate.services.oos.model import ParameterDefinition, ParameterType, in_language
from tidegate.services.oos.parameters import coerce, problems_of
from tidegate.services.oos.problems import Mark, Problems

_NAME: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{limits.NAME_LENGTH}}}")
_TYPES: Final = frozenset(get_args(ParameterType))
_KEYS: Final = frozenset(
    {
        "Type",
        "Label",
        "Description",
        "Default",
        "AllowedValues",
        "AllowedPattern",
        "MinValue",
        "MaxValue",
        "MinLength",
        "MaxLength",
        "ConstraintDescription",
        "NoEcho",
        "AssociationProperty",
        "AssociationPropertyMetadata",
    }
)
#: constraints that have a meaning for some types only
_CONSTRAINED_TYPES: Final[Mapping[str, frozenset[str]]] = {
    "MinValue": frozenset({"Number"}),
    "MaxValue": frozenset({"Number"}),
    "MinLength": frozenset({"String", "List"}),
    "MaxLength": frozenset({"String", "List"}),
    "AllowedPattern": frozenset({"String"}),
}
_FITTING: Final[Mapping[str, tuple[type, ...]]] = {
    "AllowedValues": (list,),
    "AllowedPattern": (str,),
    "MinValue": (int, float),
    "MaxValue": (int, float),
    "MinLength": (int,),
    "MaxLength": (int,),
    "NoEcho": (bool,),
}


def parse_parameters(
    section: Node | None, compiler: Compiler, problems: Problems, patterns: list[tuple[str, str | None, Mark]]
) -> Mapping[str, ParameterDefinition]:
    """Return the definitions by name, in the order of the text; patterns to be tried by the helper go to ``patterns``."""
    parsed: dict[str, ParameterDefinition] = {}
    if section is None or not isinstance(section.value, dict):
        return parsed
    spellings: dict[str, str] = {}
    for name, node in section.value.items():
        mark = section.keys[name]
        if not _NAME.fullmatch(name):
            problems.error(mark, "V3", f'"{name[:80]}" is not a name of a parameter: letters, digits, "-" and "_"')
        if (other := spellings.setdefault(name.lower(), name)) != name:
            problems.error(mark, "V3", f"the parameters {other} and {name} differ by case only")
        definition = _Definition(name, node, mark, compiler, problems).parse()
        if definition is not None:
            parsed[name] = definition
            if definition.allowed_pattern is not None:
                patterns.append((definition.allowed_pattern, _plain_default(definition), mark))
    return parsed


def _plain_default(definition: ParameterDefinition) -> str | None:
    """Return the default that a pattern can be held against: not empty, without anything still to be filled in."""
    default = definition.default
    is_final = isinstance(definition.default_expression, Literal) and isinstance(default, str) and "${" not in default
    return default if is_final and default else None


class _Definition:
    def __init__(self, name: str, node: Node, mark: Mark, compiler: Compiler, problems: Problems) -> None:
        self._name = name
        self._node = node
        self._mark = mark
        self._compiler = compiler
        self._problems = problems

    def parse(self) -> ParameterDefinition | None:
        if not isinstance(self._node.value, dict):
            self._problems.error(self._mark, "V3", f"the parameter {self._name} must be a map with a Type")
            return None
        for key in self._node.value.keys() - _KEYS:
            self._problems.error(self._node.keys[key], "V3", f'a parameter has no key "{key}"')
        kind = self._plain("Type")
        if not isinstance(kind, str) or kind not in _TYPES:
            self._problems.error(
                self._mark, "V3", f"the Type of {self._name} must be one of {', '.join(sorted(_TYPES))}"
            )
            return None
        default = self._node.value.get("Default")
        definition = ParameterDefinition(
            name=self._name,
            type=cast("ParameterType", kind),
            default=default.plain() if default else None,
            has_default=default is not None,
            allowed_values=tuple(self._constraint("AllowedValues", kind) or ()),
            allowed_pattern=self._constraint("AllowedPattern", kind),
            min_length=self._constraint("MinLength", kind),
            max_length=self._constraint("MaxLength", kind),
            min_value=self._constraint("MinValue", kind),
            max_value=self._constraint("MaxValue", kind),
            constraint_description=in_language(self._plain("ConstraintDescription")),
            no_echo=bool(self._constraint("NoEcho", kind)),
            source=self._node.plain(),
            default_expression=self._compiler.compile_references(default) if default else None,
        )
        self._check_default(definition, default)
        return definition

    def _plain(self, key: str) -> Any:
        node = self._node.value.get(key)
        return node.plain() if node is not None else None

    def _constraint(self, key: str, kind: str) -> Any:
        """Return the constraint when it is well-formed and the type can have it."""
        value = self._plain(key)
        if value is None:
            return None
        mark = self._node.keys[key]
        fits = isinstance(value, _FITTING[key]) and (isinstance(value, bool) == (key == "NoEcho"))
        if not fits:
            self._problems.error(mark, "V3", f"{key} of {self._name} has the wrong type")
            return None
        if kind not in _CONSTRAINED_TYPES.get(key, _TYPES):
            self._problems.warn(mark, "V3", f"{key} means nothing for the type {kind}")
            return None
        return value

    def _check_default(self, definition: ParameterDefinition, default: Node | None) -> None:
        if default is None or default.value is None or not isinstance(definition.default_expression, Literal):
            return
        if isinstance(default.value, str) and "${" in default.value:
            return  # a placeholder of Auto Scaling, filled in before the start (oos.md 11.2)
        try:
            value = coerce(definition, definition.default)
        except ValueError:
            self._problems.error(default.mark, "V3", f"the default of {self._name} is not a {definition.type}")
            return
        for _, reason in problems_of(definition, value):
            self._problems.error(default.mark, "V3", f"the default of {self._name} {reason}")

"""Parameters: what a definition accepts, how a value is coerced, how defaults are resolved (oos.md 2)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from tidegate.errors import CloudError
from tidegate.services.oos.expressions import Scope
from tidegate.services.oos.model import ParameterDefinition, Template
from tidegate.services.oos.sandbox import Programs
from tidegate.services.oos.values import ExpressionError, are_equal, from_json, to_json, to_text


class _RefusedError(Exception):
    """A value does not fit: the end of the error code and the reason (oos.md 2.4)."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


def coerce(definition: ParameterDefinition, value: Any) -> Any:
    """Bring ``value`` to the declared type; raises ValueError when that cannot be (oos.md 2.2)."""
    return _COERCIONS[definition.type](value)


def _to_string(value: Any) -> str:
    match value:
        case str():
            return value
        case bool() | int() | float():
            return to_json(value)
    raise ValueError(value)


def _to_number(value: Any) -> int | float:
    number = from_json(value.strip()) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise ValueError(value)  # noqa: TRY004 - the one error of a value that does not fit
    return number


def _to_boolean(value: Any) -> bool:
    match value:
        case bool():
            return value
        case str() as text if text.strip().lower() in ("true", "false"):
            return text.strip().lower() == "true"
    raise ValueError(value)


def _to_list(value: Any) -> list[Any]:
    """A JSON text of an array is an array, any other scalar a list of one."""
    parsed = _to_json(value)
    match parsed, value:
        case list(), _:
            return parsed
        case _, str() | bool() | int() | float():
            return [value]
    raise ValueError(value)


def _to_json(value: Any) -> Any:
    """A JSON text is what it holds; a text that is not JSON stays itself."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return from_json(value)
    return value


_COERCIONS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "String": _to_string,
    "Number": _to_number,
    "Boolean": _to_boolean,
    "List": _to_list,
    "Json": _to_json,
}


def problems_of(definition: ParameterDefinition, value: Any) -> Iterator[tuple[str, str]]:
    """Yield (end of the error code, reason) for each constraint that a coerced value breaks; patterns excepted."""
    if definition.allowed_values and not _is_allowed(definition, value):
        allowed = ", ".join(map(to_text, definition.allowed_values))
        yield "AllowedValues", f"must be one of: {allowed}"
    is_untouched_default = value == "" and definition.default == ""
    if definition.type in ("String", "List") and not is_untouched_default:
        if definition.min_length is not None and len(value) < definition.min_length:
            yield "Length", f"must have at least {definition.min_length} characters or elements"
        if definition.max_length is not None and len(value) > definition.max_length:
            yield "Length", f"must have at most {definition.max_length} characters or elements"
    if definition.type == "Number":
        if definition.min_value is not None and value < definition.min_value:
            yield "Range", f"must be at least {definition.min_value:g}"
        if definition.max_value is not None and value > definition.max_value:
            yield "Range", f"must be at most {definition.max_value:g}"


def _is_allowed(definition: ParameterDefinition, value: Any) -> bool:
    """Compare with AllowedValues; of a list every element must be allowed (oos.md 2.4)."""
    texts = frozenset(map(to_text, definition.allowed_values))

    def is_listed(element: Any) -> bool:
        # The texts answer nearly always; the comparison one by one is left for 1 and 1.0 and for the refusal.
        return to_text(element) in texts or (
            definition.type != "String" and any(are_equal(element, allowed) for allowed in definition.allowed_values)
        )

    if isinstance(value, list):
        return all(map(is_listed, value)) or is_listed(value)
    return is_listed(value)


async def _check(definition: ParameterDefinition, value: Any, programs: Programs) -> Any:
    """Return the coerced value or raise _RefusedError."""
    try:
        coerced = coerce(definition, value)
    except ValueError:
        raise _RefusedError("Type", f"must be a {definition.type}") from None
    for code, reason in problems_of(definition, coerced):
        raise _RefusedError(code, definition.constraint_description or reason)
    pattern = definition.allowed_pattern
    # An optional text that is left empty is not held against the pattern (oos.md 2.4, ASSUMPTION).
    if pattern is not None and isinstance(coerced, str) and not (coerced == "" and definition.default == ""):
        try:
            fits = await programs.matches(pattern, coerced)
        except ExpressionError as error:
            raise _RefusedError("AllowedPattern", f"the pattern {pattern} cannot be used: {error}") from None
        if not fits:
            raise _RefusedError(
                "AllowedPattern", definition.constraint_description or f"must match the pattern {pattern}"
            )
    return coerced


async def resolve(template: Template, supplied: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """Return the value of every parameter, in the order of declaration.

    ``supplied`` values are data and never expanded; null counts as not supplied. ``scope`` knows the pseudo parameters.
    Raises CloudError with the code of the first violation, in the order of oos.md 2.4, and all violations in its message.
    """
    violations = [
        ("InvalidParameter.NotDeclared", f'the template declares no parameter "{name}"')
        for name in supplied
        if name not in template.parameters
    ]
    given = {name: value for name, value in supplied.items() if value is not None}
    for name, definition in template.parameters.items():
        if definition.is_required and name not in given:
            violations.append(("MissingParameter", f'the parameter "{name}" is required'))
    values: dict[str, Any] = {}
    for name in template.resolution:
        definition = template.parameters[name]
        if name not in given and definition.is_required:
            continue
        try:
            value = given[name] if name in given else await _default(definition, scope, values)
            values[name] = None if value is None else await _check(definition, value, scope.programs)
        except _RefusedError as refused:
            violations.append((f"InvalidParameter.{refused.code}", f'the parameter "{name}" {refused.reason}'))
    if violations:
        violations.sort(key=lambda violation: _ORDER.index(violation[0].removeprefix("InvalidParameter.")))
        raise CloudError(violations[0][0], "; ".join(message for _, message in violations) + ".")
    return {name: values[name] for name in template.parameters}


#: oos.md 2.4
_ORDER = ("NotDeclared", "MissingParameter", "Type", "AllowedValues", "AllowedPattern", "Length", "Range")


async def _default(definition: ParameterDefinition, scope: Scope, values: Mapping[str, Any]) -> Any:
    if definition.default_expression is None:
        return None
    try:
        return await definition.default_expression.evaluate(
            Scope(parameters=values, outputs={}, pseudo=scope.pseudo, programs=scope.programs, store=scope.store)
        )
    except ExpressionError as error:
        raise _RefusedError("Type", f"has a default that cannot be evaluated: {error}") from None

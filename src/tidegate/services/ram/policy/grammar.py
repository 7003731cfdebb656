"""Reads policy documents and says where they are wrong (ram.md 5 and 8)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from tidegate.services.ram.policy.conditions import Condition, prepare_condition
from tidegate.services.ram.policy.patterns import ActionPattern, ResourcePattern, fold_resource, is_role

#: characters of a reason that are sent
_LONGEST_REASON = 300
_ACTION = re.compile(r"\*|[\w.*?/-]+:[\w.*?/-]+", re.ASCII)
_RAM_PRINCIPAL = re.compile(r"acs:ram:\*?:\d{1,20}:(root|(user|role)/[\w.@-]{1,64})", re.ASCII)
_SERVICE_PRINCIPAL = re.compile(r"(\d{1,20}@)?[\w.-]{1,128}", re.ASCII)
_FEDERATED_PRINCIPAL = re.compile(r"acs:ram:\*?:\d{1,20}:(saml|oidc)-provider/[\w.@-]{1,128}", re.ASCII)

_PRINCIPALS: Mapping[str, re.Pattern[str]] = {
    "RAM": _RAM_PRINCIPAL,
    "Service": _SERVICE_PRINCIPAL,
    "Federated": _FEDERATED_PRINCIPAL,
}


class GrammarError(ValueError):
    """A document that is not a policy; the text says where and why, in one line."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One compiled statement. ``resources`` is None in a trust policy, ``principals`` everywhere else."""

    allows: bool
    actions: tuple[ActionPattern, ...]
    except_actions: bool
    resources: tuple[ResourcePattern, ...] | None
    except_resources: bool
    principals: frozenset[str] | None
    conditions: tuple[Condition, ...]

    def concerns(self, action: str, context: Mapping[str, str], names: frozenset[str]) -> bool:
        """Tell whether the statement speaks about this action (lower case) in such a request, on whatever resource.

        ``names`` are the principal names of the caller, which only a trust policy looks at.
        """
        return (
            any(pattern.matches(action) for pattern in self.actions) != self.except_actions
            and (self.principals is None or not self.principals.isdisjoint(names))
            and all(condition.holds(context) for condition in self.conditions)
        )

    def covers(self, resource: str) -> bool:
        """Tell whether the statement speaks about this resource (folded)."""
        return (
            self.resources is None
            or any(pattern.matches(resource) for pattern in self.resources) != self.except_resources
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """A compiled document: its statements in their order."""

    statements: tuple[Statement, ...]


def read_policy(text: str) -> Policy:
    """Compile a permission policy. Raises GrammarError."""
    return _read(text, _read_permission)


def read_trust_policy(text: str) -> Policy:
    """Compile a trust policy, whose statements name principals and no resources. Raises GrammarError."""
    return _read(text, _read_trust)


def principal_name(name: str) -> str:
    """Write the name of a principal so that equal ones are equal texts: roles and services ignore case."""
    if not name.startswith("acs:"):
        return name.lower()
    folded = fold_resource(name)
    return folded.lower() if is_role(folded) else folded


def _read(text: str, read_statement: Callable[[dict[str, Any], str], Statement]) -> Policy:
    document = _decode(text)
    _expect_keys(document, "the policy", required={"Version", "Statement"})
    if document["Version"] != "1":
        _refuse("Version", 'must be the string "1"')
    statements = document["Statement"]
    if not isinstance(statements, list) or not statements:
        _refuse("Statement", "must be a list of one or more statements")
    return Policy(tuple(read_statement(statement, f"Statement[{index}]") for index, statement in enumerate(statements)))


def _read_permission(statement: Any, where: str) -> Statement:
    _expect_keys(
        statement,
        where,
        required={"Effect"},
        optional={"Action", "NotAction", "Resource", "NotResource", "Condition"},
    )
    resources, except_resources = _read_alternative(statement, "Resource", where, _read_resource)
    return _compile(statement, where, resources=resources, except_resources=except_resources)


def _read_trust(statement: Any, where: str) -> Statement:
    _expect_keys(statement, where, required={"Effect", "Principal"}, optional={"Action", "NotAction", "Condition"})
    return _compile(statement, where, principals=_read_principals(statement["Principal"], f"{where}.Principal"))


def _compile(
    statement: dict[str, Any],
    where: str,
    *,
    resources: tuple[ResourcePattern, ...] | None = None,
    except_resources: bool = False,
    principals: frozenset[str] | None = None,
) -> Statement:
    if statement["Effect"] not in ("Allow", "Deny"):
        _refuse(f"{where}.Effect", 'must be "Allow" or "Deny"')
    actions, except_actions = _read_alternative(statement, "Action", where, _read_action)
    return Statement(
        allows=statement["Effect"] == "Allow",
        actions=actions,
        except_actions=except_actions,
        resources=resources,
        except_resources=except_resources,
        principals=principals,
        conditions=_read_conditions(statement.get("Condition", {}), f"{where}.Condition"),
    )


def _decode(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_float=Decimal, parse_constant=_refuse_constant)
    except GrammarError:
        raise
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise GrammarError("the policy is not valid JSON") from error
    if not isinstance(document, dict):
        raise GrammarError("the policy must be a JSON object")
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise GrammarError("a key occurs twice in one object of the policy")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise GrammarError(f"{name} is not valid JSON")


def _refuse(where: str, why: str) -> NoReturn:
    """Raise GrammarError; what the document contributes to the text is bounded and can be written as UTF-8."""
    text = f"{where} {why}".encode("utf-8", "backslashreplace").decode()
    raise GrammarError(text if len(text) <= _LONGEST_REASON else text[:_LONGEST_REASON] + "…")


def _expect_keys(value: Any, where: str, *, required: Set[str], optional: Set[str] = frozenset()) -> None:
    if not isinstance(value, dict):
        _refuse(where, "must be a JSON object")
    missing = sorted(required - value.keys())
    if missing:
        _refuse(where, f"lacks {missing[0]}")
    unknown = sorted(value.keys() - required - optional)
    if unknown:
        _refuse(where, f"has an unknown key {json.dumps(unknown[0])}")


def _read_alternative(
    statement: dict[str, Any], name: str, where: str, read: Callable[[str, str], Any]
) -> tuple[tuple[Any, ...], bool]:
    """Read ``Action`` or ``NotAction`` (the same for Resource); True when it is the Not form."""
    present = [key for key in (name, f"Not{name}") if key in statement]
    if len(present) != 1:
        _refuse(where, f"must have exactly one of {name} and Not{name}")
    key = present[0]
    values = _texts(statement[key], f"{where}.{key}")
    return tuple(read(value, f"{where}.{key}") for value in values), key != name


def _read_action(value: str, where: str) -> ActionPattern:
    if not _ACTION.fullmatch(value):
        _refuse(where, f"has {json.dumps(value)}, which is not <service>:<operation>")
    return ActionPattern(value)


def _read_resource(value: str, where: str) -> ResourcePattern:
    if value != "*" and not value.startswith("acs:"):
        _refuse(where, f"has {json.dumps(value)}, which is neither * nor acs:<service>:<region>:<account>:<name>")
    return ResourcePattern(value)


def _read_principals(value: Any, where: str) -> frozenset[str]:
    if not isinstance(value, dict) or not value:
        _refuse(where, "must be an object with RAM, Service or Federated")
    names: set[str] = set()
    for kind, listed in value.items():
        shape = _PRINCIPALS.get(kind)
        if shape is None:
            _refuse(where, f"has an unknown key {json.dumps(kind)}")
        for name in _texts(listed, f"{where}.{kind}"):
            if not shape.fullmatch(name):
                _refuse(f"{where}.{kind}", f"has {json.dumps(name)}, which is not a principal")
            names.add(principal_name(name))
    return frozenset(names)


def _read_conditions(value: Any, where: str) -> tuple[Condition, ...]:
    if not isinstance(value, dict):
        _refuse(where, "must be a JSON object")
    conditions = []
    for operator, keys in value.items():
        if not isinstance(keys, dict) or not keys:
            _refuse(f"{where}.{operator}", "must be an object of keys and values")
        for key, listed in keys.items():
            place = f"{where}.{operator}.{key}"
            try:
                conditions.append(prepare_condition(operator, key, _texts(listed, place, scalars=True)))
            except KeyError:
                _refuse(where, f"has an unknown operator {json.dumps(operator)}")
            except GrammarError:
                raise
            except ValueError as error:
                _refuse(place, f"is wrong: {error}")
    return tuple(conditions)


def _texts(value: Any, where: str, *, scalars: bool = False) -> list[str]:
    """Return one text or a list of texts as a list; with ``scalars`` numbers and truths count as their text."""
    values = value if isinstance(value, list) else [value]
    if not values:
        _refuse(where, "must not be an empty list")
    if scalars:
        values = [_scalar_text(item) for item in values]
    if not all(isinstance(item, str) for item in values):
        _refuse(where, "must be a text or a list of texts")
    return values


def _scalar_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | Decimal) else value

"""The least RAM policy that a template needs (GenerateExecutionPolicy, oos.md 8.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from tidegate.services.oos.actions.select_targets import list_operation
from tidegate.services.oos.catalog import Catalog
from tidegate.services.oos.model import Template

#: RAM codes that are not the service's name in lower case (ram.md 6)
_CODES: Final[Mapping[str, str]] = {"r-kvstore": "kvstore"}
_STORE_REFERENCE: Final = re.compile(r"\{\{\s*oos(-secret)?:[\w/-]+\s*\}\}", re.IGNORECASE | re.ASCII)
_CALLING: Final = frozenset({"ACS::ExecuteAPI", "ACS::WaitFor", "ACS::CheckFor"})


def needed_actions(template: Template, catalog: Catalog) -> Sequence[str]:
    """Return the RAM actions of every operation the template calls by name, in order, once each.

    Product actions run under the same role, so what they call counts as well. References to Parameter Store are read
    with the same rights; their actions come last.
    """
    called = dict.fromkeys(_called(template, catalog, frozenset()))
    return list(called | dict.fromkeys(sorted(set(_store_actions(template.source)))))


def _called(template: Template, catalog: Catalog, within: frozenset[str]) -> Iterator[str]:
    """Yield the actions of a template; ``within`` are the product actions it is part of."""
    for task in template.all_tasks:
        if task.action in _CALLING or task.action == "ACS::SelectTargets":
            service, api = _operation(task.source.get("Properties"))
            if service and api:
                yield f"{_code(service)}:{api}"
            continue
        if task.action == "ACS::AlarmTrigger":
            yield "cms:DescribeMetricList"
            continue
        key = task.action.lower()
        product_action = catalog.find(key)
        if product_action is not None and key not in within:
            yield from _called(product_action.validated.require(), catalog, within | {key})


def policy_document(actions: Iterable[str]) -> dict[str, Any]:
    """Return a policy that allows these actions on everything."""
    statements = [{"Action": list(actions), "Effect": "Allow", "Resource": "*"}] if actions else []
    return {"Version": "1", "Statement": statements}


def missing_policy(actions: Iterable[str]) -> list[dict[str, Any]]:
    """Return what a role lacks, as ``MissingPolicy`` lists it."""
    return [{"Action": action, "ServiceName": action.partition(":")[0], "Resources": ["*"]} for action in actions]


def _store_actions(value: Any) -> Iterator[str]:
    match value:
        case str():
            for match in _STORE_REFERENCE.finditer(value):
                yield "oos:GetSecretParameter" if match[1] else "oos:GetParameter"
        case list():
            for item in value:
                yield from _store_actions(item)
        case dict():
            for item in value.values():
                yield from _store_actions(item)


def _code(service: str) -> str:
    return _CODES.get(service.lower(), service.lower())


def _operation(properties: Any) -> tuple[str | None, str | None]:
    """Return service and operation when both are written out; a reference says nothing before it is run."""
    given = properties if isinstance(properties, dict) else {}
    if (listed := list_operation(given.get("ResourceType"))) is not None:
        return listed
    names = [given.get(key) for key in ("Service", "API")]
    service, api = [name if isinstance(name, str) and "{{" not in name else None for name in names]
    return service, api

"""Compiles and evaluates expressions of templates in tests, without the helper process."""

from __future__ import annotations

import re
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, TypeVar

from tidegate.services.oos.compiler import Compiler, Names
from tidegate.services.oos.document import START, Node
from tidegate.services.oos.expressions import Scope
from tidegate.services.oos.problems import Problem, Problems

T = TypeVar("T")

FACTS = {"regionid": "cn-hangzhou", "executionid": "exec-1", "accountid": "123", "taskloopitem": None}


class NoPrograms:
    """A helper that matches patterns by itself and answers every jq program with what it was made with."""

    def __init__(self, results: list[Any] | None = None) -> None:
        self.results = results or []
        self.asked: list[tuple[str, Any]] = []

    async def run_jq(self, program: str, value: Any) -> list[Any]:
        self.asked.append((program, value))
        return self.results

    async def matches(self, pattern: str, text: str) -> bool:
        return re.fullmatch(pattern, text) is not None

    async def check_jq(self, program: str) -> str | None:
        return None

    async def check_pattern(self, pattern: str) -> str | None:
        return None


def settle(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns that never has to wait."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    coroutine.close()
    raise AssertionError("it waits")


def node(value: Any) -> Node:
    """Return a document's node for a plain value."""
    match value:
        case list():
            return Node([node(item) for item in value], START)
        case dict():
            return Node({key: node(item) for key, item in value.items()}, START, dict.fromkeys(value, START))
    return Node(value, START)


def scope(
    parameters: Mapping[str, Any] | None = None,
    outputs: Mapping[tuple[str, str], Any] | None = None,
    programs: NoPrograms | None = None,
    **options: Any,
) -> Scope:
    """Return a scope with these values."""
    return Scope(
        parameters=parameters or {},
        outputs=outputs or {},
        pseudo=lambda name: FACTS[name],
        programs=programs or NoPrograms(),
        **options,
    )


def names_of(within: Scope, declared: Iterable[tuple[str, str]] = ()) -> Names:
    """Return the names that a scope gives values to, and ``declared`` outputs without a value."""
    outputs: dict[str, list[str]] = {}
    for task, output in [*within.outputs, *declared]:
        outputs.setdefault(task, []).append(output)
    return Names(within.parameters, outputs, within.conditions)


def evaluate(value: Any, within: Scope | None = None, *, declared: Iterable[tuple[str, str]] = ()) -> Any:
    """Compile and evaluate a plain value; an invalid one fails the test."""
    within = within or scope()
    problems = Problems()
    compiled = Compiler(names_of(within, declared), problems).compile(node(value), in_loop=True)
    assert not problems.sorted(), problems.sorted()
    return settle(compiled.evaluate(within))


def problems_of(value: Any, within: Scope | None = None) -> tuple[Problem, ...]:
    """Return what is wrong with a plain value."""
    problems = Problems()
    Compiler(names_of(within or scope()), problems).compile(node(value))
    return problems.sorted()

"""Expressions of the template language: compiled once, with every name resolved, then evaluated in a scope (oos.md 3).

A compiled expression is a tree of small nodes. Evaluating never scans a value for further references: what a
reference yields is data. The only thing evaluated outside this process is jq, through ``Scope.programs``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from tidegate.services.oos.functions.base import Function
from tidegate.services.oos.sandbox import Programs
from tidegate.services.oos.values import ExpressionError, check_length, check_size, from_json, is_true, to_text


class MissingOutputError(ExpressionError):
    """An output of a task that did not run or did not produce it was needed."""


async def _no_store(name: str, is_secret: bool) -> Any:
    raise ExpressionError(f"Parameter Store cannot be read here: {'oos-secret' if is_secret else 'oos'}:{name}")


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything a name can stand for while an expression is evaluated."""

    parameters: Mapping[str, Any]
    #: by task name and output name
    outputs: Mapping[tuple[str, str], Any]
    #: value of a pseudo parameter by its lower-case name, without ``ACS::``; asked each time (oos.md 3.2)
    pseudo: Callable[[str], Any]
    programs: Programs
    conditions: Mapping[str, Expression] = field(default_factory=dict)
    #: value of a parameter of Parameter Store, with its name and whether it is a secret one
    store: Callable[[str, bool], Awaitable[Any]] = _no_store
    #: whether a missing output is an error instead of null (template outputs, oos.md 1.6)
    strict: bool = False


class Expression(Protocol):
    """Something with a value in a scope."""

    async def evaluate(self, scope: Scope) -> Any:
        """Return the value; raises ExpressionError. The value may be shared: treat it as frozen."""
        ...


@dataclass(frozen=True, slots=True)
class Literal:
    """A value without references or functions."""

    value: Any

    async def evaluate(self, scope: Scope) -> Any:  # noqa: ARG002 - the same shape as the others
        """Return the value itself."""
        return self.value


@dataclass(frozen=True, slots=True)
class ParameterReference:
    """``{{ name }}``."""

    name: str

    async def evaluate(self, scope: Scope) -> Any:
        """Return the parameter's value with its own type."""
        return scope.parameters.get(self.name)


@dataclass(frozen=True, slots=True)
class OutputReference:
    """``{{ task.output }}``; null when the task did not run (oos.md 3.3 rule 6)."""

    task: str
    output: str

    async def evaluate(self, scope: Scope) -> Any:
        """Return the output with its own type."""
        try:
            return scope.outputs[self.task, self.output]
        except KeyError:
            if scope.strict:
                raise MissingOutputError(f"{self.task}.{self.output} has no value") from None
            return None


@dataclass(frozen=True, slots=True)
class PseudoReference:
    """``{{ ACS::Name }}``; ``name`` is in lower case, without the prefix."""

    name: str

    async def evaluate(self, scope: Scope) -> Any:
        """Return the value at this moment."""
        return scope.pseudo(self.name)


@dataclass(frozen=True, slots=True)
class StoreReference:
    """``{{ oos:name }}`` and ``{{ oos-secret:name }}``: a value of Parameter Store at this moment (oos.md 8.3)."""

    name: str
    is_secret: bool

    async def evaluate(self, scope: Scope) -> Any:
        """Return the newest value, read with the rights of whoever evaluates."""
        return await scope.store(self.name, self.is_secret)


@dataclass(frozen=True, slots=True)
class Text:
    """A text with references in its middle, replaced in one pass (oos.md 3.3)."""

    parts: tuple[str | Expression, ...]

    async def evaluate(self, scope: Scope) -> Any:
        """Return the text."""
        written: list[str] = []
        length = 0
        for part in self.parts:
            written.append(part if isinstance(part, str) else to_text(check_size(await part.evaluate(scope))))
            length += len(written[-1])
            check_length(length)
        return "".join(written)


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list with something to evaluate in it."""

    items: tuple[Expression, ...]

    async def evaluate(self, scope: Scope) -> Any:
        """Return the list."""
        return [await item.evaluate(scope) for item in self.items]


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map with something to evaluate in it; keys are never references (oos.md 3.1)."""

    entries: tuple[tuple[str, Expression], ...]

    async def evaluate(self, scope: Scope) -> Any:
        """Return the map."""
        return {key: await value.evaluate(scope) for key, value in self.entries}


@dataclass(frozen=True, slots=True)
class Call:
    """A function whose arguments are evaluated first."""

    function: Function
    argument: Expression

    async def evaluate(self, scope: Scope) -> Any:
        """Return the function's result. What goes in is bounded, so that every function ends soon."""
        arguments = check_size(await self.argument.evaluate(scope))
        return check_size(self.function.call(arguments))


@dataclass(frozen=True, slots=True)
class If:
    """``Fn::If``: only the branch that is chosen is evaluated (oos.md 3.4)."""

    condition: Expression
    then: Expression
    otherwise: Expression

    async def evaluate(self, scope: Scope) -> Any:
        """Return the value of the chosen branch."""
        # Conditions never fail for a missing output, the branches may (oos.md 1.6, 3.3).
        chosen = is_true(await self.condition.evaluate(replace(scope, strict=False)))
        return await (self.then if chosen else self.otherwise).evaluate(scope)


@dataclass(frozen=True, slots=True)
class Decide:
    """``Fn::And`` (``until`` false) and ``Fn::Or`` (``until`` true): evaluated until the answer is known."""

    conditions: tuple[Expression, ...]
    until: bool

    async def evaluate(self, scope: Scope) -> Any:
        """Return a boolean."""
        for condition in self.conditions:
            if is_true(await condition.evaluate(scope)) is self.until:
                return self.until
        return not self.until


@dataclass(frozen=True, slots=True)
class ConditionReference:
    """The name of a condition where a condition is expected (oos.md 1.5)."""

    name: str

    async def evaluate(self, scope: Scope) -> Any:
        """Evaluate the condition, now."""
        return await scope.conditions[self.name].evaluate(scope)


@dataclass(frozen=True, slots=True)
class JqCall:
    """``Fn::Jq``: mode, program, input."""

    mode: Expression
    program: Expression
    input: Expression

    async def evaluate(self, scope: Scope) -> Any:
        """Return the first result or null, or the list of all results (oos.md 3.7)."""
        mode, program = await self.mode.evaluate(scope), await self.program.evaluate(scope)
        value = await self.input.evaluate(scope)
        if not isinstance(program, str):
            raise ExpressionError("Fn::Jq: the program is not a text")
        if isinstance(value, str):
            with contextlib.suppress(
                ValueError
            ):  # a text that is not JSON is itself the input (oos.md 3.7, ASSUMPTION)
                value = from_json(value)
        try:
            results = await scope.programs.run_jq(program, value)
        except ExpressionError as error:
            raise ExpressionError(f"Fn::Jq: {error}") from error
        match str(mode).lower():
            case "all":
                return results
            case "first":
                return results[0] if results else None
        raise ExpressionError(f"Fn::Jq: the mode is First or All, not {to_text(mode)[:40]}")


NULL: Final = Literal(None)


def list_of(items: list[Expression]) -> Expression:
    """Return a list, as a value already when all its items are."""
    values = [item.value for item in items if isinstance(item, Literal)]
    return Literal(values) if len(values) == len(items) else ListOf(tuple(items))


def map_of(entries: dict[str, Expression]) -> Expression:
    """Return a map, as a value already when all its entries are."""
    values = {key: entry.value for key, entry in entries.items() if isinstance(entry, Literal)}
    return Literal(values) if len(values) == len(entries) else MapOf(tuple(entries.items()))

"""Turns the values of a template into expressions and reports every reference and function that cannot work (V7, V8)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tidegate.services.oos.document import Node
from tidegate.services.oos.expressions import (
    NULL,
    Call,
    ConditionReference,
    Decide,
    Expression,
    If,
    JqCall,
    Literal,
    OutputReference,
    ParameterReference,
    PseudoReference,
    StoreReference,
    Text,
    list_of,
    map_of,
)
from tidegate.services.oos.functions import FUNCTIONS, UNDOCUMENTED
from tidegate.services.oos.problems import Mark, Problems

#: oos.md 3.2, by lower-case name without the prefix
PSEUDO_PARAMETERS: Final[Mapping[str, str]] = {
    name.lower(): name
    for name in (
        "RegionId",
        "TaskLoopItem",
        "ExecutionId",
        "AccountId",
        "CurrentUTCTime",
        "OOSUtilVersion",
        "CurrentDate",
        "ExecuteUser",
    )
}

_REFERENCE = re.compile(
    r"""\{\{\s*
    (?: ACS::(?P<pseudo>\w+)
      | (?P<store>oos(?:-secret)?:[\w/-]+)
      | (?P<name>[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)
    )\s*\}\}""",
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
_FUNCTION_PREFIX = "fn::"


class Names:
    """What a template declares, found by exact name first, then in any case (oos.md 3.1)."""

    def __init__(
        self,
        parameters: Iterable[str] = (),
        outputs: Mapping[str, Iterable[str]] | None = None,
        conditions: Iterable[str] = (),
    ) -> None:
        self._parameters = _Insensitive(parameters)
        self._tasks = _Insensitive(outputs or ())
        self._outputs = {task: _Insensitive(names) for task, names in (outputs or {}).items()}
        self._conditions = frozenset(conditions)

    def parameter(self, name: str) -> str | None:
        """Return the declared spelling of a parameter."""
        return self._parameters.find(name)

    def output(self, task: str, output: str) -> tuple[str, str] | None:
        """Return the declared spelling of a task and its output."""
        found = self._tasks.find(task)
        name = self._outputs[found].find(output) if found is not None else None
        return (found, name) if found is not None and name is not None else None

    def with_tasks(self, outputs: Mapping[str, Iterable[str]]) -> Names:
        """Return these names and the outputs of more tasks."""
        merged = Names()
        merged._parameters, merged._conditions = self._parameters, self._conditions
        merged._outputs = self._outputs | {task: _Insensitive(names) for task, names in outputs.items()}
        merged._tasks = _Insensitive(merged._outputs)
        return merged

    def has_task(self, name: str) -> bool:
        """Whether a task of this name is there."""
        return self._tasks.find(name) is not None

    def is_condition(self, value: Any) -> bool:
        """Whether ``value`` names a condition."""
        return isinstance(value, str) and value in self._conditions


class _Insensitive:
    def __init__(self, names: Iterable[str]) -> None:
        listed = list(names)
        self._exact = frozenset(listed)
        self._lower = {name.lower(): name for name in reversed(listed)}

    def find(self, name: str) -> str | None:
        return name if name in self._exact else self._lower.get(name.lower())


class Compiler:
    """Compiles the expressions of one template."""

    def __init__(self, names: Names, problems: Problems) -> None:
        self._names = names
        self._problems = problems
        #: jq programs without references, to be compiled by the helper (V11)
        self.programs: list[tuple[str, Mark]] = []
        #: names of the conditions a compiled expression asked for
        self.conditions_used: list[str] = []
        #: names of the tasks whose outputs a compiled expression refers to
        self.tasks_used: set[str] = set()
        #: whether ``ACS::TaskLoopItem`` has a meaning everywhere: inside an ACS::Loop
        self.is_inside_loop = False
        self._in_loop = False
        self._is_kept = False

    def inside_loop(self, outputs: Mapping[str, Iterable[str]]) -> Compiler:
        """Return a compiler for the tasks of an ACS::Loop, which have these outputs."""
        inner = Compiler(self._names.with_tasks(outputs), self._problems)
        inner.programs, inner.is_inside_loop = self.programs, True
        return inner

    def compile(self, node: Node, *, in_loop: bool = False) -> Expression:
        """Compile any value; ``in_loop`` says whether ``ACS::TaskLoopItem`` has a meaning there."""
        self._in_loop = in_loop
        return self._value(node)

    def compile_condition(self, node: Node, *, in_loop: bool = False) -> Expression:
        """Compile a value that is taken for true or false: the name of a condition counts as one (oos.md 1.5)."""
        self._in_loop = in_loop
        return self._condition(node)

    def compile_references(self, node: Node) -> Expression:
        """Compile a value in which functions are ordinary data: defaults of parameters (oos.md 2.3), the role."""
        self._in_loop = False
        self._is_kept = True
        try:
            return self._value(node, functions=False)
        finally:
            self._is_kept = False

    def _value(self, node: Node, *, functions: bool = True) -> Expression:
        match node.value:
            case str() as text:
                return self._text(text, node.mark)
            case list() as items:
                return list_of([self._value(item, functions=functions) for item in items])
            case dict() as entries:
                if functions and any(key.lower().startswith(_FUNCTION_PREFIX) for key in entries):
                    return self._call(node)
                return map_of({key: self._value(value, functions=functions) for key, value in entries.items()})
            case value:
                return Literal(value)

    def _text(self, text: str, mark: Mark) -> Expression:
        if "{{" not in text:
            return Literal(text)
        parts: list[str | Expression] = []
        at = 0
        for match in _REFERENCE.finditer(text):
            if match.start() > at:
                parts.append(text[at : match.start()])
            parts.append(self._reference(match, mark))
            at = match.end()
        if at < len(text):
            parts.append(text[at:])
        # One reference alone keeps its type; spaces around it do not count (oos.md 3.3 rule 1).
        meant = [part for part in parts if not isinstance(part, str) or part.strip()]
        if len(meant) == 1 and not isinstance(meant[0], str):
            return meant[0]
        return Literal(text) if all(isinstance(part, str) for part in parts) else Text(tuple(parts))

    def _store(self, written_name: str, written: str, mark: Mark) -> Expression:
        space, _, name = written_name.partition(":")
        is_secret = space.lower() == "oos-secret"
        if is_secret and self._is_kept:
            # Parameters and the role are kept and shown with the execution; secrets never are.
            self._problems.unsupported(mark, "V7", f"{written}: only tasks and outputs may refer to a secret parameter")
        return StoreReference(name, is_secret)

    def _reference(self, match: re.Match[str], mark: Mark) -> Expression:
        written = match[0]
        if (pseudo := match["pseudo"]) is not None:
            return self._pseudo(pseudo.lower(), written, mark)
        if (store := match["store"]) is not None:
            return self._store(store, written, mark)
        match match["name"].split("."):
            case [name]:
                if (parameter := self._names.parameter(name)) is not None:
                    return ParameterReference(parameter)
                self._problems.error(mark, "V7", f"{written}: there is no parameter of this name")
            case [task, output]:
                if (found := self._names.output(task, output)) is not None:
                    self.tasks_used.add(found[0])
                    return OutputReference(*found)
                what = (
                    "the task does not declare this output" if self._names.has_task(task) else "there is no such task"
                )
                self._problems.error(mark, "V7", f"{written}: {what}")
            case _:
                self._problems.error(
                    mark, "V7", f"{written}: a reference has one dot at most; use Fn::Select or Fn::Jq"
                )
        return NULL

    def _pseudo(self, name: str, written: str, mark: Mark) -> Expression:
        if name not in PSEUDO_PARAMETERS:
            self._problems.error(mark, "V7", f"{written}: there is no pseudo parameter of this name")
        elif name == "taskloopitem" and self._in_loop:
            self.has_met_item = True
        elif name == "taskloopitem" and self.is_inside_loop:
            pass
        elif name == "taskloopitem":
            self._problems.error(mark, "V7", f"{written}: has a meaning only in a task with a Loop")
        return PseudoReference(name)

    def _call(self, node: Node) -> Expression:
        if len(node.value) != 1:
            self._problems.error(node.mark, "V8", "a function call must be the only key of its map")
            return NULL
        ((name, argument),) = node.value.items()
        key, mark = name.lower(), node.keys.get(name, node.mark)
        if key in UNDOCUMENTED:
            self._problems.unsupported(mark, "V8", f"{name} is not supported: what it does is not public")
            return NULL
        if key == "fn::jq":
            return self._jq(argument, name, mark)
        function = FUNCTIONS.get(key)
        if function is None:
            self._problems.error(mark, "V8", f"there is no function {name}")
            return NULL
        if isinstance(argument.value, list) and (wrong := function.count_problem(len(argument.value))):
            self._problems.error(mark, "V8", f"{name} {wrong}")
            return NULL
        match key, argument.value:
            case "fn::if", [condition, then, otherwise]:
                return If(self._condition(condition), self._value(then), self._value(otherwise))
            case (("fn::and" | "fn::or"), list() as conditions):
                return Decide(tuple(map(self._condition, conditions)), until=key == "fn::or")
            case "fn::not", [condition]:
                return Call(function, self._condition(condition))
            case "fn::not", _:
                return Call(function, self._condition(argument))
        return Call(function, self._value(argument))

    def _condition(self, node: Node) -> Expression:
        if self._names.is_condition(node.value):
            self.conditions_used.append(node.value)
            return ConditionReference(node.value)
        return self._value(node)

    def _jq(self, argument: Node, name: str, mark: Mark) -> Expression:
        if not isinstance(argument.value, list) or len(argument.value) != 3:
            self._problems.error(mark, "V8", f"{name} needs a list of 3 arguments: First or All, a program, its input")
            return NULL
        mode, program, value = argument.value
        compiled = self._value(program)
        if isinstance(compiled, Literal) and isinstance(compiled.value, str):
            self.programs.append((compiled.value, program.mark))
        return JqCall(self._value(mode), compiled, self._value(value))

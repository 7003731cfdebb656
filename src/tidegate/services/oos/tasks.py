"""Parses the tasks of a template (oos.md 4.1, V4–V6, V9, V10)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tidegate.services.oos import limits
from tidegate.services.oos.actions.products import Products
from tidegate.services.oos.actions.table import ACTIONS, Definition
from tidegate.services.oos.compiler import Compiler
from tidegate.services.oos.document import Node
from tidegate.services.oos.expressions import Expression, Literal
from tidegate.services.oos.functions import AGGREGATES
from tidegate.services.oos.model import END, NEXT, Aggregate, Branch, Loop, Output, Part, Task, TaskOutput
from tidegate.services.oos.problems import Mark, Problems
from tidegate.services.oos.selectors import complete_program

_NAME: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{limits.NAME_LENGTH}}}")
_POLLING: Final = ("Retries", "DelayType", "Delay", "BackOff", "MaxRetryInterval")
_KEYS: Final = frozenset(
    {"Name", "Action", "Description", "Properties", "Outputs", "When", "OnError", "OnSuccess", "Loop", *_POLLING}
)
#: the flat form without RateControl is legacy (oos.md 6.2)
_FLAT_RATE: Final = ("Mode", "Concurrency", "MaxErrors", "Batch", "ConcurrencyInBatches", "BatchPauseOption")
_LOOP_KEYS: Final = frozenset({"Items", "RateControl", "Outputs", *_FLAT_RATE})
_OUTPUT_TYPES: Final = frozenset({"String", "Number", "Boolean", "List", "Json", "Object", "Array"})
_EMPTY: Final = Literal({})
_PRODUCT_ACTION: Final = re.compile(r"ACS::[A-Za-z0-9_-]+::[A-Za-z0-9_-]+", re.IGNORECASE)


def _entries(node: Node | None) -> Mapping[str, Node]:
    return node.value if node is not None and isinstance(node.value, dict) else {}


def declared_outputs(tasks: Sequence[Node]) -> dict[str, tuple[str, ...]]:
    """Return what can be referred to, by task: its outputs, or those of its loop when it has one (oos.md 6.4)."""
    declared: dict[str, tuple[str, ...]] = {}
    for task in tasks:
        name = task.value.get("Name")
        if name is not None and isinstance(name.value, str):
            source = task.value["Loop"] if _has_loop(task) else task
            outputs = _part_outputs(task) if _is_loop(task) else _entries(source).get("Outputs")
            declared[name.value] = tuple(_entries(outputs))
    return declared


def _has_loop(task: Node) -> bool:
    return "Loop" in task.value and task.value["Loop"].value is not None


def _is_loop(task: Node) -> bool:
    """Whether a task is an ACS::Loop."""
    action = task.value.get("Action")
    return action is not None and isinstance(action.value, str) and action.value.lower() == "acs::loop"


def _part_outputs(task: Node) -> Node | None:
    """Return the outputs of an ACS::Loop, which may stand beside or in its properties (oos.md 5.13)."""
    outputs: Node | None = task.value.get("Outputs") or _entries(task.value.get("Properties")).get("Outputs")
    return outputs


class TaskParser:
    """Parses all tasks of one template."""

    def __init__(
        self,
        compiler: Compiler,
        problems: Problems,
        programs: list[tuple[str, Mark]],
        products: Products,
        outer: Mapping[str, str] | None = None,
    ) -> None:
        """``outer`` are the names of the tasks around an ACS::Loop, when those inside it are parsed."""
        self._compiler = compiler
        self._problems = problems
        self._programs = programs
        self._products = products
        self._names: dict[str, str] = {}
        self._outer = outer

    def parse(self, nodes: Sequence[Node]) -> tuple[Task, ...]:
        """Return the tasks that have a name and an action, in order."""
        for node in nodes:
            self._declare(node)
        parsed = [self._task(index, node) for index, node in enumerate(nodes)]
        return tuple(task for task in parsed if task is not None)

    def _declare(self, node: Node) -> None:
        """Take note of a task's name, which jumps of any task may use."""
        name = node.value.get("Name")
        if name is None:
            self._problems.error(node.mark, "V4", "the task has no Name")
        elif not isinstance(name.value, str) or not _NAME.fullmatch(name.value):
            self._problems.error(name.mark, "V4", 'a task\'s Name has 1 to 200 letters, digits, "-" and "_"')
        elif name.value.lower() in self._names or name.value.lower() in (self._outer or ()):
            self._problems.error(name.mark, "V4", f"there is another task of the name {name.value}")
        else:
            self._names[name.value.lower()] = name.value

    def _task(self, index: int, node: Node) -> Task | None:
        keys: Mapping[str, Node] = node.value
        for key in keys.keys() - _KEYS:
            self._problems.error(node.keys[key], "V5", f'a task has no key "{key}"')
        definition, action = self._action(node)
        is_inner = self._outer is not None
        if definition is not None and definition.kind == "Atomic.Trigger" and (index > 0 or is_inner):
            self._problems.error(node.mark, "V9", "a trigger must be the first task, and there may be one only")
        in_loop = _has_loop(node)
        branches, default_task = self._choices(definition, keys.get("Properties"), in_loop=in_loop)
        loop, part, outputs = self._repeated(node, definition, in_loop=in_loop)
        when, asks_each_item = self._when(keys.get("When"), in_loop=in_loop)
        task = Task(
            name=str(keys["Name"].value) if "Name" in keys else "",
            action=action,
            index=index,
            mark=node.mark,
            description=keys["Description"].plain() if "Description" in keys else None,
            properties=self._properties(definition, keys.get("Properties"), node.mark, in_loop=in_loop),
            outputs=outputs,
            when=when,
            asks_each_item=asks_each_item,
            on_error=self._jump(keys.get("OnError"), END),
            on_success=self._jump(keys.get("OnSuccess"), NEXT),
            loop=loop,
            part=part,
            polling=self._polling(node),
            branches=branches,
            default_task=default_task,
            source=node.plain(),
        )
        return task if task.name and task.action else None

    def _action(self, node: Node) -> tuple[Definition | None, str]:
        action = node.value.get("Action")
        if action is None:
            self._problems.error(node.mark, "V4", "the task has no Action")
            return None, ""
        if not isinstance(action.value, str):
            self._problems.error(action.mark, "V4", "Action must be a text")
            return None, ""
        definition = ACTIONS.get(action.value.lower())
        if definition is not None:
            return definition, definition.name
        if (product_action := self._products(action.value)) is not None:
            return None, product_action
        if _PRODUCT_ACTION.fullmatch(action.value):
            self._problems.unsupported(action.mark, "V4", f"the action {action.value} is not supported yet")
        else:
            self._problems.error(action.mark, "V4", f"there is no action {action.value[:80]}")
        return None, action.value

    def _properties(self, definition: Definition | None, node: Node | None, mark: Mark, *, in_loop: bool) -> Expression:
        if node is not None and not isinstance(node.value, dict | None):
            self._problems.error(node.mark, "V5", "Properties must be a map")
            return _EMPTY
        given = _entries(node)
        if definition is not None:
            self._check_properties(definition, given, node, mark)
            if definition.name in ("ACS::Choice", "ACS::Loop"):
                return _EMPTY  # what is in them is evaluated bit by bit, see _choices and _part
            self._check_selector(given)
        return self._compiler.compile(node, in_loop=in_loop) if node is not None and given else _EMPTY

    def _check_properties(
        self, definition: Definition, given: Mapping[str, Node], node: Node | None, mark: Mark
    ) -> None:
        place = node.mark if node is not None else mark
        for name in sorted(definition.required - given.keys()):
            self._problems.error(place, "V5", f"{definition.name} needs the property {name}")
        if definition.either and not definition.either & given.keys():
            self._problems.error(place, "V5", f"{definition.name} needs one of {', '.join(sorted(definition.either))}")
        if definition.may_poll and not {"DesiredValues", "NotDesiredValues"} & given.keys():
            self._problems.error(place, "V5", f"{definition.name} needs DesiredValues or NotDesiredValues")
        for name in given.keys() - definition.properties:
            if node is not None:
                self._problems.warn(node.keys[name], "V5", f"{definition.name} knows no property {name}")

    def _check_selector(self, given: Mapping[str, Node]) -> None:
        selector = given.get("PropertySelector")
        if selector is not None and isinstance(selector.value, str) and "{{" not in selector.value:
            self._programs.append((complete_program(selector.value), selector.mark))

    def _outputs(self, section: Node | None, *, in_loop: bool) -> tuple[TaskOutput, ...]:
        if section is not None and not isinstance(section.value, dict | None):
            self._problems.error(section.mark, "V5", "Outputs must be a map")
        parsed = []
        for name, node in _entries(section).items():
            selector = _entries(node).get("ValueSelector")
            if selector is None:
                self._problems.error(node.mark, "V5", f"the output {name} must be a map with Type and ValueSelector")
                continue
            for key in node.value.keys() - {"Type", "ValueSelector"}:
                self._problems.error(node.keys[key], "V5", f'a task\'s output has no key "{key}"')
            kind = node.value["Type"].value if "Type" in node.value else "String"
            if not isinstance(kind, str) or kind not in _OUTPUT_TYPES:
                self._problems.error(node.mark, "V5", f"the output {name} has the unknown type {kind}")
            compiled = self._compiler.compile(selector, in_loop=in_loop)
            if isinstance(compiled, Literal) and isinstance(compiled.value, str):
                self._programs.append((complete_program(compiled.value), selector.mark))
            parsed.append(TaskOutput(name, str(kind), compiled))
        return tuple(parsed)

    def _when(self, node: Node | None, *, in_loop: bool) -> tuple[Expression | None, bool]:
        """Return the condition and whether it depends on the item of a loop."""
        if node is None or node.value is None:
            return None, False
        self._compiler.has_met_item = False
        return self._compiler.compile_condition(node, in_loop=in_loop), self._compiler.has_met_item

    def _jump(self, node: Node | None, default: str) -> str:
        """Return where a jump leads: ``ACS::END``, ``ACS::NEXT`` or a task's own spelling (V6)."""
        if node is None or node.value is None:
            return default
        if not isinstance(node.value, str):
            self._problems.error(node.mark, "V6", "a jump names a task, ACS::END or ACS::NEXT")
            return END
        if node.value.upper() in (END, NEXT):
            return node.value.upper()
        if (task := self._names.get(node.value.lower())) is None:
            self._problems.error(node.mark, "V6", f"there is no task {node.value[:80]} to jump to")
            return END
        return task

    def _choices(
        self, definition: Definition | None, properties: Node | None, *, in_loop: bool
    ) -> tuple[tuple[Branch, ...], str]:
        if definition is None or definition.name != "ACS::Choice":
            return (), END
        given = _entries(properties)
        choices = given.get("Choices")
        branches = []
        if choices is not None and not isinstance(choices.value, list):
            self._problems.error(choices.mark, "V5", "Choices must be a list")
        elif choices is not None:
            for choice in choices.value:
                if not _entries(choice).keys() >= {"When", "NextTask"}:
                    self._problems.error(choice.mark, "V5", "a choice is a map with When and NextTask")
                    continue
                when = self._compiler.compile_condition(choice.value["When"], in_loop=in_loop)
                branches.append(Branch(when, self._jump(choice.value["NextTask"], END)))
        return tuple(branches), self._jump(given.get("DefaultTask"), END)

    def _polling(self, node: Node) -> Expression:
        given = {key: node.value[key] for key in _POLLING if key in node.value}
        return self._compiler.compile(Node(given, node.mark, node.keys)) if given else _EMPTY

    def _repeated(
        self, node: Node, definition: Definition | None, *, in_loop: bool
    ) -> tuple[Loop | None, Part | None, tuple[TaskOutput, ...]]:
        """Return what is done for each item, if there are items, and the outputs of each turn."""
        keys: Mapping[str, Node] = node.value
        if definition is not None and definition.name == "ACS::Loop":
            if in_loop:
                self._problems.error(node.mark, "V5", "ACS::Loop cannot have a Loop")
            part = self._part(node)
            names = [output.name for output in part.outputs]
            given = _entries(keys.get("Properties"))
            absent = Node(None, node.mark)
            return (
                Loop(
                    self._compiler.compile(given.get("LoopItems", absent)),
                    self._compiler.compile(given.get("LoopRateControl", absent)),
                    tuple(Aggregate(name, "Fn::ListJoin", name) for name in names),
                ),
                part,
                tuple(TaskOutput(name, "Json", Literal(f'."{name}"')) for name in names),
            )
        outputs = self._outputs(keys.get("Outputs"), in_loop=in_loop)
        declared = {output.name for output in outputs}
        return self._loop(keys.get("Loop"), definition, declared) if in_loop else None, None, outputs

    def _part(self, node: Node) -> Part:
        """Parse the tasks of an ACS::Loop: they see those around it, and nobody outside sees them (oos.md 5.13)."""
        if self._outer is not None:
            self._problems.error(node.mark, "V5", "an ACS::Loop cannot stand in another")
            return Part((), (), frozenset())
        listed = _entries(node.value.get("Properties")).get("LoopTasks")
        tasks = listed.value if listed is not None and isinstance(listed.value, list) else []
        if not tasks or not all(isinstance(task.value, dict) for task in tasks):
            self._problems.error((listed or node).mark, "V5", "LoopTasks must be a list with at least one task")
            return Part((), (), frozenset())
        compiler = self._compiler.inside_loop(declared_outputs(tasks))
        parser = TaskParser(compiler, self._problems, self._programs, self._products, self._names)
        parsed = parser.parse(tasks)
        outputs = []
        for name, output in _entries(_part_outputs(node)).items():
            selector = _entries(output).get("ValueSelector")
            if selector is None or not _NAME.fullmatch(name):
                self._problems.error(output.mark, "V5", f"the output {name} must be a map with Type and ValueSelector")
                continue
            outputs.append(Output(name, "Json", compiler.compile(selector)))
        # Conditions are compiled with the whole template, so what they refer to is not known here.
        needs = (
            set(self._names.values()) if compiler.conditions_used else compiler.tasks_used - {t.name for t in parsed}
        )
        return Part(parsed, tuple(outputs), frozenset(needs))

    def _loop(self, node: Node | None, definition: Definition | None, outputs: set[str]) -> Loop | None:
        if node is None:
            return None
        if not isinstance(node.value, dict) or "Items" not in node.value:
            self._problems.error(node.mark, "V5", "Loop must be a map with Items")
            return None
        for key in node.value.keys() - _LOOP_KEYS:
            self._problems.error(node.keys[key], "V5", f'a Loop has no key "{key}"')
        if definition is not None and not definition.may_loop:
            self._problems.error(node.mark, "V5", f"{definition.name} cannot have a Loop")
        items: Node = node.value["Items"]
        if isinstance(items.value, list) and len(items.value) > limits.LOOP_ITEMS:
            self._problems.error(items.mark, "V5", f"a Loop has {limits.LOOP_ITEMS} items at most")
        rate = node.value.get("RateControl")
        flat = {key: node.value[key] for key in _FLAT_RATE if key in node.value}
        rate_control = self._compiler.compile(rate if rate is not None else Node(flat, node.mark, node.keys))
        return Loop(self._compiler.compile(items), rate_control, self._aggregates(node.value.get("Outputs"), outputs))

    def _aggregates(self, section: Node | None, outputs: set[str]) -> tuple[Aggregate, ...]:
        parsed = []
        for name, node in _entries(section).items():
            given: Mapping[str, Any] = {key: value.plain() for key, value in _entries(node).items()}
            function, field = given.get("AggregateType"), given.get("AggregateField")
            if not isinstance(function, str) or function.lower() not in AGGREGATES:
                self._problems.error(node.mark, "V10", f"the loop output {name} has no known AggregateType")
            elif not isinstance(field, str):
                self._problems.error(node.mark, "V10", f"AggregateField of {name} must name an output of the task")
            else:
                if field not in outputs:  # two public templates have it; every turn then gives null
                    self._problems.warn(node.mark, "V10", f"the task has no output {field}, so {name} holds nulls")
                parsed.append(Aggregate(name, function, field))
        return tuple(parsed)

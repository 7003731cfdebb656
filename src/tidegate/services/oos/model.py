"""A template as the engine sees it: checked, its names resolved, its expressions compiled. Nothing here changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from tidegate.services.oos.document import Format
from tidegate.services.oos.expressions import Expression
from tidegate.services.oos.problems import Mark

AUTOMATION: Final = "OOS-2019-06-01"
STATE: Final = "OOS-2019-06-01-State"

#: the role of a template that names none (oos.md 1.2)
DEFAULT_ROLE: Final = "OOSServiceRole"

END: Final = "ACS::END"
NEXT: Final = "ACS::NEXT"

ParameterType = Literal["String", "Number", "Boolean", "List", "Json"]
Kind = Literal["Automation", "State"]


class ParameterDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of ``Parameters`` (oos.md 2.1). ``default`` is as written; see ``has_default``."""

    name: str
    type: ParameterType
    default: Any = None
    has_default: bool = False
    allowed_values: tuple[Any, ...] = ()
    allowed_pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_value: float | None = None
    max_value: float | None = None
    constraint_description: str | None = None
    no_echo: bool = False
    #: the definition as the template writes it
    source: Mapping[str, Any] = {}
    #: ``default`` with its references; None without one
    default_expression: Expression | None = None

    @property
    def is_required(self) -> bool:
        """Whether StartExecution must give a value."""
        return not self.has_default


class TaskOutput(msgspec.Struct, frozen=True):
    """One entry of a task's ``Outputs``; the selector is an expression whose value is a jq program (oos.md 3.4)."""

    name: str
    type: str
    selector: Expression


class Aggregate(msgspec.Struct, frozen=True):
    """One entry of ``Loop.Outputs``: how the values of all turns become one (oos.md 6.4)."""

    name: str
    function: str
    field: str


class Loop(msgspec.Struct, frozen=True):
    """A task's ``Loop`` (oos.md 6)."""

    items: Expression
    rate_control: Expression
    outputs: tuple[Aggregate, ...]


class Branch(msgspec.Struct, frozen=True):
    """One of the ``Choices`` of ``ACS::Choice``."""

    when: Expression
    next_task: str


class Output(msgspec.Struct, frozen=True):
    """One entry of the template's ``Outputs``, or of those of an ACS::Loop."""

    name: str
    type: str
    value: Expression


class Part(msgspec.Struct, frozen=True):
    """What an ACS::Loop runs for each item. ``needs`` are the tasks before it whose outputs it refers to."""

    tasks: tuple[Task, ...]
    outputs: tuple[Output, ...]
    needs: frozenset[str]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of ``Tasks``. ``action`` has the spelling of the action table, jumps that of the task they name."""

    name: str
    action: str
    index: int
    mark: Mark
    description: Any = None
    properties: Expression
    outputs: tuple[TaskOutput, ...] = ()
    when: Expression | None = None
    #: whether ``when`` depends on the loop's item, so that items are skipped instead of the task (oos.md 4.2)
    asks_each_item: bool = False
    on_error: str = END
    on_success: str = NEXT
    loop: Loop | None = None
    #: of an ACS::Loop, whose items are in ``loop``
    part: Part | None = None
    #: ``Retries``, ``DelayType`` …, evaluated when the task starts (oos.md 5.3)
    polling: Expression
    #: of ``ACS::Choice``
    branches: tuple[Branch, ...] = ()
    default_task: str = END
    #: as the template writes them
    source: Mapping[str, Any] = {}


class State(msgspec.Struct, frozen=True):
    """One entry of ``States``: which configuration resources of a type shall have."""

    resource_type: str
    properties: Expression


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A whole template."""

    format: Format
    kind: Kind
    description: Any = None
    parameters: Mapping[str, ParameterDefinition]
    #: parameters in the order in which their defaults can be resolved
    resolution: tuple[str, ...]
    #: None: not given, see ``DEFAULT_ROLE``
    ram_role: Expression | None
    conditions: Mapping[str, Expression]
    tasks: tuple[Task, ...]
    outputs: tuple[Output, ...]
    states: tuple[State, ...] = ()
    #: the document as plain values
    source: Mapping[str, Any]

    def task(self, name: str) -> Task:
        """Return the task of this name; raises KeyError."""
        for task in self.tasks:
            if task.name == name:
                return task
        raise KeyError(name)

    def part_for(self, origin: Mapping[str, Any] | None) -> Template:
        """Return what an execution of this origin runs: all of it, or what an ACS::Loop runs for each item."""
        part = self.task(origin["task"]).part if origin is not None and "task" in origin else None
        return self if part is None else msgspec.structs.replace(self, tasks=part.tasks, outputs=part.outputs)

    @property
    def all_tasks(self) -> Iterator[Task]:
        """The tasks, and those that an ACS::Loop among them runs."""
        for task in self.tasks:
            yield task
            yield from task.part.tasks if task.part is not None else ()

    @property
    def trigger(self) -> str | None:
        """The action of the trigger task, when there is one."""
        return self.tasks[0].action if self.tasks and self.tasks[0].action.endswith("Trigger") else None

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of parameters whose values are never shown."""
        return tuple(name for name, definition in self.parameters.items() if definition.no_echo)


def in_language(text: Any, language: str = "en") -> str | None:
    """Return one text of a description that may be a text or a map of languages."""
    if isinstance(text, Mapping):
        text = text.get(language) or next((value for value in text.values() if isinstance(value, str)), None)
    return text if isinstance(text, str) else None

"""What has happened in a rehearsal: the calls in their order, the tasks with what they gave, the outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from tidegate.services.oos.values import to_json


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call that the runbook made."""

    #: the task that made it, ``getInstance``, or ``stop/queryInstance`` within a child execution
    task: str
    #: ``Service.API`` as the template spells it
    operation: str
    parameters: Any
    region: str
    #: ``Code message: Message`` when the answer was an error
    error: str | None = None


class TaskReport(msgspec.Struct, frozen=True, kw_only=True):
    """One start of a task, or of one item of a loop."""

    id: str
    name: str
    action: str
    status: str
    message: str = ""
    item: Any = None
    outputs: Any
    items: Sequence[TaskReport] = ()
    #: of the execution that it started
    child: Sequence[TaskReport] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How a rehearsal went."""

    execution_id: str
    status: str
    message: str
    outputs: Any
    calls: Sequence[Call]
    tasks: Sequence[TaskReport]
    #: what a trigger started, one list of tasks for each time it fired
    firings: Sequence[Sequence[TaskReport]]
    #: virtual time that has passed, in seconds
    seconds: float
    #: operations of the answers file that nobody called
    unused: Sequence[str]
    log: Sequence[str]

    @property
    def succeeded(self) -> bool:
        """Whether the execution ended well."""
        return self.status == "Success"

    def calls_of(self, operation: str) -> list[Call]:
        """Return the calls of one operation, in their order; its case does not matter."""
        return [call for call in self.calls if call.operation.lower() == operation.lower()]

    def task(self, name: str) -> TaskReport:
        """Return the last start of a task, of the execution itself or of what its trigger started. Raises KeyError."""
        for task in reversed([*self.tasks, *(task for firing in self.firings for task in firing)]):
            if task.name == name:
                return task
        raise KeyError(name)

    def path(self) -> list[str]:
        """Return the tasks in the order of their start, ``name:Status``."""
        return [f"{task.name}:{task.status}" for task in self.tasks]

    def as_json(self) -> str:
        """Write the report for programs."""
        tree = {"status": self.status, "message": self.message, "outputs": self.outputs}
        tree |= {name: getattr(self, name) for name in ("calls", "tasks", "firings", "unused", "log")}
        tree |= {"execution": self.execution_id, "seconds": self.seconds}
        return msgspec.json.format(msgspec.json.encode(tree), indent=2).decode()

    def as_text(self) -> str:
        """Write the report for people."""
        return "\n".join([*self._calls(), *self._tasks(), *self._outputs(), self._end()])

    def _calls(self) -> Iterator[str]:
        yield "calls"
        for number, call in enumerate(self.calls, 1):
            yield f"{number:>4}  {call.operation}  ({call.task})"
            yield f"      {to_json(call.parameters)}"
            if call.error is not None:
                yield f"      → {call.error}"
        if not self.calls:
            yield "      none"

    def _tasks(self) -> Iterator[str]:
        yield "tasks"
        yield from _lines(self.tasks, 1)
        for number, firing in enumerate(self.firings, 1):
            yield f"fired, {number}"
            yield from _lines(firing, 1)

    def _outputs(self) -> Iterator[str]:
        yield "outputs"
        yield msgspec.json.format(msgspec.json.encode(self.outputs or {}), indent=2).decode()

    def _end(self) -> str:
        passed = f", after {timedelta(seconds=round(self.seconds))} of virtual time" if self.seconds >= 1 else ""
        unused = f"\nnever called: {', '.join(self.unused)}" if self.unused else ""
        return f"{self.status}{f': {self.message}' if self.message else ''}{passed}{unused}"


def _lines(tasks: Sequence[TaskReport], level: int) -> Iterator[str]:
    margin = "  " * level
    for task in tasks:
        about = f"  {to_json(task.item)}" if task.item is not None else ""
        outputs = f"  {to_json(task.outputs)}" if task.outputs else ""
        message = f"  {task.message}" if task.message else ""
        yield f"{margin}{task.status:<9} {task.name}  [{task.action}]{about}{outputs}{message}"
        yield from _lines(task.items, level + 1)
        yield from _lines(task.child, level + 1)

"""Decides what an execution does next: pure, from the template and the tasks so far (oos.md 4.2 and 4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from tidegate.services.oos import limits
from tidegate.services.oos.model import END, NEXT, Task, Template
from tidegate.services.oos.states import FINAL_TASK, ExecutionStatus, TaskStatus

#: Whether an execution ends Failed although an OnError task took care of the failure (oos.md 4.3, ASSUMPTION).
HANDLED_FAILURE_FAILS: Final = True


class Past(Protocol):
    """What the conductor needs to know of a task execution."""

    @property
    def name(self) -> str:
        """Name of the task."""
        ...

    @property
    def status(self) -> str:
        """Where it is."""
        ...

    @property
    def jump(self) -> str | None:
        """What ``ACS::Choice`` chose."""
        ...

    @property
    def status_message(self) -> str:
        """Why it failed."""
        ...


class Start(msgspec.Struct, frozen=True):
    """Start this task; its ``When`` may still skip it."""

    task: Task


class Continue(msgspec.Struct, frozen=True):
    """The last task has not ended: go on with it."""


class Done(msgspec.Struct, frozen=True):
    """The execution ends."""

    status: ExecutionStatus
    message: str = ""


Move = Start | Continue | Done


def next_move(template: Template, history: Sequence[Past], *, cancelled: bool = False, triggered: bool = False) -> Move:
    """Return what to do after ``history``, the task executions in the order of their start.

    What a trigger has started (``triggered``) begins behind it.
    A cancelled execution lets the running task end first; whoever drives it decides whether that task can be cut short.
    """
    if not history:
        tasks = template.tasks[1:] if triggered else template.tasks
        if cancelled or not tasks:
            return Done(ExecutionStatus.CANCELLED if cancelled else ExecutionStatus.SUCCESS)
        return Start(tasks[0])
    last = history[-1]
    if last.status not in FINAL_TASK:
        return Continue()
    if cancelled or last.status == TaskStatus.CANCELLED:
        return Done(ExecutionStatus.CANCELLED)
    target = _target(template.task(last.name), last)
    if target == NEXT:
        following = template.task(last.name).index + 1
        if following >= len(template.tasks):
            return _end(template, history)
        return _start(template.tasks[following], history)
    return _end(template, history) if target == END else _start(template.task(target), history)


def _target(task: Task, past: Past) -> str:
    """Return where the control flow goes: a task's name, ``ACS::NEXT`` or ``ACS::END``."""
    match past.status:
        case TaskStatus.SKIPPED:
            return NEXT  # a skipped task's OnSuccess is not followed (oos.md 4.2)
        case TaskStatus.FAILED:
            return task.on_error
    return past.jump or task.on_success


def _start(task: Task, history: Sequence[Past]) -> Move:
    if len(history) >= limits.TASK_STARTS:
        return Done(ExecutionStatus.FAILED, f"The execution started more than {limits.TASK_STARTS} tasks.")
    return Start(task)


def _end(template: Template, history: Sequence[Past]) -> Done:
    failed = [past for past in history if past.status == TaskStatus.FAILED]
    unhandled = history[-1].status == TaskStatus.FAILED and template.task(history[-1].name).on_error == END
    if failed and (HANDLED_FAILURE_FAILS or unhandled):
        return Done(ExecutionStatus.FAILED, failed[0].status_message)
    return Done(ExecutionStatus.SUCCESS)

"""Decides what an execution does next: pure, from the template and the tasks so far (oos.md 4.2 and 4.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Protocol

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
    """Start this task; its ``When`` may still skip it.

    Somebody may have said so by hand: ``properties`` stand over the task's own, ``item`` is the only one of its loop.
    """

    task: Task
    properties: Mapping[str, Any] = {}
    item: Any = msgspec.UNSET


class Continue(msgspec.Struct, frozen=True):
    """The last task has not ended: go on with it."""


class Done(msgspec.Struct, frozen=True):
    """The execution ends."""

    status: ExecutionStatus
    message: str = ""


class Ask(msgspec.Struct, frozen=True):
    """Somebody must say how to go on; ``move`` is what would be done without asking (oos.md 7.2)."""

    waiting: Literal["Debug", "StepByStep", "FailurePause"]
    move: Start | Done


Move = Start | Continue | Done | Ask


def next_move(
    template: Template,
    history: Sequence[Past],
    *,
    cancelled: bool = False,
    triggered: bool = False,
    mode: str = "Automatic",
) -> Move:
    """Return what to do after ``history``, the task executions in the order of their start.

    What a trigger has started (``triggered``) begins behind it.
    A cancelled execution lets the running task end first; whoever drives it decides whether that task can be cut short.
    """
    move = _next(template, history, cancelled=cancelled, triggered=triggered)
    if cancelled or isinstance(move, Continue):
        return move
    match mode, move:
        case "Debug", Start() | Done() if len(history) < limits.TASK_STARTS:
            return Ask("Debug", move)
        case "StepByStep", Start():
            return Ask("StepByStep", move)
        case "FailurePause", Done(ExecutionStatus.FAILED) if _has_unhandled_failure(template, history):
            return Ask("FailurePause", move)
    return move


def _next(template: Template, history: Sequence[Past], *, cancelled: bool, triggered: bool) -> Start | Continue | Done:
    """Return what comes next by itself."""
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


def _start(task: Task, history: Sequence[Past]) -> Start | Done:
    if len(history) >= limits.TASK_STARTS:
        return Done(ExecutionStatus.FAILED, f"The execution started more than {limits.TASK_STARTS} tasks.")
    return Start(task)


def _end(template: Template, history: Sequence[Past]) -> Done:
    failed = [past for past in history if past.status == TaskStatus.FAILED]
    if failed and (HANDLED_FAILURE_FAILS or _has_unhandled_failure(template, history)):
        return Done(ExecutionStatus.FAILED, failed[0].status_message)
    return Done(ExecutionStatus.SUCCESS)


def _has_unhandled_failure(template: Template, history: Sequence[Past]) -> bool:
    """Whether the last task failed and no other takes care of it."""
    last = history[-1] if history else None
    return last is not None and last.status == TaskStatus.FAILED and template.task(last.name).on_error == END

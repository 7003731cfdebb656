"""Statuses of executions and of task executions, and what may follow what (oos.md 7.1)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class ExecutionStatus(StrEnum):
    """Where an execution is."""

    STARTED = "Started"
    QUEUED = "Queued"
    RUNNING = "Running"
    WAITING = "Waiting"
    SUCCESS = "Success"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class TaskStatus(StrEnum):
    """Where a task execution is. ``Pending`` exists as a filter only: nothing is written before a task starts."""

    PENDING = "Pending"
    RUNNING = "Running"
    WAITING = "Waiting"
    SUCCESS = "Success"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    SKIPPED = "Skipped"


class Event(StrEnum):
    """What happens to an execution or to a task execution."""

    HOLD_BACK = "hold back"
    RUN = "run"
    WAIT = "wait"
    SUCCEED = "succeed"
    FAIL = "fail"
    CANCEL = "cancel"
    SKIP = "skip"


_E, _T, _V = ExecutionStatus, TaskStatus, Event

EXECUTION_TRANSITIONS: Final[Mapping[ExecutionStatus, Mapping[Event, ExecutionStatus]]] = {
    _E.STARTED: {
        _V.HOLD_BACK: _E.QUEUED,
        _V.RUN: _E.RUNNING,
        _V.SUCCEED: _E.SUCCESS,
        _V.FAIL: _E.FAILED,
        _V.CANCEL: _E.CANCELLED,
    },
    _E.QUEUED: {_V.RUN: _E.RUNNING, _V.FAIL: _E.FAILED, _V.CANCEL: _E.CANCELLED},
    _E.RUNNING: {
        _V.RUN: _E.RUNNING,
        _V.WAIT: _E.WAITING,
        _V.SUCCEED: _E.SUCCESS,
        _V.FAIL: _E.FAILED,
        _V.CANCEL: _E.CANCELLED,
    },
    _E.WAITING: {_V.RUN: _E.RUNNING, _V.SUCCEED: _E.SUCCESS, _V.FAIL: _E.FAILED, _V.CANCEL: _E.CANCELLED},
    _E.SUCCESS: {},
    _E.FAILED: {},
    _E.CANCELLED: {},
}

TASK_TRANSITIONS: Final[Mapping[TaskStatus, Mapping[Event, TaskStatus]]] = {
    _T.PENDING: {
        _V.RUN: _T.RUNNING,
        _V.SKIP: _T.SKIPPED,
        _V.FAIL: _T.FAILED,
        _V.CANCEL: _T.CANCELLED,
    },
    _T.RUNNING: {
        _V.RUN: _T.RUNNING,
        _V.WAIT: _T.WAITING,
        _V.SUCCEED: _T.SUCCESS,
        _V.FAIL: _T.FAILED,
        _V.CANCEL: _T.CANCELLED,
    },
    _T.WAITING: {
        _V.RUN: _T.RUNNING,
        _V.SUCCEED: _T.SUCCESS,
        _V.FAIL: _T.FAILED,
        _V.CANCEL: _T.CANCELLED,
        _V.SKIP: _T.SKIPPED,
    },
    _T.SUCCESS: {},
    # FailurePause: RetryTask and SkipTask change a failed task (oos.md 7.2)
    _T.FAILED: {_V.RUN: _T.RUNNING, _V.SKIP: _T.SKIPPED},
    _T.CANCELLED: {},
    _T.SKIPPED: {},
}


class WrongStatusError(Exception):
    """The event cannot happen in this status."""


def next_execution_status(status: ExecutionStatus, event: Event) -> ExecutionStatus:
    """Return where an execution goes; raises WrongStatusError."""
    try:
        return EXECUTION_TRANSITIONS[status][event]
    except KeyError:
        raise WrongStatusError(f"{status}: {event}") from None


def next_task_status(status: TaskStatus, event: Event) -> TaskStatus:
    """Return where a task execution goes; raises WrongStatusError."""
    try:
        return TASK_TRANSITIONS[status][event]
    except KeyError:
        raise WrongStatusError(f"{status}: {event}") from None


FINAL_EXECUTION: Final = frozenset({_E.SUCCESS, _E.FAILED, _E.CANCELLED})
FINAL_TASK: Final = frozenset({_T.SUCCESS, _T.FAILED, _T.CANCELLED, _T.SKIPPED})

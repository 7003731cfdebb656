"""The tables of statuses, cell by cell."""

from __future__ import annotations

from itertools import product

import pytest

from tidegate.services.oos.states import (
    EXECUTION_TRANSITIONS,
    FINAL_EXECUTION,
    FINAL_TASK,
    TASK_TRANSITIONS,
    Event,
    ExecutionStatus,
    TaskStatus,
    WrongStatusError,
    next_execution_status,
    next_task_status,
)


@pytest.mark.parametrize(("status", "event"), list(product(ExecutionStatus, Event)))
def test_an_execution_goes_where_the_table_says_or_nowhere(status: ExecutionStatus, event: Event) -> None:
    target = EXECUTION_TRANSITIONS[status].get(event)

    if target is None:
        with pytest.raises(WrongStatusError):
            next_execution_status(status, event)
    else:
        assert status not in FINAL_EXECUTION
        assert next_execution_status(status, event) is target


@pytest.mark.parametrize(("status", "event"), list(product(TaskStatus, Event)))
def test_a_task_goes_where_the_table_says_or_nowhere(status: TaskStatus, event: Event) -> None:
    target = TASK_TRANSITIONS[status].get(event)

    if target is None:
        with pytest.raises(WrongStatusError):
            next_task_status(status, event)
    else:
        assert next_task_status(status, event) is target


def test_only_a_failed_task_can_be_taken_up_again() -> None:
    assert {status for status in FINAL_TASK if TASK_TRANSITIONS[status]} == {TaskStatus.FAILED}


def test_every_status_can_be_reached() -> None:
    assert {target for row in EXECUTION_TRANSITIONS.values() for target in row.values()} | {
        ExecutionStatus.STARTED
    } == set(ExecutionStatus)
    assert {target for row in TASK_TRANSITIONS.values() for target in row.values()} | {TaskStatus.PENDING} == set(
        TaskStatus
    )

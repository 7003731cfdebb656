"""The moves of an instance refresh, and the table of its states (ess.md 12.9)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.services.ess.refreshing import Move, Progress, next_move
from tidegate.services.ess.states import REFRESH, REFRESH_ENDED, RefreshEvent, RefreshState


def progress(**values: Any) -> Progress:
    return Progress(**{"total": 10, "outdated": 10, "serving": 10, "min_healthy": 80, "max_healthy": 120} | values)


@pytest.mark.parametrize(
    ("values", "move"),
    [
        ({}, Move("replace", 2)),
        ({"max_healthy": 200}, Move("replace", 10)),
        ({"max_healthy": 100}, Move("remove", 2)),
        ({"max_healthy": 100, "min_healthy": 0}, Move("remove", 10)),
        ({"max_healthy": 100, "min_healthy": 100}, Move("replace", 1)),
        ({"max_healthy": 109, "min_healthy": 91}, Move("replace", 1)),
        ({"outdated": 1}, Move("replace", 1)),
        ({"outdated": 8, "owed": 2, "serving": 8}, Move("make", 2)),
        ({"outdated": 0}, Move("end")),
        ({"checkpoints": [10, 100]}, Move("replace", 1)),
        ({"checkpoints": [10, 100], "outdated": 9}, Move("pause")),
        ({"checkpoints": [100], "outdated": 0}, Move("end")),
        ({"checkpoints": [5, 100], "total": 4, "outdated": 4, "serving": 4, "max_healthy": 200}, Move("replace", 1)),
    ],
)
def test_the_next_move(values: dict[str, Any], move: Move) -> None:
    assert next_move(progress(**values)) == move


@given(st.integers(1, 60), st.integers(0, 100), st.integers(100, 200), st.sets(st.integers(1, 99), max_size=4))
def test_every_refresh_comes_to_its_end_within_its_bounds(
    size: int, min_healthy: int, max_healthy: int, pauses: set[int]
) -> None:
    outdated, owed, serving, checkpoints = size, 0, size, [*sorted(pauses), 100]
    low, high = -(-size * min_healthy // 100), max(size + 1, size * max_healthy // 100)
    for _ in range(3 * size + len(checkpoints)):
        now = Progress(
            total=size,
            outdated=outdated,
            owed=owed,
            serving=serving,
            min_healthy=min_healthy,
            max_healthy=max_healthy,
            checkpoints=checkpoints,
        )
        move = next_move(now)
        match move.kind:
            case "end":
                break
            case "pause":
                # Not one batch goes beyond a checkpoint.
                assert now.finished == -(-size * checkpoints.pop(0) // 100)
            case "replace":
                assert move.amount > 0
                assert serving + move.amount <= high
                outdated -= move.amount
            case "remove":
                outdated, owed, serving = outdated - move.amount, move.amount, serving - move.amount
                assert serving >= low
            case "make":
                serving, owed = serving + move.amount, 0
    assert (outdated, owed, serving) == (0, 0, size)


R, E = RefreshState, RefreshEvent
MOVES = {
    (R.PENDING, E.BEGIN): R.IN_PROGRESS,
    (R.PENDING, E.SUSPEND): R.PAUSED,
    (R.PENDING, E.CANCEL): R.CANCELLING,
    (R.IN_PROGRESS, E.SUSPEND): R.PAUSED,
    (R.IN_PROGRESS, E.REACH): R.CHECKPOINT_PAUSE,
    (R.IN_PROGRESS, E.FAIL): R.FAILED,
    (R.IN_PROGRESS, E.FINISH): R.SUCCESSFUL,
    (R.IN_PROGRESS, E.CANCEL): R.CANCELLING,
    (R.IN_PROGRESS, E.ROLL_BACK): R.ROLLBACK_IN_PROGRESS,
    (R.PAUSED, E.RESUME): R.IN_PROGRESS,
    (R.PAUSED, E.CANCEL): R.CANCELLING,
    (R.PAUSED, E.ROLL_BACK): R.ROLLBACK_IN_PROGRESS,
    (R.CHECKPOINT_PAUSE, E.RESUME): R.IN_PROGRESS,
    (R.CHECKPOINT_PAUSE, E.SUSPEND): R.PAUSED,
    (R.CHECKPOINT_PAUSE, E.CANCEL): R.CANCELLING,
    (R.CHECKPOINT_PAUSE, E.ROLL_BACK): R.ROLLBACK_IN_PROGRESS,
    (R.CANCELLING, E.STOP): R.CANCELLED,
    (R.ROLLBACK_IN_PROGRESS, E.FAIL): R.ROLLBACK_FAILED,
    (R.ROLLBACK_IN_PROGRESS, E.FINISH): R.ROLLBACK_SUCCESSFUL,
    (R.FAILED, E.ROLL_BACK): R.ROLLBACK_IN_PROGRESS,
}


@pytest.mark.parametrize("state", R)
@pytest.mark.parametrize("event", E)
def test_every_cell_of_the_table_of_refreshes(state: RefreshState, event: RefreshEvent) -> None:
    assert REFRESH[state].get(event) == MOVES.get((state, event))


def test_what_has_ended_begins_again_only_to_be_taken_back() -> None:
    assert {event for state in REFRESH_ENDED for event in REFRESH[state]} == {E.ROLL_BACK}

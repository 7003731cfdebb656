"""What a loop does next: budgets, batches, pauses and limits of errors (oos.md 6.2, 6.3)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.services.oos.loops import Begin, Ended, Pause, Wait, aggregate, next_items, read_rate
from tidegate.services.oos.states import FINAL_TASK
from tidegate.services.oos.values import ExpressionError

RATES = st.one_of(
    st.builds(lambda k: {"Mode": "Concurrency", "Concurrency": k}, st.integers(1, 12)),
    st.builds(
        lambda sizes, pause: {"Mode": "Batch", "Batch": sizes, "BatchPauseOption": pause},
        st.lists(st.one_of(st.integers(1, 7), st.sampled_from(["10%", "50%"])), min_size=1, max_size=4),
        st.sampled_from(["Automatic", "FirstBatchPause", "EveryBatchPause"]),
    ),
)


@pytest.mark.parametrize(
    ("given_rate", "count", "sizes", "concurrency", "max_errors"),
    [
        (None, 3, (3,), (1,), 0),
        ({}, 0, (), (1,), 0),
        ({"Concurrency": "10%", "MaxErrors": "10%"}, 15, (15,), (2,), 1),
        ({"Mode": "Concurrency,", "MaxErrors": "0,", "Concurrency": "5"}, 9, (9,), (5,), 0),
        ({"Mode": "Batch", "Batch": [1, "25%", "50%"]}, 8, (1, 2, 4, 1), (20, 20, 20, 20), 0),
        ({"Mode": "Batch", "Batch": [5], "ConcurrencyInBatches": [2]}, 3, (3,), (2,), 0),
        ({"Concurrency": [2, 1], "MaxErrors": 100}, 3, (2, 1), (20, 20), 100),
        ('{"Concurrency": 4}', 5, (5,), (4,), 0),
        ({"Mode": "", "Concurrency": "", "MaxErrors": None, "Batch": None}, 4, (4,), (1,), 0),
        ({"Concurrency": 2.0, "MaxErrors": "99%"}, 100, (100,), (2,), 99),
        ({"Concurrency": 0, "MaxErrors": "1%"}, 99, (99,), (1,), 0),
        ({"mode": "x", "Mode": "batch", "Batch": ["1%", "34%"]}, 1000, (10, 340, 340, 310), (20,) * 4, 0),
        ({"Mode": "Batch", "Batch": [600, 600], "ConcurrencyInBatches": ["50%", 7]}, 1000, (600, 400), (300, 7), 0),
        ({"Mode": "Concurrency", "Concurrency": [4, 3, 3], "BatchPauseOption": ""}, 10, (4, 3, 3), (20,) * 3, 0),
    ],
)
def test_numbers_and_percentages(
    given_rate: Any, count: int, sizes: tuple[int, ...], concurrency: tuple[int, ...], max_errors: int
) -> None:
    rate = read_rate(given_rate, count)

    assert (rate.sizes, rate.concurrency, rate.max_errors) == (sizes, concurrency, max_errors)


@pytest.mark.parametrize(
    "wrong",
    [
        [1],
        "x",
        {"Mode": "Fast"},
        {"Concurrency": "many"},
        {"MaxErrors": -1},
        {"Mode": "Batch"},
        {"Mode": "Batch", "Batch": []},
    ],
)
def test_what_is_no_rate_control_is_refused(wrong: Any) -> None:
    with pytest.raises(ExpressionError):
        read_rate(wrong, 3)


@given(
    rate_given=RATES,
    count=st.integers(0, 40),
    failing=st.sets(st.integers(0, 39)),
    kept=st.one_of(st.just(set()), st.sets(st.integers(0, 39))),
    errors=st.integers(0, 5),
)
def test_every_loop_ends_and_keeps_its_budget(
    rate_given: Any, count: int, failing: set[int], kept: set[int], errors: int
) -> None:
    rate = read_rate({**rate_given, "MaxErrors": errors}, count)
    again = {place for place in kept if place < count}
    begun = dict.fromkeys(again, "Success")
    approvals = 0
    for _ in range(5 * count + 5):
        match next_items(rate, begun, approvals=approvals):
            case Begin(places, batch):
                assert places
                assert not begun.keys() & set(places)
                begun |= dict.fromkeys(places, "Running")
                assert list(begun.values()).count("Running") <= rate.concurrency[batch - 1]
                assert max(places) < sum(rate.sizes[:batch])
            case Wait():
                place = next(place for place, status in begun.items() if status == "Running")
                begun[place] = "Failed" if place in failing else "Success"
            case Pause():
                assert all(status in FINAL_TASK for status in begun.values())
                approvals += 1
            case Ended(has_failed):
                assert has_failed == (list(begun.values()).count("Failed") > errors)
                assert has_failed or len(begun) == count
                return
    raise AssertionError("the loop does not end")


@pytest.mark.parametrize(
    ("pause", "loop_mode", "pauses"),
    [
        ("Automatic", "Automatic", 0),
        ("FirstBatchPause", "Automatic", 1),
        ("EveryBatchPause", "Automatic", 2),
        ("Automatic", "EveryBatchPause", 2),
        ("EveryBatchPause", "FirstBatchPause", 1),
    ],
)
def test_pauses_lie_between_batches(pause: str, loop_mode: str, pauses: int) -> None:
    rate = read_rate({"Mode": "Batch", "Batch": [1], "BatchPauseOption": pause}, 3, loop_mode)

    assert rate.pauses_before(2) == pauses


@pytest.mark.parametrize(
    ("function", "values", "result"),
    [
        ("Fn::ListJoin", [[1], None], [[1], None]),
        ("Fn::Sum", [1, None, 2], 3),
        ("Fn::Sum", [], 0),
        ("Fn::Min", [3, 1], 1),
        ("Fn::Max", [], None),
        ("fn::first", ["a", "b"], "a"),
        ("Fn::Last", ["a", "b"], "b"),
    ],
)
def test_outputs_of_items_become_one(function: str, values: list[Any], result: Any) -> None:
    assert aggregate(function, values) == result

"""Steps of scaling rules (ess.md 5.3)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import CloudError
from tidegate.services.ess.steps import check, matching
from tidegate.store.ess.records import Step

QUANTITY = "QuantityChangeInCapacity"
SOUND = [Step(None, -10, -2), Step(-10, 0, -1), Step(0, 10, 1), Step(10, None, 3)]


@pytest.mark.parametrize(
    ("metric", "adjustment"),
    [(69, -2), (70, -2), (70.1, -1), (79.9, -1), (80, 1), (89.9, 1), (90, 3), (1e18, 3), (-1e18, -2)],
)
def test_a_step_holds_the_bound_nearer_to_the_threshold(metric: float, adjustment: int) -> None:
    found = matching(SOUND, metric, 80)

    assert found is not None
    assert found.adjustment == adjustment


def test_offsets_are_counted_in_decimals() -> None:
    assert matching([Step(0.1, None, 1)], 80.1, 80) == Step(0.1, None, 1)
    assert matching([Step(0.1, None, 1)], 80.09, 80) is None


def test_nothing_matches_outside_of_all_steps() -> None:
    assert matching([Step(0, None, 1)], 79, 80) is None
    assert matching([Step(None, 0, -1)], 81, 80) is None
    assert matching([Step(None, 0, -1)], 80, 80) == Step(None, 0, -1)


@given(
    st.lists(st.integers(-1000, 1000), min_size=1, max_size=19, unique=True).map(sorted),
    st.integers(-1200, 1200),
    st.randoms(),
)
def test_steps_from_end_to_end_are_sound_and_hold_every_offset_once(
    cuts: list[int], offset: int, chance: object
) -> None:
    bounds = [None, *cuts, None]
    steps = [Step(lower, upper, number) for number, (lower, upper) in enumerate(pairwise(bounds))]
    shuffled = sorted(steps, key=lambda step: chance.random())  # type: ignore[attr-defined]

    check(shuffled, QUANTITY)
    found = matching(shuffled, 50 + offset, 50)

    passed = sum(cut <= offset if offset >= 0 else cut < offset for cut in cuts)
    assert found == steps[passed]


@pytest.mark.parametrize(
    ("steps", "code", "named"),
    [
        ([], "MissingParameter", "StepAdjustment"),
        ([Step(n, n + 1, 1) for n in range(21)], "InvalidStepAdjustments.MaxNum", "20"),
        ([Step(None, None, 1)], "InvalidStepAdjustments.BothNull", ""),
        ([Step(0, None, 1), Step(5, 5, 1)], "InvalidStepAdjustments.LowerGtUpper", ":2"),
        ([Step(0, 1e19, 1)], "StepBeyondPermitRange", "MetricIntervalUpperBound"),
        ([Step(float("nan"), None, 1)], "StepBeyondPermitRange", "MetricIntervalLowerBound"),
        ([Step(0, None, 1), Step(5, None, 1)], "InvalidStepAdjustments.MultipleNullUpperBound", "upper"),
        ([Step(None, 0, 1), Step(None, -5, 1)], "InvalidStepAdjustments.MultipleNullLowerBound", "lower"),
        ([Step(0, 5, 1), Step(6, None, 1)], "InvalidStepAdjustments.Gap", ""),
        ([Step(0, 5, 1), Step(4, None, 1)], "InvalidStepAdjustments.Overlap", ""),
        ([Step(0, None, 1), Step(5, 8, 1)], "InvalidStepAdjustments.Overlap", ""),
        ([Step(-5, 0, 1)], "InvalidStepAdjustments.NoNullLowerBound", "negative"),
        ([Step(0, 5, 1)], "InvalidStepAdjustments.NoNullUpperBound", "positive"),
        ([Step(0, None, 1001)], "InvalidParameter", "ScalingAdjustment"),
    ],
)
def test_steps_that_are_not_sound_are_refused(steps: list[Step], code: str, named: str) -> None:
    with pytest.raises(CloudError) as refusal:
        check(steps, QUANTITY)

    assert refusal.value.code == code
    assert named in refusal.value.message

"""The arithmetic of rules and of the group's own checks (ess.md 2.3, 2.4, 5.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.services.ess.capacity import (
    Adjustment,
    Bounds,
    Census,
    Correction,
    allowed_change,
    correction,
    rounded_percent,
    wanted_change,
)


@pytest.mark.parametrize(
    ("adjustment", "base", "change"),
    [
        (Adjustment("QuantityChangeInCapacity", 3), 2, 3),
        (Adjustment("QuantityChangeInCapacity", -3), 2, -3),
        (Adjustment("TotalCapacity", 10), 3, 7),
        (Adjustment("TotalCapacity", 0), 3, -3),
        (Adjustment("PercentChangeInCapacity", 50), 2, 1),
        (Adjustment("PercentChangeInCapacity", 10), 3, 0),
        (Adjustment("PercentChangeInCapacity", 10, 2), 3, 2),
        (Adjustment("PercentChangeInCapacity", -10, 2), 3, -2),
        (Adjustment("PercentChangeInCapacity", 100, 2), 5, 5),
        (Adjustment("PercentChangeInCapacity", 0, 2), 5, 0),
    ],
)
def test_a_rule_asks_for_what_its_type_says(adjustment: Adjustment, base: int, change: int) -> None:
    assert wanted_change(adjustment, base) == change


@pytest.mark.parametrize(
    ("base", "percent", "change"),
    [(5, -50, -3), (5, 50, 3), (3, 50, 2), (1, 50, 1), (1, 49, 0), (3, -16, 0), (3, -17, -1)],
)
def test_halves_are_rounded_away_from_zero(base: int, percent: int, change: int) -> None:
    assert rounded_percent(base, percent) == change


@pytest.mark.parametrize(
    ("change", "base", "bounds", "allowed"),
    [
        (3, 2, (0, 3), 1),  # the vendor's examples: Max 3, Total 2, "+3" → +1
        (-5, 3, (2, 9), -1),  # Min 2, Total 3, "−5" → −1
        (7, 3, (0, 5), 2),
        (1, 5, (0, 5), 0),
        (-1, 2, (2, 5), 0),
        (1, 7, (0, 5), 0),
        (-1, 1, (2, 5), 0),
        (2000, 0, (0, 2000), 1000),
        (-2000, 2000, (0, 2000), -1000),
    ],
)
def test_a_change_is_clipped_to_the_bounds(change: int, base: int, bounds: tuple[int, int], allowed: int) -> None:
    assert allowed_change(change, base, *bounds) == allowed


@given(st.integers(-5000, 5000), st.integers(0, 2000), st.integers(0, 2000), st.integers(0, 2000))
def test_a_clipped_change_never_turns_round_and_never_leaves_the_bounds(change: int, base: int, a: int, b: int) -> None:
    low, high = sorted((a, b))

    allowed = allowed_change(change, base, low, high)

    assert allowed * change >= 0
    assert abs(allowed) <= abs(change)
    if allowed > 0:
        assert base + allowed <= high
    if allowed < 0:
        assert base + allowed >= low


def steady(count: int, **others: int) -> Census:
    return Census(steady=count, **others)


@pytest.mark.parametrize(
    ("census", "bounds", "started"),
    [
        (steady(0), Bounds(1, 3), Correction(1, "MinSize")),
        (steady(5), Bounds(1, 3), Correction(-2, "MaxSize")),
        (steady(2), Bounds(1, 3), None),
        (steady(2), Bounds(0, 9, 6), Correction(4, "DesiredCapacity")),
        (steady(6), Bounds(0, 9, 2), Correction(-4, "DesiredCapacity")),
        (steady(2), Bounds(0, 9, 2), None),
        (steady(2, coming=2), Bounds(0, 9, 6), None),  # never twice in the same direction
        (steady(4, coming=2), Bounds(0, 9, 3), None),  # an overtaken scale-out is not cancelled
        (steady(4, leaving=2), Bounds(0, 9, 3), None),
        (steady(4, leaving=2), Bounds(0, 9, 6), Correction(2, "DesiredCapacity")),
        (steady(0), Bounds(1500, 2000), Correction(1000, "MinSize")),
    ],
)
def test_a_check_starts_only_what_is_missing(census: Census, bounds: Bounds, started: Correction | None) -> None:
    assert correction(census, bounds) == started


def test_the_total_counts_what_is_on_its_way_in_and_out_but_not_what_is_stopped() -> None:
    assert Census(steady=3, coming=2, leaving=1, stopped=4).total == 6

"""How many instances a target tracking rule wants (services/ess/capacity.py, ess.md 5.4, A22)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.services.ess.capacity import wanted_total


@pytest.mark.parametrize(
    ("settled", "warming", "metric", "wanted"),
    [
        (2, 0, 90.0, 4),  # 3.6, rounded up
        (2, 0, 50.0, None),
        (2, 0, 50.1, 3),
        (4, 0, 20.0, 2),
        (4, 0, 40.0, None),  # 3.2 is still four
        (4, 0, 0.0, 1),  # never none at all
        (2, 2, 90.0, None),  # those who warm up will do
        (2, 1, 90.0, 4),
        (3, 1, 10.0, None),  # nobody goes while somebody comes
        (10, 0, 0.1 * 3 * 10 / 0.6, None),  # what decimals cannot say is no reason
    ],
)
def test_the_metric_is_brought_to_its_target_in_proportion(
    settled: int, warming: int, metric: float, wanted: int | None
) -> None:
    target = 5.0 if settled == 10 else 50.0

    assert wanted_total(target, metric, settled=settled, warming=warming) == wanted


@given(st.integers(0, 2000), st.integers(0, 50), st.floats(0.001, 1e6), st.floats(0, 1e6))
def test_it_never_turns_against_what_the_metric_says(settled: int, warming: int, target: float, metric: float) -> None:
    wanted = wanted_total(target, metric, settled=settled, warming=warming)

    if wanted is not None:
        assert wanted >= 1
        assert (wanted > settled + warming) == (metric >= target)

"""Charts, and the size of a group as its activities tell it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tidegate.console.charts import Line, draw
from tidegate.console.sizes import sizes_of
from tidegate.store.chronicle import SizeChange

START = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def change(name: str, start: float, end: float | None, amount: int, after: int) -> SizeChange:
    return SizeChange(
        id=name,
        direction="SCALE_OUT" if amount > 0 else "SCALE_IN",
        amount=abs(amount),
        total_capacity=after,
        started_at=at(start),
        ended_at=None if end is None else at(end),
    )


def test_the_size_follows_activities_and_what_moves_is_counted_meanwhile() -> None:
    changes = [change("a", 10, 12, 2, 2), change("b", 30, 33, -1, 1), change("c", 50, None, 3, 1)]

    sizes = sizes_of(changes, START, at(60), 1)

    assert sizes.total == [(START, 0), (at(10), 2), (at(12), 2), (at(30), 2), (at(33), 1), (at(50), 4)]
    assert sizes.in_service == [(START, 0), (at(10), 0), (at(12), 2), (at(30), 1), (at(33), 1), (at(50), 1)]
    assert sizes.moving == [(START, 0), (at(10), 2), (at(12), 0), (at(30), 1), (at(33), 0), (at(50), 3)]


def test_activities_side_by_side_are_each_counted_until_they_end() -> None:
    changes = [change("a", 1, 9, 2, 3), change("b", 2, 5, 1, 3)]

    sizes = sizes_of(changes, START, at(60), 3)

    assert [value for _, value in sizes.total] == [1, 3, 4, 3, 3]
    assert [value for _, value in sizes.moving] == [0, 2, 3, 2, 0]


def test_the_size_before_is_what_the_last_activity_before_left() -> None:
    sizes = sizes_of([change("a", -50, -40, 4, 7), change("b", 5, 6, 1, 8)], START, at(60), 8)

    assert sizes.total[0] == (START, 7)


def test_a_group_in_which_nothing_happened_has_its_present_size_all_along() -> None:
    assert sizes_of([], START, at(60), 5).total == [(START, 5)]


@given(
    st.lists(st.tuples(st.floats(-10, 90), st.floats(0, 1e12)), max_size=30),
    st.booleans(),
    st.sampled_from([timedelta(minutes=5), HOUR, timedelta(days=7)]),
)
def test_every_line_stays_in_its_frame(points: list[tuple[float, float]], steps: bool, whole: timedelta) -> None:
    line = Line(name="x", tint="accent", points=sorted((at(m), v) for m, v in points), steps=steps, filled=True)

    chart = draw([line], START, START + whole, UTC)

    for x, y in re.findall(r"[ML]([0-9.]+) ([0-9.]+)", chart.lines[0].path):
        assert 0 <= float(x) <= chart.width
        assert 0 <= float(y) <= chart.height
    assert chart.is_empty == (not points)
    assert 3 <= len(chart.values) == len(chart.rulers) <= 6
    assert len(chart.times) == 5


def test_a_step_line_keeps_a_value_until_the_next_one_and_to_the_end() -> None:
    line = Line(name="x", tint="blue", points=[(START, 1), (at(30), 4)], steps=True)

    path = draw([line], START, START + HOUR, UTC).lines[0].path

    assert re.fullmatch(r"M0\.0 75\.0H500\.0V0\.0H1000", path), path


def test_a_chart_of_very_many_points_stays_small_and_keeps_the_peaks() -> None:
    points = [(START + HOUR * (n / 20_000), 900.0 if n == 7_777 else float(n % 7)) for n in range(20_000)]

    path = draw([Line(name="x", tint="blue", points=points)], START, START + HOUR, UTC).lines[0].path

    assert len(path) < 60_000
    assert " 10.0" in path  # 900 of 1000

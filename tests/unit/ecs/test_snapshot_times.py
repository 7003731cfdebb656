"""When snapshot policies make their snapshots."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as some

from tidegate.services.ecs.snapshots import next_moment
from tidegate.store.ecs.snapshots import SnapshotPolicy

START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday; eight in the morning in China


def policy(hours: list[int], weekdays: list[int]) -> SnapshotPolicy:
    return SnapshotPolicy(
        id="sp-1",
        account_id="1",
        region="cn-hangzhou",
        name="",
        time_points=hours,
        weekdays=weekdays,
        retention_days=-1,
        done_until=START,
        created_at=START,
    )


def test_hours_are_those_of_china() -> None:
    assert next_moment(policy([9], [1]), START) == datetime(2026, 1, 5, 1, tzinfo=UTC)


def test_a_moment_that_is_now_is_over() -> None:
    assert next_moment(policy([8], [1]), START) == datetime(2026, 1, 12, 0, tzinfo=UTC)


def test_the_next_hour_of_the_day_comes_before_the_next_day() -> None:
    assert next_moment(policy([1, 20], [1, 2]), START) == datetime(2026, 1, 5, 12, tzinfo=UTC)
    assert next_moment(policy([1], [1, 2]), START) == datetime(2026, 1, 5, 17, tzinfo=UTC)


@given(
    some.sets(some.integers(0, 23), min_size=1),
    some.sets(some.integers(1, 7), min_size=1),
    some.integers(0, 20 * 24 * 60),
)
def test_the_next_moment_is_the_first_full_hour_that_fits(hours: set[int], weekdays: set[int], minutes: int) -> None:
    after = START + timedelta(minutes=minutes)
    found = next_moment(policy(sorted(hours), sorted(weekdays)), after)

    candidate = after.replace(minute=0) + timedelta(hours=1)
    while (local := candidate + timedelta(hours=8)).hour not in hours or local.isoweekday() not in weekdays:
        candidate += timedelta(hours=1)
    assert found == candidate

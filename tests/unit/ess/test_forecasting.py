"""What is foreseen from the days before (services/ess/forecasting.py, ess.md 5.5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tidegate.services.ess.forecasting import HOUR, Hour, bounds, foresee
from tidegate.store.ess.records import Prediction

NOW = datetime(2026, 1, 15, 12, 30, tzinfo=UTC)
THIS_HOUR = NOW.replace(minute=0)
DAY = timedelta(days=1)


def past(hours: int, metric: float = 50.0, instances: float = 2.0) -> list[Hour]:
    return [Hour(at=THIS_HOUR - ahead * HOUR, metric=metric, instances=instances) for ahead in range(1, hours + 1)]


def test_with_less_than_a_day_nothing_is_foreseen() -> None:
    assert foresee(past(23), NOW) == []
    assert len(foresee(past(24), NOW)) == 48


def test_two_days_are_foreseen_from_this_hour_on() -> None:
    found = foresee(past(48), NOW)

    assert (found[0].at, found[-1].at) == (THIS_HOUR, THIS_HOUR + 47 * HOUR)
    assert {(hour.metric, hour.load) for hour in found} == {(50.0, 100.0)}
    assert found[0].instances(target=50) == 2
    assert found[0].instances(target=30) == 4
    assert found[0].instances(target=1000) == 1


def test_a_busy_hour_comes_again_at_its_time_of_day_and_the_last_days_count_more() -> None:
    peaks = [THIS_HOUR - DAY + 3 * HOUR, THIS_HOUR - 2 * DAY + 3 * HOUR]
    history = [hour for hour in past(72) if hour.at not in peaks]
    history += [Hour(at=peaks[0], metric=90, instances=10), Hour(at=peaks[1], metric=90, instances=1)]

    found = {hour.at: hour.load for hour in foresee(history, NOW)}

    peak = found[THIS_HOUR + 3 * HOUR]
    assert peak == found[THIS_HOUR + DAY + 3 * HOUR]
    assert 900 > peak > (900 + 90 + 100) / 3
    assert found[THIS_HOUR + 4 * HOUR] == pytest.approx(100)


def test_an_hour_of_which_nothing_is_known_is_like_all_others() -> None:
    history = [hour for hour in past(24) if hour.at.hour != 20]

    found = {hour.at.hour: hour.load for hour in foresee(history, NOW)}

    assert found[20] == pytest.approx(100)


@pytest.mark.parametrize(
    ("behavior", "buffer", "instances", "expected"),
    [
        ("MaxOverridePredictiveValue", 0, 4, (4, 10)),
        ("MaxOverridePredictiveValue", 0, 14, (10, 10)),
        ("PredictiveValueOverrideMax", 0, 14, (14, 14)),
        ("PredictiveValueOverrideMax", 0, 4, (4, 10)),
        ("PredictiveValueOverrideMaxWithBuffer", 25, 14, (14, 18)),
        ("PredictiveValueOverrideMaxWithBuffer", 25, 4, (4, 10)),
    ],
)
def test_what_is_foreseen_becomes_the_bounds_of_the_group(
    behavior: str, buffer: int, instances: int, expected: tuple[int, int]
) -> None:
    aim = Prediction(metric="CpuUtilization", target=50, behavior=behavior, buffer=buffer, initial_max_size=10)

    assert bounds(aim, instances) == expected

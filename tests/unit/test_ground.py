"""The only sources of time, identifiers and wire names."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tidegate.clock import AdjustableClock, to_minutes, to_seconds
from tidegate.ids import Ids
from tidegate.services.operation import wire_name


def test_a_regional_id_carries_the_mark_of_its_region() -> None:
    made = Ids(1).resource("asg", "cn-hangzhou")

    assert made.startswith("asg-bp1")
    assert len(made) == len("asg-") + 20


def test_a_number_has_exactly_the_digits_asked_for_and_no_leading_zero() -> None:
    assert all(len(n := Ids(seed).number(16)) == 16 and n[0] != "0" for seed in range(50))


def test_an_adjustable_clock_skips_time_and_never_goes_back() -> None:
    clock = AdjustableClock()
    before = clock.now()

    clock.advance(timedelta(hours=6))

    assert clock.now() - before >= timedelta(hours=6)
    with pytest.raises(ValueError, match="never goes back"):
        clock.advance(timedelta(seconds=-1))


def test_moments_are_written_to_the_minute_or_to_the_second() -> None:
    moment = AdjustableClock().now().replace(2024, 1, 2, 3, 4, 5)

    assert to_minutes(moment) == "2024-01-02T03:04Z"
    assert to_seconds(moment) == "2024-01-02T03:04:05Z"


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("scaling_group_id", "ScalingGroupId"),
        ("vswitch_id", "VSwitchId"),
        ("db_instance_id", "DBInstanceId"),
        ("vpc_id", "VpcId"),
    ],
)
def test_python_names_become_wire_names(name: str, wire: str) -> None:
    assert wire_name(name) == wire

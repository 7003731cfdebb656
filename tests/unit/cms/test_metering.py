"""From counters to samples (services/cms/metering.py)."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from tidegate.plane.hosts.base import Usage
from tidegate.services.cms.catalog import VALUES
from tidegate.services.cms.metering import Book, Size, sample_of_group

SIZES = {"i-1": Size(cpus=2, memory=1000)}


def usage(at: float, **values: Any) -> Usage:
    return Usage(**{"id": "i-1", "at": at, "cpu": 0.0, "memory": 0, **values})


def test_the_first_measurement_has_nothing_to_be_compared_with() -> None:
    book = Book()

    assert book.enter([usage(10)], SIZES) == {}
    assert set(book.enter([usage(25)], SIZES)) == {"i-1"}


def test_processor_time_is_a_share_of_all_processors_of_the_instance_and_never_more_than_all() -> None:
    book = Book()
    book.enter([usage(0)], SIZES)

    half = book.enter([usage(10, cpu=10.0, memory=250)], SIZES)["i-1"]
    more = book.enter([usage(20, cpu=50.0)], SIZES)["i-1"]

    assert half["cpu"] == 50.0
    assert half["memory"] == 25.0
    assert more["cpu"] == 100.0


def test_traffic_is_by_the_second_and_unknown_where_hosts_share_a_network() -> None:
    book = Book()
    book.enter([usage(0, received=1000)], SIZES)

    values = book.enter([usage(10, received=6000)], SIZES)["i-1"]

    assert values["received"] == 500.0
    assert values["sent"] is None


def test_a_counter_that_began_anew_says_nothing_happened() -> None:
    book = Book()
    book.enter([usage(0, cpu=100.0)], SIZES)

    assert book.enter([usage(10, cpu=1.0)], SIZES)["i-1"]["cpu"] == 0.0


def test_what_was_measured_long_ago_or_by_another_machine_s_clock_is_no_comparison() -> None:
    for again in (100.0, 1.0):
        book = Book()
        book.enter([usage(5, cpu=1.0)], SIZES)

        assert book.enter([usage(again, cpu=2.0)], SIZES) == {}


def test_values_stand_when_hardly_any_time_has_passed() -> None:
    book = Book()
    book.enter([usage(0)], SIZES)
    book.enter([usage(10, cpu=10.0)], SIZES)

    assert book.enter([usage(10.1, cpu=10.0)], SIZES)["i-1"]["cpu"] == 50.0
    assert book.enter([usage(20, cpu=20.0)], SIZES)["i-1"]["cpu"] == 50.0  # since 10, not since 10.1


def test_load_follows_those_who_want_a_processor_as_linux_does() -> None:
    book = Book()
    book.enter([usage(0, loading=4)], SIZES)
    values = {}

    for second in range(15, 61, 15):
        values = book.enter([usage(second, loading=4)], SIZES)["i-1"]

    assert values["load_1m"] == pytest.approx(4 * (1 - math.exp(-1)))
    assert values["load_15m"] == pytest.approx(4 * (1 - math.exp(-1 / 15)))


def test_hosts_that_are_gone_or_no_instances_are_not_remembered() -> None:
    book = Book()
    book.enter([usage(0)], SIZES)
    book.enter([], SIZES)

    assert book.enter([usage(10)], SIZES) == {}
    assert book.enter([usage(20)], {}) == {}


def test_a_group_is_the_mean_the_least_and_the_greatest_of_its_members_as_far_as_known() -> None:
    members = [{"cpu": 10.0, "sent": None}, {"cpu": 30.0, "sent": 6.0}]

    sample = sample_of_group("asg-1", datetime(2026, 1, 1, tzinfo=UTC), members)

    cpu, sent, received = VALUES.index("cpu"), VALUES.index("sent"), VALUES.index("received")
    assert sample.low is not None
    assert sample.high is not None
    assert (sample.count, sample.mean[cpu], sample.low[cpu], sample.high[cpu]) == (2, 20.0, 10.0, 30.0)
    assert (sample.mean[sent], sample.mean[received]) == (6.0, None)

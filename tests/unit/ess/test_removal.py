"""Removal policies, with the vendor's worked example (ess.md 7)."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from tidegate.services.ess.removal import Candidate, choose

START = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = [("i-1", "H", 1, 1), ("i-2", "I", 1, 2), ("i-3", "I", 1, 3), ("i-4", "H", 2, 3), ("i-5", "I", 2, 3)]
EXAMPLE = [
    Candidate(
        instance_id=name, zone=zone, since=START + timedelta(hours=hour), configuration=configuration, price=price
    )
    for hour, (name, zone, configuration, price) in enumerate(ROWS)
]
OLD_CONFIGURATION, OLD, NEW = "OldestScalingConfiguration", "OldestInstance", "NewestInstance"


@pytest.mark.parametrize(
    ("policies", "multi_az", "possible"),
    [
        ((OLD_CONFIGURATION, OLD), "PRIORITY", {"i-1"}),
        ((OLD_CONFIGURATION, OLD), "BALANCE", {"i-2"}),
        ((OLD_CONFIGURATION, OLD), "COST_OPTIMIZED", {"i-3"}),
        ((OLD_CONFIGURATION, NEW), "PRIORITY", {"i-3"}),
        ((OLD_CONFIGURATION, NEW), "BALANCE", {"i-3"}),
        ((OLD_CONFIGURATION, NEW), "COST_OPTIMIZED", {"i-3"}),
        ((OLD_CONFIGURATION,), "PRIORITY", {"i-1", "i-2", "i-3"}),
        ((OLD_CONFIGURATION,), "BALANCE", {"i-2", "i-3"}),
        ((OLD_CONFIGURATION,), "COST_OPTIMIZED", {"i-3"}),
        ((OLD,), "PRIORITY", {"i-1"}),
        ((OLD, NEW), "BALANCE", {"i-2"}),
        ((OLD, OLD_CONFIGURATION), "COST_OPTIMIZED", {"i-3"}),
        ((NEW,), "PRIORITY", {"i-5"}),
        ((NEW, OLD), "BALANCE", {"i-5"}),
        ((NEW, OLD_CONFIGURATION), "COST_OPTIMIZED", {"i-5"}),
    ],
)
def test_the_vendors_worked_example(policies: tuple[str, ...], multi_az: str, possible: set[str]) -> None:
    chosen = {
        choose(EXAMPLE, 1, policies=policies, multi_az_policy=multi_az, chance=random.Random(seed))[0]
        for seed in range(40)
    }

    assert chosen == possible


def test_the_zone_filter_is_applied_again_for_each_instance() -> None:
    chosen = choose(EXAMPLE, 3, policies=(OLD,), multi_az_policy="BALANCE", chance=random.Random(1))

    zones = [candidate.zone for candidate in EXAMPLE if candidate.instance_id not in chosen]
    assert sorted(zones) == ["H", "I"]


def test_attached_members_come_last_under_the_configuration_policy() -> None:
    attached = Candidate(instance_id="i-0", zone="H", since=START - timedelta(days=9), configuration=None)

    chosen = choose(
        [attached, *EXAMPLE], 5, policies=(OLD_CONFIGURATION, OLD), multi_az_policy="PRIORITY", chance=random.Random(1)
    )

    assert chosen == ["i-1", "i-2", "i-3", "i-4", "i-5"]


def test_no_more_are_chosen_than_there_are() -> None:
    chosen = choose(EXAMPLE, 9, policies=(OLD,), multi_az_policy="PRIORITY", chance=random.Random(1))

    assert sorted(chosen) == ["i-1", "i-2", "i-3", "i-4", "i-5"]

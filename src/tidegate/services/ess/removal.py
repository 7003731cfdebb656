"""Which members leave in a scale-in (ess.md 7): the zone filter, then the removal policies, then chance."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import msgspec

POLICIES = ("OldestScalingConfiguration", "OldestInstance", "NewestInstance", "CustomPolicy")
DEFAULT_POLICIES = ("OldestScalingConfiguration", "OldestInstance")


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A member that may leave: InService, neither protected nor in standby."""

    instance_id: str
    zone: str
    #: when it was created; for attached members when they joined (ASSUMPTION)
    since: datetime
    #: order in which its configuration was added to the group; None for attached members
    configuration: int | None
    #: price per vCPU of its instance type
    price: float = 0.0
    #: what it counts for
    weight: int = 1


def choose(
    candidates: Sequence[Candidate],
    count: int,
    *,
    policies: Sequence[str],
    multi_az_policy: str,
    az_balance: bool = False,
    chance: random.Random,
) -> list[str]:
    """Return the ids of candidates to remove that count for at most ``count``, in the order in which they were chosen."""
    left = list(candidates)
    chosen: list[str] = []
    # Whoever counts for more than is still to be removed stays: a scale-in never goes below what was asked for.
    while left := [one for one in left if one.weight <= count]:
        pool = _filtered_by_zone(left, multi_az_policy, az_balance, chance)
        for policy in policies:
            pool = _kept_by(policy, pool)
        leaver = pool[0] if len(pool) == 1 else chance.choice(pool)
        chosen.append(leaver.instance_id)
        count -= leaver.weight
        left.remove(leaver)
    return chosen


def _filtered_by_zone(
    candidates: Sequence[Candidate], multi_az_policy: str, az_balance: bool, chance: random.Random
) -> Sequence[Candidate]:
    # COMPOSABLE: as BALANCE with AzBalance, otherwise no filter (ASSUMPTION).
    if multi_az_policy == "BALANCE" or (multi_az_policy == "COMPOSABLE" and az_balance):
        sizes = Counter(candidate.zone for candidate in candidates)
        largest = max(sizes.values())
        zone = chance.choice(sorted(zone for zone, size in sizes.items() if size == largest))
        return [candidate for candidate in candidates if candidate.zone == zone]
    if multi_az_policy == "COST_OPTIMIZED":
        highest = max(candidate.price for candidate in candidates)
        return [candidate for candidate in candidates if candidate.price == highest]
    return candidates


def _kept_by(policy: str, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    match policy:
        case "OldestScalingConfiguration":
            added = [candidate.configuration for candidate in candidates if candidate.configuration is not None]
            oldest = min(added, default=None)
            return [candidate for candidate in candidates if candidate.configuration == oldest]
        case "OldestInstance":
            first = min(candidate.since for candidate in candidates)
            return [candidate for candidate in candidates if candidate.since == first]
        case "NewestInstance":
            last = max(candidate.since for candidate in candidates)
            return [candidate for candidate in candidates if candidate.since == last]
        case _:
            return candidates

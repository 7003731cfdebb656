"""The arithmetic of capacity: what a rule asks for, and what the checks of a group correct (ess.md 2.3, 2.4, 5.2)."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from tidegate.services.ess import limits

ADJUSTMENT_RANGES: dict[str, tuple[int, int]] = {
    "QuantityChangeInCapacity": limits.QUANTITY,
    "PercentChangeInCapacity": limits.PERCENT,
    "TotalCapacity": limits.TOTAL,
}


class Adjustment(msgspec.Struct, frozen=True):
    """How a rule, or ScaleWithAdjustment, wants to change a group."""

    #: a key of ADJUSTMENT_RANGES
    type: str
    value: int
    #: MinAdjustmentMagnitude, for percentages only
    magnitude: int = 0


def rounded_percent(base: int, percent: int) -> int:
    """Return ``percent`` of ``base``, rounded to nearest, halves away from zero: 5, −50 → −3 (ASSUMPTION)."""
    size = (abs(base * percent) * 2 + 100) // 200
    return size if percent >= 0 else -size


def wanted_change(adjustment: Adjustment, base: int) -> int:
    """Return the change that ``adjustment`` asks for when the group has ``base`` instances, before any bound."""
    match adjustment.type:
        case "QuantityChangeInCapacity":
            return adjustment.value
        case "TotalCapacity":
            return adjustment.value - base
        case "PercentChangeInCapacity" | _:
            change = rounded_percent(base, adjustment.value)
            sign = 1 if adjustment.value >= 0 else -1
            return sign * max(abs(change), adjustment.magnitude) if adjustment.value else 0


def beyond_warming(adjustment: Adjustment, change: int, warming: int) -> int:
    """Return what is left of a scale-out when ``warming`` instances are on their way to help, not below 0 (ess.md 5.3).

    ASSUMPTION on the detail. A TotalCapacity is what it is: the instances that warm up are part of it already.
    """
    return max(0, change - warming) if change > 0 and adjustment.type != "TotalCapacity" else change


def wanted_total(target: float, metric: float, *, settled: int, warming: int) -> int | None:
    """Return how many instances would bring the metric to its target; None when that asks for no change.

    ``settled`` instances carry what is measured, ``warming`` ones are about to. The arithmetic of the vendor is
    unpublished (A22): proportional, rounded up, counting who does not warm up; a group that warms up is not made
    smaller, and none is made smaller than one.
    """
    present = settled + warming
    wanted = math.ceil(round(settled * metric / target, 6))
    if metric >= target:
        return wanted if wanted > present else None
    if warming:
        return None
    wanted = max(1, wanted)
    return wanted if wanted < present else None


def allowed_change(change: int, base: int, min_size: int, max_size: int) -> int:
    """Clip a change to the bounds of the group and to the largest single adjustment.

    A change never turns round: "+1" on a group that is already above its maximum is 0, not a scale-in.
    """
    if change > 0:
        return max(0, min(change, max_size - base, limits.INSTANCES_PER_ADJUSTMENT))
    return min(0, max(change, min_size - base, -limits.INSTANCES_PER_ADJUSTMENT))


class Census(msgspec.Struct, frozen=True, kw_only=True):
    """The members of a group, counted.

    ``coming`` is on its way in (ordered, Pending, Pending:Wait), ``leaving`` on its way out; ``total`` is
    TotalCapacity plus what is ordered and has no instance yet.
    """

    steady: int
    coming: int = 0
    leaving: int = 0
    stopped: int = 0

    @property
    def total(self) -> int:
        """TotalCapacity once everything that is ordered exists."""
        return self.steady + self.coming + self.leaving


class Bounds(msgspec.Struct, frozen=True):
    """What a group may and should have; ``desired`` None = the feature is off."""

    min_size: int
    max_size: int
    desired: int | None = None


class Correction(msgspec.Struct, frozen=True):
    """What a check starts: ``change`` instances more (or fewer), and which check it was."""

    change: int
    check: Literal["MinSize", "MaxSize", "DesiredCapacity"]


def correction(census: Census, bounds: Bounds) -> Correction | None:
    """Return what the min/max or desired check starts now; None when the group is as it should be.

    Without desired capacity it is asked only while nothing runs. With it, a scale-in waits until everything that is
    on its way in has arrived: an overtaken activity is not cancelled, the check corrects the number after it
    (ess.md 2.4, ASSUMPTION).
    """
    expected = census.steady + census.coming
    most = limits.INSTANCES_PER_ADJUSTMENT
    if bounds.desired is not None:
        change = bounds.desired - expected
        if change > 0 and not census.coming:
            return Correction(min(change, most), "DesiredCapacity")
        if change < 0 and not census.coming and not census.leaving:
            return Correction(max(change, -most), "DesiredCapacity")
        return None
    if expected < bounds.min_size:
        return Correction(min(bounds.min_size - expected, most), "MinSize")
    if expected > bounds.max_size:
        return Correction(max(bounds.max_size - expected, -most), "MaxSize")
    return None

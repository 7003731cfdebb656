"""What a group will need, foreseen from what it needed at the same hours of the days before (ess.md 5.5). Pure.

The vendor's method is unpublished ("machine learning"). This one is plain: the load of an hour to come is the mean of the
same hour of the last days, the last days counting more; load is the metric times the instances that shared it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from tidegate.store.ess.records import Prediction

HOUR = timedelta(hours=1)
#: from how much history a forecast is made, at least and at most, and how far it reaches (ess.md 5.5; days ASSUMPTION)
LEAST_HISTORY = timedelta(hours=24)
MOST_HISTORY = timedelta(days=14)
REACH = timedelta(hours=48)
#: how much a day counts against the one after it (ASSUMPTION)
_FADING = 0.8


class Hour(msgspec.Struct, frozen=True, kw_only=True):
    """One hour from ``at`` on: the metric, and how many instances shared it."""

    at: datetime
    metric: float
    instances: float


class Foreseen(msgspec.Struct, frozen=True, kw_only=True):
    """An hour to come: the metric if there were as many instances as in the past, and the load of all together."""

    at: datetime
    metric: float
    load: float

    def instances(self, target: float) -> int:
        """Return how many instances would bring the metric to its target; at least one."""
        return max(math.ceil(round(self.load / target, 6)), 1)


def foresee(history: Sequence[Hour], now: datetime) -> list[Foreseen]:
    """Return the hours to come from this one on; none while there is too little history."""
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    if not history or this_hour - min(hour.at for hour in history) < LEAST_HISTORY:
        return []
    known = {hour.at: hour for hour in history}
    everything = _mean([(1.0, hour) for hour in history])
    found = []
    for ahead in range(int(REACH / HOUR)):
        at = this_hour + ahead * HOUR
        metric, load = _mean(_same_hours(known, at)) or everything or (0.0, 0.0)
        found.append(Foreseen(at=at, metric=metric, load=load))
    return found


def _same_hours(known: Mapping[datetime, Hour], at: datetime) -> list[tuple[float, Hour]]:
    """Return the same hour of each day before, with its weight: the last one known counts 1."""
    days = int(MOST_HISTORY / timedelta(days=1)) + int(REACH / timedelta(days=1))
    found = [hour for day in range(1, days + 1) if (hour := known.get(at - timedelta(days=day)))]
    return [(_FADING**place, hour) for place, hour in enumerate(found)]


def _mean(weighted: Sequence[tuple[float, Hour]]) -> tuple[float, float] | None:
    total = sum(weight for weight, _ in weighted)
    if not total:
        return None
    metric = sum(weight * hour.metric for weight, hour in weighted) / total
    load = sum(weight * hour.metric * hour.instances for weight, hour in weighted) / total
    return metric, load


def bounds(prediction: Prediction, instances: int) -> tuple[int, int]:
    """Return MinSize and MaxSize for an hour that needs so many instances (ess.md 5.5)."""
    most = prediction.initial_max_size
    match prediction.behavior:
        case "PredictiveValueOverrideMax":
            return instances, max(instances, most)
        case "PredictiveValueOverrideMaxWithBuffer":
            return instances, max(math.ceil(instances * (100 + prediction.buffer) / 100), most)
        case _:
            return min(instances, most), most

"""From counters of hosts to samples: rates, shares and loads of the time between two measurements. Pure but for memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from tidegate.plane.hosts.base import Usage
from tidegate.services.cms.catalog import VALUES
from tidegate.store.cms.samples import Sample

#: A measurement is compared with the one before unless that is this old (s): nobody was there to look meanwhile.
_STALE = 90.0
#: Below this (s) a rate says little, as processor time is counted in hundredths: the values of before stand.
_TOO_SHORT = 0.2
_LOADS = (("load_1m", 60.0), ("load_5m", 300.0), ("load_15m", 900.0))

Values = Mapping[str, float | None]


class Size(msgspec.Struct, frozen=True):
    """How large an instance is: processors, and memory in bytes."""

    cpus: int
    memory: int


class _Reading(msgspec.Struct, frozen=True):
    usage: Usage
    values: Values


class Book:
    """The last measurement of each host. Forgotten with the process, which costs one sample."""

    def __init__(self) -> None:
        self._readings: dict[str, _Reading] = {}

    def enter(self, usages: Sequence[Usage], sizes: Mapping[str, Size]) -> Mapping[str, Values]:
        """Take a round of measurements; returns the values of the hosts for which there is something to compare with.

        Hosts without a size are not instances and are left out. Only this round's hosts are remembered.
        """
        before, self._readings = self._readings, {}
        found = {}
        for usage in usages:
            size = sizes.get(usage.id)
            if size is None:
                continue
            last = before.get(usage.id)
            if last is not None and not 0 < usage.at - last.usage.at <= _STALE:
                last = None
            if last is not None and usage.at - last.usage.at < _TOO_SHORT:
                reading = last
            else:
                reading = _Reading(usage, values_of(last, usage, size))
            self._readings[usage.id] = reading
            if reading.values:
                found[usage.id] = reading.values
        return found


def values_of(last: _Reading | None, usage: Usage, size: Size) -> Values:
    """Return what a host did since it was measured last; nothing when it never was."""
    if last is None:
        return {}
    seconds = usage.at - last.usage.at
    values: dict[str, float | None] = {
        # A host may get more of the machine than its type has: processors are shared, not given away.
        "cpu": min(100.0 * _grown(last.usage.cpu, usage.cpu) / seconds / size.cpus, 100.0),
        "memory": min(100.0 * usage.memory / size.memory, 100.0),
        "memory_used": float(usage.memory),
        "connections": float(usage.connections),
        "established": float(usage.established),
    }
    for name in ("received", "sent", "packets_received", "packets_sent"):
        old, new = getattr(last.usage, name), getattr(usage, name)
        values[name] = None if old is None or new is None else _grown(old, new) / seconds
    for name, window in _LOADS:
        kept = math.exp(-seconds / window)
        values[name] = (last.values.get(name) or 0.0) * kept + usage.loading * (1.0 - kept)
    return values


def _grown(old: float, new: float) -> float:
    """Return by how much a counter grew; one that fell was begun anew, or is behind (see ``Usage``): nothing is known."""
    return max(new - old, 0.0)


def sample_of(series: str, at: datetime, values: Values) -> Sample:
    """Return a host's sample."""
    return Sample(series=series, at=at, count=1, mean=[values.get(name) for name in VALUES])


def sample_of_group(series: str, at: datetime, members: Sequence[Values]) -> Sample:
    """Return a group's sample: mean, least and greatest value of its members."""
    shared = [{**values, "members": float(len(members))} for values in members]
    columns = [[value for values in shared if (value := values.get(name)) is not None] for name in VALUES]
    return Sample(
        series=series,
        at=at,
        count=len(members),
        mean=[sum(column) / len(column) if column else None for column in columns],
        low=[min(column, default=None) for column in columns],
        high=[max(column, default=None) for column in columns],
    )

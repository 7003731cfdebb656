"""CloudMonitor as a whole: what its API calls, what other products ask, and what the meter writes into."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tidegate.clock import Clock
from tidegate.ids import Ids
from tidegate.services.cms import limits, metering, times
from tidegate.services.cms.answering import Answers, grouped
from tidegate.services.cms.catalog import CATALOG, CUSTOM, ESS
from tidegate.services.cms.metering import Values
from tidegate.services.cms.questions import Question, Range
from tidegate.services.cms.reporting import Reports
from tidegate.store.cms import events, samples, series
from tidegate.store.cms.samples import GRAINS
from tidegate.store.cms.series import Series
from tidegate.store.database import Database

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: seconds from one measurement of the hosts to the next
MEASURED_EVERY = GRAINS[0]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a metric was in a period from ``at`` on."""

    at: datetime
    average: float
    minimum: float
    maximum: float


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """A metric of a scaling group; with ``group_id`` a custom metric of that CloudMonitor group."""

    account_id: str
    name: str
    dimensions: Mapping[str, str]
    group_id: str | None = None


class Monitor:
    """CloudMonitor of one cloud."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self.database = database
        self.clock = clock
        self.answers = Answers(database)
        self.reports = Reports(database, clock, ids)

    # ---- what Auto Scaling asks ------------------------------------------------------------------------------------

    async def readings(self, metric: Metric, period: int, since: datetime, until: datetime) -> Sequence[Reading]:
        """Return the periods of a metric with ``since`` ≤ beginning < ``until``; none for one that is not measured.

        Custom metrics of the same name and dimensions in a group are one; several series are joined.
        """
        is_custom = metric.group_id is not None
        if not is_custom and (ESS, metric.name) not in CATALOG:
            return []
        words = {**metric.dimensions, "groupId": metric.group_id} if metric.group_id is not None else metric.dimensions
        question = Question(
            account_id=metric.account_id,
            namespace=CUSTOM + metric.account_id if is_custom else ESS,
            metric=metric.name,
            dimensions=[words],
            range=Range(period, since, until),
        )
        points, _ = await self.answers.page(question, limits.LONGEST_PAGE, None)
        return [
            Reading(
                at=times.read(str(point["timestamp"])),
                average=point["Average"],
                minimum=point["Minimum"],
                maximum=point["Maximum"],
            )
            for point in grouped(points, [])
        ]

    async def measured_until(self) -> datetime | None:
        """Return until when hosts have been measured."""
        async with self.database.connection() as db:
            return await samples.measured_until(db)

    # ---- what the meter writes -------------------------------------------------------------------------------------

    async def record(
        self,
        tx: Connection,
        now: datetime,
        hosts: Mapping[str, Values],
        owners: Mapping[str, str],
        groups: Mapping[str, Sequence[str]],
        *,
        every: int = MEASURED_EVERY,
        known: Collection[str] = (),
    ) -> frozenset[str]:
        """Write what hosts and groups came to in the ``every`` seconds that are just over.

        ``owners``: the account of each host; ``groups``: the hosts that serve in each group, all of one account;
        ``known``: what the round before has returned, of which only samples are written. Returns who was written.
        """
        until = times.start_of(now, every)
        at = until - timedelta(seconds=every)
        members = {group: [host for host in ids if host in hosts] for group, ids in groups.items()}
        members = {group: ids for group, ids in members.items() if ids}
        mine = [Series(id=host, account_id=owners[host], kind="host", created_at=now) for host in hosts]
        mine += [
            Series(id=group, account_id=owners[ids[0]], kind="group", created_at=now) for group, ids in members.items()
        ]
        if mine:
            if new := [one for one in mine if one.id not in known]:
                await series.add(tx, *new)
            await samples.add(
                tx,
                *(metering.sample_of(host, at, values) for host, values in hosts.items()),
                *(metering.sample_of_group(group, at, [hosts[one] for one in ids]) for group, ids in members.items()),
            )
        await samples.note_measured(tx, until)
        return frozenset(one.id for one in mine)

    async def tidy(self, tx: Connection, now: datetime) -> None:
        """Join samples that have grown old to coarser ones, and forget what is older than anybody may ask for."""
        fine, middle, coarse = GRAINS
        await samples.coarsen(tx, middle, coarse, times.start_of(now - limits.MIDDLE, coarse))
        await samples.coarsen(tx, fine, middle, times.start_of(now - limits.FINE, middle))
        await samples.forget(tx, coarse, now - limits.COARSE)
        await series.forget_empty(tx, now - limits.FINE)
        await events.forget(tx, now - limits.EVENTS)

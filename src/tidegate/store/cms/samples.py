"""Samples: written fine, joined to coarser ones as they grow old, read by period."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tidegate.store.table import Table

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: seconds that a sample covers: as it is written, and as it is kept after a while
GRAINS = (15, 300, 3600)

_EVERY_GRAIN = "grain = any('{15,300,3600}')"


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What ``count`` values came to in ``grain`` seconds from ``at`` on. A value of None was not measured.

    ``low`` and ``high`` of None: as ``mean``.
    """

    series: str
    at: datetime
    count: int
    mean: list[float | None]
    low: list[float | None] | None = None
    high: list[float | None] | None = None
    grain: int = GRAINS[0]


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a series over a period from ``at`` on."""

    series: str
    at: datetime
    average: float
    minimum: float
    maximum: float
    count: int


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which points: of the value at ``place`` (0, 1 …) of these series, by ``period`` seconds, ``since`` ≤ at < ``until``."""

    series: Sequence[str]
    place: int
    period: int
    since: datetime
    until: datetime


_table = Table(Sample, "cms_sample", key="series")


async def add(tx: Connection, *samples: Sample) -> None:
    """Write samples; one that is there already stays."""
    await _table.add(tx, *samples, unless_there=True)


async def pool(tx: Connection, sample: Sample) -> None:
    """Write a sample with one value, joined to the one that is there for its moment."""
    await tx.execute(
        "insert into cms_sample as was (series, grain, at, count, mean, low, high) values ($1, $2, $3, $4, $5, $6, $7)"
        " on conflict (series, grain, at) do update set count = was.count + excluded.count,"
        "   mean = array[(was.mean[1] * was.count + excluded.mean[1] * excluded.count) / (was.count + excluded.count)],"
        "   low = array[least(was.low[1], excluded.low[1])], high = array[greatest(was.high[1], excluded.high[1])]",
        sample.series,
        sample.grain,
        sample.at,
        sample.count,
        sample.mean,
        sample.low or sample.mean,
        sample.high or sample.mean,
    )


_POINTS = f"""
    select series, date_bin(make_interval(secs => $3), at, 'epoch') as at,
      sum(mean[$2] * count) / sum(count) as average, min((coalesce(low, mean))[$2]) as minimum,
      max((coalesce(high, mean))[$2]) as maximum, sum(count)::bigint as count
    from cms_sample where series = any($1) and {_EVERY_GRAIN} and at >= $4 and at < $5 and mean[$2] is not null
    group by 1, 2
"""


def _arguments(wanted: Wanted) -> tuple[object, ...]:
    return wanted.series, wanted.place + 1, float(wanted.period), wanted.since, wanted.until


async def points(
    db: Connection, wanted: Wanted, *, limit: int, after: tuple[datetime, str] | None = None
) -> list[Point]:
    """Return the first points by moment and series, of those that come ``after`` one. Without a value there is none."""
    at, series = after or (None, "")
    rows = await db.fetch(
        f"select * from ({_POINTS}) found where $6::timestamptz is null or (at, series) > ($6, $7)"
        " order by at, series limit $8",
        *_arguments(wanted),
        at,
        series,
        limit,
    )
    return [Point(**row) for row in rows]


async def last_points(db: Connection, wanted: Wanted, *, limit: int, after: str = "") -> list[Point]:
    """Return the last point of each series, of the series that come ``after`` one."""
    rows = await db.fetch(
        f"select distinct on (series) * from ({_POINTS}) found where series > $6 order by series, at desc limit $7",
        *_arguments(wanted),
        after,
        limit,
    )
    return [Point(**row) for row in rows]


async def coarsen(tx: Connection, grain: int, coarser: int, before: datetime) -> None:
    """Join the samples of a grain from before a moment, a multiple of ``coarser``, to coarser ones."""
    await tx.execute(
        "with old as (delete from cms_sample where grain = $1 and at < $3 returning *),"
        " parts as (select series, date_bin(make_interval(secs => $2), at, 'epoch') as at, place, sum(count) as count,"
        "   sum(mean[place] * count) / nullif(sum(count) filter (where mean[place] is not null), 0) as mean,"
        "   min((coalesce(low, mean))[place]) as low, max((coalesce(high, mean))[place]) as high"
        "   from old, generate_subscripts(mean, 1) as place group by 1, 2, 3)"
        " insert into cms_sample (series, grain, at, count, mean, low, high)"
        "   select series, $4, at, max(count), array_agg(mean order by place), array_agg(low order by place),"
        "     array_agg(high order by place) from parts group by series, at"
        " on conflict do nothing",
        grain,
        float(coarser),
        before,
        coarser,
    )


async def forget(tx: Connection, grain: int, before: datetime) -> None:
    """Delete the samples of a grain from before a moment."""
    await tx.execute("delete from cms_sample where grain = $1 and at < $2", grain, before)


async def measured_until(db: Connection) -> datetime | None:
    """Return until when the hosts have been measured."""
    moment: datetime | None = await db.fetchval("select measured_until from cms_meter")
    return moment


async def note_measured(tx: Connection, until: datetime) -> None:
    """Note until when the hosts have been measured."""
    await tx.execute(
        "insert into cms_meter (measured_until) values ($1) on conflict (id) do update set measured_until = $1", until
    )

"""Charts as SVG: lines over time, drawn by the server. Pure: from points to shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import groupby
from typing import Final, Literal

import msgspec

#: The plot's own units; it is stretched to the room there is, and what is written stands outside it.
_WIDTH: Final = 1000
_HEIGHT: Final = 100
_STEPS: Final = (1, 2, 2.5, 5, 10)
_LINES: Final = 4
_TIMES: Final = 6

Tint = Literal["accent", "blue", "busy", "bad", "violet"]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line: values from moments on. ``steps`` keeps each value until the next one."""

    name: str
    tint: Tint
    points: Sequence[tuple[datetime, float]]
    steps: bool = False
    filled: bool = False


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """A line as the data of an SVG path; ``area`` is empty for one that is not filled."""

    name: str
    tint: Tint
    path: str
    area: str
    last: str


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """The whole picture. ``values`` are written from the bottom to the top, ``times`` from left to right, evenly."""

    width: int
    height: int
    lines: Sequence[Drawn]
    values: Sequence[str]
    times: Sequence[str]
    unit: str
    is_empty: bool

    @property
    def rulers(self) -> Sequence[float]:
        """Where the values stand."""
        return [self.height * n / (len(self.values) - 1) for n in range(len(self.values))]


def draw(
    lines: Sequence[Line], since: datetime, until: datetime, zone: tzinfo, *, unit: str = "", least: float = 4.0
) -> Chart:
    """Draw lines between two moments; the values begin at 0 and reach at least to ``least``."""
    most = max([least, *(value for line in lines for _, value in line.points)])
    step = _step(most / _LINES)
    top = math.ceil(most / step) * step
    frame = _Frame(since.timestamp(), (until - since).total_seconds(), top)
    return Chart(
        width=_WIDTH,
        height=_HEIGHT,
        lines=[_drawn(line, frame, unit) for line in lines],
        values=[_number(n * step) for n in range(round(top / step) + 1)],
        times=_times(since, until, zone),
        unit=unit,
        is_empty=not any(line.points for line in lines),
    )


class _Frame(msgspec.Struct, frozen=True):
    """From moments, in seconds since 1970, and values to places."""

    since: float
    seconds: float
    top: float

    def place(self, points: Sequence[tuple[datetime, float]]) -> list[tuple[float, float]]:
        """Return places, those of points that would fall on one another thinned out."""
        since, unit = self.since, _WIDTH / self.seconds
        along = [((moment.timestamp() - since) * unit, value) for moment, value in points]
        return [(min(max(x, 0.0), float(_WIDTH)), _HEIGHT - value / self.top * _HEIGHT) for x, value in _thinned(along)]


def _drawn(line: Line, frame: _Frame, unit: str) -> Drawn:
    if not line.points:
        return Drawn(name=line.name, tint=line.tint, path="", area="", last="")
    (start, first), *rest = frame.place(line.points)
    shape = "H{:.1f}V{:.1f}" if line.steps else "L{:.1f} {:.1f}"
    path = [f"M{start:.1f} {first:.1f}", *(shape.format(x, y) for x, y in rest)]
    if not rest and not line.steps:
        path.append("h0")  # a dot
    if line.steps:
        path.append(f"H{_WIDTH}")
    area = f"{''.join(path)}V{_HEIGHT}H{start:.1f}Z" if line.filled else ""
    last = f"{_number(line.points[-1][1])}{f' {unit}' if unit else ''}"
    return Drawn(name=line.name, tint=line.tint, path="".join(path), area=area, last=last)


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Keep of the points that fall on two units of the axis the first, the last, the lowest and the highest."""
    if len(points) <= _WIDTH:
        return list(points)
    kept: list[tuple[float, float]] = []
    for _, each in groupby(points, key=lambda point: int(point[0] / 2)):
        column = list(each)
        values = [value for _, value in column]
        places = {0, values.index(min(values)), values.index(max(values)), len(column) - 1}
        kept += [column[place] for place in sorted(places)]
    return kept


def _times(since: datetime, until: datetime, zone: tzinfo) -> list[str]:
    """Return what is written between the parts into which the time is cut."""
    part = (until - since) / _TIMES
    shape = "%H:%M" if part < timedelta(hours=12) else "%m-%d"
    return [(since + part * n).astimezone(zone).strftime(shape) for n in range(1, _TIMES)]


def _step(rough: float) -> float:
    """Return the smallest of 1, 2, 2.5, 5 and 10 times a power of ten that is not below ``rough``."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(one * power for one in _STEPS if one * power >= rough * 0.999)


def _number(value: float) -> str:
    """Write a number as briefly as it stays readable: ``1.2k`` for 1,234."""
    for limit, sign in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            return f"{value / (1e3 if sign == 'k' else limit):.4g}{sign}"
    return f"{value:.4g}"

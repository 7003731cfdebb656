"""``ACS::TimerTrigger``: at every moment of its expression the rest of the template runs as a child (oos.md 5.10)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from tidegate.services.oos.actions.base import (
    ActionFailedError,
    AwaitNotice,
    AwaitSignal,
    Finished,
    LookAgain,
    Situation,
)
from tidegate.services.oos.actions.firing import Firings
from tidegate.services.oos.actions.sleep import read_moment
from tidegate.services.oos.model import END
from tidegate.services.oos.values import to_text

#: the moment after another one at which the trigger fires; None: never again
Schedule = Callable[[datetime], datetime | None]

_RATE: Final = re.compile(r"(\d{1,6})\s+(minute|hour|day)s?", re.IGNORECASE)
_UNITS: Final[Mapping[str, timedelta]] = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}


async def perform(situation: Situation) -> Finished | LookAgain | AwaitSignal | AwaitNotice:
    """Fire when it is time, unless a firing before still runs; the execution ends at EndDate."""
    properties, now, memo = situation.properties, situation.now, situation.memo
    begun = datetime.fromisoformat(memo["begun"]) if memo else _begin(properties, now)
    end = read_moment(to_text(properties.get("EndDate")))
    schedule = read_schedule(properties, begun)
    firings = Firings(situation)
    await firings.begin()
    firings.add_notices()
    due = memo.get("due")
    if due is not None and datetime.fromisoformat(due) <= min(now, end):
        if firings.are_running:
            situation.log("The trigger does not fire: what it started before has not ended.")
        else:
            firings.add({"time": due})
    if now >= end and not firings.are_decided:
        return Finished({}, END)
    following = schedule(max(now, begun))
    at = end if following is None else min(following, end)
    return firings.outcome({"begun": begun.isoformat(), "due": following.isoformat() if following else None}, at)


def _begin(properties: Mapping[str, Any], now: datetime) -> datetime:
    given = properties.get("StartDate")
    return max(read_moment(to_text(given)), now) if given else now


def read_schedule(properties: Mapping[str, Any], begun: datetime) -> Schedule:
    """Read ``Type``, ``Expression`` and ``TimeZone``; raises ActionFailedError."""
    expression = to_text(properties.get("Expression")).strip()
    match to_text(properties.get("Type")).lower():
        case "at":
            moment = read_moment(expression)
            return lambda after: moment if moment > after else None
        case "rate":
            return _every(expression, begun)
        case "cron":
            return _cron(expression, _zone(properties.get("TimeZone")))
    raise ActionFailedError("the Type of a timer is cron, rate or at")


def _every(expression: str, begun: datetime) -> Schedule:
    match = _RATE.fullmatch(expression)
    if match is None or int(match[1]) == 0:
        raise ActionFailedError(f"not a rate: {expression[:40]}")
    pause = int(match[1]) * _UNITS[match[2].lower()]
    return lambda after: begun + pause * ((after - begun) // pause + 1)


def _cron(expression: str, zone: ZoneInfo) -> Schedule:
    """Read seconds, minutes, hours, day, month and day of the week, 1 being Sunday."""
    fields = expression.split()[:6]  # a seventh is the year (oos.md 5.10, ASSUMPTION: any)
    if len(fields) != 6:
        raise ActionFailedError(f"a cron expression has six fields: {expression[:80]}")
    fields[5] = re.sub(r"(?<![#\d/])[1-7](?!\d)", lambda day: str(int(day[0]) - 1), fields[5])
    text = " ".join(fields).replace("?", "*").upper()

    def following(after: datetime) -> datetime | None:
        try:
            return next(CronSim(text, after.astimezone(zone)), None)
        except CronSimError:
            raise ActionFailedError(f"not a cron expression: {expression[:80]}") from None

    following(datetime.fromisoformat("2026-01-01T00:00:00Z"))
    return following


def _zone(name: Any) -> ZoneInfo:
    try:
        return ZoneInfo(to_text(name) or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        raise ActionFailedError(f"there is no time zone {to_text(name)[:40]}") from None

"""``ACS::Sleep``: wait for a duration or until a moment, as a row and a timer (oos.md 5.8)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tidegate.services.oos.actions.base import ActionFailedError, Finished, LookAgain, Situation
from tidegate.services.oos.values import to_text

_DURATION: Final = re.compile(
    r"(?:P(?:(?P<days>\d+)D)?T?|T)?(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?", re.IGNORECASE
)
_LONGEST: Final = timedelta(days=3650)


async def perform(situation: Situation) -> Finished | LookAgain:
    """Wait until the moment that the first look computed."""
    until = situation.memo.get("until")
    moment = datetime.fromisoformat(until) if until else _moment(situation.properties, situation.now)
    if moment <= situation.now:
        return Finished({})
    return LookAgain(moment, {"until": moment.isoformat()})


def _moment(properties: Mapping[str, Any], now: datetime) -> datetime:
    duration, end = properties.get("Duration"), properties.get("EndDate")
    if (duration is None) == (end is None):
        raise ActionFailedError("ACS::Sleep needs exactly one of Duration and EndDate")
    return now + read_duration(to_text(duration)) if end is None else read_moment(to_text(end))


def read_duration(text: str) -> timedelta:
    """Read ``PT15M``, ``1H2M``, ``3s``, ``P1DT2H``; ``1M`` is a minute. Raises ActionFailedError."""
    match = _DURATION.fullmatch(text.strip())
    numbers = {unit: int(count) for unit, count in match.groupdict().items() if count} if match else {}
    if not numbers or any(count > 10**9 for count in numbers.values()):
        raise ActionFailedError(f"not a duration: {text[:40]}")
    duration = timedelta(**numbers)
    if not timedelta(seconds=1) <= duration <= _LONGEST:
        raise ActionFailedError(f"the duration must be between one second and ten years: {text[:40]}")
    return duration


def read_moment(text: str) -> datetime:
    """Read an ISO 8601 time, in UTC unless it says otherwise. Raises ActionFailedError."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ActionFailedError(f"not a time: {text[:40]}") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

"""Times and durations as people read them, in the zone of the browser."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone_of(cookie: str | None) -> tzinfo:
    """Return the zone a browser named; UTC when it named none that this machine knows."""
    if not cookie or len(cookie) > 64:
        return UTC
    try:
        return ZoneInfo(cookie)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def parse(text: object) -> datetime | None:
    """Read a time as the APIs write it: to the minute or to the second."""
    if isinstance(text, datetime):
        return text
    try:
        return datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None


def of_epoch(number: object) -> datetime | None:
    """Read seconds or milliseconds since 1970, as Message Service counts both."""
    if not isinstance(number, int | float):
        return None
    return datetime.fromtimestamp(number / 1000 if number > 1e11 else number, UTC).replace(microsecond=0)


def written(moment: datetime, zone: tzinfo, *, precise: bool) -> str:
    """Return a moment in a zone; ``precise`` shows seconds."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S" if precise else "%Y-%m-%d %H:%M")


def span(seconds: float) -> str:
    """Return a duration in the two units that matter."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"

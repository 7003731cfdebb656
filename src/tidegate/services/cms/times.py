"""Moments and periods: how they are written in questions and reports, and where periods begin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

#: Times without a zone are the vendor's own (the sample of DescribeMetricList: 00:00:00 is 16:00 UTC of the day before).
_BEIJING = timezone(timedelta(hours=8))
#: beyond this a number counts milliseconds
_MILLISECONDS = 100_000_000_000
_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y%m%dT%H%M%S.%f%z", "%Y%m%dT%H%M%S%z")


def start_of(moment: datetime, seconds: int) -> datetime:
    """Return the beginning of the period of so many seconds that a moment lies in."""
    return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, UTC)


def read(text: str) -> datetime:
    """Read a moment: UNIX milliseconds or seconds, ``2019-01-30 00:00:00``, ``…T…Z``, ``20171012T132456.888+0800``.

    Raises ValueError.
    """
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= 15:
        number = int(text)
        return datetime.fromtimestamp(number / 1000 if number > _MILLISECONDS else number, UTC)
    for form in _FORMS:
        try:
            moment = datetime.strptime(text, form)  # noqa: DTZ007 - the zone is given below
        except ValueError:
            continue
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=_BEIJING if " " in text else UTC)
        return moment.astimezone(UTC)
    raise ValueError(text)


def write(moment: datetime) -> int:
    """Write a moment as data points have it: UNIX milliseconds."""
    return round(moment.timestamp() * 1000)

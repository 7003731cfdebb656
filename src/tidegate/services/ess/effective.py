"""When an alarm task counts: a cron expression with seconds, of which every field must fit the moment (ess.md 9.2). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from tidegate.services.ess import refusals

#: Without ``TZ=`` it is the vendor's own time (parameter page of CreateAlarm).
_DEFAULT_ZONE = timedelta(hours=8)
_LONGEST = 200
_ZONE = re.compile(r"TZ=(?P<sign>[+-])(?P<hours>\d{1,2})(:?(?P<minutes>\d\d))?", re.ASCII)
_TERM = re.compile(r"(\*|\?|(?P<first>\d{1,4})(-(?P<last>\d{1,4}))?)(/(?P<step>\d{1,4}))?", re.ASCII)
_NAMES = {
    name: str(number)
    for names in (
        ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"),
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
    )
    for number, name in enumerate(names, 1)
}
_NAME = re.compile("|".join(_NAMES))
#: range and value of each field; a week begins with Sunday, which is 1
_FIELDS: tuple[tuple[int, int, Callable[[datetime], int]], ...] = (
    (0, 59, lambda moment: moment.second),
    (0, 59, lambda moment: moment.minute),
    (0, 23, lambda moment: moment.hour),
    (1, 31, lambda moment: moment.day),
    (1, 12, lambda moment: moment.month),
    (1, 7, lambda moment: moment.isoweekday() % 7 + 1),
    (1970, 2199, lambda moment: moment.year),
)


def check(text: str) -> None:
    """Raise InvalidParameter for an expression that cannot be read."""
    if text:
        _read(text)


def counts(text: str, moment: datetime) -> bool:
    """Tell whether an alarm task with this expression counts at a moment; an empty one always does."""
    if not text:
        return True
    zone, fields = _read(text)
    local = moment.astimezone(timezone(zone))
    return all(value(local) in allowed for allowed, (_, _, value) in zip(fields, _FIELDS, strict=False))


def _read(text: str) -> tuple[timedelta, list[set[int]]]:
    """Return the zone and the allowed values of each field: seconds, minutes, hours, day, month, weekday and year."""
    words = text.upper().split() if len(text) <= _LONGEST else []
    zone = _DEFAULT_ZONE
    if words and words[0].startswith("TZ="):
        zone = _zone(words.pop(0))
    if not 6 <= len(words) <= 7:
        raise refusals.invalid("Effective")
    return zone, [_allowed(word, low, high) for word, (low, high, _) in zip(words, _FIELDS, strict=False)]


def _zone(word: str) -> timedelta:
    match = _ZONE.fullmatch(word)
    ahead = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0)) if match else timedelta.max
    if match is None or ahead > timedelta(hours=14):
        raise refusals.invalid("Effective")
    return -ahead if match["sign"] == "-" else ahead


def _allowed(word: str, low: int, high: int) -> set[int]:
    allowed: set[int] = set()
    for term in _NAME.sub(lambda name: _NAMES[name[0]], word).split(","):
        match = _TERM.fullmatch(term)
        step = int(match["step"] or 1) if match else 0
        if match is None or step == 0:
            raise refusals.invalid("Effective")
        first = low if match["first"] is None else int(match["first"])
        # "5" is that value, "5/10" all from there on, "*" and "?" all.
        only = match["first"] is not None and match["step"] is None
        last = int(match["last"]) if match["last"] else first if only else high
        if not low <= first <= last <= high:
            raise refusals.invalid("Effective")
        allowed.update(range(first, last + 1, step))
    return allowed

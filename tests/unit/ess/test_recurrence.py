"""When scheduled tasks are due (ess.md 9.1)."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import CloudError
from tidegate.services.ess.recurrence import Timetable, check, next_due

MINUTE = timedelta(minutes=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
#: A Saturday.
LAUNCH = datetime(2026, 2, 28, 10, 30, tzinfo=UTC)


def by_the_minute(
    timetable: Timetable, after: datetime, days: int, is_due: Callable[[datetime], bool]
) -> Iterator[datetime]:
    """The naive model: look at every minute there is."""
    moment = after.replace(second=0, microsecond=0)
    for _ in range(days * 1440):
        moment += MINUTE
        if moment >= timetable.launch and (timetable.end is None or moment <= timetable.end) and is_due(moment):
            yield moment


def at_time_of(launch: datetime, moment: datetime) -> bool:
    return (moment.hour, moment.minute) == (launch.hour, launch.minute)


minutes = st.integers(0, 60 * 24 * 60).map(lambda number: START + number * MINUTE)


@st.composite
def by_days(draw: st.DrawFn) -> tuple[Timetable, Callable[[datetime], bool]]:
    launch = draw(minutes)
    end = launch + draw(st.integers(0, 40 * 1440)) * MINUTE
    kind = draw(st.sampled_from(["Daily", "Weekly", "Monthly"]))
    if kind == "Daily":
        days = draw(st.integers(1, 31))
        return Timetable(
            launch=launch, kind=kind, value=str(days), end=end
        ), lambda moment: (moment - launch) % timedelta(days=days) == timedelta()
    if kind == "Weekly":
        names = draw(st.lists(st.sampled_from("0123456"), min_size=1, max_size=7, unique=True))
        return Timetable(
            launch=launch, kind=kind, value=",".join(names), end=end
        ), lambda moment: at_time_of(launch, moment) and moment.strftime("%w") in names
    first = draw(st.integers(1, 31))
    last = draw(st.integers(first, 31))
    return Timetable(
        launch=launch, kind=kind, value=f"{first}-{last}", end=end
    ), lambda moment: at_time_of(launch, moment) and moment.day in range(first, last + 1)


@given(by_days(), minutes)
def test_recurrences_by_days_agree_with_a_look_at_every_minute(
    drawn: tuple[Timetable, Callable[[datetime], bool]], after: datetime
) -> None:
    timetable, is_due = drawn

    found = next_due(timetable, after)

    begin = max(after, timetable.launch - MINUTE)  # nothing is due before the launch
    assert found == next(by_the_minute(timetable, begin, 41, is_due), None)


@given(
    st.integers(0, 59),
    st.lists(st.integers(0, 23), min_size=1, max_size=3, unique=True),
    st.lists(st.integers(1, 7), min_size=1, max_size=3, unique=True),
    minutes,
)
def test_cron_agrees_with_a_look_at_every_minute(
    minute: int, hours: list[int], weekdays: list[int], after: datetime
) -> None:
    value = f"{minute} {','.join(map(str, hours))} ? * {','.join(map(str, weekdays))}"
    timetable = Timetable(launch=START, kind="Cron", value=value)

    def is_due(moment: datetime) -> bool:
        weekday = int(moment.strftime("%w")) + 1
        return moment.minute == minute and moment.hour in hours and weekday in weekdays

    assert next_due(timetable, after) == next(by_the_minute(timetable, after, 8, is_due))


@pytest.mark.parametrize(
    ("weekday", "names"),
    [
        ("2", "Mon"),
        ("MON-WED", "Mon Tue Wed"),
        ("1-7", "Sun Mon Tue Wed Thu Fri Sat"),
        ("?", "Sun Mon Tue Wed Thu Fri Sat"),
        ("*/2", "Sun Tue Thu Sat"),
        ("2/2", "Mon Wed Fri"),
        ("1-4/3", "Sun Wed"),
        ("L", "Sat"),
        ("sun,7", "Sun Sat"),
    ],
)
def test_weekdays_count_from_sunday_as_1(weekday: str, names: str) -> None:
    timetable = Timetable(launch=START, kind="Cron", value=f"0 10 ? * {weekday}")
    week, moment = set(), START
    while (moment := next_due(timetable, moment) or START + timedelta(days=8)) < START + timedelta(days=7):
        week.add(calendar.day_abbr[moment.weekday()])

    assert week == set(names.split())


@pytest.mark.parametrize(
    ("value", "due"),
    [
        ("15 10 L * ?", datetime(2026, 1, 31, 10, 15, tzinfo=UTC)),
        ("15 10 LW * ?", datetime(2026, 1, 30, 10, 15, tzinfo=UTC)),
        ("15 10 ? * 6L", datetime(2026, 1, 30, 10, 15, tzinfo=UTC)),
        ("15 10 ? * 6#3", datetime(2026, 1, 16, 10, 15, tzinfo=UTC)),
        ("0 0/8 ? * *", datetime(2026, 1, 1, 8, tzinfo=UTC)),
    ],
)
def test_the_signs_of_the_dialect(value: str, due: datetime) -> None:
    assert next_due(Timetable(launch=START, kind="Cron", value=value), START) == due


def test_once_is_once() -> None:
    timetable = Timetable(launch=LAUNCH)

    assert next_due(timetable, LAUNCH - MINUTE) == LAUNCH
    assert next_due(timetable, LAUNCH) is None


def test_a_pause_of_a_month_without_such_a_day_is_survived() -> None:
    timetable = Timetable(launch=LAUNCH, kind="Monthly", value="31-31")

    assert next_due(timetable, LAUNCH) == datetime(2026, 3, 31, 10, 30, tzinfo=UTC)
    assert next_due(timetable, datetime(2026, 3, 31, 10, 30, tzinfo=UTC)) == datetime(2026, 5, 31, 10, 30, tzinfo=UTC)


def test_the_end_is_part_of_it() -> None:
    end = LAUNCH + timedelta(days=1)
    timetable = Timetable(launch=LAUNCH, kind="Daily", value="1", end=end)

    assert next_due(timetable, LAUNCH) == end
    assert next_due(timetable, end) is None


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("Daily", "0"),
        ("Daily", "32"),
        ("Daily", ""),
        ("Daily", "٣"),
        ("Weekly", "7"),
        ("Weekly", "1,"),
        ("Monthly", "5"),
        ("Monthly", "5-4"),
        ("Monthly", "1-32"),
        ("Cron", "* * * * *"),
        ("Cron", "0,30 * * * ?"),
        ("Cron", "0 0 10 * * ?"),
        ("Cron", "0 10 15W * ?"),
        ("Cron", "0 10 ? * 0"),
        ("Cron", "0 10 ? * 8"),
        ("Cron", "0 10 ? * 6-2"),
        ("Cron", "0 10 ? * *-2"),
        ("Cron", "0 10 ? * 6#6"),
        ("Cron", "0 10 ? * 2L/3"),
        ("Cron", "0 10 30 2 ?"),
        ("Cron", "0 " + "1," * 100 + "1 * * ?"),
        ("Cron", ""),
    ],
)
def test_what_cannot_be_read_is_refused(kind: str, value: str) -> None:
    with pytest.raises(CloudError, match="RecurrenceValue"):
        check(Timetable(launch=START, kind=kind, value=value))


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(CloudError, match="RecurrenceType"):
        check(Timetable(launch=START, kind="Yearly", value="1"))


@given(st.text(max_size=30), st.sampled_from(["Daily", "Weekly", "Monthly", "Cron"]))
def test_any_text_is_read_or_refused(value: str, kind: str) -> None:
    try:
        due = next_due(Timetable(launch=START, kind=kind, value=value), START)
    except CloudError:
        return  # what a refusal says is tested above
    assert due is None or due > START


@given(st.lists(st.text("0123456789*?/#LW,-", min_size=1, max_size=5), min_size=5, max_size=5).map(" ".join))
def test_any_cron_like_text_is_read_or_refused(value: str) -> None:
    try:
        due = next_due(Timetable(launch=START, kind="Cron", value=value), START)
    except CloudError:
        return  # what a refusal says is tested above
    assert due is None or due > START

"""What an alarm task comes to (services/ess/judging.py), and when it counts (effective.py)."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import CloudError
from tidegate.services.cms.service import Reading
from tidegate.services.ess import effective, judging
from tidegate.store.ess.alarms import Alarm, Condition

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)  # a Thursday


def condition(
    threshold: float = 80.0, operator: str = ">=", statistics: str = "Average", period: int = 60
) -> Condition:
    return Condition(
        metric="CpuUtilization", statistics=statistics, operator=operator, threshold=threshold, period=period
    )


def alarm(*conditions: Condition, logic: str | None = None, count: int = 3) -> Alarm:
    return Alarm(
        id="a",
        account_id="1",
        region="r",
        group_id="asg-1",
        name="a",
        description="",
        metric_type="system",
        conditions=list(conditions or [condition()]),
        logic=logic,
        dimensions={},
        metric_group="",
        evaluation_count=count,
        effective="",
        rule_ids=[],
        enabled=True,
        state="OK",
        created_at=NOON,
        evaluated_until=NOON,
    )


def readings(*averages: float) -> Sequence[Reading]:
    return [
        Reading(at=NOON + timedelta(minutes=minute), average=value, minimum=value - 10, maximum=value + 10)
        for minute, value in enumerate(averages)
    ]


def test_every_period_must_breach_and_none_may_be_missing() -> None:
    judged = alarm()

    assert judging.judge(judged, [readings(80, 90, 85)]) == judging.Verdict("ALARM", 85)
    assert judging.judge(judged, [readings(80, 79.9, 85)]) == judging.Verdict("OK", 85)
    assert judging.judge(judged, [readings(80, 90)]) == judging.Verdict("OK", 90)
    assert judging.judge(judged, [[]]) == judging.Verdict("INSUFFICIENT_DATA", None)


@pytest.mark.parametrize(
    ("operator", "breaches"),
    [
        (">=", [False, True, True]),
        (">", [False, False, True]),
        ("<=", [True, True, False]),
        ("<", [True, False, False]),
    ],
)
def test_each_operator_compares_as_it_is_written(operator: str, breaches: list[bool]) -> None:
    judged = alarm(condition(operator=operator), count=1)

    states = [judging.judge(judged, [readings(value)]).state for value in (79.0, 80.0, 81.0)]

    assert states == ["ALARM" if breach else "OK" for breach in breaches]


def test_statistics_say_which_value_of_a_period_is_compared() -> None:
    for statistics, value in (("Average", 75.0), ("Minimum", 65.0), ("Maximum", 85.0)):
        judged = alarm(condition(statistics=statistics), count=1)

        assert judging.judge(judged, [readings(75)]) == judging.Verdict("ALARM" if value >= 80 else "OK", value)


@pytest.mark.parametrize(
    ("logic", "expected"),
    [
        (
            "&&",
            {"yy": "ALARM", "yn": "OK", "nn": "OK", "y?": "INSUFFICIENT_DATA", "n?": "OK", "??": "INSUFFICIENT_DATA"},
        ),
        ("||", {"yy": "ALARM", "yn": "ALARM", "nn": "OK", "y?": "ALARM", "n?": "INSUFFICIENT_DATA"}),
    ],
)
def test_what_is_unknown_decides_only_when_the_rest_does_not(logic: str, expected: dict[str, str]) -> None:
    found = {"y": readings(90), "n": readings(10), "?": ()}
    judged = alarm(condition(), condition(), logic=logic, count=1)

    for word, state in expected.items():
        assert judging.judge(judged, [found[letter] for letter in word]).state == state, word


def test_it_is_looked_at_once_in_its_shortest_period_a_little_after_its_end() -> None:
    watched = alarm(condition(period=300), condition(period=60), logic="&&")

    assert judging.due_at(watched) == NOON + timedelta(seconds=60) + judging.SETTLING
    assert judging.end_of(300, NOON + timedelta(seconds=299)) == NOON


@pytest.mark.parametrize(
    ("text", "does"),
    [
        ("", True),
        ("* * * * * ?", True),
        ("TZ=+00 * * 12 * * ?", True),
        ("TZ=+00 * * 13-17 * * ?", False),
        ("* * 20 * * ?", True),  # without a zone it is 20:00 in Beijing
        ("TZ=+8 * * 17-20 * * ?", True),
        ("TZ=-05:30 * 30 6 * * ?", True),
        ("TZ=+00 * * * ? JAN THU", True),
        ("TZ=+00 * * * ? * 2-4", False),
        ("TZ=+00 * 0/15 */6 1,15 * ? 2026", True),
        ("TZ=+00 * * * * * ? 2027", False),
    ],
)
def test_it_counts_at_the_moments_that_fit_every_field(text: str, does: bool) -> None:
    effective.check(text)

    assert effective.counts(text, NOON) is does


@pytest.mark.parametrize(
    "text", ["* * * * *", "TZ=+99 * * * * * ?", "TZ=Mars * * * * * ?", "60 * * * * ?", "* * 9-3 * * ?", "* * */0 * * ?"]
)
def test_expressions_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(CloudError, match="Effective"):
        effective.check(text)


@given(st.text("TZ=+0123456789*/?-, LW#SUNMON", max_size=60))
def test_any_text_is_read_or_refused_with_words(text: str) -> None:
    with contextlib.suppress(CloudError):
        effective.check(text)
        assert effective.counts(text, NOON) in {True, False}

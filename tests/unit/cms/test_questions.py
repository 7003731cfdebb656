"""What callers may write (services/cms/times.py, questions.py)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import CloudError
from tidegate.services.cms import questions, times

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    "text",
    [
        "1767268800000",
        "1767268800",
        "2026-01-01T12:00:00Z",
        "2026-01-01 20:00:00",  # without a zone it is the vendor's own
        "20260101T200000.000+0800",
    ],
)
def test_a_moment_can_be_written_in_many_ways(text: str) -> None:
    assert times.read(text) == NOON


@given(st.text(max_size=30))
def test_other_text_is_refused_with_words(text: str) -> None:
    with pytest.raises(CloudError, match="StartTime"):
        questions.range_of(60, f"{text}x", None, NOON, default=HOUR)


@given(
    st.sampled_from([15, 60, 300, 900, 3600]),
    st.integers(0, 35 * 3600).map(lambda seconds: NOON - HOUR - timedelta(seconds=seconds)),
    st.integers(60, 7200),
)
def test_a_range_has_whole_periods_that_are_over_and_begin_after_its_start(
    period: int, since: datetime, seconds: int
) -> None:
    until = since + timedelta(seconds=seconds)

    span = questions.range_of(period, since.isoformat()[:19] + "Z", until.isoformat()[:19] + "Z", NOON, default=HOUR)

    step = timedelta(seconds=period)
    assert span.since == times.start_of(span.since, period)
    assert since < span.since <= since + step
    assert span.until - step <= until
    assert span.until <= NOON


def test_the_sample_of_the_vendor_leaves_out_the_start_and_has_the_end() -> None:
    later = datetime(2026, 1, 1, tzinfo=UTC)
    span = questions.range_of(60, "2019-01-30 00:00:00", "2019-01-30 00:10:00", later, default=HOUR)

    assert times.write(span.since) == 1548777660000
    assert (span.until - span.since) / timedelta(minutes=1) == 10


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": 1}', "[" + ",".join(['{"a":"b"}'] * 51) + "]"])
def test_dimensions_are_words_and_not_too_many(text: str) -> None:
    with pytest.raises(CloudError):
        questions.dimensions_of(text)


def test_dimensions_of_custom_metrics_are_joined_in_the_order_of_their_names() -> None:
    assert questions.joined({"b": "2", "a": "1"}) == "a=1&b=2"
    assert questions.joined_of('{"b":"2","a":"1"}') == "a=1&b=2"
    assert questions.joined_of("a=1&b=2") == "a=1&b=2"

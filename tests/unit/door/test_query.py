"""Query strings and form bodies become flat parameters, within bounds."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import CloudError
from tidegate.wire import query
from tidegate.wire.query import parse

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


def test_blank_values_are_kept_because_they_are_signed() -> None:
    assert parse(b"SignatureType=&Action=X&Flag") == {"SignatureType": "", "Action": "X", "Flag": ""}


def test_a_plus_is_a_space_and_percent_is_utf_8() -> None:
    assert parse(b"Note=a+b%2Ac~d%2F%2B%E6%BD%AE") == {"Note": "a b*c~d/+潮"}


def test_the_last_of_several_equal_names_counts() -> None:
    assert parse(b"A=1&A=2") == {"A": "2"}


def test_stray_separators_are_nothing() -> None:
    assert parse(b"&&=x&A=1&") == {"A": "1"}


@given(st.dictionaries(NAMES, VALUES, max_size=20), st.booleans())
def test_what_a_client_encodes_is_read_back(parameters: dict[str, str], plus: bool) -> None:
    raw = urlencode(parameters) if plus else urlencode(parameters, quote_via=quote)

    assert parse(raw.encode()) == parameters


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    parameters: dict[str, str] = {}

    with suppress(CloudError):
        parameters = parse(raw)

    assert all(parameters)


@pytest.mark.parametrize("raw", [b"A=%FF", b"A=\xff", b"%C3=1"])
def test_text_that_is_not_utf_8_is_refused(raw: bytes) -> None:
    with pytest.raises(CloudError, match="not valid UTF-8"):
        parse(raw)


def test_too_many_parameters_are_refused() -> None:
    assert len(parse(b"&".join(b"P.%d=1" % n for n in range(query.MAX_PARAMETERS)))) == query.MAX_PARAMETERS
    with pytest.raises(CloudError, match="too many parameters"):
        parse(b"&".join(b"P.%d=1" % n for n in range(query.MAX_PARAMETERS + 1)))


@pytest.mark.parametrize(
    "raw",
    [
        b"A=" + b"x" * query.MAX_BYTES,
        b"A=" + b"x" * (query.MAX_VALUE + 1),
        b"N" * (query.MAX_NAME + 1) + b"=1",
    ],
)
def test_what_is_too_large_is_refused(raw: bytes) -> None:
    with pytest.raises(CloudError) as refusal:
        parse(raw)

    assert refusal.value.status == 413

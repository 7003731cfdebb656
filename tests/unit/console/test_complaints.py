"""Complaints about policies and templates name the line they are about."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.console.complaints import about_policy, about_template
from tidegate.console.places import places
from tidegate.console.throttle import ATTEMPTS, WITHIN, Throttle

POLICY = """{
  "Version": "1",
  "Statement": [
    {"Effect": "Allow", "Action": "ecs:*", "Resource": "*"},
    {
      "Effect": "Deny",
      "Action": [
        "ess:Delete*",
        "kvstore:*"
      ],
      "Resource": "*",
      "Condition": {
        "IpAddress": {"acs:SourceIp": "10.0.0.0/8"}
      }
    }
  ]
}"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ('"Version": "1"', '"Version": 1', 2),
        ('"Effect": "Deny"', '"Effect": "No"', 6),
        ('"kvstore:*"', '"kvstore"', 9),
        ('"IpAddress"', '"IpAdress"', 13),
        ('"10.0.0.0/8"', '"10.0.0.0/88"', 13),
        ('"Effect": "Deny"', '"Effect": "Deny", "Effects": 1', 6),
        ('"ess:Delete*",', '"ess:Delete*"', 9),
    ],
)
def test_a_fault_of_a_policy_is_shown_at_its_line(right: str, wrong: str, line: int) -> None:
    assert about_policy(POLICY, trust=False) == []

    (complaint,) = about_policy(POLICY.replace(right, wrong), trust=False)

    assert complaint.line == line


def test_what_only_the_api_finds_stands_among_the_rest() -> None:
    text = "FormatVersion: OOS-2019-06-01\nTasks: 1\n"
    told = 'line 9, column 4: not a jq program: "a; b" [V11]; line 2, column 8: something [V4]'

    found = about_template(text, told, "en")

    assert [one.line for one in found] == sorted(one.line or 0 for one in found)
    assert 'not a jq program: "a; b"' in [one.text for one in found]
    assert about_template(text, told, "zh")[0].text != found[0].text


@given(JSON)
def test_every_key_of_any_json_is_found_where_it_stands(value: Any) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False)

    for path, offset in places(text).items():
        if path and not path.endswith("]"):
            key, _ = json.JSONDecoder().raw_decode(text, offset)
            assert path.endswith(str(key)) or text[offset] != '"'


def test_attempts_are_counted_by_address_within_a_minute() -> None:
    throttle, now = Throttle(), datetime(2026, 1, 1, tzinfo=UTC)

    tried = [throttle.admits("10.0.0.1", now + timedelta(seconds=n)) for n in range(ATTEMPTS + 1)]

    assert tried == [True] * ATTEMPTS + [False]
    assert throttle.admits("10.0.0.2", now)
    assert throttle.admits("10.0.0.1", now + WITHIN)


def test_attempts_that_succeed_do_not_count() -> None:
    throttle, now = Throttle(), datetime(2026, 1, 1, tzinfo=UTC)

    for _ in range(3 * ATTEMPTS):
        assert throttle.admits("10.0.0.1", now)
        throttle.forgive("10.0.0.1")

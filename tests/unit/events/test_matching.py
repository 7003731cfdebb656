"""Which events a pattern wants, and the two forms in which an event is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tidegate.services.events.matching import cloud_event, is_pattern, matches, monitor_event, wants
from tidegate.store.events import Event

EVENT = Event(
    id="E-1",
    account_id="1",
    region="cn-hangzhou",
    source="acs.ecs",
    type="ecs:Instance:StateChange",
    subject="acs:ecs:cn-hangzhou:1:instance/i-1",
    data={"resourceId": "i-1", "state": "Running"},
    product="ECS",
    name="Instance:StateChange",
    at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ({}, True),
        ({"product": "ecs", "name": ["Instance:StateChange", "Disk:Stalled"], "level": ["INFO"]}, True),
        ({"product": "ECS", "content": {"state": ["Stopped", "Running"]}}, True),
        ({"content": {"state": "Stopped"}}, False),
        ({"content": {"state": {"deeper": "Running"}}}, False),
        ({"content": {"unknown": "Running"}}, False),
        ({"name": []}, False),
        ({"regionId": ["cn-beijing"]}, False),
        ({"source": ["acs.ecs"], "type": ["ecs:Instance:StateChange"], "data": {"resourceId": ["i-1"]}}, True),
        ({"source": ["acs.ess"]}, False),
    ],
)
def test_a_pattern_asks_for_the_fields_it_names(pattern: dict[str, Any], wanted: bool) -> None:
    assert wants(pattern, EVENT) is wanted


def test_an_event_is_told_in_the_forms_of_both_products() -> None:
    envelope, message = cloud_event(EVENT), monitor_event(EVENT)

    assert envelope["id"] == message["id"] == "E-1"
    assert (envelope["source"], envelope["type"], envelope["time"]) == (
        "acs.ecs",
        "ecs:Instance:StateChange",
        "2026-01-02T03:04:05Z",
    )
    assert (message["product"], message["name"], message["level"]) == ("ECS", "Instance:StateChange", "INFO")
    assert envelope["data"] == message["content"] == {"resourceId": "i-1", "state": "Running"}


@pytest.mark.parametrize(
    ("expression", "found", "wanted"),
    [
        ({"prefix": "acs."}, "acs.ess", True),
        ({"prefix": "acs.", "suffix": ".oss"}, "acs.ess", False),
        ({"contains": "s.e"}, "acs.ess", True),
        ({"anything-but": "acs.ess"}, "acs.ess", False),
        ({"anything-but": ["acs.oss", "acs.ecs"]}, "acs.ess", True),
        ({"anything-but": {"prefix": "acs."}}, "acs.ess", False),
        ({"anything-but": "x"}, None, False),
        ({"exists": False}, None, True),
        ({"exists": True}, "x", True),
        ({"numeric": [">", 0, "<=", 5]}, 5, True),
        ({"numeric": [">", 0, "<=", 5]}, 6, False),
        ({"numeric": ["~", 0]}, 0, False),
        ({"numeric": [">", 0]}, "1", False),
        ({"cidr": "10.0.0.0/24"}, "10.0.0.9", True),
        ({"cidr": "10.0.0.0/24"}, "not an address", False),
        ({"unknown": 1}, 1, False),
    ],
)
def test_expressions_hold_or_do_not(expression: dict[str, Any], found: Any, wanted: bool) -> None:
    assert matches({"field": [expression]}, {"field": found}) is wanted


def test_values_are_compared_to_the_letter_and_by_their_type() -> None:
    assert not matches({"name": ["x"]}, {"name": "X"})
    assert not matches({"count": [1]}, {"count": True})
    assert not matches({"count": ["1"]}, {"count": 1})


@pytest.mark.parametrize(
    ("pattern", "good"),
    [
        ({"source": ["a"], "data": {"x": [{"prefix": "b"}]}}, True),
        ({}, True),
        ({"source": "a"}, False),
        ({"source": [["a"]]}, False),
        ({"source": [{"like": "a"}]}, False),
        ([], False),
        ("text", False),
    ],
)
def test_a_pattern_of_eventbridge_is_a_map_of_lists(pattern: Any, good: bool) -> None:
    assert is_pattern(pattern) is good

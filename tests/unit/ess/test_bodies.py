"""What Auto Scaling's messages say (ess.md 4.2, 10)."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tidegate.services.ess import bodies
from tidegate.services.ess.announcer import EXPIRING, TYPES, words_of
from tidegate.services.ess.notices import Facts, receiver_of
from tidegate.services.ess.states import ActivityStatus
from tidegate.store.ess.records import Activity, Group, Plan

BEGUN = datetime(2026, 1, 2, 3, 4, 30, tzinfo=UTC)
FACTS = Facts(
    account_id="1610000000000001",
    region_id="cn-hangzhou",
    request_id="473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E",
    scaling_group_id="asg-1",
    scaling_group_name="web",
    scaling_activity_id="asa-1",
    lifecycle_hook_id="ash-1",
    lifecycle_hook_name="drain",
    lifecycle_transition="SCALE_IN",
    lifecycle_action_token="T-1",
    default_result="CONTINUE",
    instance_ids=["i-1"],
)


def group() -> Group:
    fields = dict.fromkeys(Group.__struct_fields__)
    return Group(**(fields | {"id": "asg-1", "name": "web", "account_id": "1610000000000001", "region": "cn-hangzhou"}))  # type: ignore[arg-type]


def activity(**changes: Any) -> Activity:
    given: dict[str, Any] = {
        "id": "asa-1",
        "group_id": "asg-1",
        "kind": "rule",
        "direction": "SCALE_OUT",
        "parallel": True,
        "status": "InProgress",
        "cause": "because",
        "description": "Add",
        "request_id": "R",
        "trigger_type": "APIs",
        "trigger_id": "",
        "amount": 1,
        "plan": Plan(),
        "instance_ids": [],
        "total_capacity": 2,
        "auto_capacity": 2,
        "attached_capacity": 0,
        "started_at": BEGUN,
    }
    return Activity(**(given | changes))


def test_a_hook_s_message_is_the_documented_one() -> None:
    body = bodies.encoded(bodies.envelope(group(), bodies.of_hook(FACTS, "blue")), "Base64")

    assert json.loads(base64.b64decode(body)) == {
        "userId": "1610000000000001",
        "regionId": "cn-hangzhou",
        "resourceArn": "acs:ess:cn-hangzhou:1610000000000001:scalinggroup/asg-1",
        "content": {
            "lifecycleHookId": "ash-1",
            "lifecycleHookName": "drain",
            "lifecycleActionToken": "T-1",
            "lifecycleTransition": "SCALE_IN",
            "defaultResult": "CONTINUE",
            "scalingGroupId": "asg-1",
            "scalingGroupName": "web",
            "scalingActivityId": "asa-1",
            "requestId": "473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E",
            "instanceIds": ["i-1"],
            "notificationMetadata": "blue",
        },
    }
    assert "notificationMetadata" not in bodies.of_hook(FACTS, None)


def test_times_are_written_in_the_receiver_s_zone() -> None:
    ended = activity(status="Successful", ended_at=BEGUN + timedelta(minutes=1), created_ids=["i-1"])

    utc, ahead = (bodies.of_activity(group(), ended, bodies.zone_of(zone) or UTC) for zone in ("UTC", "UTC+8"))

    assert (utc["startTime"], utc["endTime"]) == ("2026-01-02T03:04Z", "2026-01-02T03:05Z")
    assert ahead["startTime"] == "2026-01-02T11:04+08:00"
    assert (utc["statusCode"], utc["totalCapacity"], utc["instanceIds"]) == ("Successful", 2, ["i-1"])
    assert bodies.of_activity(group(), activity(), UTC)["endTime"] == ""


@pytest.mark.parametrize(
    ("text", "hours"),
    [("UTC", 0), ("UTC+8", 8), ("UTC-3:30", -3.5), ("UTC+14", 14), ("UTC+15", None), ("GMT", None), ("UTC+8x", None)],
)
def test_zones_are_hours_from_utc(text: str, hours: float | None) -> None:
    zone = bodies.zone_of(text)
    assert (None if zone is None else zone.utcoffset(BEGUN)) == (None if hours is None else timedelta(hours=hours))


@pytest.mark.parametrize(
    ("arn", "kind"),
    [
        ("acs:ess:cn-hangzhou:1:cloudmonitor", "cloudmonitor"),
        ("acs:ess:cn-hangzhou:1:queue/q", "queue"),
        ("acs:mns:cn-hangzhou:1:queue/q", "queue"),
        ("acs:ess:cn-hangzhou:1:topic/t", "topic"),
        ("acs:oos:cn-hangzhou:1:template/t", None),
        ("acs:ess:cn-hangzhou:2:cloudmonitor", None),
        ("acs:ess:cn-beijing:1:queue/q", None),
        ("acs:ess:cn-hangzhou:1:null/null", None),
        ("", None),
    ],
)
def test_a_receiver_is_a_queue_a_topic_or_cloudmonitor_of_ones_own(arn: str, kind: str | None) -> None:
    found = receiver_of(arn, "cn-hangzhou", "1")
    assert (found.kind if found else None) == kind


def test_every_status_of_an_activity_is_told_as_a_type_that_exists() -> None:
    told = {
        words_of(activity(status=status, direction=direction))[0]
        for status in ActivityStatus
        for direction in ("SCALE_OUT", "SCALE_IN")
    }
    assert told | {EXPIRING} == set(TYPES)

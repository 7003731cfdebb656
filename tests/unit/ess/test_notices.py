"""Where a hook's message goes and what its runbook is started with (ess.md 4.1, 4.4)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.services.ess.notices import (
    Facts,
    Target,
    filled,
    parse_arn,
    parse_metadata,
    shown_arn,
    template_parameters,
)

FACTS = Facts(
    account_id="1610000000000001",
    region_id="cn-hangzhou",
    request_id="473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E",
    scaling_group_id="asg-bp1",
    scaling_group_name="web",
    scaling_activity_id="asa-bp1",
    lifecycle_hook_id="ash-bp1",
    lifecycle_hook_name="drain",
    lifecycle_transition="SCALE_OUT",
    lifecycle_action_token="0F0A3E62-7B2A-4C2F-9E53-2C1B4E6C7A11",
    default_result="CONTINUE",
    instance_ids=["i-1", "i-2"],
)


@pytest.mark.parametrize(
    ("arn", "target"),
    [
        (None, Target("none")),
        ("", Target("none")),
        ("acs:ess:cn-hangzhou:161:null/null", Target("none", "null")),
        ("acs:oos:cn-hangzhou:161:template/ACS-ESS-X", Target("template", "ACS-ESS-X")),
        ("acs:ess:cn-hangzhou:161:oos/ACS-ESS-X", Target("template", "ACS-ESS-X")),
        ("acs:mns:cn-hangzhou:161:queue/q", Target("queue", "q")),
        ("acs:ess:cn-hangzhou:161:topic/t", Target("topic", "t")),
        ("acs:eventbridge:cn-hangzhou:161:eventbus/default", Target("eventbus", "default")),
        ("acs:eventbridge:cn-hangzhou:161:eventbus/mine", None),
        ("acs:oos:cn-beijing:161:template/T", None),
        ("acs:oos:cn-hangzhou:162:template/T", None),
        ("acs:oos:cn-hangzhou:161:template/", None),
        ("acs:oos:cn-hangzhou:161:queue/q", None),
        ("nonsense", None),
    ],
)
def test_a_notification_arn_is_taken_apart_or_refused(arn: str | None, target: Target | None) -> None:
    assert parse_arn(arn, "cn-hangzhou", "161") == target


def test_a_hook_without_receiver_shows_the_null_arn() -> None:
    assert shown_arn(None, "cn-hangzhou", "161") == "acs:ess:cn-hangzhou:161:null/null"
    assert shown_arn("acs:x", "cn-hangzhou", "161") == "acs:x"


@pytest.mark.parametrize("text", ["[]", '"x"', "1", "{", "null", '{"a":1', '{"a":"\\u0000"}'])
def test_metadata_of_a_template_must_be_an_object(text: str) -> None:
    assert parse_metadata(text) is None


def test_absent_metadata_is_empty() -> None:
    assert parse_metadata(None) == parse_metadata("") == parse_metadata("{}") == {}


@pytest.mark.parametrize(
    ("value", "result"),
    [
        (["${instanceIds}"], ["i-1", "i-2"]),
        (["a", "${instanceIds}", "b"], ["a", "i-1", "i-2", "b"]),
        ("${instanceIds}", ["i-1", "i-2"]),
        ("ids: ${instanceIds}", "ids: i-1,i-2"),
        (["x=${instanceIds}"], ["x=i-1,i-2"]),
        ("${lifecycleHookId}/${lifecycleActionToken}", "ash-bp1/0F0A3E62-7B2A-4C2F-9E53-2C1B4E6C7A11"),
        ("${regionId} ${scalingGroupId} ${lifecycleActionResult}", "cn-hangzhou asg-bp1 CONTINUE"),
        ({"deep": [{"id": "${scalingGroupId}"}]}, {"deep": [{"id": "asg-bp1"}]}),
        ("${unknown} ${regionId}", "${unknown} cn-hangzhou"),
        ([["${instanceIds}"]], [["i-1", "i-2"]]),
        (5, 5),
        (None, None),
        (True, True),
    ],
)
def test_placeholders_are_filled(value: Any, result: Any) -> None:
    assert filled(value, FACTS) == result


def test_what_a_placeholder_brings_in_is_not_filled_again() -> None:
    facts = msgspec.structs.replace(FACTS, scaling_group_name="${regionId}", instance_ids=["${regionId}"])

    assert filled("${scalingGroupName}", facts) == "${regionId}"
    assert filled(["${instanceIds}"], facts) == ["${regionId}"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_characters="$")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(json_values)
def test_a_value_without_placeholders_is_left_alone(value: Any) -> None:
    assert filled(value, FACTS) == value


REDIS_TEMPLATE = {
    "regionId": "${regionId}",
    "instanceIds": ["${instanceIds}"],
    "lifecycleHookId": "${lifecycleHookId}",
    "lifecycleActionToken": "${lifecycleActionToken}",
    "dbInstanceId": msgspec.UNSET,
    "modifyMode": msgspec.UNSET,
    "OOSAssumeRole": "OOSServiceRole",
}


def test_the_whitelist_template_gets_defaults_metadata_and_facts() -> None:
    metadata = {"dbInstanceId": "r-bp1", "modifyMode": "Append", "undeclared": 1}

    assert template_parameters(REDIS_TEMPLATE, metadata, FACTS) == {
        "regionId": "cn-hangzhou",
        "instanceIds": ["i-1", "i-2"],
        "lifecycleHookId": "ash-bp1",
        "lifecycleActionToken": FACTS.lifecycle_action_token,
        "dbInstanceId": "r-bp1",
        "modifyMode": "Append",
        "OOSAssumeRole": "OOSServiceRole",
    }


def test_a_parameter_without_value_is_left_to_oos_to_complain_about() -> None:
    assert "dbInstanceId" not in template_parameters(REDIS_TEMPLATE, {}, FACTS)


def test_a_default_with_references_is_left_to_oos_to_resolve() -> None:
    defaults = {"region": "{{ ACS::RegionId }}", "port": ["{{ oos:port }}"], "hook": "${lifecycleHookId}"}

    assert template_parameters(defaults, {}, FACTS) == {"hook": "ash-bp1"}


@pytest.mark.parametrize(
    ("metadata", "default_result", "passed"),
    [
        ({}, "CONTINUE", "ABANDON"),
        ({}, "ABANDON", "ABANDON"),
        ({}, "ROLLBACK", "ROLLBACK"),
        ({"lifecycleActionResult": "CONTINUE"}, "ROLLBACK", "CONTINUE"),
        ({"lifecycleActionResult": "${lifecycleActionResult}"}, "CONTINUE", "CONTINUE"),
    ],
)
def test_what_a_failing_template_reports(metadata: dict[str, str], default_result: str, passed: str) -> None:
    facts = msgspec.structs.replace(FACTS, default_result=default_result)

    assert template_parameters({"lifecycleActionResult": "CONTINUE"}, metadata, facts) == {
        "lifecycleActionResult": passed
    }

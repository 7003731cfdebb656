"""Small rules: selectors, polling, durations, masks, pages, policies, the catalog."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.templates import call, compiled, vendor
from tidegate.errors import CloudError
from tidegate.services.oos import limits
from tidegate.services.oos.actions.base import ActionFailedError
from tidegate.services.oos.actions.poll import read_polling
from tidegate.services.oos.actions.sleep import read_duration, read_moment
from tidegate.services.oos.catalog import Catalog
from tidegate.services.oos.masking import Mask, mask_parameters
from tidegate.services.oos.paging import Page
from tidegate.services.oos.policy import missing_policy, needed_actions, policy_document
from tidegate.services.oos.selectors import complete_program, type_results
from tidegate.services.oos.values import ExpressionError, check_size


@pytest.mark.parametrize(
    ("selector", "program"),
    [
        ("Instances.Instance[].InstanceId", ".Instances.Instance[].InstanceId"),
        (" State ", ".State"),
        (".State", ".State"),
        ("[.a]", "[.a]"),
        ("", ""),
    ],
)
def test_a_selector_that_starts_with_a_name_gets_its_dot(selector: str, program: str) -> None:
    assert complete_program(selector) == program


@pytest.mark.parametrize(
    ("kind", "results", "value"),
    [
        ("List", [], []),
        ("List", [None], [None]),
        ("List", [["a", "b"]], [["a", "b"]]),
        ("Array", ["a", "b"], ["a", "b"]),
        ("String", [], None),
        ("String", [5], 5),
        ("String", ["a", "b"], "a"),
        ("Json", [{"a": 1}], {"a": 1}),
        ("Number", ["12"], 12),
        ("Number", ["1.5"], 1.5),
        ("Number", ["many"], "many"),
        ("Number", ["true"], "true"),
        ("Boolean", ["True"], True),
        ("Boolean", ["12"], "12"),
    ],
)
def test_results_are_typed_as_declared(kind: str, results: list[Any], value: Any) -> None:
    assert type_results(kind, results) == value


@pytest.mark.parametrize(
    ("given", "pauses"),
    [
        ({}, [2, 4, 8, 16]),
        ({"DelayType": "Constant", "Delay": 7}, [7, 7, 7]),
        ({"DelayType": "Linear", "Delay": "5", "BackOff": 3}, [8, 11, 14]),
        ({"MaxRetryInterval": 5}, [2, 4, 5, 5]),
    ],
)
def test_pauses_between_tries(given: dict[str, Any], pauses: list[int]) -> None:
    polling = read_polling(given, "ACS::WaitFor")

    assert [polling.pause(retry).total_seconds() for retry in range(1, len(pauses) + 1)] == pauses


def test_ten_retries_of_the_default_wait_2046_seconds() -> None:
    polling = read_polling({}, "ACS::WaitFor")

    assert sum((polling.pause(retry) for retry in range(1, polling.retries + 1)), timedelta()) == timedelta(
        seconds=2046
    )
    assert read_polling({}, "ACS::CheckFor").retries == 0


@pytest.mark.parametrize("given", [{"Retries": 301}, {"Delay": 0}, {"Retries": "x"}, {"DelayType": "Random"}])
def test_polling_out_of_range_fails_the_task(given: dict[str, Any]) -> None:
    with pytest.raises(ActionFailedError):
        read_polling(given, "ACS::WaitFor")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT15M", 900),
        ("1H2M", 3720),
        ("3s", 3),
        ("4m", 240),
        ("1M", 60),
        ("P1DT2H", 93600),
        ("pt1h", 3600),
        ("P1D", 86400),
    ],
)
def test_durations_are_read_in_every_form(text: str, seconds: int) -> None:
    assert read_duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "PT", "P", "0S", "5", "1X", "M1", "99999999999999999999H", "-1S", "1.5H"])
def test_what_is_no_duration_fails_the_task(text: str) -> None:
    with pytest.raises(ActionFailedError):
        read_duration(text)


def test_moments_are_read_in_utc() -> None:
    assert read_moment("2024-01-02T03:04:05Z") == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert read_moment("2024-01-02T11:04:05+08:00") == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert read_moment("2024-01-02") == datetime(2024, 1, 2, tzinfo=UTC)
    with pytest.raises(ActionFailedError):
        read_moment("tomorrow")


def test_secrets_are_hidden_wherever_they_turn_up() -> None:
    parameters = {"password": "p4ss", "longer": "p4ssword", "pin": 1234, "open": "o", "flag": True}
    mask = Mask(parameters, ["password", "longer", "pin", "flag"])

    assert mask_parameters(parameters, ["password"])["password"] == "******"
    assert mask.text("p4ssword and p4ss") == "****** and ******"
    assert mask.value({"a": ["x p4ss", 1234, True, None, 5]}) == {"a": ["x ******", "******", True, None, 5]}
    assert Mask(parameters, []).value(parameters) is parameters


def test_pages_follow_each_other_by_token() -> None:
    items = list(range(25))
    first = Page.read(10, None).cut(items)
    second = Page.read(10, first.next_token).cut(items)
    third = Page.read(10, second.next_token).cut(items)

    assert [*first.items, *second.items, *third.items] == items
    assert third.next_token is None


@pytest.mark.parametrize(("size", "token"), [(0, None), (101, None), (10, "x"), (10, "AAAA"), (10, "ZnJvbTotMQ==")])
def test_a_wrong_page_is_refused(size: int, token: str | None) -> None:
    with pytest.raises(CloudError) as raised:
        Page.read(size, token)

    assert raised.value.code == "InvalidParameter"


def test_the_whitelist_template_needs_exactly_three_rights() -> None:
    template = vendor("ACS-ESS-LifeCycleModifyRedisIPWhitelist").validated.require_runnable()
    actions = needed_actions(template, Catalog())

    assert actions == ["ecs:DescribeInstances", "kvstore:ModifySecurityIps", "ess:CompleteLifecycleAction"]
    assert policy_document(actions)["Statement"] == [{"Action": actions, "Effect": "Allow", "Resource": "*"}]
    assert missing_policy(["ess:CompleteLifecycleAction"]) == [
        {"Action": "ess:CompleteLifecycleAction", "ServiceName": "ess", "Resources": ["*"]}
    ]


def test_operations_named_by_references_are_left_out_of_a_policy() -> None:
    task = call("t", Properties={"Service": "{{ service }}", "API": "Ping"})

    assert needed_actions(compiled(Parameters={"service": {"Type": "String"}}, Tasks=[task]), Catalog()) == []


def test_the_whitelist_template_declares_what_the_cloud_s_own_does() -> None:
    parameters = vendor("ACS-ESS-LifeCycleModifyRedisIPWhitelist").validated.require().parameters

    assert {name: (each.type, each.default, each.is_required) for name, each in parameters.items()} == {
        "dbInstanceId": ("String", None, True),
        "modifyMode": ("String", None, True),
        "regionId": ("String", "${regionId}", False),
        "instanceIds": ("List", ["${instanceIds}"], False),
        "lifecycleHookId": ("String", "${lifecycleHookId}", False),
        "lifecycleActionToken": ("String", "${lifecycleActionToken}", False),
        "OOSAssumeRole": ("String", "OOSServiceRole", False),
    }
    assert parameters["modifyMode"].allowed_values == ("Append", "Delete", "AppendDup")


def test_a_value_that_holds_the_same_part_many_times_is_measured_without_writing_it() -> None:
    value: Any = "x" * 1000
    for _ in range(60):
        value = [value, value]

    with pytest.raises(ExpressionError, match="larger than"):
        check_size(value)
    assert check_size("x" * (limits.VALUE_CHARACTERS - 10))


def test_a_policy_covers_product_actions_and_targets() -> None:
    select = {
        "Name": "select",
        "Action": "ACS::SelectTargets",
        "Properties": {"ResourceType": "ALIYUN::RDS::Instance", "Filters": []},
    }
    reboot = {"Name": "reboot", "Action": "acs::ecs::rebootinstance", "Properties": {"instanceId": "i-1"}}

    assert needed_actions(compiled(Tasks=[select, reboot]), Catalog()) == [
        "rds:DescribeDBInstances",
        "ecs:RebootInstance",
        "ecs:DescribeInstances",
    ]

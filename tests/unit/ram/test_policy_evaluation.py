"""What a policy means: patterns, conditions, deny before allow."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tidegate.services.ram.policy import Access, NamedPolicy, evaluate, read_policy, read_trust_policy
from tidegate.services.ram.policy.conditions import prepare_condition
from tidegate.services.ram.policy.patterns import ResourcePattern, fold_resource, match_glob

INSTANCE = "acs:ecs:cn-hangzhou:123:instance/i-1"


def kind(
    statement: Mapping[str, object],
    action: str = "ecs:StopInstance",
    resource: str = INSTANCE,
    **context: str,
) -> str:
    full = {"Effect": "Allow", **statement}
    policy = read_policy(json.dumps({"Version": "1", "Statement": [full]}))
    return evaluate([NamedPolicy(policy)], Access(action, resource, context)).kind


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("*", "", True),
        ("*", "any\nthing", True),
        ("a*", "a", True),
        ("a*c", "abc", True),
        ("a*c", "ab", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("*a*b*", "xxaxxbxx", True),
        ("*ab", "abab", True),
        ("a*b*b", "ab", False),
        ("*?", "", False),
        ("??*", "a", False),
        ("a.c", "abc", False),
        ("[a]", "a", False),
        ("**", "anything", True),
        ("a**b", "ab", True),
    ],
)
def test_stars_and_question_marks(pattern: str, text: str, matches: bool) -> None:
    assert match_glob(pattern)(text) is matches


def test_a_pattern_of_many_stars_comes_to_an_end() -> None:
    assert not match_glob("*a" * 60 + "b")("a" * 3000)  # a matcher that tries every split would need years


@pytest.mark.parametrize(
    ("pattern", "resource", "matches"),
    [
        ("*", INSTANCE, True),
        (INSTANCE, INSTANCE, True),
        ("acs:ecs:*:*:instance/*", INSTANCE, True),
        ("acs:ECS:*:*:Instance/i-1", INSTANCE, True),
        ("acs:ecs:*:*:instance/I-1", INSTANCE, False),
        ("acs:ecs:cn-beijing:*:instance/*", INSTANCE, False),
        ("acs:ecs:*:456:instance/*", INSTANCE, False),
        ("acs:ecs:*", INSTANCE, True),
        ("acs:*/i-1", INSTANCE, True),
        ("acs:ecs:*:*:instance/i-?", INSTANCE, True),
        ("acs:ecs:*:*:instance/*", "acs:ecs:cn-hangzhou:123:instance/*", True),
        ("acs:ecs:*:*:instance/i-1", "acs:ecs:cn-hangzhou:123:instance/*", False),
        ("acs:ram::123:user/ada", "acs:ram:*:123:user/ada", True),
        ("acs:ram:*:123:user/ada", "acs:ram::123:user/ada", True),
        ("acs:ram:*:123:user/Ada", "acs:ram::123:user/ada", False),
        ("acs:ram:*:123:role/OOSServiceRole", "acs:ram::123:role/oosservicerole", True),
        ("acs:ram:*:123:*/OOSServiceRole", "acs:ram:*:123:role/oosservicerole", True),
        ("acs:ram:*:123:role/oos*", "acs:ram:*:123:role/OOSServiceRole", True),
    ],
)
def test_resource_names(pattern: str, resource: str, matches: bool) -> None:
    assert ResourcePattern(pattern).matches(fold_resource(resource)) is matches


@pytest.mark.parametrize(
    ("statement", "action", "expected"),
    [
        ({"Action": "*", "Resource": "*"}, "any:Thing", "Allow"),
        ({"Action": "ECS:stopINSTANCE", "Resource": "*"}, "ecs:StopInstance", "Allow"),
        ({"Action": "ecs:Stop*", "Resource": "*"}, "ecs:StopInstance", "Allow"),
        ({"Action": "ecs:Stop", "Resource": "*"}, "ecs:StopInstance", "ImplicitDeny"),
        ({"Action": ["oss:*", "ecs:*"], "Resource": "*"}, "ecs:StopInstance", "Allow"),
        ({"NotAction": "ecs:Stop*", "Resource": "*"}, "ecs:StopInstance", "ImplicitDeny"),
        ({"NotAction": "ecs:Stop*", "Resource": "*"}, "ecs:StartInstance", "Allow"),
        ({"Effect": "Deny", "NotAction": "ecs:Stop*", "Resource": "*"}, "ecs:StartInstance", "ExplicitDeny"),
        ({"Effect": "Deny", "NotAction": "ecs:Stop*", "Resource": "*"}, "ecs:StopInstance", "ImplicitDeny"),
        ({"Action": "*", "NotResource": INSTANCE}, "ecs:StopInstance", "ImplicitDeny"),
        ({"Action": "*", "NotResource": "acs:ecs:*:*:disk/*"}, "ecs:StopInstance", "Allow"),
    ],
)
def test_actions_and_resources(statement: dict[str, object], action: str, expected: str) -> None:
    assert kind(statement, action) == expected


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "holds"),
    [
        ("StringEquals", ["a", "b"], "b", True),
        ("StringEquals", ["a", "b"], "B", False),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEquals", ["a", "b"], "c", True),
        ("StringEqualsIgnoreCase", ["Ab"], "aB", True),
        ("StringNotEqualsIgnoreCase", ["Ab"], "aB", False),
        ("StringLike", ["t?de*"], "tidegate", True),
        ("StringLike", ["T*"], "tidegate", False),
        ("StringNotLike", ["t*"], "tidegate", False),
        ("NumericEquals", ["10"], "10.0", True),
        ("NumericNotEquals", ["10"], "10.0", False),
        ("NumericLessThan", ["10"], "9.99", True),
        ("NumericLessThan", ["10"], "10", False),
        ("NumericLessThanEquals", ["10"], "10", True),
        ("NumericGreaterThan", ["-1"], "0", True),
        ("NumericGreaterThanEquals", ["1", "100"], "50", True),
        ("NumericEquals", ["10"], "ten", False),
        ("NumericNotEquals", ["10"], "ten", True),
        ("DateEquals", ["2024-01-01T08:00:00+08:00"], "2024-01-01T00:00:00Z", True),
        ("DateNotEquals", ["2024-01-01T08:00:00+08:00"], "2024-01-01T00:00:00Z", False),
        ("DateLessThan", ["2024-01-01T00:00:00Z"], "2023-12-31T23:59:59Z", True),
        ("DateLessThanEquals", ["2024-01-01"], "2024-01-01T00:00:00Z", True),
        ("DateGreaterThan", ["2024-01-01T00:00Z"], "2024-01-01T00:00:01Z", True),
        ("DateGreaterThanEquals", ["2024-01-01T00:00:00Z"], "2023-01-01T00:00:00Z", False),
        ("DateLessThan", ["2024-01-01T00:00:00Z"], "never", False),
        ("Bool", ["true"], "True", True),
        ("Bool", ["false"], "true", False),
        ("IpAddress", ["10.0.0.0/8", "192.168.1.7"], "192.168.1.7", True),
        ("IpAddress", ["10.0.0.1/8"], "10.9.9.9", True),
        ("IpAddress", ["10.0.0.0/8"], "11.0.0.1", False),
        ("IpAddress", ["2001:db8::/32"], "2001:db8::1", True),
        ("IpAddress", ["10.0.0.0/8"], "2001:db8::1", False),
        ("IpAddress", ["10.0.0.0/8"], "somewhere", False),
        ("NotIpAddress", ["10.0.0.0/8"], "10.0.0.1", False),
        ("NotIpAddress", ["10.0.0.0/8"], "11.0.0.1", True),
    ],
)
def test_condition_operators(operator: str, wanted: list[str], value: str, holds: bool) -> None:
    assert prepare_condition(operator, "x:y", wanted).holds({"x:y": value}) is holds


@pytest.mark.parametrize(("operator", "holds"), [("StringEquals", False), ("StringNotEquals", True), ("Bool", False)])
def test_a_key_that_the_request_lacks_meets_negative_operators_only(operator: str, holds: bool) -> None:
    assert prepare_condition(operator, "x:y", ["true"]).holds({"x:Y": "true"}) is holds


def test_all_operators_and_all_keys_must_hold() -> None:
    condition = {"StringEquals": {"a:b": ["1", "2"], "a:c": "3"}, "Bool": {"a:d": "true"}}
    statement = {"Action": "*", "Resource": "*", "Condition": condition}
    good = {"a:b": "2", "a:c": "3", "a:d": "true"}

    assert kind(statement, **good) == "Allow"
    for key in good:
        assert kind(statement, **{**good, key: "other"}) == "ImplicitDeny"


def test_a_deny_wins_wherever_it_stands_and_is_named() -> None:
    def policy(*effects: str) -> NamedPolicy:
        statements = [{"Effect": effect, "Action": "*", "Resource": "*"} for effect in effects]
        return NamedPolicy(read_policy(json.dumps({"Version": "1", "Statement": statements})), name="-".join(effects))

    verdict = evaluate([policy("Allow"), policy("Allow", "Deny")], Access("a:B", "*", {}))
    allowed = evaluate([policy("Allow"), policy("Allow", "Allow")], Access("a:B", "*", {}))

    assert (verdict.kind, verdict.statement, verdict.policy and verdict.policy.name) == (
        "ExplicitDeny",
        1,
        "Allow-Deny",
    )
    assert (allowed.kind, allowed.statement, allowed.policy and allowed.policy.name) == ("Allow", 0, "Allow")
    assert evaluate([], Access("a:B", "*", {})).kind == "ImplicitDeny"


def test_a_trust_policy_means_principals_ignoring_the_case_of_roles_and_services() -> None:
    principal = {"RAM": ["acs:ram::1:role/Ops", "acs:ram:*:1:user/Ada"], "Service": "OOS.aliyuncs.com"}
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    policy = NamedPolicy(read_trust_policy(json.dumps({"Version": "1", "Statement": [statement]})))

    def trusts(name: str) -> bool:
        return evaluate([policy], Access("sts:AssumeRole", "*", {}, frozenset({name}))).kind == "Allow"

    assert trusts("acs:ram:*:1:role/ops")
    assert trusts("acs:ram:*:1:user/Ada")
    assert trusts("oos.aliyuncs.com")
    assert not trusts("acs:ram:*:1:user/ada")
    assert not trusts("acs:ram:*:1:root")

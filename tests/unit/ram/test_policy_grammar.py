"""What is a policy, and what is said about a text that is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tidegate.services.ram.policy import GrammarError, read_policy, read_trust_policy
from tidegate.services.ram.system_policies import SYSTEM_POLICIES

GOOD: dict[str, Any] = {"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}
TRUST: dict[str, Any] = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "oos.aliyuncs.com"}}


def document(*statements: object, **top: object) -> str:
    return json.dumps({"Version": "1", "Statement": list(statements), **top})


def without(key: str, **more: object) -> dict[str, object]:
    return {**{name: value for name, value in GOOD.items() if name != key}, **more}


@pytest.mark.parametrize(
    "statement",
    [
        GOOD,
        {**GOOD, "Effect": "Deny"},
        {**GOOD, "Action": "*"},
        {**GOOD, "Action": ["ecs:Describe*", "*:Get?", "slb:*"]},
        without("Action", NotAction="ecs:*"),
        without("Resource", NotResource=["acs:ecs:*:*:instance/i-1"]),
        {**GOOD, "Resource": ["acs:ecs:*", "acs:*:*:*:*"]},
        {**GOOD, "Condition": {}},
        {**GOOD, "Condition": {"Bool": {"acs:MFAPresent": True}, "NumericEquals": {"x:y": [1, 2.5, "-3"]}}},
    ],
)
def test_a_statement_of_the_grammar_is_read(statement: dict[str, object]) -> None:
    assert len(read_policy(document(statement, GOOD)).statements) == 2


@pytest.mark.parametrize("policy", SYSTEM_POLICIES.values(), ids=lambda policy: policy.name)
def test_every_system_policy_is_of_the_grammar(policy: Any) -> None:
    assert read_policy(policy.document).statements


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the policy is not valid JSON"),
        ("[" * 6000, "the policy is not valid JSON"),
        ('{"Version": NaN}', "NaN is not valid JSON"),
        ("[]", "the policy must be a JSON object"),
        ('{"Version":"1","Version":"1","Statement":[]}', "a key occurs twice in one object of the policy"),
        ("{}", "the policy lacks Statement"),
        (document(GOOD, Version=1), 'Version must be the string "1"'),
        (document(GOOD, Version="2012-10-17"), 'Version must be the string "1"'),
        (document(GOOD, Id="x"), 'the policy has an unknown key "Id"'),
        (document(), "Statement must be a list of one or more statements"),
        (json.dumps({"Version": "1", "Statement": GOOD}), "Statement must be a list of one or more statements"),
        (document("allow"), "Statement[0] must be a JSON object"),
        (document(GOOD, without("Effect")), "Statement[1] lacks Effect"),
        (document({**GOOD, "Effect": "allow"}), 'Statement[0].Effect must be "Allow" or "Deny"'),
        (document({**GOOD, "Effect": ["Allow"]}), 'Statement[0].Effect must be "Allow" or "Deny"'),
        (document({**GOOD, "Sid": "x"}), 'Statement[0] has an unknown key "Sid"'),
        (document({**GOOD, "Principal": "*"}), 'Statement[0] has an unknown key "Principal"'),
        (document(without("Action")), "Statement[0] must have exactly one of Action and NotAction"),
        (document({**GOOD, "NotAction": "*"}), "Statement[0] must have exactly one of Action and NotAction"),
        (document(without("Resource")), "Statement[0] must have exactly one of Resource and NotResource"),
        (document({**GOOD, "Action": []}), "Statement[0].Action must not be an empty list"),
        (document({**GOOD, "Action": 5}), "Statement[0].Action must be a text or a list of texts"),
        (document({**GOOD, "Action": ["ecs:*", None]}), "Statement[0].Action must be a text or a list of texts"),
        (
            document({**GOOD, "Action": "DescribeInstances"}),
            'Statement[0].Action has "DescribeInstances", which is not <service>:<operation>',
        ),
        (
            document({**GOOD, "Resource": "instance/*"}),
            'Statement[0].Resource has "instance/*", which is neither * nor acs:<service>:<region>:<account>:<name>',
        ),
        (document({**GOOD, "Condition": []}), "Statement[0].Condition must be a JSON object"),
        (
            document({**GOOD, "Condition": {"StringMatches": {"a:b": "c"}}}),
            'Statement[0].Condition has an unknown operator "StringMatches"',
        ),
        (
            document({**GOOD, "Condition": {"Bool": {}}}),
            "Statement[0].Condition.Bool must be an object of keys and values",
        ),
        (
            document({**GOOD, "Condition": {"Bool": {"a:b": "yes"}}}),
            'Statement[0].Condition.Bool.a:b is wrong: "yes" is neither "true" nor "false"',
        ),
        (
            document({**GOOD, "Condition": {"NumericLessThan": {"a:b": ["1", "many"]}}}),
            'Statement[0].Condition.NumericLessThan.a:b is wrong: "many" is not a number',
        ),
        (
            document({**GOOD, "Condition": {"DateLessThan": {"a:b": "tomorrow"}}}),
            'Statement[0].Condition.DateLessThan.a:b is wrong: "tomorrow" is not a time in ISO 8601',
        ),
        (
            document({**GOOD, "Condition": {"IpAddress": {"acs:SourceIp": "10.0.0.0/33"}}}),
            'Statement[0].Condition.IpAddress.acs:SourceIp is wrong: "10.0.0.0/33" is neither an address nor a CIDR block',
        ),
        (
            document({**GOOD, "Condition": {"StringLike": {"a:b": []}}}),
            "Statement[0].Condition.StringLike.a:b must not be an empty list",
        ),
        (
            document({**GOOD, "Condition": {"StringLike": {"a:b": {"c": "d"}}}}),
            "Statement[0].Condition.StringLike.a:b must be a text or a list of texts",
        ),
    ],
)
def test_a_text_that_is_no_policy_is_refused_with_the_place_and_the_reason(text: str, reason: str) -> None:
    with pytest.raises(GrammarError) as caught:
        read_policy(text)

    assert str(caught.value) == reason


@pytest.mark.parametrize(
    "principal",
    [
        {"Service": "oos.aliyuncs.com"},
        {"Service": ["oos.aliyuncs.com", "1234567890123456@ecs.aliyuncs.com"]},
        {"RAM": "acs:ram::1234567890123456:root"},
        {"RAM": ["acs:ram::1234567890123456:user/ada", "acs:ram:*:1234567890123456:role/ops.night"]},
        {"Federated": ["acs:ram::1234567890123456:saml-provider/idp", "acs:ram::1:oidc-provider/k8s"]},
        {"RAM": ["acs:ram::1:root"], "Service": ["oos.aliyuncs.com"]},
    ],
)
def test_every_form_of_principal_is_read(principal: dict[str, object]) -> None:
    assert read_trust_policy(document({**TRUST, "Principal": principal})).statements


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ({**TRUST, "Resource": "*"}, 'Statement[0] has an unknown key "Resource"'),
        (GOOD, "Statement[0] lacks Principal"),
        ({**TRUST, "Principal": "*"}, "Statement[0].Principal must be an object with RAM, Service or Federated"),
        ({**TRUST, "Principal": {}}, "Statement[0].Principal must be an object with RAM, Service or Federated"),
        ({**TRUST, "Principal": {"AWS": "*"}}, 'Statement[0].Principal has an unknown key "AWS"'),
        ({**TRUST, "Principal": {"RAM": "*"}}, 'Statement[0].Principal.RAM has "*", which is not a principal'),
        (
            {**TRUST, "Principal": {"RAM": ["acs:ram::1:group/dev"]}},
            'Statement[0].Principal.RAM has "acs:ram::1:group/dev", which is not a principal',
        ),
        ({**TRUST, "Principal": {"Service": []}}, "Statement[0].Principal.Service must not be an empty list"),
        (
            {**TRUST, "Principal": {"Service": "a b"}},
            'Statement[0].Principal.Service has "a b", which is not a principal',
        ),
    ],
)
def test_a_text_that_is_no_trust_policy_is_refused(statement: dict[str, object], reason: str) -> None:
    with pytest.raises(GrammarError) as caught:
        read_trust_policy(document(statement))

    assert str(caught.value) == reason


def test_a_reason_is_short_and_can_be_sent_whatever_the_document_holds() -> None:
    text = document({**GOOD, "Condition": {"Bool": {"\ud800" + "k" * 5000: "yes"}}})

    with pytest.raises(GrammarError) as caught:
        read_policy(text)

    assert len(str(caught.value).encode()) < 400

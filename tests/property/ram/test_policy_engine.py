"""The policy engine against one that is written as naively as the reference reads (ram.md 5 to 8)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_address, ip_network
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tidegate.services.ram.policy import Access, NamedPolicy, evaluate, read_policy, read_trust_policy
from tidegate.services.ram.policy.patterns import match_glob

ACCOUNT = "1234567890123456"

# --- the naive engine ---


def naive_glob(pattern: str, text: str) -> bool:
    """Fill in the table "the first i of the pattern match the first j of the text"."""
    table = [[False] * (len(text) + 1) for _ in range(len(pattern) + 1)]
    table[0][0] = True
    for i, wanted in enumerate(pattern, 1):
        table[i][0] = wanted == "*" and table[i - 1][0]
        for j, found in enumerate(text, 1):
            if wanted == "*":
                table[i][j] = table[i - 1][j] or table[i][j - 1]
            else:
                table[i][j] = table[i - 1][j - 1] and wanted in ("?", found)
    return table[-1][-1]


def naive_resource(pattern: str, resource: str) -> bool:
    def same_case(name: str) -> str:
        pieces = name.split(":")
        if len(pieces) > 4 and pieces[2] == "":
            pieces[2] = "*"
        name = ":".join(pieces)
        ends = name.index("/") if "/" in name else len(name)
        return name[:ends].lower() + name[ends:]

    pattern, resource = same_case(pattern), same_case(resource)
    if resource.startswith("acs:ram:") and ":role/" in resource:
        pattern, resource = pattern.lower(), resource.lower()
    return naive_glob(pattern, resource)


def moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


ORDERS = {
    "Equals": lambda a, b: a == b,
    "LessThan": lambda a, b: a < b,
    "LessThanEquals": lambda a, b: a <= b,
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanEquals": lambda a, b: a >= b,
}


def naive_match(operator: str, wanted: str, value: str) -> bool:
    match operator:
        case "StringEquals":
            return wanted == value
        case "StringEqualsIgnoreCase" | "Bool":
            return wanted.lower() == value.lower()
        case "StringLike":
            return naive_glob(wanted, value)
        case "IpAddress":
            return ip_address(value) in ip_network(wanted)
    if operator.startswith("Numeric"):
        return bool(ORDERS[operator.removeprefix("Numeric")](Decimal(value), Decimal(wanted)))
    return bool(ORDERS[operator.removeprefix("Date")](moment(value), moment(wanted)))


def naive_condition(condition: dict[str, dict[str, list[str]]], context: dict[str, str]) -> bool:
    for operator, keys in condition.items():
        for key, values in keys.items():
            negative = "Not" in operator
            if key not in context:
                if not negative:
                    return False
                continue
            found = [naive_match(operator.replace("Not", ""), wanted, context[key]) for wanted in values]
            if negative and any(found):
                return False
            if not negative and not any(found):
                return False
    return True


def naive_kind(documents: list[dict[str, Any]], action: str, resource: str, context: dict[str, str], who: str) -> str:
    effects = set()
    for document in documents:
        for statement in document["Statement"]:
            if "Action" in statement:
                applies = any(naive_glob(each.lower(), action.lower()) for each in statement["Action"])
            else:
                applies = not any(naive_glob(each.lower(), action.lower()) for each in statement["NotAction"])
            if "Resource" in statement:
                applies = applies and any(naive_resource(each, resource) for each in statement["Resource"])
            if "NotResource" in statement:
                applies = applies and not any(naive_resource(each, resource) for each in statement["NotResource"])
            if "Principal" in statement:
                applies = applies and any(who in names for names in statement["Principal"].values())
            if applies and naive_condition(statement.get("Condition", {}), context):
                effects.add(statement["Effect"])
    return "ExplicitDeny" if "Deny" in effects else "Allow" if "Allow" in effects else "ImplicitDeny"


# --- documents and requests that meet each other often ---

globs = st.text("ab*?:/.", max_size=8)
actions = st.sampled_from(["ecs:StopInstance", "ecs:DescribeInstances", "oss:GetObject", "ram:PassRole"])
action_patterns = st.sampled_from(
    ["*", "ecs:*", "ECS:stop*", "*:Describe*", "ecs:Stop?nstance", "oss:GetObject", "ram:Pass*", "e*:*"]
)
resources = st.sampled_from(
    [
        f"acs:ecs:cn-hangzhou:{ACCOUNT}:instance/i-1",
        f"acs:ecs:cn-beijing:{ACCOUNT}:Instance/I-1",
        f"acs:ram:*:{ACCOUNT}:role/OOSServiceRole",
        f"acs:ram::{ACCOUNT}:user/Ada",
        "acs:oss:::bucket/key/deep",
        "*",
    ]
)
resource_patterns = st.sampled_from(
    [
        "*",
        "acs:ecs:*:*:instance/*",
        "acs:ecs:cn-hangzhou:*:instance/i-1",
        "acs:ECS:*:*:instance/I-?",
        f"acs:ram::{ACCOUNT}:role/oosservicerole",
        "acs:ram:*:*:*/OOS*Role",
        f"acs:ram:*:{ACCOUNT}:user/Ada",
        "acs:*/deep",
        "acs:oss:*:*:bucket/*",
    ]
)
VALUES = {
    "String": ["ada", "Ada", "bob", "a*", "?da"],
    "Numeric": ["1", "1.0", "-3", "10"],
    "Date": ["2024-01-01T00:00:00Z", "2024-01-01T08:00:00+08:00", "2025-06-01", "2023-12-31T23:00:00-01:00"],
    "Bool": ["true", "false", "True"],
    "Ip": ["10.0.0.0/8", "10.1.0.0/16", "192.168.1.7", "2001:db8::/32"],
}
CARRIED = {**VALUES, "Ip": ["10.1.2.3", "192.168.1.7", "2001:db8::7"]}
OPERATORS = {
    "String": ["Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike"],
    "Numeric": [*ORDERS, "NotEquals"],
    "Date": [*ORDERS, "NotEquals"],
    "Bool": [""],
    "Ip": ["Address"],
}


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, dict[str, list[str]]]:
    made: dict[str, dict[str, list[str]]] = {}
    for family in draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=2, unique=True)):
        operator = family + draw(st.sampled_from(OPERATORS[family]))
        if family == "Ip" and draw(st.booleans()):
            operator = "NotIpAddress"
        values = st.lists(st.sampled_from(VALUES[family]), min_size=1, max_size=2)
        made[operator] = draw(st.dictionaries(st.sampled_from([f"t:{family}", f"t:{family}2"]), values, min_size=1))
    return made


@st.composite
def contexts(draw: st.DrawFn) -> dict[str, str]:
    keys = [f"t:{family}{more}" for family in sorted(CARRIED) for more in ("", "2")]
    return {key: draw(st.sampled_from(CARRIED[key[2:].rstrip("2")])) for key in keys if draw(st.booleans())}


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        draw(st.sampled_from(["Action", "NotAction"])): draw(st.lists(action_patterns, min_size=1, max_size=2)),
        draw(st.sampled_from(["Resource", "NotResource"])): draw(st.lists(resource_patterns, min_size=1, max_size=2)),
    }
    condition = draw(conditions())
    return {**made, "Condition": condition} if condition else made


documents = st.builds(
    lambda listed: {"Version": "1", "Statement": listed}, st.lists(statements(), min_size=1, max_size=3)
)
NAMES = {"Service": ["oos.aliyuncs.com", "ecs.aliyuncs.com"], "RAM": [f"acs:ram:*:{ACCOUNT}:root", f"acs:ram:*:{ACCOUNT}:user/Ada"]}  # fmt: skip


@st.composite
def trust_documents(draw: st.DrawFn) -> dict[str, Any]:
    def statement() -> dict[str, Any]:
        kind = draw(st.sampled_from(sorted(NAMES)))
        made: dict[str, Any] = {
            "Effect": draw(st.sampled_from(["Allow", "Deny"])),
            "Action": [draw(st.sampled_from(["sts:AssumeRole", "sts:*", "ecs:*"]))],
            "Principal": {kind: draw(st.lists(st.sampled_from(NAMES[kind]), min_size=1, max_size=2))},
        }
        condition = draw(conditions())
        return {**made, "Condition": condition} if condition else made

    return {"Version": "1", "Statement": [statement() for _ in range(draw(st.integers(1, 3)))]}


# --- the properties ---


@given(pattern=globs, text=st.text("ab:/.*", max_size=10))
def test_globs_match_what_the_table_says(pattern: str, text: str) -> None:
    assert match_glob(pattern)(text) is naive_glob(pattern, text)


@given(listed=st.lists(documents, max_size=3), action=actions, resource=resources, context=contexts())
def test_policies_decide_as_the_naive_engine_does(
    listed: list[dict[str, Any]], action: str, resource: str, context: dict[str, str]
) -> None:
    policies = [NamedPolicy(read_policy(json.dumps(document))) for document in listed]

    verdict = evaluate(policies, Access(action, resource, context))

    assert verdict.kind == naive_kind(listed, action, resource, context, "")


@given(document=trust_documents(), who=st.sampled_from(NAMES["RAM"] + NAMES["Service"]), context=contexts())
def test_trust_policies_decide_as_the_naive_engine_does(
    document: dict[str, Any], who: str, context: dict[str, str]
) -> None:
    policy = NamedPolicy(read_trust_policy(json.dumps(document)))

    verdict = evaluate([policy], Access("sts:AssumeRole", "*", context, frozenset({who})))

    assert verdict.kind == naive_kind([document], "sts:AssumeRole", "*", context, who)


@given(listed=st.lists(documents, max_size=3), more=documents, action=actions, resource=resources, context=contexts())
def test_one_more_policy_never_lifts_a_deny(
    listed: list[dict[str, Any]], more: dict[str, Any], action: str, resource: str, context: dict[str, str]
) -> None:
    policies = [NamedPolicy(read_policy(json.dumps(document))) for document in [*listed, more]]
    access = Access(action, resource, context)

    if evaluate(policies[:-1], access).kind == "ExplicitDeny":
        assert evaluate(policies, access).kind == "ExplicitDeny"


@given(listed=st.lists(documents, min_size=1, max_size=3), action=actions, resource=resources, context=contexts())
def test_the_statement_that_is_named_decides_so_alone(
    listed: list[dict[str, Any]], action: str, resource: str, context: dict[str, str]
) -> None:
    policies = [
        NamedPolicy(read_policy(json.dumps(document)), name=str(number)) for number, document in enumerate(listed)
    ]
    verdict = evaluate(policies, Access(action, resource, context))

    if verdict.policy is not None and verdict.statement is not None:
        alone = {"Version": "1", "Statement": [listed[int(verdict.policy.name)]["Statement"][verdict.statement]]}
        assert naive_kind([alone], action, resource, context, "") == verdict.kind
    else:
        assert verdict.kind == "ImplicitDeny"

"""Whatever is sent as a policy document, it is read or refused with a reason, and evaluating it never fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.services.ram.policy import (
    Access,
    GrammarError,
    NamedPolicy,
    Policy,
    evaluate,
    read_policy,
    read_trust_policy,
)

WORDS = [
    "Version", "Statement", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition", "Principal", "1",
    "Allow", "Deny", "*", "ecs:*", "acs:ecs:*:*:*", "acs:ram::1:root", "RAM", "Service", "oos.aliyuncs.com",
    "StringLike", "Bool", "NumericEquals", "DateLessThan", "IpAddress", "true", "10.0.0.0/8", "2024-01-01", "acs:SourceIp",
]  # fmt: skip
words = st.sampled_from(WORDS) | st.text(max_size=6)
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)
values = words | st.lists(words, max_size=2) | trees
conditions = st.dictionaries(words, st.dictionaries(words, values, max_size=2) | trees, max_size=2)
statements = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"]) | trees},
    optional={
        "Action": values,
        "NotAction": values,
        "Resource": values,
        "Principal": st.dictionaries(words, values, max_size=2),
        "Condition": conditions,
    },
)
near_policies = st.fixed_dictionaries({"Version": st.just("1"), "Statement": st.lists(statements, max_size=3)})
texts = st.one_of(st.text(), trees.map(json.dumps), near_policies.map(json.dumps))


@pytest.mark.parametrize("read", [read_policy, read_trust_policy])
@settings(max_examples=400)
@given(text=texts, value=st.text(max_size=20))
def test_a_document_is_read_or_refused_and_what_was_read_decides(
    read: Callable[[str], Policy], text: str, value: str
) -> None:
    try:
        policy = read(text)
    except GrammarError as error:
        reason = str(error)
        assert reason
        assert len(reason) <= 301
        reason.encode()
        return
    context = {"acs:SourceIp": value, "true": value, "": value}
    access = Access("ecs:" + value, "acs:ecs:r:1:instance/" + value, context, frozenset({"oos.aliyuncs.com"}))
    assert evaluate([NamedPolicy(policy)], access).kind in {"Allow", "ExplicitDeny", "ImplicitDeny"}


@settings(max_examples=300)
@given(document=near_policies, place=st.floats(0, 1), character=st.characters())
def test_one_changed_character_makes_no_crash(document: object, place: float, character: str) -> None:
    text = json.dumps(document)
    at = int(place * (len(text) - 1))
    changed = text[:at] + character + text[at + 1 :]

    with suppress(GrammarError):
        assert read_policy(changed).statements

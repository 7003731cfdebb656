"""Names and resource names (ess.md 1)."""

from __future__ import annotations

import pytest

from tidegate.services.ess.naming import is_name, rule_ari, rule_of_ari


@pytest.mark.parametrize("name", ["ab", "a1", "1a", "伸缩组", "a_b-c.d", "x" * 64, "伸" * 64])
def test_a_name_may_be(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize("name", ["", "a", "x" * 65, "_ab", "-ab", ".ab", "a b", "ä1", "ab\n", "a/b"])
def test_a_name_may_not_be(name: str) -> None:
    assert not is_name(name)


def test_the_resource_name_of_a_rule_is_taken_apart_again() -> None:
    ari = rule_ari("cn-hangzhou", "161", "asr-1")

    assert ari == "ari:acs:ess:cn-hangzhou:161:scalingrule/asr-1"
    assert rule_of_ari(ari, "161") == ("cn-hangzhou", "asr-1")
    assert rule_of_ari(ari.replace("scalingrule", "scalingRule"), "161") == ("cn-hangzhou", "asr-1")
    assert rule_of_ari(ari, "162") is None
    assert rule_of_ari("asr-1", "161") is None

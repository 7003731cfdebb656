"""Names of instances and hosts."""

from __future__ import annotations

import pytest

from tidegate.services.ecs.naming import is_host_name, is_name, numbered, pattern_of


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("web", ["web", "web", "web"]),
        ("web-[8,4]-x", ["web-0008-x", "web-0009-x", "web-0010-x"]),
        ("web-[9,1]", ["web-9", "web-10", "web-11"]),
        ("web-[,]", ["web-000000", "web-000001", "web-000002"]),
        ("web-[7,]", ["web-000007", "web-000008", "web-000009"]),
        ("web-[,2]", ["web-00", "web-01", "web-02"]),
        ("web-[999999,3]", ["web-999999", "web-999999", "web-999999"]),
        ("web-[a,3]", ["web-[a,3]", "web-[a,3]", "web-[a,3]"]),
    ],
)
def test_a_batch_is_numbered_from_the_part_in_brackets(pattern: str, names: list[str]) -> None:
    assert numbered(pattern, 3) == names


def test_a_unique_suffix_is_added_only_to_more_than_one_without_numbering() -> None:
    assert numbered("web", 2, unique_suffix=True) == ["web001", "web002"]
    assert numbered("web", 1, unique_suffix=True) == ["web"]
    assert numbered("web[1,2]", 2, unique_suffix=True) == ["web01", "web02"]


@pytest.mark.parametrize("name", ["ab", "测试-1", "a" * 128, "web-[1,2]-x", "a:b_c.d"])
def test_good_names(name: str) -> None:
    assert is_name(pattern_of(name))


@pytest.mark.parametrize("name", ["a", "1ab", "-ab", "http://ab", "https://ab", "a" * 129, "_ab"])
def test_bad_names(name: str) -> None:
    assert not is_name(name)


@pytest.mark.parametrize("name", ["web-1", "a.b.c", "7up", "ab"])
def test_good_host_names(name: str) -> None:
    assert is_host_name(name)


@pytest.mark.parametrize("name", ["a", "-web", "web-", "a..b", "a--b", "wéb", "a" * 65, "a b", ".ab"])
def test_bad_host_names(name: str) -> None:
    assert not is_host_name(name)

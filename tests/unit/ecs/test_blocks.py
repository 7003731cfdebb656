"""The arithmetic of blocks and addresses."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.services.ecs.blocks import free_blocks, is_possible, parse_block, router, usable

PLANE = IPv4Network("172.16.0.0/12")
#: few and small blocks, so that they often touch
SMALL = IPv4Network("172.16.0.0/24")
blocks_inside = st.builds(
    lambda prefix, seed: IPv4Network((int(SMALL.network_address) + (seed << (32 - prefix)) % 256, prefix)),
    st.integers(25, 30),
    st.integers(0, 63),
)


def test_the_first_address_and_the_last_three_are_kept() -> None:
    first, last = usable(IPv4Network("10.0.0.0/24"))

    assert (str(IPv4Address(first)), str(IPv4Address(last))) == ("10.0.0.1", "10.0.0.252")
    assert str(router(IPv4Network("10.0.0.0/24"))) == "10.0.0.253"


@pytest.mark.parametrize("text", ["", "10.0.0.0", "10.0.0.1/24", "10.0.0.0/33", "::/0", "10.0.0.0/24/1", "x/24"])
def test_what_is_no_block_is_none(text: str) -> None:
    assert parse_block(text) is None


def test_hosts_with_networks_of_their_own_may_have_any_private_block_others_only_the_planes() -> None:
    private = IPv4Network("10.1.0.0/16")

    assert is_possible(private, PLANE)
    assert not is_possible(private, IPv4Network("127.16.0.0/12"))
    assert is_possible(IPv4Network("127.16.0.0/20"), IPv4Network("127.16.0.0/12"))
    assert not is_possible(IPv4Network("8.8.0.0/16"), PLANE)


@given(st.lists(blocks_inside, max_size=8), st.integers(25, 30), st.integers(1, 6))
def test_free_blocks_are_the_lowest_that_touch_nothing(taken: list[IPv4Network], prefix: int, count: int) -> None:
    candidates = [one for one in SMALL.subnets(new_prefix=prefix) if not any(one.overlaps(other) for other in taken)]

    found = free_blocks(SMALL, taken, prefix, count)

    assert found == (candidates[:count] if len(candidates) >= count else None)

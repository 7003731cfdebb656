"""The whitelist algebra and the arithmetic of ranges against naive models."""

from __future__ import annotations

import ipaddress
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import CloudError
from tidegate.plane.gate import ranges
from tidegate.services.kvstore.limits import WHITELIST
from tidegate.services.whitelist.model import INITIAL, added_and_removed, admitted, apply_change, read_change

# A small corner of the address space, so that random entries meet.
addresses = st.integers(0, 15).map(lambda n: f"10.0.0.{n}")
entries = st.one_of(
    addresses,
    st.tuples(addresses, st.integers(27, 32)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    st.sampled_from(["0.0.0.0/0", "127.0.0.1", "255.255.255.255", "128.0.0.0/1"]),
)
requests = st.tuples(
    st.lists(entries, min_size=1, max_size=4),
    st.sampled_from([None, "default", "web", "db_1"]),
    st.sampled_from(["Cover", "Append", "AppendDup", "Delete"]),
)


class RefusedError(Exception):
    pass


def plain(entry):
    return entry[:-3] if entry.endswith("/32") else entry


def naive(groups, wanted, group, mode):
    """What kvstore.md 8 says, in the slowest way."""
    if any(plain(a) == plain(b) for i, a in enumerate(wanted) for b in wanted[:i]):
        raise RefusedError
    result = [] if mode == "Cover" else list(groups.get(group, []))
    for entry in wanted:
        twins = [there for there in result if plain(there) == plain(entry)]
        if mode == "Delete":
            if not twins:
                raise RefusedError
            result.remove(twins[0])
        elif not twins:
            result.append(entry)
        elif mode == "Append":
            raise RefusedError
    if not result:
        raise RefusedError
    return {**groups, group: result}


@given(st.lists(requests, max_size=12))
def test_any_history_of_changes_ends_where_the_naive_model_ends(history):
    whitelist, model = INITIAL, {"default": ["127.0.0.1"]}
    for wanted, group, mode in history:
        try:
            model = naive(model, wanted, group or "default", mode)
        except RefusedError:
            refused = True
        else:
            refused = False

        before = whitelist
        try:
            whitelist = apply_change(WHITELIST, whitelist, read_change(WHITELIST, ",".join(wanted), group, mode, None))
        except CloudError:
            assert refused
            assert whitelist == before
        else:
            assert not refused

        assert [(g.name, list(g.entries)) for g in whitelist] == list(model.items())


def network(entry):
    return ipaddress.ip_network(entry, strict=False)


@given(st.lists(entries, max_size=12), st.integers(0, 20))
def test_admitted_addresses_are_exactly_those_of_some_entry(wanted, last):
    whitelist = INITIAL
    for n, entry in enumerate(wanted):
        whitelist = apply_change(WHITELIST, whitelist, read_change(WHITELIST, entry, f"group_{n}", "Cover", None))
    address = ipaddress.ip_address(f"10.0.0.{last}")

    expected = any(address in network(entry) for entry in wanted)

    assert ranges.contains(admitted(whitelist), int(address)) == expected


pairs = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda p: (min(p), max(p)))
sets_of_ranges = st.lists(pairs, max_size=8).map(ranges.merge)


def members(of):
    return {n for first, last in of for n in range(first, last + 1)}


@given(st.lists(pairs, max_size=8))
def test_merged_ranges_are_sorted_disjoint_and_never_touch(given_pairs):
    merged = ranges.merge(given_pairs)

    assert members(merged) == members(given_pairs)
    assert all(left[1] + 1 < right[0] for left, right in pairwise(merged))


@given(sets_of_ranges, sets_of_ranges)
def test_intersection_holds_the_common_members_in_merged_form(left, right):
    common = ranges.intersect(left, right)

    assert members(common) == members(left) & members(right)
    assert common == ranges.merge(common)


@given(sets_of_ranges, sets_of_ranges)
def test_a_difference_turns_the_old_set_into_the_new(old, new):
    gone, come = ranges.difference(old, new)

    assert set(old) - set(gone) | set(come) == set(new)
    assert not set(gone) & set(come)


@given(st.lists(st.tuples(st.integers(0, ranges.LAST), st.integers(0, ranges.LAST)), max_size=4))
def test_blocks_cover_the_ranges_and_nothing_else(given_pairs):
    merged = ranges.merge((min(p), max(p)) for p in given_pairs)

    written = list(ranges.blocks(merged))

    assert ranges.merge(map(ranges.block, written)) == merged
    assert all(str(ipaddress.ip_network(text)) == text for text in written)


@given(st.lists(addresses, unique=True), st.lists(addresses, unique=True))
def test_added_and_removed_explain_the_step_from_one_list_to_the_next(old, new):
    added, removed = added_and_removed(old, new)

    assert set(old) - set(removed) | set(added) == set(new)

from __future__ import annotations

import pytest

from tidegate.errors import CloudError
from tidegate.plane.gate.ranges import dotted
from tidegate.services.kvstore.limits import WHITELIST
from tidegate.services.whitelist.model import INITIAL, Group, admitted, apply_change, read_change


def change(whitelist, entries, group=None, mode=None, attribute=None):
    return apply_change(WHITELIST, whitelist, read_change(WHITELIST, entries, group, mode, attribute))


def code_of(*args, whitelist=INITIAL, **more):
    with pytest.raises(CloudError) as caught:
        change(whitelist, *args, **more)
    return caught.value.code


def addresses(count, start=10 << 24):
    return ",".join(dotted(start + n) for n in range(count))


def test_a_new_instance_lets_only_the_loopback_address_in():
    assert list(INITIAL) == [Group("default", ("127.0.0.1",))]
    assert admitted(INITIAL) == (((127 << 24) + 1, (127 << 24) + 1),)


def test_cover_is_the_mode_and_default_the_group_when_none_is_named():
    assert change(INITIAL, "10.0.0.1,10.0.0.0/8") == (Group("default", ("10.0.0.1", "10.0.0.0/8")),)


def test_append_keeps_order_and_spelling():
    once = change(INITIAL, "10.23.12.24/24 , 10.0.0.9/32", mode="Append")

    assert once == (Group("default", ("127.0.0.1", "10.23.12.24/24", "10.0.0.9/32")),)


def test_append_of_a_present_entry_fails_and_names_its_own_code():
    assert code_of("10.0.0.2,127.0.0.1", mode="Append") == "InvalidInstanceIp.Duplicate"
    assert code_of("127.0.0.1/32", mode="Append") == "InvalidInstanceIp.Duplicate"


def test_append_dup_adds_only_what_is_missing():
    once = change(INITIAL, "10.0.0.1,127.0.0.1/32", mode="AppendDup")

    assert once == (Group("default", ("127.0.0.1", "10.0.0.1")),)
    assert change(once, "10.0.0.1,127.0.0.1/32", mode="AppendDup") == once


def test_delete_removes_entries_in_either_spelling_of_a_single_address():
    there = change(INITIAL, "10.0.0.1,10.0.0.2/32", mode="Append")

    assert change(there, "10.0.0.1/32,10.0.0.2", mode="Delete") == INITIAL


@pytest.mark.parametrize("entries", ["10.0.0.1", "127.0.0.1", "127.0.0.1,10.0.0.1"])
def test_delete_of_a_missing_or_the_last_entry_fails(entries):
    assert code_of(entries, mode="Delete") == "InvalidSecurityIPs.NotFound"


def test_delete_in_a_group_that_does_not_exist_fails():
    assert code_of("10.0.0.1", "web", mode="Delete") == "InvalidSecurityIPs.NotFound"


def test_groups_appear_in_order_of_creation_after_default():
    two = change(change(INITIAL, "10.0.0.1", "zebra"), "10.0.0.2", "ant", "Append")

    assert [group.name for group in two] == ["default", "zebra", "ant"]


def test_an_attribute_is_set_when_given_and_kept_when_not():
    hidden = change(INITIAL, "10.0.0.1", "web", attribute="hidden")

    assert change(hidden, "10.0.0.2", "web")[1] == Group("web", ("10.0.0.2",), "hidden")
    assert change(hidden, "10.0.0.2", "web", attribute="")[1].attribute == ""


@pytest.mark.parametrize(
    "entries",
    ["10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1/0", "10.0.0.1/33", "0.0.0.0/00", "::1", "example.com"],
)
def test_a_malformed_entry_is_refused(entries):
    assert code_of(entries) == "InvalidSecurityIPList.Format"


@pytest.mark.parametrize(
    "entries",
    ["10.0.0.1-10.0.0.9", "10.0. 0.1", "10.0.0.1,,10.0.0.2", "10.0.0.1,", "", " ", "10.0.0.1\n", "٣.0.0.1"],
)
def test_a_malformed_list_is_refused(entries):
    assert code_of(entries) == "InvalidSecurityIPList.Format"


@pytest.mark.parametrize("entries", ["0.0.0.0/0", "0.0.0.0", "255.255.255.255", "10.1.2.3/1", "10.1.2.3/32"])
def test_addresses_blocks_with_host_bits_and_everyone_are_entries(entries):
    assert change(INITIAL, entries)[0].entries == (entries,)


def test_the_same_entry_twice_in_a_request_is_refused():
    assert code_of("10.0.0.1,10.0.0.1") == "InvalidSecurityIPList.Duplicate"
    assert code_of("10.0.0.1,10.0.0.1/32", mode="AppendDup") == "InvalidSecurityIPList.Duplicate"


@pytest.mark.parametrize("name", ["Web", "1web", "_web", "web_", "w", "w" * 33, "web-1", "wéb"])
def test_a_bad_group_name_is_refused(name):
    assert code_of("10.0.0.1", name) == "InvalidGroupName.Format"


@pytest.mark.parametrize("name", ["ali_dms_group", "hdm_security_ips"])
def test_groups_of_other_services_cannot_be_edited(name):
    assert code_of("10.0.0.1", name) == "OperationDenied.SystemGroup"


def test_modes_are_matched_ignoring_case_and_unknown_ones_refused():
    assert change(INITIAL, "10.0.0.1", mode="appenddup")[0].entries == ("127.0.0.1", "10.0.0.1")
    with pytest.raises(CloudError, match='The specified parameter "ModifyMode" is not valid'):
        change(INITIAL, "10.0.0.1", mode="Replace")


def test_checks_come_in_the_documented_order():
    assert code_of("x,x", "BAD", "Nope") == "InvalidGroupName.Format"
    assert code_of("x,x", "web", "Nope") == "InvalidParameter"
    assert code_of("x,x", mode="Append") == "InvalidSecurityIPList.Format"
    assert code_of("127.0.0.1,127.0.0.1", mode="Append") == "InvalidSecurityIPList.Duplicate"
    assert code_of("127.0.0.1," + addresses(1000), mode="Append") == "InvalidInstanceIp.Duplicate"


def test_a_thousand_entries_fit_and_one_more_does_not():
    full = change(INITIAL, addresses(1000))

    assert len(full[0].entries) == 1000
    assert code_of(addresses(1001)) == "InvalidSecurityIPList.QuotaExceeded"
    assert code_of("11.0.0.1", mode="Append", whitelist=full) == "InvalidSecurityIPList.QuotaExceeded"
    assert code_of("11.0.0.1", "web", whitelist=full) == "InvalidSecurityIPList.QuotaExceeded"
    assert change(full, "10.0.0.1", mode="AppendDup") == full


def test_groups_have_a_limit():
    full = INITIAL
    for n in range(WHITELIST.groups - 1):
        full = change(full, "10.0.0.1", f"group_{n}")

    assert code_of("10.0.0.1", "one_more", whitelist=full) == "InvalidSecurityIPListGroup.QuotaExceeded"
    assert change(full, "10.0.0.2", "group_1")[2].entries == ("10.0.0.2",)


def test_overlapping_groups_merge_into_disjoint_ranges():
    both = change(change(INITIAL, "10.0.0.7,10.0.0.8"), "10.0.0.5/29,10.0.0.9,10.0.0.200", "web")

    assert [(dotted(a), dotted(b)) for a, b in admitted(both)] == [
        ("10.0.0.0", "10.0.0.9"),
        ("10.0.0.200", "10.0.0.200"),
    ]


def test_everyone_in_any_group_opens_the_instance():
    assert admitted(change(INITIAL, "0.0.0.0/0", "web")) == ((0, 0xFFFFFFFF),)

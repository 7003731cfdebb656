"""The whitelist of a Redis instance as values: its groups, the four ways to change one, the addresses it lets in.

Pure. Checks, limits, codes and messages are those of kvstore.md 6–10; everything marked ASSUMPTION there is one constant
or one small function here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum

import msgspec

from tidegate.plane.gate.ranges import Ranges, block, merge
from tidegate.services.kvstore import errors
from tidegate.services.kvstore.limits import GROUP_ENTRIES, GROUPS, INSTANCE_ENTRIES

DEFAULT_GROUP = "default"
#: What a new instance lets in: nobody, for no client on the network has this address.
DEFAULT_ENTRIES = ("127.0.0.1",)
#: The one block wider than /1 that may be written, and only in this spelling.
EVERYONE = "0.0.0.0/0"
#: Groups that other services of the cloud keep; users may look, not touch.
SYSTEM_GROUPS = frozenset({"ali_dms_group", "hdm_security_ips", "rds_replica_group"})

_OCTET = "(?:0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])"
_ENTRY = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}(?:/(?:[1-9]|[12][0-9]|3[0-2]))?")
_GROUP_NAME = re.compile("[a-z][a-z0-9_]{0,30}[a-z0-9]")
_ATTRIBUTE = re.compile("[A-Za-z0-9]{0,120}")


class Mode(StrEnum):
    """How a request's entries meet those that are there."""

    COVER = "Cover"
    APPEND = "Append"
    APPEND_DUP = "AppendDup"
    DELETE = "Delete"


class Group(msgspec.Struct, frozen=True):
    """A named list of entries, in the order and the spelling they were given."""

    name: str
    entries: tuple[str, ...]
    attribute: str = ""


#: All groups of an instance: ``default`` first, the others in order of creation.
Whitelist = tuple[Group, ...]

INITIAL: Whitelist = (Group(DEFAULT_GROUP, DEFAULT_ENTRIES),)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A well-formed wish to change one group. ``attribute`` None keeps the group's own."""

    group: str
    mode: Mode
    entries: tuple[str, ...]
    attribute: str | None = None


def read_change(entries: str, group: str | None, mode: str | None, attribute: str | None) -> Change:
    """Read the parameters of ModifySecurityIps, in the documented order of checks."""
    name = _read_group(group or DEFAULT_GROUP)
    return Change(
        group=name,
        mode=_read_mode(mode or Mode.COVER),
        attribute=_read_attribute(attribute),
        entries=_read_entries(entries),
    )


def apply_change(whitelist: Whitelist, change: Change) -> Whitelist:
    """Return the whitelist after ``change``, or raise the CloudError that refuses it."""
    groups = {group.name: group for group in whitelist}
    old = groups.get(change.group, Group(change.group, ()))
    attribute = old.attribute if change.attribute is None else change.attribute
    groups[change.group] = Group(change.group, _combine(old.entries, change), attribute)
    _check_quota(groups.values(), change.group)
    return tuple(groups.values())


def admitted(whitelist: Iterable[Group]) -> Ranges:
    """Return every address that some group lets in."""
    return merge(block(entry) for group in whitelist for entry in group.entries)


def same_entry(entry: str) -> str:
    """Return what two equal entries have in common. ASSUMPTION: only ``/32`` and the bare address are equal."""
    return entry.removesuffix("/32")


def added_and_removed(old: Sequence[str], new: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return which entries came and which went between two lists of one group, each in its list's order."""
    before, after = {same_entry(entry) for entry in old}, {same_entry(entry) for entry in new}
    return (
        [entry for entry in new if same_entry(entry) not in before],
        [entry for entry in old if same_entry(entry) not in after],
    )


def _read_group(name: str) -> str:
    if not _GROUP_NAME.fullmatch(name):
        raise errors.invalid_group_name()
    if name in SYSTEM_GROUPS:
        raise errors.system_group()
    return name


def _read_mode(text: str) -> Mode:
    # ASSUMPTION (kvstore.md 8): case does not matter.
    for mode in Mode:
        if mode.lower() == text.lower():
            return mode
    raise errors.invalid_parameter("ModifyMode")


def _read_attribute(text: str | None) -> str | None:
    if text is not None and not _ATTRIBUTE.fullmatch(text):
        raise errors.invalid_parameter("SecurityIpGroupAttribute")
    return text


def _read_entries(text: str) -> tuple[str, ...]:
    # ASSUMPTION (kvstore.md 6): spaces around commas do not matter.
    entries = tuple(part.strip(" ") for part in text.split(","))
    if not all(_is_entry(entry) for entry in entries):
        raise errors.invalid_list_format()
    if len({same_entry(entry) for entry in entries}) < len(entries):
        raise errors.duplicate_in_request()
    return entries


def _is_entry(text: str) -> bool:
    return text == EVERYONE or _ENTRY.fullmatch(text) is not None


def _combine(old: tuple[str, ...], change: Change) -> tuple[str, ...]:
    there = {same_entry(entry) for entry in old}
    named = {same_entry(entry) for entry in change.entries}
    match change.mode:
        case Mode.COVER:
            return change.entries
        case Mode.APPEND:
            if named & there:
                raise errors.entry_is_there()
            return (*old, *change.entries)
        case Mode.APPEND_DUP:
            # ASSUMPTION (kvstore.md 8): what is there already is skipped, so a repeat does no harm.
            return (*old, *(entry for entry in change.entries if same_entry(entry) not in there))
        case Mode.DELETE:
            # ASSUMPTION (kvstore.md 8): the last entry of any group stays, not only that of ``default``.
            if not named < there:
                raise errors.entry_is_not_there()
            return tuple(entry for entry in old if same_entry(entry) not in named)


def _check_quota(groups: Collection[Group], changed: str) -> None:
    # ASSUMPTION (kvstore.md 6): the limit holds for a group and for the instance.
    sizes = {group.name: len(group.entries) for group in groups}
    if sizes[changed] > GROUP_ENTRIES or sum(sizes.values()) > INSTANCE_ENTRIES:
        raise errors.too_many_entries()
    if len(sizes) > GROUPS:
        raise errors.too_many_groups()

"""A whitelist as values: its groups, the ways to change one, the addresses it lets in.

Pure. Checks and meaning are those of kvstore.md 6–8, for every product of the family (ecs.md 16); everything marked
ASSUMPTION there is one constant or one small function here. What differs between products is in their ``Rules``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

import msgspec

from tidegate.plane.gate.ranges import Ranges, block, merge
from tidegate.services.whitelist.rules import Mode, Refusal, Rules

DEFAULT_GROUP = "default"
#: What a new database lets in: nobody, for no client on the network has this address.
DEFAULT_ENTRIES = ("127.0.0.1",)
#: The one block wider than /1 that may be written, and only in this spelling.
EVERYONE = "0.0.0.0/0"
#: Groups that other services of the cloud keep; users may look, not touch.
SYSTEM_GROUPS = frozenset({"ali_dms_group", "hdm_security_ips", "rds_replica_group"})

_OCTET = "(?:0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])"
_ENTRY = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}(?:/(?:[1-9]|[12][0-9]|3[0-2]))?")
_GROUP_NAME = re.compile("[a-z][a-z0-9_]{0,30}[a-z0-9]")
_ATTRIBUTE = re.compile("[A-Za-z0-9]{0,120}")


class Group(msgspec.Struct, frozen=True):
    """A named list of entries, in the order and the spelling they were given."""

    name: str
    entries: tuple[str, ...]
    attribute: str = ""


#: All groups of a database: ``default`` first, the others in order of creation.
Whitelist = tuple[Group, ...]

INITIAL: Whitelist = (Group(DEFAULT_GROUP, DEFAULT_ENTRIES),)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A well-formed wish to change one group. ``attribute`` None keeps the group's own."""

    group: str
    mode: Mode
    entries: tuple[str, ...]
    attribute: str | None = None


def read_change(rules: Rules, entries: str, group: str | None, mode: str | None, attribute: str | None) -> Change:
    """Read the parameters of ModifySecurityIps and its like, in the documented order of checks."""
    name = _read_group(rules, group or DEFAULT_GROUP)
    return Change(
        group=name,
        mode=_read_mode(rules, mode or Mode.COVER),
        attribute=_read_attribute(rules, attribute),
        entries=_read_entries(rules, entries),
    )


def apply_change(rules: Rules, whitelist: Whitelist, change: Change) -> Whitelist:
    """Return the whitelist after ``change``, or raise the CloudError that refuses it."""
    groups = {group.name: group for group in whitelist}
    old = groups.get(change.group, Group(change.group, ()))
    attribute = old.attribute if change.attribute is None else change.attribute
    groups[change.group] = Group(change.group, _combine(rules, old.entries, change), attribute)
    _check_quota(rules, groups.values(), change.group)
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


def _read_group(rules: Rules, name: str) -> str:
    if not _GROUP_NAME.fullmatch(name):
        raise rules.refuse(Refusal.GROUP_NAME)
    if name in SYSTEM_GROUPS:
        raise rules.refuse(Refusal.SYSTEM_GROUP)
    return name


def _read_mode(rules: Rules, text: str) -> Mode:
    mode = rules.modes.get(text.lower())
    if mode is None:
        raise rules.refuse(Refusal.MODE)
    return mode


def _read_attribute(rules: Rules, text: str | None) -> str | None:
    if text is not None and not _ATTRIBUTE.fullmatch(text):
        raise rules.refuse(Refusal.ATTRIBUTE)
    return text


def _read_entries(rules: Rules, text: str) -> tuple[str, ...]:
    # ASSUMPTION (kvstore.md 6): spaces around commas do not matter.
    entries = tuple(part.strip(" ") for part in text.split(","))
    if not all(_is_entry(entry) for entry in entries):
        raise rules.refuse(Refusal.LIST_FORMAT)
    if len({same_entry(entry) for entry in entries}) < len(entries):
        raise rules.refuse(Refusal.REPEATED_ENTRY)
    return entries


def _is_entry(text: str) -> bool:
    return text == EVERYONE or _ENTRY.fullmatch(text) is not None


def _combine(rules: Rules, old: tuple[str, ...], change: Change) -> tuple[str, ...]:
    there = {same_entry(entry) for entry in old}
    named = {same_entry(entry) for entry in change.entries}
    match change.mode:
        case Mode.COVER:
            return change.entries
        case Mode.APPEND:
            if named & there:
                raise rules.refuse(Refusal.PRESENT_ENTRY)
            return (*_without_placeholder(rules, old, change.group), *change.entries)
        case Mode.APPEND_DUP:
            # ASSUMPTION (kvstore.md 8): what is there already is skipped, so a repeat does no harm.
            missing = tuple(entry for entry in change.entries if same_entry(entry) not in there)
            return (*(_without_placeholder(rules, old, change.group) if missing else old), *missing)
        case Mode.DELETE:
            # ASSUMPTION (kvstore.md 8): the last entry of any group stays, not only that of ``default``.
            if not named < there:
                raise rules.refuse(Refusal.ABSENT_ENTRY)
            return tuple(entry for entry in old if same_entry(entry) not in named)


def _without_placeholder(rules: Rules, entries: tuple[str, ...], group: str) -> tuple[str, ...]:
    if group != DEFAULT_GROUP:
        return entries
    return tuple(entry for entry in entries if entry != rules.placeholder)


def _check_quota(rules: Rules, groups: Collection[Group], changed: str) -> None:
    # ASSUMPTION (kvstore.md 6): the limit holds for a group and for the whole whitelist.
    sizes = {group.name: len(group.entries) for group in groups}
    if sizes[changed] > rules.group_entries or sum(sizes.values()) > rules.entries:
        raise rules.refuse(Refusal.TOO_MANY_ENTRIES)
    if len(sizes) > rules.groups:
        raise rules.refuse(Refusal.TOO_MANY_GROUPS)

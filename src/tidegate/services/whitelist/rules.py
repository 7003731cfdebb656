"""How one product keeps whitelists: what it lets be written, how much of it, and the words it refuses with. Pure.

The products of the family share the meaning of everything and differ in numbers, codes and sentences only. ``FAMILY``
has the wording of R-kvstore (kvstore.md 10); a product replaces what is documented otherwise for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum, auto
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from tidegate.errors import CloudError


class Mode(StrEnum):
    """How a request's entries meet those that are there."""

    COVER = "Cover"
    APPEND = "Append"
    #: Append that passes over what is there already
    APPEND_DUP = "AppendDup"
    DELETE = "Delete"


class Refusal(Enum):
    """Why a change is refused."""

    GROUP_NAME = auto()
    SYSTEM_GROUP = auto()
    LIST_FORMAT = auto()
    REPEATED_ENTRY = auto()
    PRESENT_ENTRY = auto()
    ABSENT_ENTRY = auto()
    TOO_MANY_ENTRIES = auto()
    TOO_MANY_GROUPS = auto()
    MODE = auto()
    ATTRIBUTE = auto()


class Wording(NamedTuple):
    """An API error as the product sends it."""

    code: str
    message: str
    status: int = 400


FAMILY: Final[Mapping[Refusal, Wording]] = MappingProxyType(
    {
        Refusal.GROUP_NAME: Wording("InvalidGroupName.Format", "Sepecified group name is not valid."),
        # ASSUMPTION (kvstore.md 10): code and words.
        Refusal.SYSTEM_GROUP: Wording(
            "OperationDenied.SystemGroup",
            "The specified whitelist group is created by system and can not be modified.",
            403,
        ),
        # ASSUMPTION (kvstore.md 10): of two documented codes this one.
        Refusal.LIST_FORMAT: Wording("InvalidSecurityIPList.Format", "Specified security IP list format is not valid."),
        Refusal.REPEATED_ENTRY: Wording(
            "InvalidSecurityIPList.Duplicate",
            "Specified security IP list is not valid: Duplicate IP address in the list",
        ),
        # ASSUMPTION (kvstore.md 10): the words.
        Refusal.PRESENT_ENTRY: Wording("InvalidInstanceIp.Duplicate", "Specified instance ip is duplicated."),
        Refusal.ABSENT_ENTRY: Wording(
            "InvalidSecurityIPs.NotFound",
            "The Specified same security IP does not exist or at least one security IP need.",
            404,
        ),
        Refusal.TOO_MANY_ENTRIES: Wording(
            "InvalidSecurityIPList.QuotaExceeded",
            "Specified security IP list is not valid: Exceeding the allowed amount of IP address in the list.",
        ),
        Refusal.TOO_MANY_GROUPS: Wording(
            "InvalidSecurityIPListGroup.QuotaExceeded",
            "Specified security IP list group is not valid: Exceeding the allowed amount of group.",
        ),
        Refusal.MODE: Wording("InvalidParameter", 'The specified parameter "ModifyMode" is not valid.'),
        Refusal.ATTRIBUTE: Wording(
            "InvalidParameter", 'The specified parameter "SecurityIpGroupAttribute" is not valid.'
        ),
    }
)

#: What all products let callers ask for, by lower-case name: ASSUMPTION (kvstore.md 8), case does not matter.
MODES: Final[Mapping[str, Mode]] = MappingProxyType(
    {mode.lower(): mode for mode in (Mode.COVER, Mode.APPEND, Mode.DELETE)}
)


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one product."""

    #: entries in one group, and so in one request
    group_entries: int = 1000
    #: entries over all groups
    entries: int = 1000
    groups: int = 50
    modes: Mapping[str, Mode] = MODES
    words: Mapping[Refusal, Wording] = FAMILY
    #: an entry that leaves the default group when the first real one comes (ecs.md 14); None: nothing leaves
    placeholder: str | None = None

    def refuse(self, reason: Refusal) -> CloudError:
        """Return the error of a refusal."""
        wording = self.words[reason]
        return CloudError(wording.code, wording.message, wording.status)

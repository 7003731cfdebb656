"""Values and rules of RAM that never touch a row: names, texts, resource names, pages."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from tidegate.services.ram import limits
from tidegate.services.ram.faults import bad_format, fault, invalid_chars, out_of_range, too_long
from tidegate.services.ram.policy import GrammarError, read_policy, read_trust_policy

ItemT = TypeVar("ItemT")

#: Parameter (without ``New``) → characters that are allowed, and how many (ram.md 2).
_NAMES: Mapping[str, tuple[re.Pattern[str], int]] = {
    "UserName": (re.compile(r"[A-Za-z0-9._-]*"), 64),
    "GroupName": (re.compile(r"[A-Za-z0-9-]*"), 64),
    "RoleName": (re.compile(r"[A-Za-z0-9.-]*"), 64),
    "PolicyName": (re.compile(r"[A-Za-z0-9-]*"), 128),
    # ASSUMPTION: anything a person can read; the public rules differ by document.
    "DisplayName": (re.compile(r"[^\x00-\x1f\x7f]*"), 128),
}
_MOBILE_PHONE = re.compile(r"\+?[0-9]{1,4}-?[0-9]{4,20}")
_EMAIL = re.compile(r"[^\s@\x00]{1,64}@[^\s@\x00]{1,128}")
_ALIAS = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VERSION_ID = re.compile(r"v([1-9][0-9]{0,8})")


class Page(msgspec.Struct, Generic[ItemT], frozen=True):
    """Part of a list; ``marker`` leads to the next part, None at the end."""

    items: Sequence[ItemT]
    marker: str | None


def check_name(parameter: str, value: str) -> None:
    """Check ``UserName``, ``NewGroupName`` and the like. Raises ``InvalidParameter.<parameter>…``."""
    shape, longest = _NAMES[parameter.removeprefix("New")]
    if not shape.fullmatch(value):
        raise invalid_chars(parameter)
    if not 1 <= len(value) <= longest:
        raise too_long(parameter)


def is_role_name(value: str) -> bool:
    """Tell whether a role can have that name."""
    shape, longest = _NAMES["RoleName"]
    return len(value) <= longest and shape.fullmatch(value) is not None


def check_text(parameter: str, value: str, longest: int) -> None:
    """Check a free text. Raises ``InvalidParameter.<parameter>…``."""
    if "\x00" in value:
        raise invalid_chars(parameter)
    if len(value) > longest:
        raise too_long(parameter)


def check_mobile_phone(parameter: str, value: str) -> None:
    """Check a number like ``86-13900000000``; a blank one is none."""
    if value and not _MOBILE_PHONE.fullmatch(value):
        raise bad_format(parameter)


def check_email(parameter: str, value: str) -> None:
    """Check an address; a blank one is none."""
    if value and not _EMAIL.fullmatch(value):
        raise bad_format(parameter)


def check_alias(value: str) -> None:
    """Check an account alias."""
    if not _ALIAS.fullmatch(value):
        raise fault("InvalidParameter.AccountAlias.Format")
    if not 3 <= len(value) <= 63:
        raise fault("InvalidParameter.AccountAlias.Length")


def check_policy_document(document: str) -> None:
    """Check a permission policy. Raises ``InvalidParameter.PolicyDocument.Length`` or ``MalformedPolicyDocument``."""
    check_text("PolicyDocument", document, limits.POLICY_DOCUMENT_LENGTH)
    try:
        read_policy(document)
    except GrammarError as error:
        raise fault("MalformedPolicyDocument", str(error)) from error


def check_trust_document(parameter: str, document: str) -> None:
    """Check a trust policy. Raises ``InvalidParameter.<parameter>.Length`` or ``MalformedPolicyDocument``."""
    check_text(parameter, document, limits.POLICY_DOCUMENT_LENGTH)
    try:
        read_trust_policy(document)
    except GrammarError as error:
        raise fault("MalformedPolicyDocument", str(error)) from error


def check_session_duration(parameter: str, seconds: int) -> None:
    """Check a role's MaxSessionDuration."""
    if not limits.ROLE_SESSION_SECONDS_MIN <= seconds <= limits.ROLE_SESSION_SECONDS_MAX:
        raise out_of_range(parameter, limits.ROLE_SESSION_SECONDS_MIN, limits.ROLE_SESSION_SECONDS_MAX)


def check_max_items(max_items: int | None) -> int:
    """Return how many items a list may have."""
    if max_items is None:
        return limits.MAX_ITEMS_DEFAULT
    if not 1 <= max_items <= limits.MAX_ITEMS:
        raise out_of_range("MaxItems", 1, limits.MAX_ITEMS)
    return max_items


def version_number(version_id: str) -> int:
    """Read ``v3``. Raises ``InvalidParameter.VersionId.Format``."""
    found = _VERSION_ID.fullmatch(version_id)
    if found is None:
        raise bad_format("VersionId")
    return int(found[1])


def version_id(number: int) -> str:
    """Write ``v3``."""
    return f"v{number}"


def cut_page(found: Sequence[ItemT], most: int, name: Callable[[ItemT], str]) -> Page[ItemT]:
    """Make a page of at most ``most`` items out of what was found, up to one more; the marker is made of ``name``."""
    if len(found) <= most:
        return Page(found, None)
    marker = base64.urlsafe_b64encode(name(found[most - 1]).encode()).decode()
    return Page(found[:most], marker)


def read_marker(marker: str | None) -> str:
    """Return the name that a marker continues after, "" at the beginning. Raises ``InvalidParameter.Marker.Format``."""
    if not marker:
        return ""
    try:
        name = base64.b64decode(marker, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise bad_format("Marker") from error
    if "\x00" in name:
        raise bad_format("Marker")
    return name


def role_arn(account: str, role_name: str) -> str:
    """Write a role's ARN: production lower-cases the name (ram.md 1)."""
    return f"acs:ram::{account}:role/{role_name.lower()}"


def ram_resource(account: str, relative: str) -> str:
    """Name a RAM object as a resource: the region is ``*`` (ram.md 6)."""
    return f"acs:ram:*:{account}:{relative}"

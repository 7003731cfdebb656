"""The records of RAM and STS: one frozen struct a table, and what the joins of a request return."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

EntityType = Literal["User", "Group", "Role"]
PolicyType = Literal["System", "Custom"]
KeyStatus = Literal["Active", "Inactive"]


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A user of an account."""

    user_id: str
    account_id: str
    user_name: str
    display_name: str
    mobile_phone: str
    email: str
    comments: str
    created: datetime
    updated: datetime


class AccessKey(msgspec.Struct, frozen=True, kw_only=True):
    """A long-term key; without ``user_id`` it is the account's own. The secret is sealed for the key's id."""

    access_key_id: str
    account_id: str
    user_id: str | None
    sealed_secret: bytes
    status: KeyStatus
    created: datetime


class KeyHolder(msgspec.Struct, frozen=True, kw_only=True):
    """What a request needs to know about a long-term key."""

    access_key_id: str
    account_id: str
    user_id: str | None
    user_name: str | None
    sealed_secret: bytes
    status: KeyStatus


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A group of users."""

    group_id: str
    account_id: str
    group_name: str
    comments: str
    created: datetime
    updated: datetime


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A user as a member of a group."""

    user_name: str
    display_name: str
    joined: datetime


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """A group that a user has joined."""

    group_id: str
    group_name: str
    comments: str
    joined: datetime


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """A role; ``linked_service`` is set when only that service may change it. ``max_session_duration`` is seconds."""

    role_id: str
    account_id: str
    role_name: str
    description: str
    trust_document: str
    max_session_duration: int
    linked_service: str | None
    created: datetime
    updated: datetime


class CustomPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A custom policy. ``last_version`` is the highest version ever made, ``default_version`` the one that counts."""

    account_id: str
    policy_name: str
    description: str
    default_version: int
    last_version: int
    created: datetime
    updated: datetime


class PolicyVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a custom policy."""

    account_id: str
    policy_name: str
    version: int
    document: str
    created: datetime


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A policy attached to a user, group or role."""

    account_id: str
    entity_type: EntityType
    entity_id: str
    policy_type: PolicyType
    policy_name: str
    attached: datetime


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A policy that counts for an identity; version and document are None for a system policy."""

    entity_type: EntityType
    policy_type: PolicyType
    policy_name: str
    version: int | None
    document: str | None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A temporary key. Secret and token are sealed for its id."""

    access_key_id: str
    role_id: str
    session_name: str
    session_policy: str | None
    sealed_secret: bytes
    sealed_token: bytes
    expires: datetime


class SessionHolder(msgspec.Struct, frozen=True, kw_only=True):
    """What a request needs to know about a temporary key."""

    access_key_id: str
    account_id: str
    role_id: str
    role_name: str
    session_name: str
    session_policy: str | None
    sealed_secret: bytes
    sealed_token: bytes
    expires: datetime

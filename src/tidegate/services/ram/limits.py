"""How many and how long: the quotas of RAM and STS (ram.md 2 and 8)."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.store.ram.records import EntityType, PolicyType

USERS = 1000
GROUPS = 50
ROLES = 1000
POLICIES = 1500
POLICY_VERSIONS = 5
ACCESS_KEYS = 2
GROUPS_OF_USER = 5
#: policies of one type attached to one user, group or role
ATTACHMENTS: Mapping[tuple[EntityType, PolicyType], int] = {
    ("User", "System"): 20,
    ("Group", "System"): 20,
    ("Role", "System"): 20,
    ("User", "Custom"): 10,
    ("Group", "Custom"): 5,
    ("Role", "Custom"): 5,
}

POLICY_DOCUMENT_LENGTH = 6144
DESCRIPTION_LENGTH = 1024
COMMENTS_LENGTH = 128

ROLE_SESSION_SECONDS_DEFAULT = 3600
ROLE_SESSION_SECONDS_MIN = 3600
ROLE_SESSION_SECONDS_MAX = 43200

MAX_ITEMS_DEFAULT = 100
MAX_ITEMS = 1000

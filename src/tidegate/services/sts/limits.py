"""How long and how often: the limits of STS (ram.md 2 and 4)."""

from __future__ import annotations

SECONDS_MIN = 900
SECONDS_DEFAULT = 3600
#: characters of a session policy; the message says bytes
POLICY_LENGTH = 2048
ASSUME_ROLE_PER_SECOND = 100

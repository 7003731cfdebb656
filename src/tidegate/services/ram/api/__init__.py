"""The operations of RAM 2015-05-01: typed requests in, typed answers out."""

from __future__ import annotations

from tidegate.services.ram.api import accounts, attachments, groups, keys, logins, policies, roles, users
from tidegate.services.ram.api.product import ram

__all__ = ["accounts", "attachments", "groups", "keys", "logins", "policies", "ram", "roles", "users"]

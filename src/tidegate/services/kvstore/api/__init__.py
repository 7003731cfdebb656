"""The operations of R-kvstore 2015-01-01: typed requests in, typed answers out."""

from __future__ import annotations

from tidegate.services.kvstore.api import accounts, describing, launching, life, networks, offers, tags, whitelists
from tidegate.services.kvstore.api.product import kvstore

__all__ = [
    "accounts",
    "describing",
    "kvstore",
    "launching",
    "life",
    "networks",
    "offers",
    "tags",
    "whitelists",
]

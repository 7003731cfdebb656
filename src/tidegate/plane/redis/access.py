"""Who may do what inside a Redis server: its access control list.

Clients are the default user, or the account named like the instance, which share one password (kvstore.md 11). They may
not administer the server: on the cloud they cannot either, and here it would let them write files of this machine. The
control plane has a user of its own. Files and command lines hold digests of passwords only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

#: The user as which the control plane speaks to the server.
CONTROL_USER = "tidegate"
_FORBIDDEN = [
    *("acl", "config", "debug", "module", "shutdown"),
    *("bgrewriteaof", "bgsave", "save"),
    *("failover", "migrate", "psync", "replicaof", "slaveof", "sync"),
]
_SAFE_NAME = re.compile("[A-Za-z0-9_-]+")


def access_list(server_id: str, password: str | None, control: str) -> str:
    """Return the text of the server's access file. ``control`` is the control user's password."""
    lines = [f"user {' '.join(rules)}" for rules in client_rules(server_id, password)]
    lines.append(f"user {CONTROL_USER} on {_digest(control)} ~* &* +@all")
    return "\n".join(lines) + "\n"


def client_rules(server_id: str, password: str | None) -> Sequence[Sequence[str]]:
    """Return for each user of clients its name and rules, as ``ACL SETUSER`` takes them."""
    if not _SAFE_NAME.fullmatch(server_id):
        raise ValueError(f"not a server id: {server_id!r}")
    secret = "nopass" if password is None else _digest(password)
    rights = ("~*", "&*", "+@all", *(f"-{command}" for command in _FORBIDDEN), "+config|get")
    return [(name, "on", "resetpass", secret, *rights) for name in ("default", server_id)]


def _digest(password: str) -> str:
    return "#" + hashlib.sha256(password.encode()).hexdigest()

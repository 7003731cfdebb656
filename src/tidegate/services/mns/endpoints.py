"""Where subscribers want their messages: a queue of the same account and region, or an address. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_QUEUE = re.compile(r"acs:mns:(?P<region>[^:]+):(?P<account>[^:]+):queues/(?P<name>[^/]+)")
#: where a push goes when the address has no path
_DEFAULT_PATH = "/notifications"


def queue_of(endpoint: str, account_id: str, region: str) -> str | None:
    """Return the name of the queue that an endpoint names; None when it names none, or one of somebody else."""
    match = _QUEUE.fullmatch(endpoint)
    if match is None or (match["region"], match["account"]) != (region, account_id):
        return None
    return match["name"]


def target_of(endpoint: str) -> tuple[str, str]:
    """Return the address to push to and its path with query, as the push signs it."""
    parts = urlsplit(endpoint)
    path = parts.path if parts.path not in {"", "/"} else _DEFAULT_PATH
    resource = f"{path}?{parts.query}" if parts.query else path
    return f"{parts.scheme}://{parts.netloc}{resource}", resource

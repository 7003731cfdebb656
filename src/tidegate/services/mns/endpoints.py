"""Where subscribers want their messages: a queue of the same account and region, or an address that is allowed. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
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


def is_allowed(endpoint: str, allowed: Sequence[str]) -> bool:
    """Whether an HTTP endpoint is one of those in the settings, or lies below one of them.

    Scheme, host and port must be the same; the path must be the same or go on after a slash. Addresses with a user, a
    fragment or dots that climb are never allowed.
    """
    wanted = urlsplit(endpoint)
    if (
        wanted.scheme not in {"http", "https"}
        or wanted.username is not None
        or wanted.fragment
        or not endpoint.isprintable()
        or "\\" in endpoint
        or ".." in wanted.path.split("/")
        or "%" in wanted.path
    ):
        return False
    return any(_lies_below(wanted.scheme, wanted.netloc, wanted.path, beginning) for beginning in allowed)


def _lies_below(scheme: str, netloc: str, path: str, beginning: str) -> bool:
    allowed = urlsplit(beginning)
    if (scheme, netloc.lower()) != (allowed.scheme, allowed.netloc.lower()):
        return False
    root = allowed.path.rstrip("/")
    return path == root or path.startswith(f"{root}/")


def target_of(endpoint: str) -> tuple[str, str]:
    """Return the address to push to and its path with query, as the push signs it."""
    parts = urlsplit(endpoint)
    path = parts.path if parts.path not in {"", "/"} else _DEFAULT_PATH
    resource = f"{path}?{parts.query}" if parts.query else path
    return f"{parts.scheme}://{parts.netloc}{resource}", resource

"""Which addresses outside of the cloud may be reached: those of the settings, and what lies below them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit


def is_allowed(address: str, allowed: Sequence[str]) -> bool:
    """Whether an HTTP address is one of those allowed, or lies below one of them.

    Scheme, host and port must be the same; the path must be the same or go on after a slash. Addresses with a user, a
    fragment or dots that climb are never allowed.
    """
    try:
        wanted = urlsplit(address)
    except ValueError:
        return False
    if (
        wanted.scheme not in {"http", "https"}
        or wanted.username is not None
        or wanted.fragment
        or not address.isprintable()
        or "\\" in address
        or ".." in wanted.path.split("/")
        or "%" in wanted.path
    ):
        return False
    return any(_lies_below(wanted.scheme, wanted.netloc, wanted.path, beginning) for beginning in allowed)


def without_query(address: str) -> str:
    """Return an address as it may be shown: tokens stand in queries."""
    return address.partition("?")[0].partition("#")[0]


def _lies_below(scheme: str, netloc: str, path: str, beginning: str) -> bool:
    allowed = urlsplit(beginning)
    if (scheme, netloc.lower()) != (allowed.scheme, allowed.netloc.lower()):
        return False
    root = allowed.path.rstrip("/")
    return path == root or path.startswith(f"{root}/")

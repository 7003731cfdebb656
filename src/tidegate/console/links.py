"""One-time sign-in links: the token is printed once, its digest lies in the data folder until it is used."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from tidegate.folder import DataFolder, replace

#: How long a printed link can be used.
LIFETIME = timedelta(minutes=30)


class _Link(msgspec.Struct, frozen=True):
    digest: str
    expires: datetime


def make(folder: Path, now: datetime) -> str:
    """Return a new token; the one made before in this folder is worthless from now on."""
    token = secrets.token_urlsafe(24)
    replace(DataFolder(folder).console_link, msgspec.json.encode(_Link(_digest(token), now + LIFETIME)))
    return token


def spend(folder: Path, token: str, now: datetime) -> bool:
    """Use up the token: True once, within its life. Of two that come at the same moment one wins."""
    path = DataFolder(folder).console_link
    try:
        link = msgspec.json.decode(path.read_bytes(), type=_Link)
    except (OSError, msgspec.MsgspecError):
        return False
    if not hmac.compare_digest(link.digest, _digest(token)):
        return False
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return now < link.expires


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()

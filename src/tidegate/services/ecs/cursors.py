"""Page tokens: opaque texts that say where the next page begins."""

from __future__ import annotations

import base64
import binascii

from tidegate.services.ecs import faults


def write_cursor(*parts: str) -> str:
    """Return the token for a position. All parts but the last must be free of spaces."""
    return base64.urlsafe_b64encode(" ".join(parts).encode()).decode()


def read_cursor(token: str, parts: int) -> list[str]:
    """Return the position of a token; raises InvalidParameter for one that was not written here."""
    try:
        position = base64.urlsafe_b64decode(token).decode().split(" ", parts - 1)
    except (binascii.Error, ValueError) as error:
        raise faults.invalid_parameter("NextToken") from error
    if len(position) != parts:
        raise faults.invalid_parameter("NextToken")
    return position

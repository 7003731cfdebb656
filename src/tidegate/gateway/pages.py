"""Answers of the cloud's own pages under ``/_tidegate``: plain JSON objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tidegate.gateway.read import Send


async def send_json(send: Send, tree: Mapping[str, Any], status: int = 200) -> None:
    """Send one JSON object."""
    content = msgspec.json.encode(tree)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(content)),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})

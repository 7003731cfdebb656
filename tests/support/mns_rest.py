"""Signed requests at the REST door of MNS, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from tidegate.assembly import Cloud
from tidegate.wire.mns import VERSION, read_xml, signature, string_to_sign


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The code of an error."""
        root, tree = read_xml(self.body)
        assert root == "Error"
        return str(tree["Code"])


async def ask(
    cloud: Cloud,
    key: tuple[str, str],
    method: str,
    resource: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    signed: str | None = None,
) -> Reply:
    """Send one request; ``signed`` takes the place of the right signature, ``headers`` of the usual ones."""
    given = {"host": "127.0.0.1", "date": formatdate(usegmt=True), "x-mns-version": VERSION, **(headers or {})}
    proof = signed if signed is not None else signature(key[1], string_to_sign(method, resource, given))
    given = {"authorization": f"MNS {key[0]}:{proof}", "content-length": str(len(body)), **given}
    path, _, query = resource.partition("?")
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1", "replace")) for name, value in given.items() if value],
        "client": ("127.0.0.1", 1),
        "scheme": "http",
    }
    incoming = [{"type": "http.request", "body": body, "more_body": False}] if body else []
    sent: list[Any] = []

    async def receive() -> Any:
        if incoming:
            return incoming.pop()
        await asyncio.Event().wait()  # the client stays
        return None

    async def send(message: Any) -> None:
        sent.append(message)

    await cloud.gateway(scope, receive, send)
    start, *bodies = sent
    return Reply(
        start["status"],
        {name.decode(): value.decode("latin-1") for name, value in start["headers"]},
        b"".join(part["body"] for part in bodies),
    )

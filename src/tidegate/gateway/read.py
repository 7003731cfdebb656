"""Takes a request off the wire: headers, query and a bounded body."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from tidegate.gateway.exchange import Exchange
from tidegate.wire import faults
from tidegate.wire.query import FORM, MAX_BYTES, parse

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class DisconnectedError(Exception):
    """The client went away before it had sent its request."""


def begin(scope: Scope, request_id: str) -> Exchange:
    """Return the exchange of a request of which only the head has been looked at."""
    client = scope.get("client")
    return Exchange(
        request_id=request_id,
        parameters={},
        method=scope["method"],
        path=scope["path"],
        headers=_headers(scope["headers"]),
        source_ip=client[0] if client else "127.0.0.1",
        secure=scope.get("scheme") == "https",
    )


async def read(exchange: Exchange, scope: Scope, receive: Receive) -> None:
    """Fill in parameters and body: query and form merged, the form's value counts (wire.md 3)."""
    exchange.query = exchange.parameters = parse(scope["query_string"])
    headers = exchange.headers
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return
    exchange.body = await _body(headers.get("content-length", ""), receive)
    if exchange.body and headers.get("content-type", "").lower().startswith(FORM):
        exchange.parameters = {**exchange.query, **parse(exchange.body)}


async def _body(announced: str, receive: Receive) -> bytes:
    if announced.isdigit() and int(announced) > MAX_BYTES:
        raise faults.too_large()
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise DisconnectedError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BYTES:
            raise faults.too_large()
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by lower-case name; several values of one are sorted and joined, as ACS3 signs them (wire.md 4)."""
    headers: dict[str, str] = {}
    repeated: dict[str, list[str]] = {}
    for name_bytes, value_bytes in raw:
        name, value = name_bytes.decode("latin-1"), value_bytes.decode("latin-1")
        if name in headers:
            repeated.setdefault(name, [headers[name]]).append(value)
        headers[name] = value
    headers.update((name, ",".join(sorted(values))) for name, values in repeated.items())
    return headers

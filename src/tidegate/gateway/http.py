"""HTTP as the clients of a cloud speak it: long queries, targets meant for a proxy, bounds, and no answer but JSON."""

from __future__ import annotations

from asyncio import Transport

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tidegate.wire.answers import JSON_TYPE
from tidegate.wire.query import MAX_BYTES

#: Bytes of all headers of a request.
MAX_HEADERS = 64 * 1024
_MAX_TARGET = MAX_BYTES + 1024


class _TooLongError(Exception):
    """The request's head exceeds a bound; the parser turns this into the answer to a malformed request."""


class CloudHttp(HttpToolsProtocol):
    """uvicorn's protocol, which by itself reads targets of 64 KiB at most: templates travel in the query (wire.md 6)."""

    _header_bytes = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as the base class has it
        """Close a connection that says nothing at all like one that has nothing more to say."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def on_message_begin(self) -> None:
        """Begin to count."""
        super().on_message_begin()
        self._header_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        super().on_url(url)
        if len(self.url) > _MAX_TARGET:
            raise _TooLongError

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADERS:
            raise _TooLongError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Show the base class only the path; the query goes straight into the scope, before the application starts."""
        target, _, query = self.url.partition(b"?")
        self.url = _path(target)
        super().on_headers_complete()
        self.scope["query_string"] = query

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP with an error that clients can read."""
        content = msgspec.json.encode({"Code": "InvalidRequest", "Message": msg})
        lines = [
            b"HTTP/1.1 400 Bad Request",
            b"content-type: " + JSON_TYPE,
            b"content-length: %d" % len(content),
            b"connection: close",
        ]
        self.transport.write(b"\r\n".join([*lines, b"", content]))
        self.transport.close()


def _path(target: bytes) -> bytes:
    """Return the path of a target; an absolute one (``http://host/``) comes from a client that takes us for its proxy."""
    scheme, separator, rest = target.partition(b"://")
    if not separator or b"/" in scheme:
        return target
    return b"/" + rest.partition(b"/")[2]

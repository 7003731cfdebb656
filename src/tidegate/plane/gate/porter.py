"""The process of the asyncio gate: passes connections of listed clients to a Unix socket and resets all others.

    python -m tidegate.plane.gate.porter ADDRESS PORT LIST CONTROL UPSTREAM

``LIST`` is the file of CIDR blocks it begins with, ``CONTROL`` its own socket (one JSON question and answer a line),
``UPSTREAM`` the server's. Standard library only, for it is started often.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from tidegate.plane.gate.ranges import Ranges, block, contains, merge, number
from tidegate.plane.gate.visitors import VisitorBook

_MOST_CONNECTIONS = 4000
_BACKLOG = 1024
_LONGEST_QUESTION = 1 << 24
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Porter:
    """Knows the list and every open connection."""

    def __init__(self, ranges: Ranges, upstream: str) -> None:
        self.upstream = upstream
        self.clients: set[Client] = set()
        self._ranges = ranges
        self._visitors = VisitorBook()

    def admits(self, address: str) -> bool:
        """Tell whether a client with this address may come in now, and remember that it came."""
        admitted = len(self.clients) < _MOST_CONNECTIONS and contains(self._ranges, number(address))
        self._visitors.note(number(address), admitted=admitted)
        return admitted

    def answer(self, question: dict[str, Any]) -> Any:
        """Do what the control socket asks."""
        if "allow" in question:
            self._ranges = tuple((first, last) for first, last in question["allow"])
            self._visitors.forget_outside(self._ranges)
            return True
        if "cut" in question:
            doomed = [client for client in self.clients if not contains(self._ranges, number(client.address))]
            for client in doomed:
                client.reset()
            return len(doomed)
        return list(self._visitors.told()) if "attempts" in question else self._ranges


class End(asyncio.Protocol):
    """One of the two ends of a connection; what it receives goes to the other."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: End | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way out."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Pass on."""
        if out := self._out():
            out.write(data)

    def eof_received(self) -> bool:
        """Pass the end of the stream on, and stay open for what still comes from the other side."""
        out = self._out()
        if out is not None:
            out.write_eof()
        return out is not None

    def pause_writing(self) -> None:
        """Make the other end wait: this one is full."""
        if out := self._out():
            out.pause_reading()

    def resume_writing(self) -> None:
        """Let the other end go on: there is room again."""
        if out := self._out():
            out.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - the interface
        """End the other side too, once everything received is delivered."""
        if self.other is not None:
            self.other.close()

    def close(self) -> None:
        """End the connection when everything is written."""
        if self.transport is not None:
            self.transport.close()

    def _out(self) -> asyncio.Transport | None:
        out = self.other.transport if self.other is not None else None
        return None if out is None or out.is_closing() else out


class Client(End):
    """The end that faces the client."""

    def __init__(self, porter: Porter) -> None:
        super().__init__()
        self.address = ""
        self._porter = porter

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Look at the client's address; then let it in or reset the connection."""
        super().connection_made(transport)
        self.address = transport.get_extra_info("peername")[0]
        if not self._porter.admits(self.address):
            self.reset()
            return
        self._porter.clients.add(self)
        cast("asyncio.Transport", transport).pause_reading()
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the client."""
        self._porter.clients.discard(self)
        super().connection_lost(error)

    def reset(self) -> None:
        """End the connection at once, so that the client notices at once."""
        if self.transport is not None:
            channel = self.transport.get_extra_info("socket")
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self.transport.abort()

    async def _connect(self) -> None:
        server = End()
        server.other = self
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: server, self._porter.upstream)
        except OSError:
            self.reset()
            return
        if self.transport is None or self.transport.is_closing():
            server.close()
            return
        self.other = server
        self.transport.resume_reading()


async def serve(porter: Porter, address: str, port: int, control: str) -> None:
    """Serve until SIGTERM."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError):
            while line := await reader.readline():
                writer.write(json.dumps(porter.answer(json.loads(line))).encode() + b"\n")
                await writer.drain()
        writer.close()

    doors = await loop.create_server(lambda: Client(porter), address, port, backlog=_BACKLOG)
    controls = await asyncio.start_unix_server(converse, control, limit=_LONGEST_QUESTION)
    await ended.wait()
    doors.close()
    controls.close()


def main(address: str, port: str, list_file: str, control: str, upstream: str) -> None:
    """Run the porter with the words of its command line."""
    ranges = merge(block(line) for line in Path(list_file).read_text().split())
    Path(control).unlink(missing_ok=True)
    asyncio.run(serve(Porter(ranges, upstream), address, int(port), control))


if __name__ == "__main__":
    main(*sys.argv[1:])

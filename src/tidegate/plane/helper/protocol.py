"""What goes over the control socket: one JSON object a line, descriptors beside the line that announces them.

A request is ``{"id", "verb", "args", "fds"}``, an answer ``{"id", "result", "fds"}`` or ``{"id", "error"}``; ``fds`` is
how many descriptors come with the line. ``{"cancel": id}`` says that an answer is not wanted any more. Bytes travel as
base64.
"""

from __future__ import annotations

import json
import os
import socket
from collections import deque
from collections.abc import Iterator, Sequence

#: changes with the meaning of any message: a helper lives on when Tidegate is replaced by another release
VERSION = 2
#: the helper's files in its state directory
SOCKET, LOCK, LOG = "helper.sock", "helper.lock", "helper.log"
#: the longest line either side accepts, bytes
LINE_LIMIT = 16 << 20
#: descriptors that can come with one line
FDS_LIMIT = 16
_CHUNK = 1 << 16


class ProtocolError(Exception):
    """The other side does not speak this protocol."""


class Channel:
    """One end of a control connection over a non-blocking Unix socket: framing, buffers and descriptors."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.socket = connection
        self._received = bytearray()
        self._descriptors: deque[int] = deque()
        self._unsent: deque[tuple[memoryview, Sequence[int]]] = deque()

    @property
    def has_unsent(self) -> bool:
        """Whether ``flush`` has something to do when the socket takes more."""
        return bool(self._unsent)

    @property
    def unsent(self) -> int:
        """How many bytes wait to be sent."""
        return sum(len(data) for data, _ in self._unsent)

    def receive(self) -> Iterator[tuple[dict[str, object], list[int]]]:
        """Yield the messages that have come, each with its descriptors; EOFError when the other side is gone."""
        while True:
            try:
                data, descriptors, _, _ = socket.recv_fds(self.socket, _CHUNK, FDS_LIMIT, socket.MSG_CMSG_CLOEXEC)
            except BlockingIOError:
                return
            except OSError as error:
                raise EOFError from error
            if not data:
                raise EOFError
            self._descriptors.extend(descriptors)
            self._received += data
            yield from self._messages()

    def _messages(self) -> Iterator[tuple[dict[str, object], list[int]]]:
        while (end := self._received.find(b"\n")) >= 0:
            line = bytes(self._received[:end])
            del self._received[: end + 1]
            message = _decode(line)
            count = message.get("fds", 0)
            if not isinstance(count, int) or not 0 <= count <= len(self._descriptors):
                raise ProtocolError("descriptors were announced that did not come")
            yield message, [self._descriptors.popleft() for _ in range(count)]
        if len(self._received) > LINE_LIMIT:
            raise ProtocolError("the line is too long")

    def send(self, message: dict[str, object], descriptors: Sequence[int] = ()) -> None:
        """Send a message, or as much of it as the socket takes now. The descriptors are duplicated, not taken over."""
        if descriptors:
            message = {**message, "fds": len(descriptors)}
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        kept = tuple(os.dup(d) for d in descriptors)
        self._unsent.append((memoryview(line), kept))
        self.flush()

    def flush(self) -> None:
        """Send what waits; EOFError when the other side is gone."""
        while self._unsent:
            data, descriptors = self._unsent[0]
            try:
                sent = socket.send_fds(self.socket, [data], descriptors) if descriptors else self.socket.send(data)
            except BlockingIOError:
                return
            except OSError as error:
                raise EOFError from error
            for descriptor in descriptors:
                os.close(descriptor)
            if sent == len(data):
                self._unsent.popleft()
            else:
                self._unsent[0] = (data[sent:], ())

    def close(self) -> None:
        """End the connection and every descriptor that nobody took."""
        self.socket.close()
        waiting = [d for _, descriptors in self._unsent for d in descriptors]
        for descriptor in (*self._descriptors, *waiting):
            os.close(descriptor)
        self._descriptors.clear()
        self._unsent.clear()


def _decode(line: bytes) -> dict[str, object]:
    try:
        message = json.loads(line)
    except ValueError as error:
        raise ProtocolError("a line is no JSON") from error
    if not isinstance(message, dict):
        raise ProtocolError("a line is no JSON object")
    return message

"""The control socket of the helper: accepts connections, calls verbs, sends answers when they are there."""

from __future__ import annotations

import os
import socket
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tidegate.plane.helper.loop import HANGUP, READ, WRITE, Loop
from tidegate.plane.helper.protocol import Channel, ProtocolError

#: connections at one time
_CLIENTS = 64
#: a client that does not read its answers is dropped at this many bytes
_UNSENT_LIMIT = 64 << 20


class Later:
    """Says that a verb will answer its request by itself."""


LATER: Final = Later()


class RefusedError(Exception):
    """A verb's reason why it cannot do what was asked, in words for people."""


class Request:
    """A request of a client, to be answered once."""

    def __init__(self, client: _Client, number: object, args: Mapping[str, Any], descriptors: Sequence[int]) -> None:
        self._client = client
        self._number = number
        self.args = args
        #: descriptors that came with it; closed when it is answered
        self.descriptors = descriptors
        #: called when the client does not want the answer any more; a client that is gone cancels nothing
        self.cancelled: Callable[[], None] = lambda: None

    def answer(self, result: object = None, descriptors: Sequence[int] = ()) -> None:
        """Send the result; descriptors are duplicated for the way, the caller closes its own."""
        self._finish({"id": self._number, "result": result}, descriptors)

    def fail(self, reason: str) -> None:
        """Send the reason why nothing came of it."""
        self._finish({"id": self._number, "error": reason}, ())

    def _finish(self, message: dict[str, object], descriptors: Sequence[int]) -> None:
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors = ()
        self._client.finish(self._number, message, descriptors)


#: takes a request and returns its result, or LATER when it calls ``answer`` or ``fail`` in time. Raises RefusedError or OSError
Verb = Callable[[Request], object]


class Server:
    """Listens on the control socket and knows every verb."""

    def __init__(self, loop: Loop, listener: socket.socket, verbs: Mapping[str, Verb]) -> None:
        self.loop = loop
        self.verbs = verbs
        self._listener = listener
        self._clients: set[_Client] = set()
        listener.setblocking(False)
        loop.watch(listener.fileno(), READ, self._accept)

    def _accept(self, _: int) -> None:
        try:
            connection, _address = self._listener.accept()
        except OSError:
            return
        if len(self._clients) >= _CLIENTS:
            connection.close()
            return
        self._clients.add(_Client(self, connection))

    def forget(self, client: _Client) -> None:
        """Take a client off the list."""
        self._clients.discard(client)


class _Client:
    """One connection. What it asked for goes on when it is gone; only the answers are lost."""

    def __init__(self, server: Server, connection: socket.socket) -> None:
        self._server = server
        self._channel = Channel(connection)
        self._descriptor = connection.fileno()
        self._is_open = True
        self._open: dict[object, Request] = {}
        server.loop.watch(self._descriptor, READ, self._ready)

    def _ready(self, events: int) -> None:
        try:
            if events & WRITE:
                self._channel.flush()
                self._watch()
            if events & (READ | HANGUP):
                for message, descriptors in self._channel.receive():
                    self._handle(message, descriptors)
        except (EOFError, ProtocolError):
            self._drop()

    def _handle(self, message: dict[str, Any], descriptors: list[int]) -> None:
        if "cancel" in message:
            if unwanted := self._open.get(message["cancel"]):
                unwanted.cancelled()
            return
        request = Request(self, message.get("id"), message.get("args") or {}, descriptors)
        self._open[message.get("id")] = request
        verb = self._server.verbs.get(str(message.get("verb")))
        if verb is None:
            request.fail(f"the helper knows no verb {message.get('verb')!r}")
            return
        try:
            result = verb(request)
        except (RefusedError, OSError, ValueError) as error:
            request.fail(str(error))
        except Exception as error:  # the helper must outlive a mistake in one verb
            traceback.print_exc(file=sys.stderr)
            request.fail(f"{type(error).__name__}: {error}")
        else:
            if result is not LATER:
                request.answer(result)

    def finish(self, number: object, message: dict[str, object], descriptors: Sequence[int]) -> None:
        """Send the answer to a request, unless the client is gone."""
        self._open.pop(number, None)
        if not self._is_open:
            return
        try:
            self._channel.send(message, descriptors)
            self._watch()
            if self._channel.unsent > _UNSENT_LIMIT:
                self._drop()
        except EOFError:
            self._drop()

    def _watch(self) -> None:
        self._server.loop.watch(self._descriptor, READ | WRITE if self._channel.has_unsent else READ, self._ready)

    def _drop(self) -> None:
        if self._is_open:
            self._is_open = False
            self._server.loop.forget(self._descriptor)
            self._channel.close()
            self._server.forget(self)

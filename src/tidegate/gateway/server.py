"""Listens on a port and hands every request to the door."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn

from tidegate.errors import ConfigurationError
from tidegate.gateway.http import CloudHttp

#: Seconds an idle connection is kept; SDK pools keep theirs about a minute.
_KEEP_ALIVE = 75
#: Seconds that calls under way are given when the server stops.
_GRACE = 3
_BACKLOG = 1024


class _Quiet(uvicorn.Server):
    """Leaves signals to the command that runs the cloud."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


class HttpServer:
    """One listening socket. ``port`` 0 takes a free one; ``address`` tells which."""

    def __init__(self, app: Any, host: str, port: int) -> None:
        self._app = app
        self._host = host
        self._port = port
        self._server: _Quiet | None = None
        self._serving: asyncio.Task[None] | None = None
        self.address: tuple[str, int] = (host, port)

    async def start(self) -> None:
        """Listen. Raises ConfigurationError when the address cannot be had."""
        listener = _listen(self._host, self._port)
        self.address = listener.getsockname()[:2]
        config = uvicorn.Config(
            self._app,
            http=CloudHttp,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_GRACE,
        )
        self._server = _Quiet(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]), name="http")
        while not self._server.started:
            if self._serving.done():
                self._serving.result()
                raise ConfigurationError("the HTTP server ended before it started")
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """Stop listening, let calls under way end, close every connection."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            with suppress(asyncio.CancelledError):
                await self._serving


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small answers at once only on sockets that name their protocol: else each costs 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"cannot listen on {host} port {port}: {error.strerror}. Stop what uses it, or choose another with --port."
        ) from error
    return listener

"""A door on a real port of this machine, served from a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from support.door import USER, Credential, Door, open_door
from tidegate.clock import SystemClock
from tidegate.gateway.server import HttpServer

USER_KEY = ("LTAIUserKey000000002", "made-up-secret-0002")


@dataclass
class Served:
    """Where the door listens, and everything behind it."""

    door: Door
    port: int

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextmanager
def served_door(*credentials: Credential, **options: Any) -> Iterator[Served]:
    """Serve a small door that also knows ``USER_KEY``, a user who may do nothing yet."""
    user = Credential(access_key_id=USER_KEY[0], secret=USER_KEY[1], principal=USER)
    door = open_door(user, *credentials, clock=SystemClock(), **options)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="door")
    thread.start()
    server = HttpServer(door.gateway, "127.0.0.1", 0)
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
        yield Served(door, server.address[1])
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()

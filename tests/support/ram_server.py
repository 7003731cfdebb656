"""RAM and STS on a real port, served from a thread with a loop of its own."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from support import postgres
from support.ram import Node, open_node
from tidegate.clock import AdjustableClock
from tidegate.gateway.server import HttpServer
from tidegate.store.database import Database
from tidegate.vault import Vault


@dataclass
class Served:
    """A cloud of RAM and STS and where it listens."""

    node: Node
    endpoint: str

    @property
    def root(self) -> tuple[str, str]:
        return self.node.root.key_id, self.node.root.secret


@contextmanager
def served_ram(postgres_server: str, template: str, folder: Path) -> Iterator[Served]:
    """Serve a fresh cloud."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="cloud")
    thread.start()
    stack = AsyncExitStack()

    async def start() -> Served:
        name = f"test_{uuid.uuid4().hex[:16]}"
        dsn = await postgres.create(postgres_server, name, template)
        stack.push_async_callback(postgres.drop, postgres_server, name)
        database = await Database.open(dsn)
        stack.push_async_callback(database.close)
        node = await stack.enter_async_context(open_node(database, Vault.in_folder(folder), AdjustableClock()))
        server = HttpServer(node.gateway, "127.0.0.1", 0)
        await server.start()
        stack.push_async_callback(server.stop)
        return Served(node, f"127.0.0.1:{server.address[1]}")

    try:
        yield asyncio.run_coroutine_threadsafe(start(), loop).result(30)
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()

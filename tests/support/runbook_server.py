"""OOS, RAM and a small product on a real port with a node that drives executions, in a thread with a loop of its own."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import postgres
from support.door import TideService, tide
from tidegate.clock import SystemClock
from tidegate.gateway.app import Gateway
from tidegate.gateway.server import HttpServer
from tidegate.ids import Ids
from tidegate.reconcile.engine import Node
from tidegate.reconcile.execution import ExecutionController
from tidegate.services.oos.api import oos as oos_product
from tidegate.services.oos.sandbox import Sandbox
from tidegate.services.oos.service import Oos
from tidegate.services.ram.api import ram as ram_product
from tidegate.services.ram.service import Ram
from tidegate.settings import Settings
from tidegate.store.database import Database
from tidegate.store.nonces import Nonces
from tidegate.vault import Vault


@dataclass
class Served:
    """Where the cloud listens, its root key, and the product that runbooks call."""

    endpoint: str
    account: str
    root: tuple[str, str]
    tide: TideService


def eventually(look: Callable[[], Any], what: str, *, seconds: float = 20.0) -> Any:
    """Return what ``look`` finds, as soon as it is something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.02)
    return found


async def _start(stack: AsyncExitStack, postgres_server: str, template: str, folder: Path) -> Served:
    name = f"test_{uuid.uuid4().hex[:16]}"
    dsn = await postgres.create(postgres_server, name, template)
    stack.push_async_callback(postgres.drop, postgres_server, name)
    database = await Database.open(dsn)
    stack.push_async_callback(database.close)
    clock, ids, programs, nonces = SystemClock(), Ids(), Sandbox(), Nonces(database)
    stack.push_async_callback(programs.close)
    stack.push_async_callback(nonces.close)
    vault = Vault.in_folder(folder)
    ram = Ram(database, vault, clock, ids)
    root = await ram.bootstrap()
    assert root is not None
    oos = Oos(database, clock, ids, roles=ram, programs=programs, vault=vault)
    settings, service = Settings(data_dir=folder), TideService()
    gateway = Gateway(
        {oos_product: oos, ram_product: ram, tide: service},
        ram=ram,
        nonces=nonces,
        clock=clock,
        ids=ids,
        settings=settings,
    )
    controller = ExecutionController(
        database,
        clock,
        executions=oos.executions,
        library=oos.library,
        programs=programs,
        roles=ram,
        store=oos.parameter_store,
        call_as=gateway.caller,
    )
    node = Node(database, {"execution": controller}, clock, settings)
    running = asyncio.create_task(node.run())
    stack.push_async_callback(lambda: asyncio.wait([running]))
    stack.push_async_callback(node.stop)
    server = HttpServer(gateway, "127.0.0.1", 0)
    await server.start()
    stack.push_async_callback(server.stop)
    return Served(f"127.0.0.1:{server.address[1]}", root.account_id, (root.access_key_id, root.secret), service)


@contextmanager
def served_runbooks(postgres_server: str, template: str, folder: Path) -> Iterator[Served]:
    """Serve a fresh cloud."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="cloud")
    thread.start()
    stack = AsyncExitStack()
    try:
        starting = asyncio.run_coroutine_threadsafe(_start(stack, postgres_server, template, folder), loop)
        yield starting.result(30)
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()

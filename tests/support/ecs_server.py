"""A served ECS: the real door on a real port, a real database, controllers at work, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from support.door import KEY_ID, ROOT, SECRET, USER, Credential, FakeNonces, FakeRam
from support.machines import Machines
from tidegate.clock import SystemClock
from tidegate.gateway.app import Gateway
from tidegate.gateway.server import HttpServer
from tidegate.ids import Ids
from tidegate.plane.hosts.base import Hosts
from tidegate.reconcile.engine import Controller, Node
from tidegate.reconcile.instance import InstanceController
from tidegate.reconcile.invocation import InvocationController
from tidegate.reconcile.snapshots import SnapshotController
from tidegate.services.ecs import api
from tidegate.services.ecs.service import Ecs
from tidegate.settings import Settings
from tidegate.store.database import Database

T = TypeVar("T")

USER_KEY = ("LTAIUserKey000000002", "made-up-secret-0002")
_PATIENCE = 20.0


@dataclass
class ServedEcs:
    """Where it listens, and what stands behind it."""

    port: int
    ecs: Ecs
    ram: FakeRam
    hosts: Hosts

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"


@asynccontextmanager
async def _cloud(dsn: str, hosts: Hosts) -> AsyncIterator[ServedEcs]:
    database = await Database.open(dsn)
    clock, ids = SystemClock(), Ids()
    settings = Settings(data_dir=Path("/nonexistent"))
    ecs = Ecs(database, hosts, clock, ids)
    ram = FakeRam(
        Credential(access_key_id=KEY_ID, secret=SECRET, principal=ROOT),
        Credential(access_key_id=USER_KEY[0], secret=USER_KEY[1], principal=USER),
    )
    gateway = Gateway(
        {api.ecs: ecs, api.vpc: ecs}, ram=ram, nonces=FakeNonces(), clock=clock, ids=ids, settings=settings
    )
    invocations = InvocationController(database, hosts, clock, ids, patience=15)
    controllers: dict[str, Controller] = {
        "instances": InstanceController(database, hosts),
        "invocation": invocations,
        "snapshot-policy": SnapshotController(ecs),
    }
    node = Node(database, controllers, clock, settings)
    working = asyncio.create_task(node.run())
    server = HttpServer(gateway, "127.0.0.1", 0)
    await server.start()
    try:
        yield ServedEcs(server.address[1], ecs, ram, hosts)
    finally:
        await server.stop()
        await node.stop()
        await working
        await invocations.close()
        await database.close()


@asynccontextmanager
async def memory_hosts() -> AsyncIterator[Hosts]:
    """Hosts that nothing has to be done for."""
    yield Machines()


@contextmanager
def served_ecs(
    dsn: str, make_hosts: Callable[[], AbstractAsyncContextManager[Hosts]] = memory_hosts
) -> Iterator[ServedEcs]:
    """Serve ECS on the database ``dsn``; its hosts are in memory unless others are made."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="ecs")
    thread.start()

    async def enter() -> tuple[AsyncExitStack, ServedEcs]:
        stack = AsyncExitStack()
        try:
            hosts = await stack.enter_async_context(make_hosts())
            return stack, await stack.enter_async_context(_cloud(dsn, hosts))
        except BaseException:
            await stack.aclose()
            raise

    def run(awaitable: Awaitable[T]) -> T:
        async def wrapped() -> T:
            return await awaitable

        return asyncio.run_coroutine_threadsafe(wrapped(), loop).result(60)

    try:
        stack, served = run(enter())
        try:
            yield served
        finally:
            run(stack.aclose())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def eventually(look: Callable[[], T], holds: Callable[[T], bool], what: str) -> T:
    """Look again and again until what is seen holds; fails after some seconds, saying what was seen last."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        seen = look()
        if holds(seen):
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: {seen!r}")
        time.sleep(0.02)

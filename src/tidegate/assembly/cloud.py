"""One running cloud: its ground, its services, its doors and its works, brought up and down in order."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tidegate.assembly.services import Services
from tidegate.assembly.works import Works
from tidegate.clock import AdjustableClock, Clock, SystemClock
from tidegate.console import links
from tidegate.console.mount import Console
from tidegate.console.surroundings import Surroundings as ConsoleSurroundings
from tidegate.errors import ConfigurationError
from tidegate.folder import DataFolder, Endpoint, LocalKey
from tidegate.gateway.app import Gateway
from tidegate.gateway.elsewhere import Elsewhere
from tidegate.gateway.mns.certificate import Certificate
from tidegate.gateway.server import HttpServer
from tidegate.ground import Ground, open_ground
from tidegate.ids import Ids
from tidegate.reconcile.engine import Node
from tidegate.reconcile.instance import adopt, notice_losses
from tidegate.services.mns.pushing import CERTIFICATE_PATH
from tidegate.settings import Settings
from tidegate.store import plane
from tidegate.store.nonces import Nonces
from tidegate.telemetry import get_logger
from tidegate.vault import Vault

if TYPE_CHECKING:
    from tidegate.cloud.client import Client
    from tidegate.cloud.credentials import Keys

_log = get_logger("cloud")


class Cloud:
    """One running cloud: its parts, and where it listens."""

    def __init__(self, ground: Ground, clock: Clock, ids: Ids) -> None:
        settings, database, world, vault = ground.settings, ground.database, ground.world, ground.vault
        self.settings = settings
        self.clock = clock
        self.world = world
        self.database = database
        self.url = ""
        self.nonces = Nonces(database)
        self.services = Services(ground, clock, ids, door=lambda: self.url)
        self._elsewhere = Elsewhere(settings.roa_endpoints, self.services.ram, self._own_keys)
        self.gateway = Gateway(
            self.services.by_product,
            ram=self.services.witness,
            nonces=self.nonces,
            clock=clock,
            ids=ids,
            settings=settings,
            advance=self.advance,
            probes={"database": self._ask_database},
            facts=self._facts,
            elsewhere=self._elsewhere,
        )
        self.gateway.page(CERTIFICATE_PATH, Certificate(self.services.mns.signer))
        self.console = Console(
            ConsoleSurroundings(
                call_as=self.gateway.caller,
                authority=self.services.ram,
                vault=vault,
                clock=clock,
                wall=SystemClock(),
                database=database,
                door=world.gate,
                region=settings.region,
                folder=settings.data_dir,
            )
        )
        self.gateway.mount("console", self.console)
        self._works = Works(ground, self.services, clock, ids, call_as=self.gateway.caller, door=lambda: self.url)
        self.node = Node(database, self._works.controllers, clock, settings)

    @classmethod
    @asynccontextmanager
    async def running(
        cls, settings: Settings, *, clock: Clock | None = None, ids: Ids | None = None
    ) -> AsyncIterator[Cloud]:
        """Start a cloud from nothing, yield it when it answers, stop it at the end; see ``on`` and ``open_ground``."""
        async with open_ground(settings) as ground, cls.on(ground, clock=clock, ids=ids) as cloud:
            yield cloud

    @classmethod
    @asynccontextmanager
    async def on(cls, ground: Ground, *, clock: Clock | None = None, ids: Ids | None = None) -> AsyncIterator[Cloud]:
        """Start a cloud on its ground and yield it when it answers; what was there goes on where it was."""
        clock = clock or (AdjustableClock() if ground.settings.adjustable_clock else SystemClock())
        cloud = cls(ground, clock, ids or Ids())
        async with AsyncExitStack() as leaving:
            leaving.push_async_callback(cloud.nonces.close)
            leaving.push_async_callback(cloud.services.close)
            leaving.push_async_callback(cloud._elsewhere.close)
            await cloud._begin(ground.folder, ground.vault)
            await cloud._work(leaving)
            await cloud._listen(ground.folder, leaving)
            yield cloud

    @property
    def banner(self) -> str:
        """One line: what this cloud is made of on this machine, and what is therefore not enforced."""
        return self.world.banner

    async def _own_keys(self) -> Keys:
        """The key of this cloud's account."""
        from tidegate.cloud.credentials import Keys  # noqa: PLC0415 - see ``client``

        key = DataFolder(self.settings.data_dir).read_local_key()
        return Keys(access_key_id=key.access_key_id, access_key_secret=key.access_key_secret)

    def client(self) -> Client:
        """Return a client that calls this cloud over HTTP, as its account."""
        # Its HTTP library costs a quarter of a second to import, which `tidegate up` does not need.
        from tidegate.cloud.client import Client  # noqa: PLC0415
        from tidegate.cloud.credentials import Keys, Profile  # noqa: PLC0415

        key = DataFolder(self.settings.data_dir).read_local_key()
        keys = Keys(access_key_id=key.access_key_id, access_key_secret=key.access_key_secret)
        return Client(Profile(keys=keys, region=key.region, endpoint=self.url))

    def console_link(self) -> str:
        """Return an address that signs its first visitor in as the account; links made before become worthless."""
        token = links.make(self.settings.data_dir, SystemClock().now())
        return f"{self.url}/console/sign-in?token={token}"

    async def advance(self, by: timedelta) -> datetime:
        """Move an adjustable clock forward and have everything looked at that has become due."""
        if not isinstance(self.clock, AdjustableClock):
            raise ConfigurationError("this cloud's clock cannot be moved: start it with --adjustable-clock")
        now = self.clock.advance(by)
        self.services.mns.polls.ring_all()
        await self.node.sweep()
        return now

    async def _begin(self, folder: DataFolder, vault: Vault) -> None:
        """Have an account, and make rows and the real world agree, before anything is driven."""
        async with self.database.transaction() as tx:
            owner = await plane.bind(tx, folder.plane_identity(), str(folder.path))
        if owner is not None:
            raise ConfigurationError(
                f"the hosts of this database live in {owner}, not in {folder.path}: start with --data-dir {owner} on its "
                "machine (any number of processes may share it), or with an empty database"
            )
        await self.services.ram.bootstrap()
        if (key := await self.services.ram.account.root_key()) is not None:
            local = LocalKey(access_key_id=key.access_key_id, access_key_secret=key.secret, region=self.settings.region)
            folder.write_local_key(local, vault)
        adopted = await adopt(self.database, self.world.hosts, self.clock)
        counts = {"alive": len(adopted.alive), "lost": len(adopted.lost), "destroyed": len(adopted.destroyed)}
        _log.info("hosts adopted", extra=counts)
        await self._works.begin()

    async def _work(self, leaving: AsyncExitStack) -> None:
        loop = asyncio.get_running_loop()
        losses: set[asyncio.Task[object]] = set()

        def notice() -> None:
            task = loop.create_task(notice_losses(self.database, self.world.hosts, self.clock))
            losses.add(task)
            task.add_done_callback(losses.discard)

        self.world.hosts.on_lost(notice)
        working = asyncio.create_task(self.node.run(), name="node")
        leaving.push_async_callback(self._rest, working)

    async def _rest(self, working: asyncio.Task[None]) -> None:
        await self.node.stop()
        await working
        await self._works.close()

    async def _listen(self, folder: DataFolder, leaving: AsyncExitStack) -> None:
        server = HttpServer(self.gateway, self.settings.host, self.settings.port)
        await server.start()
        leaving.push_async_callback(server.stop)
        leaving.push_async_callback(self.services.mns.close)
        leaving.push_async_callback(self.console.close)
        host, port = server.address
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        folder.write_endpoint(Endpoint(url=self.url, pid=os.getpid()))
        leaving.callback(folder.forget_endpoint)

    async def _ask_database(self) -> None:
        async with self.database.connection() as connection:
            await connection.fetchval("select 1")

    async def _facts(self) -> Mapping[str, Any]:
        """What the health page tells beside readiness: counts and names, nothing that needs a permission."""
        return await self.world.facts()

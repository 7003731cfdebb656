"""Builds one cloud out of its parts. The only place that knows them all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tidegate.clock import AdjustableClock, Clock, SystemClock
from tidegate.cloud.outside import HttpOutside
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
from tidegate.reconcile.activity import ActivityController
from tidegate.reconcile.alarm import AlarmController
from tidegate.reconcile.balancer import BalancerController
from tidegate.reconcile.binding import BindingController
from tidegate.reconcile.containers import ContainerController
from tidegate.reconcile.engine import Controller, Node
from tidegate.reconcile.events import EventController
from tidegate.reconcile.execution import ExecutionController
from tidegate.reconcile.executions import ExecutionsController
from tidegate.reconcile.group import GroupController
from tidegate.reconcile.instance import InstanceController, adopt, notice_losses
from tidegate.reconcile.invocation import InvocationController
from tidegate.reconcile.messages import MessageController
from tidegate.reconcile.meter import MeterController
from tidegate.reconcile.mns import MnsController
from tidegate.reconcile.prediction import PredictionController
from tidegate.reconcile.redis import RedisController
from tidegate.reconcile.refresh import RefreshController
from tidegate.reconcile.rules import RuleController
from tidegate.reconcile.runbook.around import Around
from tidegate.reconcile.schedule import ScheduleController
from tidegate.reconcile.snapshots import SnapshotController
from tidegate.services.alb.api import alb as alb_product
from tidegate.services.alb.service import Alb
from tidegate.services.cms.api import cms as cms_product
from tidegate.services.cms.service import Monitor
from tidegate.services.databases import api as database_products
from tidegate.services.databases.doors import RdsDoors
from tidegate.services.databases.service import Databases
from tidegate.services.eci import service as eci_service
from tidegate.services.eci.api import eci as eci_product
from tidegate.services.ecs import assistant as ecs_assistant
from tidegate.services.ecs import catalog
from tidegate.services.ecs import instances as ecs_instances
from tidegate.services.ecs import snapshots as ecs_snapshots
from tidegate.services.ecs.api import ecs as ecs_product
from tidegate.services.ecs.api import vpc as vpc_product
from tidegate.services.ecs.service import Delays, Ecs
from tidegate.services.ess.api import ess as ess_product
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.service import Ess
from tidegate.services.eventbridge.api import eventbridge as eventbridge_product
from tidegate.services.eventbridge.service import EventBridge
from tidegate.services.kvstore import instances as kvstore_instances
from tidegate.services.kvstore.api import kvstore as kvstore_product
from tidegate.services.kvstore.service import Kvstore
from tidegate.services.mns.api import mns as mns_product
from tidegate.services.mns.api import mns_open as mns_open_product
from tidegate.services.mns.pushing import CERTIFICATE_PATH
from tidegate.services.mns.service import Mns
from tidegate.services.oos import works
from tidegate.services.oos.api import oos as oos_product
from tidegate.services.oos.sandbox import Sandbox
from tidegate.services.oos.service import Oos
from tidegate.services.operation import Product
from tidegate.services.ram.api import ram as ram_product
from tidegate.services.ram.service import Ram
from tidegate.services.ram.witness import Witness
from tidegate.services.slb.api import slb as slb_product
from tidegate.services.slb.service import Slb
from tidegate.services.sts.api import sts as sts_product
from tidegate.services.sts.service import Sts
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
        self.ram = Ram(database, vault, clock, ids)
        self.witness = Witness(self.ram, database, clock)
        delays = Delays(
            boot=settings.instance_boot_delay,
            stop=settings.instance_stop_delay,
            change=settings.attachment_delay,
            copy=settings.snapshot_delay,
        )
        self.ecs = Ecs(database, world.hosts, clock, ids, delays=delays, shortages=settings.sold_out)
        self.alb = Alb(database, self.ecs, clock, ids)
        self.slb = Slb(database, world.balancers, self.ecs, clock, ids)
        self.kvstore = Kvstore(
            database,
            world.redis,
            world.gate,
            self.ecs,
            vault=vault,
            clock=clock,
            ids=ids,
            changing_window=settings.whitelist_changing_window,
            cuts_connections=settings.whitelist_cuts_connections,
        )
        self.eci = eci_service.Eci(database, world.hosts, self.ecs, clock, ids)
        self.sandbox = Sandbox()
        regions = {region.id: region.local_name for region in catalog.REGIONS.values()}
        self._outside = HttpOutside(settings.runbook_endpoints)
        self.oos = Oos(
            database,
            clock,
            ids,
            roles=self.ram,
            programs=self.sandbox,
            vault=vault,
            regions=regions,
            imported=ground.folder.catalog,
            concurrent=settings.concurrent_executions,
            outside=self._outside,
        )
        self.monitor = Monitor(database, clock, ids)
        self.mns = Mns(database, clock, ids, vault=vault, door=lambda: self.url, push_endpoints=settings.push_endpoints)
        self.ess = Ess(
            Surroundings(
                database=database,
                clock=clock,
                ids=ids,
                machines=self.ecs,
                runbooks=self.oos,
                roles=self.ram,
                metrics=self.monitor,
                messages=self.mns,
                balancers=self.slb,
                server_groups=self.alb,
                doors=RdsDoors(database),
                balancer_pause=timedelta(seconds=settings.balancer_pause),
                regions=list(regions),
            )
        )
        databases = Databases(database, self.ecs, clock, ids)
        self._elsewhere = Elsewhere(settings.roa_endpoints, self.ram, self._own_keys)
        bridge = EventBridge(database, clock, ids)
        services: Mapping[Product, Any] = {
            ram_product: self.ram,
            sts_product: Sts(self.ram, clock),
            ecs_product: self.ecs,
            vpc_product: self.ecs,
            eci_product: self.eci,
            kvstore_product: self.kvstore,
            alb_product: self.alb,
            slb_product: self.slb,
            oos_product: self.oos,
            ess_product: self.ess,
            cms_product: self.monitor,
            eventbridge_product: bridge,
            mns_open_product: self.mns,
            mns_product: self.mns,
            database_products.adb: databases,
            database_products.dds: databases,
            database_products.polardb: databases,
            database_products.rds: databases,
        }
        self.gateway = Gateway(
            services,
            ram=self.witness,
            nonces=self.nonces,
            clock=clock,
            ids=ids,
            settings=settings,
            advance=self.advance,
            probes={"database": self._ask_database},
            facts=self._facts,
            elsewhere=self._elsewhere,
        )
        self.gateway.page(CERTIFICATE_PATH, Certificate(self.mns.signer))
        self.console = Console(
            ConsoleSurroundings(
                call_as=self.gateway.caller,
                authority=self.ram,
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
        self._balancers = BalancerController(database, world.balancers, self.ecs, clock)
        self._redis = RedisController(
            database,
            world.redis,
            self.kvstore.gatekeeper,
            self.ecs,
            clock,
            creation_delay=settings.redis_creation_delay,
        )
        self._events = EventController(database, clock)
        self._meter = MeterController(database, world.hosts, self.monitor)
        self._messages = MnsController(self.mns)
        self._executions = ExecutionsController(database, clock, settings.concurrent_executions)
        self._invocations = InvocationController(database, world.hosts, clock, ids, patience=settings.heartbeat_timeout)
        self._containers = ContainerController(database, world.hosts, self.eci, clock)
        controllers: Mapping[str, Controller] = {
            eci_service.KIND: self._containers,
            ecs_snapshots.KIND: SnapshotController(self.ecs),
            kvstore_instances.WORK: self._redis,
            ecs_instances.KIND: InstanceController(database, world.hosts, delays=delays),
            ecs_assistant.KIND: self._invocations,
            works.KIND: ExecutionController(
                database,
                clock,
                executions=self.oos.executions,
                library=self.oos.library,
                programs=self.sandbox,
                roles=self.ram,
                store=self.oos.parameter_store,
                call_as=self.gateway.caller,
                around=Around(
                    outside=self._outside, link=lambda execution_id: f"{self.url}/console/oos/executions/{execution_id}"
                ),
            ),
            **self._events.controllers,
            **self._messages.controllers,
            **RuleController(bridge, self.mns).controllers,
            **self._executions.controllers,
            **ActivityController(self.ess).controllers,
            **MessageController(self.ess).controllers,
            **self._balancers.controllers,
            **BindingController(self.ess).controllers,
            **GroupController(self.ess, settings).controllers,
            **ScheduleController(self.ess).controllers,
            **AlarmController(self.ess).controllers,
            **PredictionController(self.ess).controllers,
            **RefreshController(self.ess).controllers,
            **self._meter.controllers,
        }
        self.node = Node(database, controllers, clock, settings)

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
            leaving.push_async_callback(cloud.witness.close)
            leaving.push_async_callback(cloud.sandbox.close)
            leaving.push_async_callback(cloud._outside.close)
            leaving.push_async_callback(cloud._elsewhere.close)
            leaving.push_async_callback(cloud.mns.pusher.close)
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
        self.mns.polls.ring_all()
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
        await self.ram.bootstrap()
        if (key := await self.ram.account.root_key()) is not None:
            local = LocalKey(access_key_id=key.access_key_id, access_key_secret=key.secret, region=self.settings.region)
            folder.write_local_key(local, vault)
        adopted = await adopt(self.database, self.world.hosts, self.clock)
        counts = {"alive": len(adopted.alive), "lost": len(adopted.lost), "destroyed": len(adopted.destroyed)}
        _log.info("hosts adopted", extra=counts)
        await self._redis.begin()
        await self._balancers.begin()
        await self._containers.begin()
        await self._events.begin()
        await self._meter.begin()
        await self._messages.begin()
        await self._executions.begin()

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
        await self._invocations.close()

    async def _listen(self, folder: DataFolder, leaving: AsyncExitStack) -> None:
        server = HttpServer(self.gateway, self.settings.host, self.settings.port)
        await server.start()
        leaving.push_async_callback(server.stop)
        leaving.push_async_callback(self.mns.close)
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

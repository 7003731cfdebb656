"""The services of all products on one ground, in the order in which they need each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from tidegate.clock import Clock
from tidegate.cloud.outside import HttpOutside
from tidegate.ground import Ground
from tidegate.ids import Ids
from tidegate.services.alb.api import alb as alb_product
from tidegate.services.alb.service import Alb
from tidegate.services.cms.api import cms as cms_product
from tidegate.services.cms.service import Monitor
from tidegate.services.databases import api as database_products
from tidegate.services.databases.doors import RdsDoors
from tidegate.services.databases.service import Databases
from tidegate.services.eci.api import eci as eci_product
from tidegate.services.eci.service import Eci
from tidegate.services.ecs import catalog
from tidegate.services.ecs.api import ecs as ecs_product
from tidegate.services.ecs.api import vpc as vpc_product
from tidegate.services.ecs.service import Delays, Ecs
from tidegate.services.ess.api import ess as ess_product
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.service import Ess
from tidegate.services.eventbridge.api import eventbridge as eventbridge_product
from tidegate.services.eventbridge.service import EventBridge
from tidegate.services.kvstore.api import kvstore as kvstore_product
from tidegate.services.kvstore.service import Kvstore
from tidegate.services.mns.api import mns as mns_product
from tidegate.services.mns.api import mns_open as mns_open_product
from tidegate.services.mns.service import Mns
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


class Services:
    """One service each, and what they share. ``door`` tells the address at which the cloud is reached, once it is."""

    def __init__(self, ground: Ground, clock: Clock, ids: Ids, *, door: Callable[[], str]) -> None:
        settings, database, world, vault = ground.settings, ground.database, ground.world, ground.vault
        regions = {region.id: region.local_name for region in catalog.REGIONS.values()}
        self.ram = Ram(database, vault, clock, ids)
        self.witness = Witness(self.ram, database, clock)
        self.sts = Sts(self.ram, clock)
        self.delays = Delays(
            boot=settings.instance_boot_delay,
            stop=settings.instance_stop_delay,
            change=settings.attachment_delay,
            copy=settings.snapshot_delay,
        )
        self.ecs = Ecs(database, world.hosts, clock, ids, delays=self.delays, shortages=settings.sold_out)
        self.eci = Eci(database, world.hosts, self.ecs, clock, ids)
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
        self.databases = Databases(database, self.ecs, clock, ids)
        self.programs = Sandbox()
        self.outside = HttpOutside(settings.runbook_endpoints)
        self.oos = Oos(
            database,
            clock,
            ids,
            roles=self.ram,
            programs=self.programs,
            vault=vault,
            regions=regions,
            imported=ground.folder.catalog,
            concurrent=settings.concurrent_executions,
            outside=self.outside,
        )
        self.monitor = Monitor(database, clock, ids)
        self.mns = Mns(database, clock, ids, vault=vault, door=door, push_endpoints=settings.push_endpoints)
        self.bridge = EventBridge(database, clock, ids)
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

    @property
    def by_product(self) -> Mapping[Product, Any]:
        """The service that stands behind each product."""
        return {
            ram_product: self.ram,
            sts_product: self.sts,
            ecs_product: self.ecs,
            vpc_product: self.ecs,
            eci_product: self.eci,
            kvstore_product: self.kvstore,
            alb_product: self.alb,
            slb_product: self.slb,
            oos_product: self.oos,
            ess_product: self.ess,
            cms_product: self.monitor,
            eventbridge_product: self.bridge,
            mns_open_product: self.mns,
            mns_product: self.mns,
            database_products.adb: self.databases,
            database_products.dds: self.databases,
            database_products.polardb: self.databases,
            database_products.rds: self.databases,
        }

    async def close(self) -> None:
        """Let go of helpers and connections, and write down what is still held back."""
        await self.mns.pusher.close()
        await self.outside.close()
        await self.programs.close()
        await self.witness.close()

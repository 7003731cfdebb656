"""Load balancers, server groups and databases beside scaling groups, in an Auto Scaling that is driven by hand."""

from __future__ import annotations

from typing import Any

import msgspec

from support.ess import ACCOUNT, REGION, World
from tidegate.services.alb.service import Order as AlbOrder
from tidegate.services.databases.kinds import RDS
from tidegate.services.databases.service import Databases, whitelist_of
from tidegate.services.databases.service import Order as DatabaseOrder
from tidegate.services.operation import Call, Principal
from tidegate.services.slb import listeners
from tidegate.services.slb.service import Order

_OWNER = Principal(kind="Account", account_id=ACCOUNT, id=ACCOUNT)


def call_of(product: str) -> Call:
    return Call(principal=_OWNER, region=REGION, request_id="R-0", product=product, action="Create", version="")


class Beside:
    """Makes and looks at what stands beside groups."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rds = Databases(world.database, world.ecs, world.clock, world.ids)

    async def balancer(self, *, protocol: str = "http", **settings: Any) -> str:
        """Make a load balancer with a running listener at port 80."""
        slb = self.world.slb
        made = await slb.create(call_of("slb"), Order(address_type="intranet"))
        said = {"BackendServerPort": 8080, **settings}
        listener = listeners.new_listener(80, "http" if protocol == "http" else "tcp", said)
        await slb.add_listener(ACCOUNT, made.id, msgspec.structs.replace(listener, status="running"))
        await self.world.settle()
        return made.id

    async def vserver_group(self, balancer_id: str) -> str:
        return (await self.world.slb.create_group(ACCOUNT, balancer_id, None, [])).id

    async def server_group(self) -> str:
        return (await self.world.alb.create(call_of("alb"), AlbOrder(name="web"))).id

    async def database(self, *, full: bool = False) -> str:
        made = await self.rds.create(call_of("rds"), RDS, DatabaseOrder(engine="MySQL", engine_version="8.0"))
        if full:
            entries = ",".join(f"10.{n >> 8}.{n & 255}.0/24" for n in range(1000))
            await self.rds.modify_whitelist(call_of("rds"), RDS, made.id, entries)
        return made.id

    def targets(self, balancer_id: str) -> dict[str, int]:
        """What the real load balancer sends to: instance → weight."""
        spec = self.world.balancers.specs[balancer_id]
        return {one.id.partition(":")[0]: one.weight for listener in spec.listeners for one in listener.targets}

    async def of_group(self, group_id: str) -> dict[str, int]:
        return {one.id: one.weight for one in (await self.world.slb.group(ACCOUNT, group_id)).servers}

    async def of_server_group(self, group_id: str) -> dict[str, int]:
        return {one.id: one.weight for one in (await self.world.alb.find(ACCOUNT, group_id)).servers}

    async def entries(self, database_id: str) -> set[str]:
        row = await self.rds.find(call_of("rds"), RDS, database_id)
        return {entry for group in whitelist_of(row) for entry in group.entries}

    async def addresses(self, *instance_ids: str) -> set[str]:
        views = await self.world.ecs.find(ACCOUNT, REGION, list(instance_ids))
        return {one.private_address for one in views.values()}

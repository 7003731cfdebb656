"""An ECS in memory hosts on a real database, driven by hand, and builders of what tests ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from support.driving import Driver
from support.machines import Machines
from tidegate.clock import AdjustableClock
from tidegate.ids import Ids
from tidegate.reconcile.engine import Controller
from tidegate.reconcile.instance import InstanceController
from tidegate.reconcile.invocation import InvocationController
from tidegate.reconcile.snapshots import SnapshotController
from tidegate.services.binding import bind
from tidegate.services.ecs import api
from tidegate.services.ecs.service import Delays, Ecs, LaunchSpec
from tidegate.services.operation import Call, Principal, Product
from tidegate.store.database import Database
from tidegate.wire.parameters import decode

ACCOUNT = "1234567890123456"
REGION = "cn-hangzhou"
IMAGE = "aliyun_3_x64_20G_alibase_20240528.vhd"
TYPE = "ecs.g6.large"
PLAIN = LaunchSpec(image_id=IMAGE, instance_type=TYPE)


@dataclass
class World:
    """ECS with everything behind it at hand."""

    database: Database
    hosts: Machines
    clock: AdjustableClock
    ids: Ids
    ecs: Ecs
    invocations: InvocationController
    driver: Driver

    async def settle(self) -> int:
        """Let every controller do what there is to do."""
        return await self.driver.settle()

    async def launch(self, amount: int = 1, spec: LaunchSpec = PLAIN, *, token: str | None = None) -> list[str]:
        """Launch instances and let them settle."""
        made = await self.ecs.launch(ACCOUNT, REGION, spec, amount, client_token=token or self.ids.text(10))
        await self.settle()
        return made

    async def status(self, instance_id: str) -> str:
        """Return the status shown, ``gone`` when there is no such instance."""
        found = await self.ecs.find(ACCOUNT, REGION, [instance_id])
        return found[instance_id].status if instance_id in found else "gone"

    async def call(
        self,
        action: str,
        product: Product = api.ecs,
        *,
        region: str = REGION,
        token: str | None = None,
        **parameters: Any,
    ) -> dict[str, Any]:
        """Call an operation as the gateway does, without its signature; returns the answer as JSON has it."""
        operation = product.operations[action]
        flat = bind(operation.request, parameters, region)
        request = decode(flat, operation.request, product.missing, product.invalid)
        call = Call(
            principal=Principal(kind="Account", account_id=ACCOUNT, id=ACCOUNT),
            region=region,
            request_id="R",
            product=product.code,
            action=action,
            version=product.versions[0],
            client_token=token,
            fingerprint=repr(sorted(flat.items())),
        )
        answer = await operation.handler(self.ecs, call, request)
        tree: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(answer))
        return tree


def make_world(
    database: Database,
    clock: AdjustableClock,
    ids: Ids,
    *,
    delays: Delays | None = None,
    hosts: Machines | None = None,
    **more: Controller,
) -> World:
    """Return an ECS whose controllers run when told to."""
    machines = hosts or Machines()
    invocations = InvocationController(database, machines, clock, ids, patience=15)
    ecs = Ecs(database, machines, clock, ids, delays=delays or Delays())
    controllers: Mapping[str, Controller] = {
        "snapshot-policy": SnapshotController(ecs),
        "instances": InstanceController(database, machines, delays=delays or Delays()),
        "invocation": invocations,
        **more,
    }
    return World(
        database=database,
        hosts=machines,
        clock=clock,
        ids=ids,
        ecs=ecs,
        invocations=invocations,
        driver=Driver(database, controllers, clock),
    )

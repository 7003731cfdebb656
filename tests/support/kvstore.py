"""R-kvstore over a plane in memory and a real database, driven by hand, and a gate that can be made to fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from support.driving import Driver
from support.machines import Machines
from tidegate.clock import AdjustableClock
from tidegate.errors import PlaneError
from tidegate.ids import Ids
from tidegate.plane.gate.base import Applied
from tidegate.plane.gate.memory import MemoryGate
from tidegate.plane.gate.ranges import Ranges, contains, number
from tidegate.plane.redis.memory import MemoryRedisServers
from tidegate.reconcile.redis import RedisController
from tidegate.services.binding import bind
from tidegate.services.ecs.service import Ecs
from tidegate.services.kvstore.api import kvstore
from tidegate.services.kvstore.service import Kvstore
from tidegate.services.operation import Call, Principal
from tidegate.store.database import Database
from tidegate.vault import Vault
from tidegate.wire.parameters import decode

ACCOUNT = "1234567890123456"
REGION = "cn-hangzhou"
OWNER = Principal(kind="Account", account_id=ACCOUNT, id=ACCOUNT)
ROBOT = Principal(kind="AssumedRoleUser", account_id=ACCOUNT, id="300", name="OOSServiceRole", session="exec-1")


class FaultyGate(MemoryGate):
    """A gate that refuses as long as ``is_broken``."""

    def __init__(self) -> None:
        super().__init__()
        self.is_broken = False
        self.lists: list[Ranges] = []

    async def allow(self, server_id: str, ranges: Ranges, *, thorough: bool = False) -> Applied:
        if self.is_broken:
            raise PlaneError("the gate is broken")
        self.lists.append(ranges)
        return await super().allow(server_id, ranges, thorough=thorough)


@dataclass
class World:
    """R-kvstore with everything behind it at hand."""

    database: Database
    clock: AdjustableClock
    ecs: Ecs
    gate: FaultyGate
    servers: MemoryRedisServers
    service: Kvstore
    controller: RedisController
    driver: Driver
    vault: Vault

    async def settle(self) -> int:
        return await self.driver.settle()

    async def call(
        self,
        action: str,
        *,
        caller: Principal = OWNER,
        region: str = REGION,
        token: str | None = None,
        **parameters: Any,
    ) -> dict[str, Any]:
        """Call an operation as the gateway does, without its signature; returns the answer as JSON has it."""
        operation = kvstore.operations[action]
        flat = bind(operation.request, parameters, region)
        request = decode(flat, operation.request, kvstore.missing, kvstore.invalid)
        call = Call(
            principal=caller,
            region=region,
            request_id="REQUEST-1",
            product=kvstore.code,
            action=action,
            version=kvstore.versions[0],
            client_token=token,
            fingerprint=repr(sorted(flat.items())),
        )
        answer = await operation.handler(self.service, call, request)
        tree: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(answer))
        return tree

    async def create(self, **parameters: Any) -> str:
        """Make an instance and let it become Normal."""
        made = await self.call("CreateInstance", **{"InstanceClass": "redis.master.small.default", **parameters})
        await self.settle()
        return str(made["InstanceId"])

    async def modify(self, instance_id: str, entries: str, **parameters: Any) -> None:
        await self.call("ModifySecurityIps", InstanceId=instance_id, SecurityIps=entries, **parameters)

    async def groups(self, instance_id: str) -> dict[str, list[str]]:
        """The whitelist as DescribeSecurityIps tells it."""
        answer = await self.call("DescribeSecurityIps", InstanceId=instance_id)
        groups = answer["SecurityIpGroups"]["SecurityIpGroup"]
        return {group["SecurityIpGroupName"]: group["SecurityIpList"].split(",") for group in groups}

    async def attribute(self, instance_id: str) -> dict[str, Any]:
        """The instance as DescribeInstanceAttribute tells it."""
        answer = await self.call("DescribeInstanceAttribute", InstanceId=instance_id)
        found: dict[str, Any] = answer["Instances"]["DBInstanceAttribute"][0]
        return found

    async def lets_in(self, instance_id: str, address: str) -> bool:
        return contains(await self.gate.show(instance_id), number(address))


def make_world(
    database: Database,
    clock: AdjustableClock,
    ids: Ids,
    *,
    gate: FaultyGate | None = None,
    changing_window: float = 0.0,
    creation_delay: float = 0.0,
    cuts_connections: bool = False,
) -> World:
    """Return an R-kvstore whose controller runs when told to; with ``gate`` one more process before the same plane."""
    gate = gate or FaultyGate()
    servers = MemoryRedisServers(gate)
    vault = Vault(b"k" * 32)
    ecs = Ecs(database, Machines(), clock, ids)
    service = Kvstore(
        database,
        servers,
        gate,
        ecs,
        vault=vault,
        clock=clock,
        ids=ids,
        changing_window=changing_window,
        cuts_connections=cuts_connections,
    )
    controller = RedisController(database, servers, service.gatekeeper, ecs, clock, creation_delay=creation_delay)
    driver = Driver(database, {"redis": controller}, clock)
    return World(database, clock, ecs, gate, servers, service, controller, driver, vault)

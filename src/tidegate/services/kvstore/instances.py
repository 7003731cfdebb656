"""Makes, describes, edits and releases Redis instances. Servers are started and ended by the controller."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from tidegate.clock import Clock
from tidegate.ids import Ids
from tidegate.services.ecs import blocks, catalog
from tidegate.services.ecs.service import Ecs
from tidegate.services.kvstore import errors, limits
from tidegate.services.kvstore.classes import InstanceClass
from tidegate.services.kvstore.gatekeeper import Gatekeeper, work_key
from tidegate.services.kvstore.model import DOMAIN, Order, check_name, check_order, check_password, check_tags
from tidegate.services.kvstore.registry import Registry
from tidegate.services.kvstore.states import Event, Status
from tidegate.services.operation import Call
from tidegate.services.whitelist.model import INITIAL
from tidegate.store import kvstore as rows
from tidegate.store import tokens, work
from tidegate.store.database import Database
from tidegate.store.ecs.networks import VSwitch
from tidegate.store.kvstore import GroupRow, Instance
from tidegate.vault import Vault

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: The kind of work that drives an instance.
WORK = "redis"
_MONTH = timedelta(days=30)
_ACTION = "kvstore:CreateInstance"


class Instances:
    """The instances of all accounts."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        gatekeeper: Gatekeeper,
        *,
        ecs: Ecs,
        vault: Vault,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._database = database
        self._registry = registry
        self._gatekeeper = gatekeeper
        self._ecs = ecs
        self._vault = vault
        self._clock = clock
        self._ids = ids

    async def create(self, call: Call, order: Order, *, dry_run: bool = False) -> Instance:
        """Write a new instance, Creating, and have it driven. A repeat with the same token returns the first one."""
        if call.region not in catalog.REGIONS:
            raise errors.unknown_region()
        chosen = check_order(order)
        tags = check_tags(order.tags.items())
        vswitch = await self._vswitch(call, order)
        now = self._clock.now()
        async with self._database.transaction() as tx:
            known = await tokens.recall(
                tx,
                call.account_id,
                _ACTION,
                call.client_token,
                call.fingerprint,
                now=now,
                error=errors.token_mismatch(),
            )
            if known is not None:
                return msgspec.convert(known, Instance)
            if await rows.count_instances(tx, call.account_id, call.region) >= limits.INSTANCES:
                raise errors.too_many_instances()
            if dry_run:
                raise errors.dry_run_passed()
            instance = await self._add(tx, call, order, chosen, vswitch, tags)
            answer = msgspec.structs.replace(instance, sealed_password=None)
            await tokens.remember(
                tx, call.account_id, _ACTION, call.client_token, call.fingerprint, msgspec.to_builtins(answer), now=now
            )
            return instance

    async def release(self, call: Call, instance_id: str) -> None:
        """Give an instance back: it is gone for its owner at once, and its server soon after."""
        async with (
            self._registry.turn(instance_id) as deadline,
            self._registry.editing(call, instance_id, deadline, Event.RELEASED) as (tx, instance),
        ):
            if instance.charge_type != "PostPaid":
                raise errors.not_pay_as_you_go()
            if instance.release_protection:
                raise errors.release_protected()
            await rows.update(tx, msgspec.structs.replace(instance, status=Status.RELEASED))
            await work.drive(tx, work_key(instance_id), WORK, now=self._clock.now())

    async def find(self, account_id: str, instance_id: str) -> Instance:
        """Return one instance; raises InvalidInstanceId.NotFound."""
        return await self._registry.find(account_id, instance_id)

    async def of_account(self, account_id: str, region: str) -> Sequence[Instance]:
        """Return the account's instances in a region, newest first."""
        async with self._database.connection() as connection:
            return await rows.of_account(connection, account_id, region)

    async def modify(
        self, call: Call, instance_id: str, *, name: str | None, password: str | None, protected: bool | None
    ) -> None:
        """Change what is given; a new password is asked for by the server when this returns."""
        changes: dict[str, object] = {}
        if name is not None:
            check_name(name)
            changes["name"] = name
        if password is not None:
            check_password(password)
            changes["sealed_password"] = self._vault.seal(password, instance_id)
        if protected is not None:
            changes["release_protection"] = protected
        await self._edit(call, instance_id, enforced=password is not None, **changes)

    async def set_auth_mode(self, call: Call, instance_id: str, mode: str) -> None:
        """Have clients say the password (Open), or let them in without one (Close)."""
        if mode not in ("Open", "Close"):
            raise errors.invalid_parameter("VpcAuthMode")
        await self._edit(call, instance_id, enforced=True, vpc_auth_mode=mode)

    async def tag(self, call: Call, instance_ids: Sequence[str], tags: Mapping[str, str]) -> None:
        """Give every one of these instances every tag, or none of them any."""
        await self._retag(call, instance_ids, lambda old: check_tags({**old, **tags}.items()))

    async def untag(self, call: Call, instance_ids: Sequence[str], keys: Sequence[str] | None) -> None:
        """Take tags with these keys off the instances; None: all of them."""
        await self._retag(
            call, instance_ids, lambda old: {k: v for k, v in old.items() if keys is not None and k not in keys}
        )

    async def _vswitch(self, call: Call, order: Order) -> VSwitch:
        """Return the vSwitch of the order. ASSUMPTION: without one the default of the region, or of the zone."""
        if order.vswitch_id is None:
            return await self._ecs.default_vswitch(call.account_id, call.region, order.zone)
        vswitch = await self._ecs.vswitch(call.account_id, call.region, order.vswitch_id)
        if order.zone not in (None, vswitch.zone):
            raise errors.invalid_parameter("ZoneId")
        if order.vpc_id not in (None, vswitch.vpc_id):
            raise errors.invalid_parameter("VpcId")
        return vswitch

    async def _add(
        self,
        tx: Connection,
        call: Call,
        order: Order,
        chosen: InstanceClass,
        vswitch: VSwitch,
        tags: Mapping[str, str],
    ) -> Instance:
        now = self._clock.now()
        instance_id = self._ids.resource("r", call.region, 18)
        if order.private_ip is None:
            address = await self._ecs.reserve_address(tx, vswitch.id, instance_id)
        else:
            address = await self._ecs.networks.reserve_exactly(tx, vswitch, instance_id, order.private_ip)
        instance = Instance(
            id=instance_id,
            account_id=call.account_id,
            region=call.region,
            zone=vswitch.zone,
            vpc_id=vswitch.vpc_id,
            vswitch_id=vswitch.id,
            network=str(vswitch.block),
            gateway=str(blocks.router(vswitch.block)),
            private_ip=address,
            port=order.port,
            connection_domain=f"{order.prefix or instance_id}.{DOMAIN}",
            name=order.name or instance_id,
            status="Creating",
            instance_class=chosen.id,
            capacity=chosen.capacity,
            engine_version=order.engine_version,
            node_type=order.node_type,
            charge_type="PrePaid" if order.charge_type == "PrePaid" else "PostPaid",
            created_at=now,
            end_at=now + _MONTH * (order.period or 0) if order.charge_type == "PrePaid" else None,
            order_id=int(self._ids.number(15)),
            resource_group_id=order.resource_group_id,
            sealed_password=None if order.password is None else self._vault.seal(order.password, instance_id),
            tags=tags,
        )
        await rows.add_instance(tx, instance)
        for group in INITIAL:
            first = GroupRow(name=group.name, attribute=group.attribute, entries=group.entries)
            await rows.put_group(tx, instance_id, first)
        await work.start(tx, work_key(instance_id), WORK, now=now)
        return instance

    async def _edit(self, call: Call, instance_id: str, *, enforced: bool = False, **changes: object) -> None:
        """Change fields of an instance; ``enforced`` ones are on its server when this returns."""
        async with self._registry.turn(instance_id) as deadline:
            async with self._registry.editing(call, instance_id, deadline) as (tx, instance):
                await rows.update(tx, msgspec.structs.replace(instance, **changes))
            if enforced:
                await asyncio.shield(self._gatekeeper.enforce_now(instance_id, thorough=True))

    async def _retag(
        self, call: Call, instance_ids: Sequence[str], change: Callable[[Mapping[str, str]], Mapping[str, str]]
    ) -> None:
        async with self._database.transaction() as tx:
            for instance_id in sorted(set(instance_ids)):  # everybody locks in the same order
                instance = await self._registry.lock(tx, call.account_id, instance_id, limits.LOCK_WAIT)
                await rows.update(tx, msgspec.structs.replace(instance, tags=change(instance.tags)))

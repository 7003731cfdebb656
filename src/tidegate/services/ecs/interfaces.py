"""Network interfaces beside the primary one of an instance: an address of a vSwitch that can be bound to an instance.

They are kept, hold their address and are shown; a host has one network card, so nothing of them is on the wire.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.services.ecs import catalog, faults, limits
from tidegate.services.ecs.means import Answered, Means, locked_instance
from tidegate.services.ecs.states import SETTLED
from tidegate.services.operation import Call
from tidegate.store.ecs import instances as instance_rows
from tidegate.store.ecs import networks as network_rows
from tidegate.store.ecs import tags as tag_rows
from tidegate.store.ecs.attachments import EIPS, INTERFACES, Eip, Interface, unbind_eips
from tidegate.store.ecs.instances import Instance
from tidegate.store.ecs.shelf import Wanted, shown

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One page of interfaces with what is bound to them."""

    interfaces: Sequence[Interface]
    total: int
    eips: Mapping[str, Eip]
    tags: Mapping[str, Mapping[str, str]]


class Interfaces:
    """The network interfaces of every account."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def create(
        self,
        call: Call,
        *,
        vswitch_id: str,
        group_ids: Sequence[str],
        address: str | None,
        name: str,
        description: str,
        delete_on_release: bool,
        tags: Mapping[str, str],
    ) -> Interface:
        """Make an interface with an address of the vSwitch: the one asked for, or the lowest free one."""

        async def act(tx: Connection) -> Answered:
            if await INTERFACES.held(tx, call.account_id, call.region) >= limits.INTERFACES:
                raise faults.denied("QuotaExceeded")
            networks, now = self._means.networks, self._means.now()
            vswitch = await networks.choose_vswitch(tx, call.account_id, call.region, vswitch_id, None)
            groups = await networks.choose_groups(tx, vswitch, group_ids)
            interface_id = self._means.ids.resource("eni", call.region)
            if address is None:
                [held] = await networks.reserve(tx, vswitch, [interface_id], 1)
            else:
                held = await networks.reserve_exactly(tx, vswitch, interface_id, address)
            made = Interface(
                id=interface_id,
                account_id=call.account_id,
                region=call.region,
                zone=vswitch.zone,
                vpc_id=vswitch.vpc_id,
                vswitch_id=vswitch.id,
                address=held,
                name=name,
                description=description,
                type="Secondary",
                security_group_ids=groups,
                instance_id="",
                delete_on_release=delete_on_release,
                status="Available",
                passing="Creating",
                passes_at=self._means.ready_at(),
                created_at=now,
            )
            await INTERFACES.add(tx, made)
            await tag_rows.put(tx, call.account_id, call.region, "eni", ids=[made.id], tags=tags)
            return msgspec.to_builtins(made)  # type: ignore[no-any-return]  # a map

        return msgspec.convert(await self._means.once(call, act), Interface)

    async def page(self, wanted: Wanted, *, number: int, size: int) -> Seen:
        """Return one page of interfaces, primary ones included, with their elastic addresses and tags."""
        async with self._means.database.connection() as db:
            found, total = await INTERFACES.page(db, wanted, self._means.now(), number=number, size=size)
            ids = [one.id for one in found]
            eips = await EIPS.every(db, "where instance_id = any($1)", ids)
            tags = await tag_rows.of_resources(db, "eni", ids)
        return Seen(interfaces=found, total=total, eips={one.instance_id: one for one in eips}, tags=tags)

    def status(self, interface: Interface) -> str:
        """Return the status that callers see."""
        return shown(interface, self._means.now())

    async def attach(self, call: Call, interface_id: str, instance_id: str) -> None:
        """Bind a free interface to an instance of its zone. Attaching, then InUse."""

        async def act(tx: Connection) -> Answered:
            instance = await locked_instance(tx, call, instance_id)
            interface = await self._locked(tx, call, interface_id, "Available")
            await _check_place(tx, instance, interface)
            await self._write(tx, interface, "InUse", "Attaching", instance_id=instance.id)
            await instance_rows.touch(tx, [instance.id])
            return {}

        await self._means.once(call, act)

    async def detach(self, call: Call, interface_id: str, instance_id: str) -> None:
        """Take an interface off its instance. Detaching, then Available."""

        async def act(tx: Connection) -> Answered:
            instance = await locked_instance(tx, call, instance_id)
            if interface_id == instance.interface_id:
                raise faults.bad("InvalidOperation.InvalidEniType")
            interface = await self._locked(tx, call, interface_id, "InUse")
            if interface.instance_id != instance.id:
                raise faults.bad("InvalidOperation.InvalidEniState")
            await self._write(tx, interface, "Available", "Detaching", instance_id="")
            await instance_rows.touch(tx, [instance.id])
            return {}

        await self._means.once(call, act)

    async def delete(self, call: Call, interface_id: str) -> None:
        """Remove a free interface; its address is free again, and so is its elastic one."""
        async with self._means.database.transaction() as tx:
            interface = await self._locked(tx, call, interface_id, "Available")
            await INTERFACES.remove(tx, "where id = $1", interface.id)
            await network_rows.free(tx, [interface.id])
            await unbind_eips(tx, [interface.id])
            await tag_rows.remove(tx, "eni", [interface.id], None)

    async def modify(self, call: Call, interface_id: str, changes: Mapping[str, Any]) -> None:
        """Change name, description or security groups."""
        async with self._means.database.transaction() as tx:
            interface = await self._locked(tx, call, interface_id)
            fields = dict(changes)
            if "security_group_ids" in fields:
                vswitch = await self._means.networks.choose_vswitch(
                    tx, call.account_id, call.region, interface.vswitch_id, None
                )
                groups = await self._means.networks.choose_groups(tx, vswitch, fields["security_group_ids"])
                fields["security_group_ids"] = groups
            await INTERFACES.write(tx, msgspec.structs.replace(interface, **fields))

    async def _locked(self, tx: Connection, call: Call, interface_id: str, status: str | None = None) -> Interface:
        """Return one interface, locked, in the status it must have."""
        found = (await INTERFACES.lock(tx, call.account_id, call.region, [interface_id])).get(interface_id)
        if found is None:
            if await INTERFACES.find(tx, call.account_id, call.region, [interface_id]):
                raise faults.bad("InvalidOperation.InvalidEniType")  # a primary one
            raise faults.not_found("InvalidEniId")
        if status not in (None, self.status(found)):
            raise faults.bad("InvalidOperation.InvalidEniState")
        return found

    async def _write(
        self, tx: Connection, interface: Interface, status: str, passing: str, *, instance_id: str
    ) -> None:
        ready = self._means.ready_at()
        changed = msgspec.structs.replace(
            interface, status=status, passing=passing, passes_at=ready, instance_id=instance_id
        )
        await INTERFACES.write(tx, changed)


async def _check_place(tx: Connection, instance: Instance, interface: Interface) -> None:
    """Raise when the instance cannot take the interface."""
    if instance.status not in SETTLED:
        raise faults.denied("IncorrectInstanceStatus")
    if interface.vpc_id != instance.vpc_id:
        raise faults.bad("InvalidOperation.VpcMismatch")
    if interface.zone != instance.zone:
        raise faults.bad("InvalidOperation.AvailabilityZoneMismatch")
    bound = await INTERFACES.count(tx, "where instance_id = $1", instance.id)
    if 1 + bound >= catalog.INSTANCE_TYPES[instance.instance_type].network_interfaces:
        raise faults.denied("EniPerInstanceLimitExceeded")

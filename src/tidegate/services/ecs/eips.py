"""Elastic IP addresses: allocated, bound to an instance or a network interface, shown by it, released (ecs.md 11).

ASSUMPTION: the addresses are of 198.18.0.0/15, which nobody in the world has. They are kept and shown; no packet comes
in by them, because the hosts' networks end at this machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.errors import CloudError
from tidegate.services.ecs import faults, limits
from tidegate.services.ecs.means import Answered, Means, locked_instance
from tidegate.services.ecs.states import SETTLED
from tidegate.services.operation import Call, invalid_parameter
from tidegate.store.ecs import instances as instance_rows
from tidegate.store.ecs import tags as tag_rows
from tidegate.store.ecs.attachments import EIPS, INTERFACES, Eip
from tidegate.store.ecs.shelf import Wanted, shown

if TYPE_CHECKING:
    from tidegate.store.database import Connection

CHARGE_TYPES = ("PayByTraffic", "PayByBandwidth")
_FIRST, _ADDRESSES = IPv4Address("198.18.0.0"), 1 << 17
_TRIES = 32


class Eips:
    """The elastic addresses of every account."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def allocate(
        self, call: Call, *, bandwidth: int, charge_type: str, isp: str, name: str, description: str
    ) -> Answered:
        """Take an address; returns its id and itself."""
        if not 1 <= bandwidth <= limits.EIP_BANDWIDTH_MAX:
            raise faults.bad("InvalidBandwidth.ValueNotSupported")
        if charge_type not in CHARGE_TYPES:
            raise invalid_parameter("InternetChargeType")
        now = self._means.now()

        async def act(tx: Connection) -> Answered:
            if await EIPS.held(tx, call.account_id, call.region) >= limits.EIPS:
                raise faults.denied("QuotaExceeded")
            made = Eip(
                id=self._means.ids.resource("eip", call.region),
                account_id=call.account_id,
                region=call.region,
                address=await self._free_address(tx),
                name=name,
                description=description,
                bandwidth=bandwidth,
                charge_type=charge_type,
                isp=isp,
                instance_id="",
                instance_type="",
                status="Available",
                passing="",
                passes_at=now,
                created_at=now,
            )
            await EIPS.add(tx, made)
            return {"id": made.id, "address": made.address}

        return await self._means.once(call, act)

    async def _free_address(self, tx: Connection) -> str:
        """Return an address that nobody has; the quotas lock keeps the account's own calls apart, a unique index all."""
        for _ in range(_TRIES):
            address = str(_FIRST + int(self._means.ids.number(9)) % _ADDRESSES)
            if not await EIPS.count(tx, "where address = $1", address):
                return address
        raise faults.denied("QuotaExceeded")

    async def page(self, wanted: Wanted, *, number: int, size: int) -> tuple[list[Eip], int, Mapping[str, Any]]:
        """Return one page of addresses, how many there are, and their tags."""
        async with self._means.database.connection() as db:
            found, total = await EIPS.page(db, wanted, self._means.now(), number=number, size=size)
            return found, total, await tag_rows.of_resources(db, "eip", [one.id for one in found])

    def status(self, eip: Eip) -> str:
        """Return the status that callers see."""
        return shown(eip, self._means.now())

    async def bind(self, call: Call, eip_id: str, instance_id: str, instance_type: str) -> None:
        """Bind a free address to an instance, running or stopped, or to a network interface. Associating, then InUse."""

        async def act(tx: Connection) -> Answered:
            bearer = await self._bearer(tx, call, instance_id, instance_type)
            eip = await self._locked(tx, call, eip_id)
            if self.status(eip) != "Available":
                raise faults.bad("IncorrectEipStatus")
            if await EIPS.count(tx, "where instance_id = $1", instance_id):
                raise faults.bad("InvalidAssociation.Duplicated")
            await self._write(tx, eip, "InUse", "Associating", instance_id, instance_type)
            await instance_rows.touch(tx, bearer)
            return {}

        await self._means.once(call, act)

    async def unbind(self, call: Call, eip_id: str, instance_id: str | None) -> None:
        """Take an address off what it is bound to, ``instance_id`` when one is named. Unassociating, then Available."""

        async def act(tx: Connection) -> Answered:
            seen = (await EIPS.find(tx, call.account_id, call.region, [eip_id])).get(eip_id)
            if seen is not None and seen.instance_type == "EcsInstance":
                await instance_rows.lock(tx, call.account_id, [seen.instance_id])  # instances first, as everywhere
            eip = await self._locked(tx, call, eip_id)
            if self.status(eip) != "InUse" or (seen is not None and seen.instance_id != eip.instance_id):
                raise faults.bad("IncorrectEipStatus")
            if instance_id not in (None, eip.instance_id):
                raise faults.not_found("InvalidInstanceId")
            await self._write(tx, eip, "Available", "Unassociating", "", "")
            await instance_rows.touch(tx, [eip.instance_id])
            return {}

        await self._means.once(call, act)

    async def release(self, call: Call, eip_id: str) -> None:
        """Give an address back; only one that is Available."""
        async with self._means.database.transaction() as tx:
            eip = await self._locked(tx, call, eip_id)
            if self.status(eip) != "Available":
                raise faults.bad("IncorrectEipStatus")
            await EIPS.remove(tx, "where id = $1", eip.id)
            await tag_rows.remove(tx, "eip", [eip.id], None)

    async def modify(self, call: Call, eip_id: str, changes: Mapping[str, Any]) -> None:
        """Change bandwidth, name or description."""
        if not 1 <= changes.get("bandwidth", 1) <= limits.EIP_BANDWIDTH_MAX:
            raise faults.bad("InvalidBandwidth.ValueNotSupported")
        async with self._means.database.transaction() as tx:
            eip = await self._locked(tx, call, eip_id)
            await EIPS.write(tx, msgspec.structs.replace(eip, **changes))
            if eip.instance_type == "EcsInstance":
                await instance_rows.touch(tx, [eip.instance_id])

    async def _bearer(self, tx: Connection, call: Call, instance_id: str, instance_type: str) -> list[str]:
        """Lock what an address is bound to; return the instances that will show it."""
        match instance_type:
            case "EcsInstance":
                instance = await locked_instance(tx, call, instance_id)
                if instance.status not in SETTLED:
                    raise faults.denied("IncorrectInstanceStatus")
                return [instance.id]
            case "NetworkInterface":
                await INTERFACES.lock(tx, call.account_id, call.region, [instance_id])
                if instance_id not in await INTERFACES.find(tx, call.account_id, call.region, [instance_id]):
                    raise faults.not_found("InvalidEniId")
                return []
            case _:
                raise invalid_parameter("InstanceType")

    async def _locked(self, tx: Connection, call: Call, eip_id: str) -> Eip:
        found = (await EIPS.lock(tx, call.account_id, call.region, [eip_id])).get(eip_id)
        if found is None:
            raise unknown_eip()
        return found

    async def _write(
        self, tx: Connection, eip: Eip, status: str, passing: str, instance_id: str, instance_type: str
    ) -> None:
        await EIPS.write(
            tx,
            msgspec.structs.replace(
                eip,
                status=status,
                passing=passing,
                passes_at=self._means.ready_at(),
                instance_id=instance_id,
                instance_type=instance_type,
            ),
        )


def unknown_eip() -> CloudError:
    """The refusal of an allocation id that nobody gave out."""
    return faults.not_found("InvalidAllocationId")

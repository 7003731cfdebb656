"""Networks: the default VPC of every region, vSwitches, their addresses, security groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

import msgspec

from tidegate.clock import Clock
from tidegate.ids import Ids
from tidegate.services.ecs import blocks, catalog, faults, limits, naming
from tidegate.services.ecs.model import wanted_address
from tidegate.store.database import Database
from tidegate.store.ecs import networks as rows
from tidegate.store.ecs.networks import SecurityGroup, Vpc, VSwitch

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Landscape(msgspec.Struct, frozen=True, kw_only=True):
    """The networks of one account in one region, and how full they are."""

    vpcs: Sequence[Vpc]
    vswitches: Sequence[VSwitch]
    #: vSwitch id → addresses that are still free
    free: Mapping[str, int]


class Networks:
    """Makes and describes networks, and gives out addresses. ``plane`` is the block the hosts driver can carry."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, plane: IPv4Network) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._plane = plane

    async def ensure(self, account_id: str, region: str) -> None:
        """Make the default VPC, its vSwitches and its security group, unless they are there."""
        if region not in catalog.REGIONS:
            raise faults.not_found("InvalidRegionId")
        async with self._database.transaction() as tx:
            if await rows.has_default_vpc(tx, account_id, region):
                return
            await rows.lock_blocks(tx)
            if not await rows.has_default_vpc(tx, account_id, region):
                await self._make_defaults(tx, account_id, region)

    async def _make_defaults(self, tx: Connection, account_id: str, region: str) -> None:
        now = self._clock.now()
        zones = catalog.REGIONS[region].zones
        taken = await rows.taken_blocks(tx)
        free = blocks.free_blocks(self._plane, taken, blocks.DEFAULT_VSWITCH_PREFIX, len(zones))
        if free is None:
            raise faults.bad("InvalidCidrBlock.Overlapped")
        vpc = Vpc(
            id=self._ids.resource("vpc", region),
            account_id=account_id,
            region=region,
            name="",
            description="System created default VPC.",
            block=self._plane,
            is_default=True,
            created_at=now,
        )
        await rows.add_vpc(tx, vpc)
        await rows.add_vswitches(
            tx,
            [
                self._vswitch(vpc, zone, block, now, "System created default virtual switch.", is_default=True)
                for zone, block in zip(zones, free, strict=True)
            ],
        )
        await rows.add_security_group(
            tx, self._group(vpc, "", "System created security group.", "normal", now, is_default=True)
        )

    def _vswitch(
        self,
        vpc: Vpc,
        zone: str,
        block: IPv4Network,
        now: datetime,
        description: str,
        *,
        name: str = "",
        is_default: bool = False,
    ) -> VSwitch:
        return VSwitch(
            id=self._ids.resource("vsw", vpc.region),
            account_id=vpc.account_id,
            region=vpc.region,
            zone=zone,
            vpc_id=vpc.id,
            name=name,
            description=description,
            block=block,
            is_default=is_default,
            created_at=now,
        )

    def _group(
        self, vpc: Vpc, name: str, description: str, kind: str, now: datetime, *, is_default: bool = False
    ) -> SecurityGroup:
        return SecurityGroup(
            id=self._ids.resource("sg", vpc.region),
            account_id=vpc.account_id,
            region=vpc.region,
            vpc_id=vpc.id,
            name=name,
            description=description,
            type=kind,
            is_default=is_default,
            created_at=now,
        )

    async def create_vpc(self, account_id: str, region: str, *, name: str, description: str, block: str | None) -> Vpc:
        """Make a VPC; without ``block`` it spans everything hosts may have."""
        await self.ensure(account_id, region)
        _check_name(name, "VpcName")
        wanted = self._plane if block is None else self._possible(block)
        if not limits.VPC_PREFIX_MIN <= wanted.prefixlen <= limits.VPC_PREFIX_MAX:
            raise faults.bad("InvalidCidrBlock.Malformed")
        vpc = Vpc(
            id=self._ids.resource("vpc", region),
            account_id=account_id,
            region=region,
            name=name,
            description=description,
            block=wanted,
            is_default=False,
            created_at=self._clock.now(),
        )
        async with self._database.transaction() as tx:
            await rows.add_vpc(tx, vpc)
        return vpc

    async def create_vswitch(
        self, account_id: str, region: str, *, vpc_id: str, zone: str, block: str, name: str, description: str
    ) -> VSwitch:
        """Make a vSwitch. One plane carries all of them, so its block must be free in every VPC (ASSUMPTION)."""
        await self.ensure(account_id, region)
        _check_name(name, "VSwitchName")
        if zone not in catalog.REGIONS[region].zones:
            raise faults.not_found("InvalidZoneId")
        wanted = self._possible(block)
        if not limits.VSWITCH_PREFIX_MIN <= wanted.prefixlen <= limits.VSWITCH_PREFIX_MAX:
            raise faults.bad("InvalidCidrBlock.Malformed")
        async with self._database.transaction() as tx:
            vpc = next((one for one in await rows.vpcs(tx, account_id, region) if one.id == vpc_id), None)
            if vpc is None:
                raise faults.not_found("InvalidVpcId")
            if not wanted.subnet_of(vpc.block):
                raise faults.bad("InvalidCidrBlock.Malformed")
            await rows.lock_blocks(tx)
            if any(wanted.overlaps(one) for one in await rows.taken_blocks(tx)):
                raise faults.bad("InvalidCidrBlock.Overlapped")
            vswitch = self._vswitch(vpc, zone, wanted, self._clock.now(), description, name=name)
            await rows.add_vswitches(tx, [vswitch])
        return vswitch

    def _possible(self, text: str) -> IPv4Network:
        block = blocks.parse_block(text)
        if block is None or not blocks.is_possible(block, self._plane):
            raise faults.bad("InvalidCidrBlock.Malformed")
        return block

    async def create_security_group(
        self, account_id: str, region: str, *, vpc_id: str | None, name: str, description: str, kind: str
    ) -> SecurityGroup:
        """Make a security group, in the default VPC unless another is named."""
        await self.ensure(account_id, region)
        _check_name(name, "SecurityGroupName")
        if kind not in ("normal", "enterprise"):
            raise faults.invalid_parameter("SecurityGroupType")
        async with self._database.transaction() as tx:
            for vpc in await rows.vpcs(tx, account_id, region):
                if vpc.id == vpc_id or (vpc_id is None and vpc.is_default):
                    group = self._group(vpc, name, description, kind, self._clock.now())
                    await rows.add_security_group(tx, group)
                    return group
        raise faults.not_found("InvalidVpcId")

    async def delete_vswitch(self, account_id: str, region: str, vswitch_id: str) -> None:
        """Remove a vSwitch that nobody holds an address of."""
        async with self._database.transaction() as tx:
            if vswitch_id not in {one.id for one in await rows.vswitches(tx, account_id, region)}:
                raise faults.not_found("InvalidVSwitchId")
            await rows.lock_vswitch(tx, vswitch_id)
            if await rows.addresses_in_use(tx, [vswitch_id]):
                raise faults.denied("DependencyViolation")
            await rows.remove_vswitch(tx, vswitch_id)

    async def delete_vpc(self, account_id: str, region: str, vpc_id: str) -> None:
        """Remove a VPC without vSwitches and security groups."""
        async with self._database.transaction() as tx:
            if vpc_id not in {one.id for one in await rows.vpcs(tx, account_id, region)}:
                raise faults.not_found("InvalidVpcId")
            vswitches = {one.vpc_id for one in await rows.vswitches(tx, account_id, region)}
            groups = {one.vpc_id for one in await rows.security_groups(tx, account_id, region)}
            if vpc_id in vswitches | groups:
                raise faults.denied("DependencyViolation")
            await rows.remove_vpc(tx, vpc_id)

    async def landscape(self, account_id: str, region: str) -> Landscape:
        """Return the account's networks in the region."""
        await self.ensure(account_id, region)
        async with self._database.transaction() as tx:
            vswitches = await rows.vswitches(tx, account_id, region)
            held = await rows.addresses_in_use(tx, [one.id for one in vswitches])
            return Landscape(
                vpcs=await rows.vpcs(tx, account_id, region),
                vswitches=vswitches,
                free={one.id: _room(one.block) - held.get(one.id, 0) for one in vswitches},
            )

    async def security_groups(self, account_id: str, region: str) -> tuple[list[SecurityGroup], Mapping[str, int]]:
        """Return the account's security groups in the region, and how many instances each one has."""
        await self.ensure(account_id, region)
        async with self._database.transaction() as tx:
            groups = await rows.security_groups(tx, account_id, region)
            return groups, await rows.members_by_group(tx, account_id, region)

    async def choose_vswitch(
        self, tx: Connection, account_id: str, region: str, vswitch_id: str | None, zone: str | None
    ) -> VSwitch:
        """Return the vSwitch asked for, or the default one (of the zone); raises when there is none."""
        if zone is not None and zone not in catalog.REGIONS[region].zones:
            raise faults.not_found("InvalidZoneId")
        for one in await rows.vswitches(tx, account_id, region):
            wanted = one.id == vswitch_id if vswitch_id is not None else one.is_default
            if wanted and zone in (None, one.zone):
                return one
        raise faults.not_found("InvalidVSwitchId")

    async def choose_groups(self, tx: Connection, vswitch: VSwitch, group_ids: Sequence[str]) -> list[str]:
        """Return the ids of the security groups asked for, checked against the vSwitch's VPC, or the VPC's first one."""
        known = {one.id: one for one in await rows.security_groups(tx, vswitch.account_id, vswitch.region)}
        if not group_ids:
            mine = [one for one in known.values() if one.vpc_id == vswitch.vpc_id]
            group_ids = [max(mine, key=lambda one: one.is_default).id] if mine else []
        if not group_ids:
            raise faults.missing_parameter("SecurityGroupId")
        if any(one not in known for one in group_ids):
            raise faults.not_found("InvalidSecurityGroupId", 400)
        if any(known[one].vpc_id != vswitch.vpc_id for one in group_ids):
            raise faults.bad("InvalidParameter.Mismatch")
        return list(dict.fromkeys(group_ids))

    async def reserve(self, tx: Connection, vswitch: VSwitch, owners: Sequence[str], at_least: int) -> list[str]:
        """Give the lowest free addresses to ``owners``, in their order.

        Where there are too few for all, the first ones get theirs, if that makes ``at_least``; else it is refused.
        """
        await rows.lock_vswitch(tx, vswitch.id)
        first, last = blocks.usable(vswitch.block)
        free = await rows.lowest_free(tx, vswitch.id, first, last, len(owners))
        if len(free) < at_least:
            raise faults.bad("QuotaExceeded.PrivateIpAddress")
        await rows.take(tx, vswitch.id, list(zip(free, owners, strict=False)))
        return [str(IPv4Address(one)) for one in free]

    async def reserve_exactly(self, tx: Connection, vswitch: VSwitch, owner: str, address: str) -> str:
        """Give one named address to ``owner``; raises when it is outside the vSwitch or somebody's."""
        number = wanted_address(address, vswitch.block)
        await rows.lock_vswitch(tx, vswitch.id)
        if await rows.is_taken(tx, vswitch.id, number):
            raise faults.bad("InvalidPrivateIpAddress.Duplicated")
        await rows.take(tx, vswitch.id, [(number, owner)])
        return address


def _room(block: IPv4Network) -> int:
    first, last = blocks.usable(block)
    return last - first + 1


def _check_name(name: str, parameter: str) -> None:
    if name and not naming.is_name(name):
        raise faults.invalid_parameter(parameter)

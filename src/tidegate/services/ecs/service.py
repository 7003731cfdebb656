"""ECS as a whole: what its API calls, and what other products may ask of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.clock import Clock
from tidegate.ids import Ids
from tidegate.plane.hosts.base import Hosts
from tidegate.services.ecs import catalog, faults
from tidegate.services.ecs.assistant import Assistant
from tidegate.services.ecs.contracts import Contracts
from tidegate.services.ecs.disks import Disks
from tidegate.services.ecs.eips import Eips
from tidegate.services.ecs.images import Images
from tidegate.services.ecs.instances import Instances
from tidegate.services.ecs.interfaces import Interfaces
from tidegate.services.ecs.listing import Listing
from tidegate.services.ecs.means import Means
from tidegate.services.ecs.model import NO_DELAYS, DataDiskSpec, Delays, InstanceView, LaunchSpec, check_spec
from tidegate.services.ecs.network import Networks
from tidegate.services.ecs.security import Security
from tidegate.services.ecs.snapshots import Snapshots
from tidegate.services.ecs.states import Event, Status
from tidegate.services.ecs.tags import Tags
from tidegate.services.ecs.templates import Templates
from tidegate.services.operation import Call
from tidegate.store import tokens
from tidegate.store.database import Database
from tidegate.store.ecs import instances as instance_rows
from tidegate.store.ecs import networks as network_rows
from tidegate.store.ecs.networks import VSwitch

if TYPE_CHECKING:
    from tidegate.store.database import Connection

__all__ = ["DataDiskSpec", "Delays", "Ecs", "InstanceView", "LaunchSpec"]


class Ecs:
    """Elastic Compute Service of one cloud.

    ``shortages`` makes things sold out: put an instance type (``ecs.g6.large``) or a type in a zone
    (``ecs.g6.large@cn-hangzhou-h``) into the set, and launches of it are refused with OperationDenied.NoStock.
    """

    def __init__(
        self,
        database: Database,
        hosts: Hosts,
        clock: Clock,
        ids: Ids,
        *,
        delays: Delays = NO_DELAYS,
        shortages: Iterable[str] = (),
    ) -> None:
        self._database = database
        self._clock = clock
        self.shortages = set(shortages)
        self.networks = Networks(database, clock, ids, IPv4Network(hosts.block))
        self.instances = Instances(database, clock, ids, self.networks, delays=delays, shortages=self.shortages)
        self.listing = Listing(database)
        self.tags = Tags(database)
        self.templates = Templates(database, clock, ids)
        self.assistant = Assistant(database, clock, ids)
        means = Means(database=database, clock=clock, ids=ids, networks=self.networks, delays=delays)
        self.eips = Eips(means)
        self.interfaces = Interfaces(means)
        self.disks = Disks(means, hosts)
        self.snapshots = Snapshots(means)
        self.images = Images(means, self.snapshots)
        self.security = Security(means)
        self.contracts = Contracts(means)
        self._hosts = hosts

    def now(self) -> datetime:
        """Return the present on the cloud's clock."""
        return self._clock.now()

    def in_stock(self, zone: str) -> list[str]:
        """Return the instance types that are not sold out in a zone."""
        return [one for one in catalog.INSTANCE_TYPES if not {one, f"{one}@{zone}"} & self.shortages]

    async def run_instances(
        self, call: Call, spec: LaunchSpec, amount: int, *, at_least: int | None = None, dry_run: bool = False
    ) -> list[str]:
        """Launch instances for a caller. A dry run ends in DryRunOperation when all is well, and changes nothing."""
        return await self._launch(
            call.account_id,
            call.region,
            spec,
            amount,
            at_least=at_least,
            repeat=(call.action, call.client_token, call.fingerprint),
            dry_run=dry_run,
        )

    async def console(self, account_id: str, region: str, instance_id: str) -> bytes:
        """Return what an instance has printed since its last boot; raises InvalidInstanceId.NotFound."""
        await self.instances.one(account_id, region, instance_id)
        return await self._hosts.console(instance_id)

    # What other products call.

    async def launch(
        self,
        account_id: str,
        region: str,
        spec: LaunchSpec,
        amount: int,
        *,
        client_token: str,
        watcher: str | None = None,
    ) -> list[str]:
        """Launch ``amount`` instances, all or none, and return their ids; they become Running by themselves.

        The same ``client_token`` returns the ids of the first call and changes nothing. ``watcher`` is the key of a
        work that is woken, in the same transaction, each time one of the instances settles: is Running, is Stopped (by
        a stop, a lost host, or a boot that failed for good), or is gone. Raises CloudError as RunInstances does, such
        as OperationDenied.NoStock, before anything has changed.
        """
        fingerprint = sha256(msgspec.json.encode([region, spec, amount])).hexdigest()
        return await self._launch(
            account_id, region, spec, amount, repeat=("ecs:launch", client_token, fingerprint), watcher=watcher
        )

    async def _launch(
        self,
        account_id: str,
        region: str,
        spec: LaunchSpec,
        amount: int,
        *,
        repeat: tuple[str, str | None, str],
        at_least: int | None = None,
        watcher: str | None = None,
        dry_run: bool = False,
    ) -> list[str]:
        """Launch once; ``repeat`` is the action, the client token and the fingerprint that tell a repeat."""
        check_spec(spec, amount)
        await self.networks.ensure(account_id, region)
        now = self._clock.now()
        async with self._database.transaction() as tx:
            known = await tokens.recall(tx, account_id, *repeat, now=now)
            if known is not None:
                return list(known)
            spec = await self.images.based(tx, account_id, region, spec)
            if spec.key_pair_name:
                await self.security.check_key(tx, account_id, region, spec.key_pair_name)
            ids = await self.instances.launch(tx, account_id, region, spec, amount, at_least=at_least, watcher=watcher)
            if dry_run:
                raise faults.bad("DryRunOperation")
            await tokens.remember(tx, account_id, *repeat, ids, now=now)
            return ids

    async def find(self, account_id: str, region: str, ids: Sequence[str]) -> dict[str, InstanceView]:
        """Return what is known of these instances. Unknown ids are left out, and so are released ones once gone."""
        return await self.instances.find(account_id, region, ids)

    async def start(self, account_id: str, ids: Sequence[str], *, watcher: str | None = None) -> None:
        """Start the stopped ones among these instances; the others, and unknown ids, are left alone.

        All that exist get the ``watcher``, which is not woken for what had settled before the call: look with ``find``.
        """
        await self.instances.let(account_id, ids, Event.START, stopped_mode="Not-applicable", watcher=watcher)

    async def stop(
        self, account_id: str, ids: Sequence[str], *, stop_charging: bool = False, watcher: str | None = None
    ) -> None:
        """Stop the running ones among these instances; the others, and unknown ids, are left alone. Watcher: as above."""
        mode = "StopCharging" if stop_charging else "KeepCharging"
        await self.instances.let(account_id, ids, Event.STOP, stopped_mode=mode, watcher=watcher)

    async def release(
        self, account_id: str, ids: Sequence[str], *, force: bool = True, watcher: str | None = None
    ) -> None:
        """Release these instances; without ``force`` only the stopped ones. Unknown ids and repeats are fine.

        An instance stays visible as Stopping until its machine is gone, and holds its address as long. The watcher is
        not woken for what was gone before the call: look with ``find`` afterwards.
        """
        await self.instances.let(
            account_id,
            ids,
            Event.RELEASE,
            among=lambda one: force or one.status == Status.STOPPED,
            watcher=watcher,
        )

    async def has_image(self, account_id: str, region: str, image_id: str) -> bool:
        """Tell whether instances can be made of an image: one of the system's, or an available one of the account's."""
        return await self.images.is_there(account_id, region, image_id)

    async def default_vswitch(self, account_id: str, region: str, zone: str | None = None) -> VSwitch:
        """Return the default vSwitch of the region (of the zone); raises InvalidRegionId or InvalidZoneId.NotFound."""
        await self.networks.ensure(account_id, region)
        async with self._database.connection() as tx:
            return await self.networks.choose_vswitch(tx, account_id, region, None, zone)

    async def vswitch(self, account_id: str, region: str, vswitch_id: str) -> VSwitch:
        """Return one of the account's vSwitches; raises InvalidVSwitchId.NotFound."""
        async with self._database.connection() as tx:
            return await self.networks.choose_vswitch(tx, account_id, region, vswitch_id, None)

    async def security_groups(self, account_id: str, region: str, ids: Sequence[str]) -> list[str]:
        """Return those of these security groups that the account has in the region."""
        async with self._database.connection() as tx:
            known = {one.id for one in await network_rows.security_groups(tx, account_id, region)}
        return [one for one in ids if one in known]

    async def watched_by(self, watcher: str) -> list[str]:
        """Return the instances that have a watcher, whoever's they are: the key of a work belongs to one account."""
        async with self._database.connection() as tx:
            return await instance_rows.watched_by(tx, watcher)

    async def template(
        self, account_id: str, region: str, template_id: str, version: str | None
    ) -> tuple[int, Mapping[str, Any]] | None:
        """Return the number and the fields of a launch template's version (a number, ``Default``, ``Latest``).

        None: there is no such version. Raises InvalidLaunchTemplate.NotFound.
        """
        found = await self.templates.version(account_id, region, template_id=template_id, version=version)
        return (found.number, found.fields) if found else None

    async def fields_of(self, account_id: str, region: str, instance_id: str) -> Mapping[str, Any] | None:
        """Return what a running instance was made of, under the names of RunInstances; None: there is none."""
        found = (await self.instances.known(account_id, region, [instance_id])).get(instance_id)
        if found is None or found.status != Status.RUNNING:
            return None
        return {
            "ImageId": found.image_id,
            "InstanceType": found.instance_type,
            "SecurityGroupIds": found.security_group_ids,
            "InternetChargeType": found.options.internet_charge_type,
            "InternetMaxBandwidthOut": found.options.bandwidth_out,
            "SystemDisk": {"Category": found.options.disk_category, "Size": found.options.disk_size},
        }

    async def reserve_address(self, tx: Connection, vswitch_id: str, owner: str) -> str:
        """Give ``owner`` (any unique text, such as a Redis instance's id) the lowest free address of the vSwitch.

        An owner that has one keeps it. Raises QuotaExceeded.PrivateIpAddress when the vSwitch is full and
        InvalidVSwitchId.NotFound when there is none.
        """
        held = await network_rows.address_of(tx, owner)
        if held is not None:
            return str(IPv4Address(held))
        vswitch = (await network_rows.vswitches_by_id(tx, [vswitch_id])).get(vswitch_id)
        if vswitch is None:
            raise faults.not_found("InvalidVSwitchId")
        return (await self.networks.reserve(tx, vswitch, [owner], 1))[0]

    async def release_address(self, tx: Connection, owner: str) -> None:
        """Take the address back; an owner without one is fine."""
        await network_rows.free(tx, [owner])

"""Instances: launching, finding, starting, stopping, releasing, changing. What takes time is left to the controller."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.clock import Clock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.services.ecs import catalog, faults, limits, naming
from tidegate.services.ecs.changes import tell
from tidegate.services.ecs.disks import disks_of
from tidegate.services.ecs.model import Delays, InstanceView, LaunchSpec
from tidegate.services.ecs.network import Networks
from tidegate.services.ecs.states import Event, Status, shown, ways
from tidegate.store import work
from tidegate.store.database import Database
from tidegate.store.ecs import instances as rows
from tidegate.store.ecs import tags as tag_rows
from tidegate.store.ecs.attachments import DISKS
from tidegate.store.ecs.instances import Instance, Moved
from tidegate.store.ecs.networks import VSwitch

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: The kind of work that drives the instances of one launch; its key is ``instances/<launch id>``.
KIND = "instances"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one instance in a call about many: its status before and now, and why it was refused."""

    id: str
    before: str = ""
    after: str = ""
    refused: CloudError | None = None


class Instances:
    """The instances of every account.

    ``shortages`` holds instance types, ``type@zone``, or ``spot:type``, that are sold out.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        networks: Networks,
        *,
        delays: Delays,
        shortages: Set[str],
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._networks = networks
        self._delays = delays
        self._shortages = shortages

    async def launch(
        self,
        tx: Connection,
        account_id: str,
        region: str,
        spec: LaunchSpec,
        amount: int,
        *,
        at_least: int | None = None,
        watcher: str | None = None,
    ) -> list[str]:
        """Write ``amount`` new instances (at least ``at_least``, where addresses run out) and start their work.

        The specification must have been checked and the region's networks must stand. Returns ids in numbering order.
        """
        vswitch = await self._networks.choose_vswitch(tx, account_id, region, spec.vswitch_id, spec.zone)
        groups = await self._networks.choose_groups(tx, vswitch, spec.security_group_ids)
        wanted = [spec.instance_type, f"{spec.instance_type}@{vswitch.zone}"]
        if spec.options.spot_strategy != "NoSpot":
            wanted.append(f"spot:{spec.instance_type}")
        if not self._shortages.isdisjoint(wanted):
            raise faults.denied("OperationDenied.NoStock")
        ids = [self._ids.resource("i", region) for _ in range(amount)]
        if spec.private_address is not None:
            addresses = [await self._networks.reserve_exactly(tx, vswitch, ids[0], spec.private_address)]
        else:
            addresses = await self._networks.reserve(tx, vswitch, ids, amount if at_least is None else at_least)
        ids = ids[: len(addresses)]
        now = self._clock.now()
        common = _common(spec, vswitch, groups, launch_id=self._ids.text(20), watcher=watcher, now=now)
        await rows.add(tx, self._batch(common, spec, ids, addresses))
        if spec.data_disks:
            await DISKS.add(tx, *disks_of(common, ids, spec.data_disks, self._ids))
        await tag_rows.put(tx, account_id, region, "instance", ids=ids, tags={**spec.tags, **spec.system_tags})
        await work.start(tx, f"{KIND}/{common.launch_id}", KIND, now=now)
        return ids

    def _batch(
        self, common: Instance, spec: LaunchSpec, ids: Sequence[str], addresses: Sequence[str]
    ) -> list[Instance]:
        """Return the instances of one launch, which differ in little."""
        names = naming.numbered(spec.instance_name, len(ids), unique_suffix=spec.unique_suffix)
        host_names = naming.numbered(spec.host_name, len(ids), unique_suffix=spec.unique_suffix)
        return [
            msgspec.structs.replace(
                common,
                id=instance_id,
                position=position,
                name=names[position] or instance_id,
                # Production names a Linux host after the instance: i-bp1… → iZbp1…Z
                host_name=host_names[position] or f"iZ{instance_id[2:]}Z",
                serial_number=self._ids.uuid().lower(),
                address=addresses[position],
                interface_id=self._ids.resource("eni", common.region),
                disk_id=self._ids.resource("d", common.region),
            )
            for position, instance_id in enumerate(ids)
        ]

    async def find(self, account_id: str, region: str, ids: Sequence[str]) -> dict[str, InstanceView]:
        """Return what is known of these instances; unknown and released ones are left out."""
        query = rows.Query(account_id=account_id, region=region, ids=ids)
        async with self._database.connection() as tx:
            found = await rows.summaries(tx, query)
        return {
            one.id: InstanceView(
                id=one.id,
                status=shown(Status(one.status)),
                private_address=one.address,
                zone=one.zone,
                vswitch_id=one.vswitch_id,
                vpc_id=one.vpc_id,
                instance_type=one.instance_type,
                created_at=one.created_at,
            )
            for one in found
        }

    async def ask(
        self,
        account_id: str,
        ids: Sequence[str],
        event: Event,
        refuse: Callable[[Instance], CloudError | None],
        *,
        all_or_none: bool = True,
        stopped_mode: str | None = None,
        dry_run: bool = False,
    ) -> list[Change]:
        """Let ``event`` happen to instances and wake their controllers; the answer is in the order of ``ids``.

        An unknown id is refused with InvalidInstanceId.NotFound. With ``all_or_none`` the first refusal is raised and
        nothing has changed.
        """
        async with self._database.transaction() as tx:
            known = await rows.lock(tx, account_id, ids)
            changes = [self._considered(instance_id, known.get(instance_id), refuse) for instance_id in ids]
            refusals = [change.refused for change in changes if change.refused is not None]
            if refusals and all_or_none:
                raise refusals[0]
            if dry_run:
                raise faults.bad("DryRunOperation")
            willing = [change.id for change in changes if change.refused is None]
            moved = await self._move(tx, willing, event, stopped_mode)
        reached = {one.id: shown(Status(one.after)) for one in moved}
        return [msgspec.structs.replace(one, after=reached.get(one.id, one.before)) for one in changes]

    async def let(
        self,
        account_id: str,
        ids: Sequence[str],
        event: Event,
        *,
        among: Callable[[Instance], bool] = lambda _: True,
        stopped_mode: str | None = None,
        watcher: str | None = None,
    ) -> None:
        """Let ``event`` happen where it can; other instances are left alone. All that exist get the ``watcher``."""
        async with self._database.transaction() as tx:
            known = await rows.lock(tx, account_id, ids)
            if watcher is not None:
                await rows.watch(tx, known, watcher)
            await self._move(tx, [one.id for one in known.values() if among(one)], event, stopped_mode)

    async def _move(self, tx: Connection, ids: Sequence[str], event: Event, stopped_mode: str | None) -> list[Moved]:
        now = self._clock.now()
        moved = await rows.move(tx, ids, ways(event), due_at=now + self._delay(event), stopped_mode=stopped_mode)
        await tell(tx, moved, now)
        await _wake_launches(tx, moved, now)
        return moved

    def _considered(
        self, instance_id: str, instance: Instance | None, refuse: Callable[[Instance], CloudError | None]
    ) -> Change:
        if instance is None:
            return Change(id=instance_id, refused=faults.not_found("InvalidInstanceId"))
        return Change(id=instance_id, before=shown(Status(instance.status)), refused=refuse(instance))

    def _delay(self, event: Event) -> timedelta:
        match event:
            case Event.START:
                return timedelta(seconds=self._delays.boot)
            case Event.STOP:
                return timedelta(seconds=self._delays.stop)
            case _:
                return timedelta()

    async def known(self, account_id: str, region: str, ids: Iterable[str]) -> dict[str, Instance]:
        """Return the account's instances in the region with these ids; unknown ones are left out."""
        async with self._database.connection() as tx:
            return {
                one.id: one
                for one in await rows.by_ids(tx, ids)
                if (one.account_id, one.region) == (account_id, region)
            }

    async def one(self, account_id: str, region: str, instance_id: str) -> Instance:
        """Return one instance; raises InvalidInstanceId.NotFound."""
        found = await self.known(account_id, region, [instance_id])
        if instance_id not in found:
            raise faults.not_found("InvalidInstanceId")
        return found[instance_id]

    async def modify(self, account_id: str, instance_id: str, changes: Mapping[str, Any]) -> None:
        """Set fields of an instance. Host name and user data take effect at the next boot of a new machine."""
        async with self._database.transaction() as tx:
            known = await rows.lock(tx, account_id, [instance_id])
            instance = known.get(instance_id)
            if instance is None:
                raise faults.not_found("InvalidInstanceId")
            fields = dict(changes)
            if "credit_specification" in fields:
                credit = fields.pop("credit_specification")
                fields["options"] = msgspec.structs.replace(instance.options, credit_specification=credit)
            if "security_group_ids" in fields:
                vswitch = await self._networks.choose_vswitch(
                    tx, account_id, instance.region, instance.vswitch_id, None
                )
                fields["security_group_ids"] = await self._networks.choose_groups(
                    tx, vswitch, fields["security_group_ids"]
                )
            if fields:
                await rows.change(tx, instance_id, fields)


def _common(
    spec: LaunchSpec,
    vswitch: VSwitch,
    groups: list[str],
    *,
    launch_id: str,
    watcher: str | None,
    now: datetime,
) -> Instance:
    """Return what all instances of a launch have in common."""
    return Instance(
        id="",
        account_id=vswitch.account_id,
        region=vswitch.region,
        zone=vswitch.zone,
        launch_id=launch_id,
        position=0,
        status=Status.PENDING if spec.boots else Status.STOPPED,
        name="",
        host_name="",
        description=spec.description,
        serial_number="",
        image_id=spec.image_id,
        instance_type=spec.instance_type,
        charge_type=spec.charge_type,
        vpc_id=vswitch.vpc_id,
        vswitch_id=vswitch.id,
        address="",
        security_group_ids=groups,
        interface_id="",
        disk_id="",
        user_data=spec.user_data,
        deletion_protection=spec.deletion_protection,
        stopped_mode="Not-applicable",
        resource_group_id=spec.resource_group_id,
        options=msgspec.structs.replace(spec.options, key_pair_name=spec.key_pair_name),
        created_at=now,
        started_at=None,
        watcher=watcher,
        attempts=0,
        due_at=now,
        version=1,
    )


async def _wake_launches(tx: Connection, moved: Iterable[Moved], now: datetime) -> None:
    """Have the controllers of the moved instances look at them."""
    keys = {f"{KIND}/{one.launch_id}" for one in moved}
    if keys:
        await work.wake(tx, *sorted(keys), now=now)


def check_ids(ids: Sequence[str]) -> None:
    """Raise for no or too many instance ids in one call."""
    if not ids:
        raise faults.missing_parameter("InstanceId")
    if len(ids) > limits.IDS_PER_CALL:
        raise faults.invalid_parameter("InstanceId")


def types_of_family(family: str) -> list[str]:
    """Return the instance types of a family; none for an unknown one."""
    return [one.id for one in catalog.INSTANCE_TYPES.values() if one.family == family]

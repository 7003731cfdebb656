"""Disks: the system disk every instance has, and data disks that are made, bound, grown, rolled back and deleted.

A data disk is kept and shown; no host has a second disk. What replaces or empties a system disk does so for real: the
host's disk is removed, and the next start makes a new one.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.ids import Ids
from tidegate.plane.hosts.base import Hosts
from tidegate.services.ecs import faults, limits
from tidegate.services.ecs.means import Answered, Means, locked_instance
from tidegate.services.ecs.model import DataDiskSpec
from tidegate.services.ecs.states import SETTLED, Status
from tidegate.services.operation import Call, invalid_parameter
from tidegate.store.ecs import instances as instance_rows
from tidegate.store.ecs import tags as tag_rows
from tidegate.store.ecs.attachments import DISKS, Disk, change_disk
from tidegate.store.ecs.instances import Instance
from tidegate.store.ecs.shelf import Wanted, shown
from tidegate.store.ecs.snapshots import SNAPSHOTS

if TYPE_CHECKING:
    from tidegate.store.database import Connection

CATEGORIES = ("cloud", "cloud_efficiency", "cloud_ssd", "cloud_essd", "cloud_auto", "cloud_essd_entry")


class Disks:
    """The disks of every account."""

    def __init__(self, means: Means, hosts: Hosts) -> None:
        self._means = means
        self._hosts = hosts

    async def page(
        self, wanted: Wanted, *, number: int, size: int
    ) -> tuple[list[Disk], int, Mapping[str, Mapping[str, str]]]:
        """Return one page of disks, system disks included, how many there are, and their tags."""
        async with self._means.database.connection() as db:
            found, total = await DISKS.page(db, wanted, self._means.now(), number=number, size=size)
            return found, total, await tag_rows.of_resources(db, "disk", [one.id for one in found])

    def status(self, disk: Disk) -> str:
        """Return the status that callers see."""
        return shown(disk, self._means.now())

    async def create(
        self,
        call: Call,
        *,
        zone: str,
        size: int | None,
        snapshot_id: str | None,
        category: str,
        name: str,
        description: str,
        tags: Mapping[str, str],
    ) -> str:
        """Make a data disk, as large as its snapshot at least; returns its id."""

        async def act(tx: Connection) -> Answered:
            if await DISKS.held(tx, call.account_id, call.region) >= limits.DISKS:
                raise faults.denied("QuotaExceeded")
            disk = Disk(
                id=self._means.ids.resource("d", call.region),
                account_id=call.account_id,
                region=call.region,
                zone=zone,
                type="data",
                category=category,
                size=await self._size(tx, call, size, snapshot_id),
                name=name,
                description=description,
                image_id="",
                snapshot_id=snapshot_id or "",
                instance_id="",
                device="",
                delete_with_instance=False,
                policy_id="",
                charge_type="PostPaid",
                status="Available",
                passing="Creating",
                passes_at=self._means.ready_at(),
                attached_at=None,
                created_at=self._means.now(),
            )
            await DISKS.add(tx, disk)
            await tag_rows.put(tx, call.account_id, call.region, "disk", ids=[disk.id], tags=tags)
            return {"id": disk.id}

        if category not in CATEGORIES:
            raise invalid_parameter("DiskCategory")
        return str((await self._means.once(call, act))["id"])

    async def _size(self, tx: Connection, call: Call, size: int | None, snapshot_id: str | None) -> int:
        least = limits.DISK_MIN
        if snapshot_id is not None:
            found = await SNAPSHOTS.find(tx, call.account_id, call.region, [snapshot_id])
            if snapshot_id not in found:
                raise faults.not_found("InvalidSnapshotId")
            least = found[snapshot_id].disk_size
        elif size is None:
            raise faults.missing_parameter("Size")
        wanted = size or least
        if not least <= wanted <= limits.DISK_MAX:
            raise faults.bad("InvalidSize.ValueNotSupported")
        return wanted

    async def attach(self, call: Call, disk_id: str, instance_id: str, *, delete_with_instance: bool) -> None:
        """Bind a free disk to an instance of its zone. Attaching, then In_use."""

        async def act(tx: Connection) -> Answered:
            instance = await locked_instance(tx, call, instance_id)
            disk = await self._locked(tx, call, disk_id, "Available")
            if instance.status not in SETTLED:
                raise faults.denied("IncorrectInstanceStatus")
            if instance.zone != disk.zone:
                raise invalid_parameter("InstanceId")
            await change_disk(
                tx,
                disk,
                instance_id=instance.id,
                device=await _free_device(tx, instance.id),
                delete_with_instance=delete_with_instance,
                status="In_use",
                passing="Attaching",
                passes_at=self._means.ready_at(),
                attached_at=self._means.now(),
            )
            return {}

        await self._means.once(call, act)

    async def detach(self, call: Call, disk_id: str, instance_id: str) -> None:
        """Take a data disk off its instance. Detaching, then Available."""

        async def act(tx: Connection) -> Answered:
            disk = await self._locked(tx, call, disk_id, "In_use")
            if disk.instance_id != instance_id:
                raise faults.denied("IncorrectDiskStatus")
            ready = self._means.ready_at()
            await change_disk(
                tx, disk, instance_id="", device="", status="Available", passing="Detaching", passes_at=ready
            )
            return {}

        await self._means.once(call, act)

    async def delete(self, call: Call, disk_id: str) -> None:
        """Remove a free data disk."""
        async with self._means.database.transaction() as tx:
            disk = await self._locked(tx, call, disk_id, "Available")
            await DISKS.remove(tx, "where id = $1", disk.id)
            await tag_rows.remove(tx, "disk", [disk.id], None)

    async def resize(self, call: Call, disk_id: str, size: int) -> None:
        """Make a disk larger."""
        async with self._means.database.transaction() as tx:
            disk = await self.one(tx, call, disk_id)
            if size < disk.size:
                raise faults.bad("InvalidDiskSize.TooSmall")
            if size > limits.DISK_MAX:
                raise faults.bad("InvalidSize.ValueNotSupported")
            await change_disk(tx, disk, size=size)

    async def modify(self, call: Call, disk_ids: list[str], changes: Mapping[str, Any]) -> None:
        """Change name, description, category, or whether a data disk goes with its instance."""
        async with self._means.database.transaction() as tx:
            for disk_id in disk_ids:
                disk = await self.one(tx, call, disk_id)
                if disk.type == "system" and "delete_with_instance" in changes:
                    raise faults.denied("InvalidDiskType.System")
                if changes:
                    await change_disk(tx, disk, **changes)

    async def roll_back(self, call: Call, disk_id: str, snapshot_id: str) -> None:
        """Let a disk be as its snapshot was; its instance must be stopped. Only the record knows: snapshots are empty."""
        async with self._means.database.transaction() as tx:
            disk = await self.one(tx, call, disk_id)
            snapshot = (await SNAPSHOTS.find(tx, call.account_id, call.region, [snapshot_id])).get(snapshot_id)
            if snapshot is None or snapshot.disk_id != disk.id:
                raise faults.not_found("InvalidSnapshotId")
            if disk.instance_id:
                await _stopped(tx, call, disk.instance_id)

    async def empty(self, call: Call, disk_id: str) -> None:
        """Give a disk back the state it was made in. A system disk's host boots from nothing at its next start."""
        async with self._means.database.transaction() as tx:
            disk = await self.one(tx, call, disk_id)
            if disk.instance_id:
                instance = await _stopped(tx, call, disk.instance_id)
                if disk.type == "system":
                    await self._new_system_disk(tx, instance, {})

    async def replace_system(
        self, call: Call, instance_id: str, image_id: str, *, base_id: str, size: int | None
    ) -> str:
        """Give a stopped instance a new system disk of another image; returns the disk's id."""
        if size is not None and not limits.DISK_MIN <= size <= limits.DISK_MAX:
            raise faults.bad("InvalidSize.ValueNotSupported")

        async def act(tx: Connection) -> Answered:
            instance = await _stopped(tx, call, instance_id)
            options = msgspec.structs.replace(
                instance.options, disk_size=size or instance.options.disk_size, base_image_id=base_id
            )
            disk_id = self._means.ids.resource("d", call.region)
            await tag_rows.remove(tx, "disk", [instance.disk_id], None)
            await self._new_system_disk(tx, instance, {"image_id": image_id, "disk_id": disk_id, "options": options})
            return {"id": disk_id}

        return str((await self._means.once(call, act))["id"])

    async def _new_system_disk(self, tx: Connection, instance: Instance, changes: Mapping[str, Any]) -> None:
        """Remove the host with its disk: an instance that never started is made anew by its next start."""
        await self._hosts.destroy(instance.id)
        await instance_rows.change(tx, instance.id, {**changes, "started_at": None})

    async def one(self, tx: Connection, call: Call, disk_id: str) -> Disk:
        """Return one disk of either kind; raises InvalidDiskId.NotFound."""
        found = (await DISKS.find(tx, call.account_id, call.region, [disk_id])).get(disk_id)
        if found is None:
            raise faults.not_found("InvalidDiskId")
        return found

    async def _locked(self, tx: Connection, call: Call, disk_id: str, status: str) -> Disk:
        """Return one data disk, locked, in the status it must have."""
        found = (await DISKS.lock(tx, call.account_id, call.region, [disk_id])).get(disk_id)
        if found is None:
            await self.one(tx, call, disk_id)
            raise faults.denied("InvalidDiskType.System")
        if self.status(found) != status:
            raise faults.denied("IncorrectDiskStatus")
        return found


async def _stopped(tx: Connection, call: Call, instance_id: str) -> Instance:
    """Return the instance, locked, which must be stopped."""
    instance = await locked_instance(tx, call, instance_id)
    if instance.status != Status.STOPPED:
        raise faults.denied("IncorrectInstanceStatus")
    return instance


async def _free_device(tx: Connection, instance_id: str) -> str:
    """Return the first device name that no disk of the instance has: ``/dev/xvdb`` and on."""
    taken = {one.device for one in await DISKS.every(tx, "where instance_id = $1", instance_id)}
    if len(taken) >= limits.DATA_DISKS:
        raise faults.denied("InstanceDiskLimitExceeded")
    return next(name for letter in string.ascii_lowercase[1:] if (name := f"/dev/xvd{letter}") not in taken)


def disks_of(common: Instance, instance_ids: Sequence[str], wanted: Sequence[DataDiskSpec], ids: Ids) -> list[Disk]:
    """Return the data disks of the instances of one launch, bound from the beginning."""
    return [
        Disk(
            id=ids.resource("d", common.region),
            account_id=common.account_id,
            region=common.region,
            zone=common.zone,
            type="data",
            category=one.category,
            size=one.size,
            name=one.name,
            description=one.description,
            image_id="",
            snapshot_id=one.snapshot_id,
            instance_id=instance_id,
            device=f"/dev/xvd{string.ascii_lowercase[place]}",
            delete_with_instance=one.delete_with_instance,
            policy_id="",
            charge_type=common.charge_type,
            status="In_use",
            passing="",
            passes_at=common.created_at,
            attached_at=common.created_at,
            created_at=common.created_at,
        )
        for instance_id in instance_ids
        for place, one in enumerate(wanted, 1)
    ]

"""Images: those of the system, which are data of this program, and those that accounts make of instances and snapshots.

An image of an account's own is a record with the progress of a copy: its instances boot what the system image boots
that it descends from. What was written to the disk of the instance it was made of does not travel with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.services.ecs import catalog, faults, limits, naming
from tidegate.services.ecs.means import Answered, Means, locked_instance
from tidegate.services.ecs.model import DataDiskSpec, LaunchSpec
from tidegate.services.ecs.snapshots import Snapshots
from tidegate.services.ecs.states import SETTLED
from tidegate.services.operation import Call
from tidegate.store.ecs import instances as instance_rows
from tidegate.store.ecs import tags as tag_rows
from tidegate.store.ecs.attachments import DISKS, Disk
from tidegate.store.ecs.instances import Instance
from tidegate.store.ecs.shelf import Wanted, shown
from tidegate.store.ecs.snapshots import IMAGES, SNAPSHOTS, ImageDisk, OwnImage

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What an image is made of: an instance, or snapshots of which the first is its system disk's."""

    instance_id: str | None = None
    snapshot_ids: Sequence[str] = ()


class Images:
    """The images of every account."""

    def __init__(self, means: Means, snapshots: Snapshots) -> None:
        self._means = means
        self._snapshots = snapshots

    async def create(
        self,
        call: Call,
        source: Source,
        *,
        name: str,
        family: str,
        version: str,
        description: str,
        tags: Mapping[str, str],
    ) -> str:
        """Begin an image. Of an instance: each of its disks gets a snapshot first. Creating, then Available."""
        if name and not naming.is_name(name):
            raise faults.bad("InvalidImageName.Malformed")

        async def act(tx: Connection) -> Answered:
            if await IMAGES.held(tx, call.account_id, call.region) >= limits.IMAGES:
                raise faults.denied("QuotaExceeded")
            if name and await self._named(tx, call.account_id, call.region, name):
                raise faults.bad("InvalidImageName.Duplicated")
            base_id, disks = await self._parts(tx, call, source)
            image_id = self._means.ids.resource("m", call.region)
            made = OwnImage(
                id=image_id,
                account_id=call.account_id,
                region=call.region,
                name=name or image_id,
                family=family,
                version=version,
                description=description,
                base_id=base_id,
                size=max(disk.size for disk in disks),
                is_copied=False,
                disks=disks,
                shared_with=[],
                status="Available",
                passing="Creating",
                passes_at=self._means.copied_at(),
                created_at=self._means.now(),
            )
            await IMAGES.add(tx, made)
            await tag_rows.put(tx, call.account_id, call.region, "image", ids=[made.id], tags=tags)
            return {"id": made.id}

        return str((await self._means.once(call, act))["id"])

    async def _parts(self, tx: Connection, call: Call, source: Source) -> tuple[str, list[ImageDisk]]:
        """Return the system image it descends from and the disks of the new image."""
        if source.instance_id is not None:
            instance = await locked_instance(tx, call, source.instance_id)
            if instance.status not in SETTLED:
                raise faults.denied("InvalidInstanceStatus.CreateImage")
            disks = await DISKS.seen.every(tx, "where instance_id = $1 order by device", instance.id)
            made = await self._snapshots.add(tx, call.account_id, call.region, disks)
            return base_of(instance), [
                _disk(disk.device, disk.type, disk.size, one.id) for disk, one in zip(disks, made, strict=True)
            ]
        if not source.snapshot_ids:
            raise faults.missing_parameter("InstanceId")
        known = await SNAPSHOTS.find(tx, call.account_id, call.region, source.snapshot_ids)
        if set(source.snapshot_ids) - known.keys():
            raise faults.not_found("InvalidSnapshotId")
        snapshots = [known[one] for one in source.snapshot_ids]
        return await _base_of_disk(tx, call, snapshots[0].disk_id), [
            _disk(f"/dev/xvd{'abcdefghijklmnopq'[place]}", "data" if place else "system", one.disk_size, one.id)
            for place, one in enumerate(snapshots)
        ]

    async def copy(self, call: Call, image_id: str, region: str, *, name: str, description: str) -> str:
        """Begin a copy of an own image in a region, which may be its own; returns its id."""
        if region not in catalog.REGIONS:
            raise faults.not_found("InvalidRegionId")

        async def act(tx: Connection) -> Answered:
            image = await self._locked(tx, call, image_id)
            if await IMAGES.held(tx, call.account_id, region) >= limits.IMAGES:
                raise faults.denied("QuotaExceeded")
            copy_id = self._means.ids.resource("m", region)
            made = msgspec.structs.replace(
                image,
                id=copy_id,
                region=region,
                name=name or copy_id,
                description=description,
                is_copied=True,
                disks=[msgspec.structs.replace(one, snapshot_id="") for one in image.disks],
                shared_with=[],
                status="Available",
                passing="Creating",
                passes_at=self._means.copied_at(),
                created_at=self._means.now(),
            )
            await IMAGES.add(tx, made)
            return {"id": made.id}

        return str((await self._means.once(call, act))["id"])

    async def own(self, wanted: Wanted) -> tuple[list[OwnImage], Mapping[str, Mapping[str, str]], set[str]]:
        """Return the account's own images that are wanted, newest first, their tags, and which ones have instances."""
        async with self._means.database.connection() as db:
            found = await IMAGES.all(db, wanted, self._means.now())
            ids = [one.id for one in found]
            return (
                found,
                await tag_rows.of_resources(db, "image", ids),
                await instance_rows.images_in_use(db, wanted.account_id, ids),
            )

    def status(self, image: OwnImage) -> str:
        """Return the status that callers see."""
        return shown(image, self._means.now())

    async def modify(self, call: Call, image_id: str, changes: Mapping[str, Any]) -> None:
        """Change name, family, description or status (Deprecated, Available), or whom it is shared with."""
        if changes.get("name") and not naming.is_name(changes["name"]):
            raise faults.bad("InvalidImageName.Malformed")
        async with self._means.database.transaction() as tx:
            await IMAGES.write(tx, msgspec.structs.replace(await self._locked(tx, call, image_id), **changes))

    async def share(self, call: Call, image_id: str, add: Sequence[str], remove: Sequence[str]) -> None:
        """Let other accounts use an image, or not any more."""
        async with self._means.database.transaction() as tx:
            image = await self._locked(tx, call, image_id)
            left = [one for one in dict.fromkeys([*image.shared_with, *add]) if one not in remove]
            await IMAGES.write(tx, msgspec.structs.replace(image, shared_with=left))

    async def one(self, call: Call, image_id: str) -> OwnImage:
        """Return one own image; raises InvalidImageId.NotFound."""
        async with self._means.database.connection() as db:
            found = (await IMAGES.find(db, call.account_id, call.region, [image_id])).get(image_id)
        if found is None:
            raise faults.not_found("InvalidImageId")
        return found

    async def delete(self, call: Call, image_id: str, *, force: bool) -> None:
        """Remove an own image; one that instances were made of only by ``force``. Unknown ones are fine.

        ASSUMPTION: its snapshots stay, as they do on the cloud.
        """
        async with self._means.database.transaction() as tx:
            if image_id not in await IMAGES.lock(tx, call.account_id, call.region, [image_id]):
                raise faults.not_found("InvalidImageId")
            if not force and await instance_rows.images_in_use(tx, call.account_id, [image_id]):
                raise faults.denied("ImageUsingByInstance")
            await IMAGES.remove(tx, "where id = $1", image_id)
            await tag_rows.remove(tx, "image", [image_id], None)

    async def base(self, tx: Connection, account_id: str, region: str, image_id: str) -> str:
        """Return the system image that an image is or descends from; raises InvalidImageId.NotFound unless Available."""
        return image_id if image_id in catalog.IMAGES else (await self._ready(tx, account_id, region, image_id)).base_id

    async def _ready(self, tx: Connection, account_id: str, region: str, image_id: str) -> OwnImage:
        image = (await IMAGES.find(tx, account_id, region, [image_id])).get(image_id)
        if image is None or self.status(image) not in ("Available", "Deprecated"):
            raise faults.not_found("InvalidImageId")
        return image

    async def base_of_image(self, call: Call, image_id: str) -> str:
        """Return the system image that an image is or descends from, as the caller sees it."""
        async with self._means.database.connection() as db:
            return await self.base(db, call.account_id, call.region, image_id)

    async def is_there(self, account_id: str, region: str, image_id: str) -> bool:
        """Tell whether instances can be made of an image."""
        if image_id in catalog.IMAGES:
            return True
        async with self._means.database.connection() as db:
            image = (await IMAGES.find(db, account_id, region, [image_id])).get(image_id)
        return image is not None and self.status(image) == "Available"

    async def based(self, tx: Connection, account_id: str, region: str, spec: LaunchSpec) -> LaunchSpec:
        """Return the specification with what its own image brings: the system image under it, and its data disks."""
        if spec.image_id in catalog.IMAGES:
            return spec
        image = await self._ready(tx, account_id, region, spec.image_id)
        disks = tuple(
            DataDiskSpec(size=one.size, snapshot_id=one.snapshot_id) for one in image.disks if one.type == "data"
        )
        return msgspec.structs.replace(
            spec,
            options=msgspec.structs.replace(spec.options, base_image_id=image.base_id),
            data_disks=spec.data_disks or disks,
        )

    async def _locked(self, tx: Connection, call: Call, image_id: str) -> OwnImage:
        found = (await IMAGES.lock(tx, call.account_id, call.region, [image_id])).get(image_id)
        if found is None:
            raise faults.not_found("InvalidImageId")
        return found

    async def _named(self, tx: Connection, account_id: str, region: str, name: str) -> int:
        return await IMAGES.count(tx, "where account_id = $1 and region = $2 and name = $3", account_id, region, name)


def base_of(instance: Instance) -> str:
    """Return the system image that an instance boots."""
    return instance.options.base_image_id or instance.image_id


async def _base_of_disk(tx: Connection, call: Call, disk_id: str) -> str:
    """Return the system image on a system disk. ASSUMPTION: the first of the catalog when the disk is gone."""
    disks: dict[str, Disk] = await DISKS.find(tx, call.account_id, call.region, [disk_id])
    disk = disks.get(disk_id)
    if disk is None or not disk.instance_id:
        return next(iter(catalog.IMAGES))
    [instance] = await instance_rows.by_ids(tx, [disk.instance_id])
    return base_of(instance)


def _disk(device: str, kind: str, size: int, snapshot_id: str) -> ImageDisk:
    return ImageDisk(device=device, type=kind, size=size, snapshot_id=snapshot_id)

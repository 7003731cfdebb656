"""What is bound to instances: elastic addresses, further network interfaces, further disks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.store.ecs.shelf import Shelf

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Eip(msgspec.Struct, frozen=True, kw_only=True):
    """An elastic IP address. ``bandwidth`` is Mbit/s."""

    id: str
    account_id: str
    region: str
    address: str
    name: str
    description: str
    bandwidth: int
    charge_type: str
    isp: str
    instance_id: str
    instance_type: str
    status: str
    passing: str
    passes_at: datetime
    created_at: datetime


class Interface(msgspec.Struct, frozen=True, kw_only=True):
    """A network interface: ``Primary`` ones are their instance's, ``Secondary`` ones come and go."""

    id: str
    account_id: str
    region: str
    zone: str
    vpc_id: str
    vswitch_id: str
    address: str
    name: str
    description: str
    type: str
    security_group_ids: Sequence[str]
    instance_id: str
    delete_on_release: bool
    status: str
    passing: str
    passes_at: datetime
    created_at: datetime


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """A disk: ``system`` ones are their instance's, ``data`` ones come and go. ``size`` is GiB."""

    id: str
    account_id: str
    region: str
    zone: str
    type: str
    category: str
    size: int
    name: str
    description: str
    image_id: str
    snapshot_id: str
    instance_id: str
    device: str
    delete_with_instance: bool
    policy_id: str
    charge_type: str
    status: str
    passing: str
    passes_at: datetime
    attached_at: datetime | None
    created_at: datetime


EIPS = Shelf(Eip, "ecs_eip")
INTERFACES = Shelf(Interface, "ecs_interface", view="ecs_any_interface")
DISKS = Shelf(Disk, "ecs_disk", view="ecs_any_disk")


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """What is bound to one instance, as DescribeInstances shows it."""

    eip: Eip | None = None
    interfaces: Sequence[Interface] = ()


NOTHING_BOUND = Bound()


async def of_instances(db: Connection, ids: Sequence[str]) -> Mapping[str, Bound]:
    """Return what is bound to these instances; those with nothing are left out."""
    eips = {one.instance_id: one for one in await EIPS.every(db, "where instance_id = any($1)", list(ids))}
    interfaces: dict[str, list[Interface]] = {}
    for one in await INTERFACES.every(db, "where instance_id = any($1) order by created_at, id", list(ids)):
        interfaces.setdefault(one.instance_id, []).append(one)
    return {
        instance: Bound(eip=eips.get(instance), interfaces=interfaces.get(instance, ()))
        for instance in eips.keys() | interfaces.keys()
    }


_UNBIND = "update ecs_eip set instance_id = '', instance_type = '', status = 'Available', passing = '' where"
_ANYTHING_BOUND = """
    select exists (select from ecs_eip where instance_id = any($1) or instance_type = 'NetworkInterface')
        or exists (select from ecs_interface where instance_id = any($1))
        or exists (select from ecs_disk where instance_id = any($1))
"""


async def let_go(tx: Connection, instance_ids: Iterable[str]) -> None:
    """Free what was bound to released instances, whose rows are gone; what shall go with them goes."""
    ids = list(instance_ids)
    if not await tx.fetchval(_ANYTHING_BOUND, ids):
        return
    gone = await tx.fetch(
        "delete from ecs_interface where instance_id = any($1) and delete_on_release returning id", ids
    )
    owners = [row["id"] for row in gone]
    await tx.execute("delete from ecs_address where owner = any($1)", owners)
    await tx.execute("delete from ecs_disk where instance_id = any($1) and delete_with_instance", ids)
    for table in ("ecs_interface", "ecs_disk"):
        await tx.execute(
            f"update {table} set instance_id = '', status = 'Available', passing = '' where instance_id = any($1)", ids
        )
    await unbind_eips(tx, [*ids, *owners])
    # Primary interfaces have gone with their instances' rows.
    await tx.execute(f"""{_UNBIND} instance_type = 'NetworkInterface'
        and not exists (select from ecs_any_interface as one where one.id = ecs_eip.instance_id)""")


async def unbind_eips(tx: Connection, ids: Iterable[str]) -> None:
    """Take the elastic addresses off instances or network interfaces that are gone."""
    await tx.execute(f"{_UNBIND} instance_id = any($1)", list(ids))


#: how an attribute of a system disk is called among its instance's options
_OPTIONS = {
    "name": "disk_name",
    "description": "disk_description",
    "category": "disk_category",
    "size": "disk_size",
    "policy_id": "disk_policy_id",
}


async def change_disk(tx: Connection, disk: Disk, **changes: Any) -> None:
    """Change a disk, whichever kind it is. Of a system disk only what ``_OPTIONS`` names can change."""
    if disk.type == "system":
        await tx.execute(
            "update ecs_instance set options = options || $2, version = version + 1 where id = $1",
            disk.instance_id,
            {_OPTIONS[name]: value for name, value in changes.items()},
        )
    else:
        await DISKS.write(tx, msgspec.structs.replace(disk, **changes))

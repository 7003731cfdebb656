"""Container groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tidegate.store.ecs.shelf import Shelf

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """One container of a group. ``memory`` is GiB."""

    name: str
    image: str
    cpu: float = 0.0
    memory: float = 0.0
    command: Sequence[str] = ()
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = {}
    working_dir: str = ""


class ContainerGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A container group. ``memory`` is GiB."""

    id: str
    account_id: str
    region: str
    zone: str
    name: str
    vpc_id: str
    vswitch_id: str
    security_group_id: str
    address: str
    cpu: float
    memory: float
    restart_policy: str
    ram_role_name: str
    resource_group_id: str
    containers: Sequence[Container]
    tags: Mapping[str, str]
    status: str
    created_at: datetime
    started_at: datetime | None


GROUPS = Shelf(ContainerGroup, "eci_group")


async def every_id(db: Connection) -> list[str]:
    """Return the ids of every account's groups."""
    return [row["id"] for row in await db.fetch("select id from eci_group")]


async def one(db: Connection, group_id: str) -> ContainerGroup | None:
    """Return a group of any account."""
    return await GROUPS.one(db, "where id = $1", group_id)


async def lock(tx: Connection, group_id: str) -> ContainerGroup | None:
    """Return a group of any account and let nobody change it before this transaction has ended."""
    return await GROUPS.one(tx, "where id = $1 for update", group_id)

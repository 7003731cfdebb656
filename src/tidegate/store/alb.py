"""Server groups of application load balancers: rows, each with its servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.store.table import Table

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Server(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A server of a group, at one port."""

    id: str
    address: str
    port: int
    weight: int
    type: str = "Ecs"
    description: str = ""


class ServerGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A server group; ``health_check`` is what it was made with, by its names on the wire."""

    id: str
    account_id: str
    region: str
    name: str
    protocol: str
    scheduler: str
    type: str
    vpc_id: str
    resource_group_id: str
    health_check: Mapping[str, Any]
    tags: Mapping[str, str]
    servers: Sequence[Server] = ()
    created_at: datetime


groups = Table(ServerGroup, "alb_server_group")


async def count(tx: Connection, account_id: str, region: str) -> int:
    """Return how many groups the account has, and let no other transaction add one meanwhile."""
    await tx.execute("select pg_advisory_xact_lock(hashtext('alb_quota'), hashtext($1))", f"{account_id}/{region}")
    return await groups.count(tx, "where account_id = $1 and region = $2", account_id, region)


async def of_account(db: Connection, account_id: str, region: str) -> list[ServerGroup]:
    """Return the account's groups in a region, newest first; how many is bounded by a quota."""
    condition = "where account_id = $1 and region = $2 order by created_at desc, id"
    return await groups.every(db, condition, account_id, region)


async def find(db: Connection, account_id: str, group_id: str, *, locked: bool = False) -> ServerGroup | None:
    """Return one group of the account; a ``locked`` one nobody else changes meanwhile."""
    condition = f"where id = $1 and account_id = $2{' for update' if locked else ''}"
    return await groups.one(db, condition, group_id, account_id)

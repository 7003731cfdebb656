"""Load balancers and their vServer groups: rows, each with its servers and listeners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import asyncpg
import msgspec

from tidegate.store.table import Table

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Server(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A backend server. ``port`` 0: the listener says which. ``until``: it has been taken out, and may finish till then."""

    id: str
    address: str
    weight: int
    port: int = 0
    type: str = "ecs"
    description: str = ""
    until: datetime | None = None


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """A listener; ``settings`` are the parameters it was made with, by their names on the wire."""

    port: int
    protocol: Literal["tcp", "http"]
    status: Literal["running", "stopped"]
    settings: Mapping[str, Any]


class Balancer(msgspec.Struct, frozen=True, kw_only=True):
    """A load balancer; see the migration for what the columns mean."""

    id: str
    account_id: str
    region: str
    name: str
    status: Literal["active", "inactive"]
    address_type: str
    address: str
    vpc_id: str
    vswitch_id: str
    place_vswitch_id: str
    network: str
    gateway: str
    zone: str
    spec: str
    charge_type: str
    bandwidth: int
    delete_protection: bool
    resource_group_id: str
    tags: Mapping[str, str]
    servers: Sequence[Server] = ()
    listeners: Sequence[Listener] = ()
    created_at: datetime
    released: bool = False
    revision: int = 1
    applied: int = 0
    problem: str = ""
    watchers: Sequence[str] = ()


class ServerGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A vServer group of a load balancer."""

    id: str
    balancer_id: str
    name: str
    servers: Sequence[Server] = ()
    created_at: datetime


balancers = Table(Balancer, "balancer")
groups = Table(ServerGroup, "vserver_group")


async def count(tx: Connection, account_id: str, region: str) -> int:
    """Return how many load balancers the account has, and let no other transaction add one meanwhile."""
    await tx.execute("select pg_advisory_xact_lock(hashtext('balancer_quota'), hashtext($1))", f"{account_id}/{region}")
    return await balancers.count(tx, "where account_id = $1 and region = $2 and not released", account_id, region)


async def of_account(db: Connection, account_id: str, region: str) -> list[Balancer]:
    """Return the account's load balancers in a region, newest first; how many is bounded by a quota."""
    return await balancers.every(
        db, "where account_id = $1 and region = $2 and not released order by created_at desc, id", account_id, region
    )


async def find(db: Connection, account_id: str, balancer_id: str) -> Balancer | None:
    """Return one load balancer of the account."""
    return await balancers.one(db, "where id = $1 and account_id = $2 and not released", balancer_id, account_id)


class LockedError(Exception):
    """Another transaction does not let go of the load balancer."""


async def lock(tx: Connection, balancer_id: str, *, seconds: float) -> Balancer | None:
    """Return a load balancer, released or not, and let no other transaction change it or its groups meanwhile.

    Raises LockedError when that takes longer than ``seconds`` to begin; the transaction is void then.
    """
    await tx.execute("select set_config('lock_timeout', $1, true)", f"{max(1, int(seconds * 1000))}ms")
    try:
        return await balancers.one(tx, "where id = $1 for update", balancer_id)
    except asyncpg.LockNotAvailableError as error:
        raise LockedError(balancer_id) from error


async def find_group(db: Connection, account_id: str, group_id: str) -> ServerGroup | None:
    """Return a vServer group of the account."""
    return await groups.one(
        db,
        "where id = $1 and balancer_id in (select id from balancer where account_id = $2 and not released)",
        group_id,
        account_id,
    )


async def groups_of(db: Connection, balancer_id: str) -> list[ServerGroup]:
    """Return the vServer groups of a load balancer, oldest first."""
    return await groups.every(db, "where balancer_id = $1 order by created_at, id", balancer_id)


async def ids(db: Connection) -> list[str]:
    """Return every load balancer that is, or has still to be taken away."""
    return [str(row["id"]) for row in await db.fetch("select id from balancer order by id")]

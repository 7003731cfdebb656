"""Makes and describes databases without a server, and keeps their whitelists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from tidegate.clock import Clock
from tidegate.ids import Ids
from tidegate.services.databases.kinds import (
    DATABASES,
    Kind,
    invalid_parameter,
    too_many_databases,
    unknown_region,
)
from tidegate.services.ecs import catalog
from tidegate.services.ecs.service import Ecs
from tidegate.services.operation import Call
from tidegate.services.whitelist.model import INITIAL, Change, Group, Whitelist, apply_change, read_change
from tidegate.store import databases as rows
from tidegate.store import tokens
from tidegate.store.database import Database
from tidegate.store.databases import DatabaseRow
from tidegate.store.ecs.networks import VSwitch

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_ID_LENGTH = 17


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A wish for a new database."""

    engine: str
    engine_version: str
    node_class: str = ""
    nodes: int = 1
    storage: int = 20
    description: str | None = None
    zone: str | None = None
    vpc_id: str | None = None
    vswitch_id: str | None = None
    charge_type: str = "Postpaid"
    resource_group_id: str = ""
    #: the first entries of the default group
    security_ips: str | None = None
    tags: Mapping[str, str] = {}


class Databases:
    """The databases of all accounts."""

    def __init__(self, database: Database, ecs: Ecs, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._ecs = ecs
        self._clock = clock
        self._ids = ids

    async def create(self, call: Call, kind: Kind, order: Order) -> DatabaseRow:
        """Write a new database, there at once. A repeat with the same token returns the first one."""
        if call.region not in catalog.REGIONS:
            raise unknown_region()
        vswitch = await self._vswitch(call, order)
        action, now = f"{kind.code}:{call.action}", self._clock.now()
        async with self._database.transaction() as tx:
            known = await tokens.recall(tx, call.account_id, action, call.client_token, call.fingerprint, now=now)
            if known is not None:
                return msgspec.convert(known, DatabaseRow)
            if await rows.count(tx, call.account_id, call.region, kind.code) >= DATABASES:
                raise too_many_databases()
            row = self._row(call, kind, order, vswitch)
            await rows.add(tx, row)
            await tokens.remember(
                tx, call.account_id, action, call.client_token, call.fingerprint, msgspec.to_builtins(row), now=now
            )
            return row

    async def delete(self, call: Call, kind: Kind, database_id: str) -> None:
        """Forget a database."""
        async with self._database.transaction() as tx:
            await rows.remove(tx, (await self._locked(tx, call, kind, database_id)).id)

    async def find(self, call: Call, kind: Kind, database_id: str) -> DatabaseRow:
        """Return one database of the caller's account."""
        async with self._database.connection() as connection:
            row = await rows.find(connection, call.account_id, kind.code, database_id)
        if row is None:
            raise kind.unknown()
        return row

    async def list(self, call: Call, kind: Kind, wanted: Sequence[str] = ()) -> Sequence[DatabaseRow]:
        """Return the databases of the caller's account and region, newest first; only those ``wanted`` by id, if any."""
        async with self._database.connection() as connection:
            found = await rows.of_account(connection, call.account_id, call.region, kind.code)
        return [row for row in found if not wanted or row.id in wanted]

    async def modify_whitelist(
        self,
        call: Call,
        kind: Kind,
        database_id: str,
        entries: str,
        *,
        group: str | None = None,
        mode: str | None = None,
        attribute: str | None = None,
    ) -> None:
        """Change one group of a whitelist as the product's Modify operation does."""
        async with self._database.transaction() as tx:
            row = await self._locked(tx, call, kind, database_id)
            change = read_change(kind.rules, entries, group, mode, attribute)
            await rows.put_whitelist(tx, row.id, _changed(kind, whitelist_of(row), change))

    async def set_security_groups(self, call: Call, kind: Kind, database_id: str, groups: str) -> None:
        """Attach exactly these security groups, comma-separated, of those the account has in the region."""
        wanted = [group for group in groups.split(",") if group]
        await self.find(call, kind, database_id)
        known, _ = await self._ecs.networks.security_groups(call.account_id, call.region)
        if not set(wanted) <= {group.id for group in known}:
            raise invalid_parameter("SecurityGroupIds")
        async with self._database.transaction() as tx:
            row = await self._locked(tx, call, kind, database_id)
            await rows.put_security_groups(tx, row.id, list(dict.fromkeys(wanted)))

    def task_id(self) -> str:
        """Return a number for a change that is done already: there is no task to ask about (ASSUMPTION)."""
        return self._ids.number(9)

    async def _locked(self, tx: Connection, call: Call, kind: Kind, database_id: str) -> DatabaseRow:
        row = await rows.lock(tx, call.account_id, kind.code, database_id)
        if row is None:
            raise kind.unknown()
        return row

    async def _vswitch(self, call: Call, order: Order) -> VSwitch:
        """Return the vSwitch of the order. ASSUMPTION: without one the default of the region, or of the zone."""
        if order.vswitch_id is None:
            return await self._ecs.default_vswitch(call.account_id, call.region, order.zone)
        vswitch = await self._ecs.vswitch(call.account_id, call.region, order.vswitch_id)
        if order.zone not in (None, vswitch.zone):
            raise invalid_parameter("ZoneId")
        if order.vpc_id not in (None, vswitch.vpc_id):
            raise invalid_parameter("VPCId")
        return vswitch

    def _row(self, call: Call, kind: Kind, order: Order, vswitch: VSwitch) -> DatabaseRow:
        database_id = self._ids.resource(kind.prefix, call.region, _ID_LENGTH)
        whitelist = INITIAL
        if order.security_ips is not None:
            whitelist = apply_change(kind.rules, INITIAL, read_change(kind.rules, order.security_ips, None, None, None))
        return DatabaseRow(
            id=database_id,
            account_id=call.account_id,
            region=call.region,
            product=kind.code,
            zone=vswitch.zone,
            vpc_id=vswitch.vpc_id,
            vswitch_id=vswitch.id,
            description=order.description or database_id,
            engine=order.engine,
            engine_version=order.engine_version,
            node_class=order.node_class,
            nodes=order.nodes,
            storage=order.storage,
            charge_type=order.charge_type,
            resource_group_id=order.resource_group_id,
            order_id=self._ids.number(15),
            created_at=self._clock.now(),
            tags=dict(order.tags),
            whitelist=msgspec.to_builtins(whitelist),
        )


def whitelist_of(row: DatabaseRow) -> Whitelist:
    """Return the whitelist of a database, ``default`` first."""
    return msgspec.convert(row.whitelist, tuple[Group, ...])


def _changed(kind: Kind, whitelist: Whitelist, change: Change) -> Sequence[Mapping[str, object]]:
    changed: Sequence[Mapping[str, object]] = msgspec.to_builtins(apply_change(kind.rules, whitelist, change))
    return changed

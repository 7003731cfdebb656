"""Makes, changes and describes load balancers; the controller makes the real world agree."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from tidegate.clock import Clock
from tidegate.errors import PlaneError
from tidegate.ids import Ids
from tidegate.plane.balancer.base import Balancers, TargetState
from tidegate.services.ecs import blocks, catalog
from tidegate.services.ecs.service import Ecs
from tidegate.services.operation import Call, invalid_parameter
from tidegate.services.slb import faults, limits, model
from tidegate.services.slb.model import Entry
from tidegate.store import slb as rows
from tidegate.store import tokens, work
from tidegate.store.database import Database
from tidegate.store.slb import Balancer, Listener, Server, ServerGroup
from tidegate.telemetry import get_logger

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: The kind of work that drives a load balancer.
WORK = "balancer"
_log = get_logger("slb")
_ACTION = "slb:CreateLoadBalancer"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A wish for a new load balancer."""

    name: str | None = None
    address_type: str | None = None
    address: str | None = None
    vswitch_id: str | None = None
    zone: str | None = None
    spec: str = "slb.s1.small"
    charge_type: str = "paybytraffic"
    bandwidth: int = 5120
    delete_protection: bool = False
    resource_group_id: str = ""
    tags: Mapping[str, str] = {}


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What a listener knows of one of its servers."""

    server: Server
    listener: Listener
    status: Literal["normal", "abnormal", "unavailable"]

    @property
    def port(self) -> int:
        """The port at which the server is asked."""
        return model.port_of(self.listener, self.server)


def work_key(balancer_id: str) -> str:
    """Return the key of the work that drives a load balancer."""
    return f"{WORK}/{balancer_id}"


class Slb:
    """The load balancers of all accounts."""

    def __init__(self, database: Database, balancers: Balancers, ecs: Ecs, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._balancers = balancers
        self._ecs = ecs
        self._clock = clock
        self._ids = ids

    # ---- load balancers --------------------------------------------------------------------------------------------

    async def create(self, call: Call, order: Order) -> Balancer:
        """Make a load balancer, active at once. A repeat with the same token returns the first one.

        ASSUMPTION: one with an internet address stands on the default vSwitch, as there is no internet here.
        """
        if call.region not in catalog.REGIONS:
            raise faults.unknown_region()
        if order.address_type not in (None, "internet", "intranet"):
            raise invalid_parameter("AddressType")
        if order.vswitch_id is not None:
            vswitch = await self._ecs.vswitch(call.account_id, call.region, order.vswitch_id)
        else:
            vswitch = await self._ecs.default_vswitch(call.account_id, call.region, order.zone)
        inside = order.vswitch_id is not None or order.address_type == "intranet"
        now = self._clock.now()
        async with self._database.transaction() as tx:
            known = await tokens.recall(tx, call.account_id, _ACTION, call.client_token, call.fingerprint, now=now)
            if known is not None:
                return msgspec.convert(known, Balancer)
            if await rows.count(tx, call.account_id, call.region) >= limits.BALANCERS:
                raise faults.quota("load balancers")
            balancer_id = self._ids.resource("lb", call.region)
            if order.address is not None and inside:
                address = await self._ecs.networks.reserve_exactly(tx, vswitch, balancer_id, order.address)
            else:
                address = await self._ecs.reserve_address(tx, vswitch.id, balancer_id)
            balancer = Balancer(
                id=balancer_id,
                account_id=call.account_id,
                region=call.region,
                name=order.name or balancer_id,
                status="active",
                address_type="intranet" if inside else "internet",
                address=address,
                vpc_id=vswitch.vpc_id if inside else "",
                vswitch_id=vswitch.id if inside else "",
                place_vswitch_id=vswitch.id,
                network=str(vswitch.block),
                gateway=str(blocks.router(vswitch.block)),
                zone=vswitch.zone,
                spec=order.spec,
                charge_type=order.charge_type,
                bandwidth=order.bandwidth,
                delete_protection=order.delete_protection,
                resource_group_id=order.resource_group_id,
                tags=order.tags,
                created_at=now,
            )
            await rows.balancers.add(tx, balancer)
            await work.drive(tx, work_key(balancer_id), WORK, now=now)
            await tokens.remember(
                tx,
                call.account_id,
                _ACTION,
                call.client_token,
                call.fingerprint,
                msgspec.to_builtins(balancer),
                now=now,
            )
            return balancer

    async def of_account(self, account_id: str, region: str) -> Sequence[Balancer]:
        """Return the account's load balancers in a region, newest first."""
        async with self._database.connection() as db:
            return await rows.of_account(db, account_id, region)

    async def find(self, account_id: str, balancer_id: str) -> Balancer:
        """Return one load balancer; raises InvalidLoadBalancerId.NotFound."""
        async with self._database.connection() as db:
            found = await rows.find(db, account_id, balancer_id)
        if found is None:
            raise faults.unknown_balancer()
        return found

    async def peek(self, tx: Connection, account_id: str, balancer_id: str) -> tuple[Balancer, Collection[str]] | None:
        """Return a load balancer and the ids of its vServer groups, within a transaction of another product."""
        found = await rows.find(tx, account_id, balancer_id)
        return (found, [one.id for one in await rows.groups_of(tx, balancer_id)]) if found else None

    async def change(self, account_id: str, balancer_id: str, **changes: Any) -> None:
        """Change what is said of a load balancer as a whole: name, status, delete_protection."""
        async with self._editing(account_id, balancer_id) as (tx, balancer):
            await self._put(tx, balancer, **changes)

    async def delete(self, account_id: str, balancer_id: str) -> None:
        """Give a load balancer back: it is gone for its owner at once, and its process soon after."""
        async with self._editing(account_id, balancer_id) as (tx, balancer):
            if balancer.delete_protection:
                raise faults.protected()
            await self._put(tx, balancer, released=True)

    # ---- listeners -------------------------------------------------------------------------------------------------

    async def add_listener(self, account_id: str, balancer_id: str, listener: Listener) -> None:
        """Add a listener, stopped as on the cloud."""
        async with self._editing(account_id, balancer_id) as (tx, balancer):
            if any(one.port == listener.port for one in balancer.listeners):
                raise faults.listener_there()
            if len(balancer.listeners) >= limits.LISTENERS:
                raise faults.quota("listeners")
            await self._check_group(tx, balancer, listener)
            await self._put(tx, balancer, listeners=[*balancer.listeners, listener])

    async def change_listener(
        self, account_id: str, balancer_id: str, port: int, change: Callable[[Listener], Listener | None]
    ) -> None:
        """Put what ``change`` makes of a listener in its place; None takes it away."""
        async with self._editing(account_id, balancer_id) as (tx, balancer):
            old = listener_at(balancer, port)
            new = change(old)
            if new is not None:
                await self._check_group(tx, balancer, new)
            listeners = [new if one is old else one for one in balancer.listeners]
            await self._put(tx, balancer, listeners=[one for one in listeners if one is not None])

    async def _check_group(self, tx: Connection, balancer: Balancer, listener: Listener) -> None:
        group_id = listener.settings.get("VServerGroupId")
        if group_id is not None and group_id not in {one.id for one in await rows.groups_of(tx, balancer.id)}:
            raise faults.unknown_group()

    # ---- servers ---------------------------------------------------------------------------------------------------

    async def add_servers(
        self, account_id: str, balancer_id: str, entries: Sequence[Entry], *, watcher: str | None = None
    ) -> Sequence[Server]:
        """Add servers to the default group and return the whole of it."""
        addresses = await self._addresses(account_id, (await self.find(account_id, balancer_id)).region, entries)
        return await self._edit_default(
            account_id, balancer_id, lambda old, _: model.with_added(old, entries, addresses), watcher
        )

    async def set_servers(
        self, account_id: str, balancer_id: str, entries: Sequence[Entry], *, lenient: bool = False
    ) -> Sequence[Server]:
        """Set the weights of servers of the default group; a ``lenient`` caller does not mind those that are not there."""
        return await self._edit_default(
            account_id, balancer_id, lambda old, _: model.with_weights(old, entries, lenient=lenient), None
        )

    async def remove_servers(
        self, account_id: str, balancer_id: str, entries: Sequence[Entry], *, watcher: str | None = None
    ) -> Sequence[Server]:
        """Take servers out of the default group; they finish what they have begun where the listeners allow it."""
        return await self._edit_default(
            account_id, balancer_id, lambda old, until: model.without(old, entries, until), watcher
        )

    async def _edit_default(
        self,
        account_id: str,
        balancer_id: str,
        change: Callable[[Sequence[Server], datetime | None], list[Server]],
        watcher: str | None,
    ) -> Sequence[Server]:
        async with self._editing(account_id, balancer_id) as (tx, balancer):
            servers = change(balancer.servers, self._until(balancer, None))
            await self._put(tx, balancer, watcher=watcher, servers=servers)
            return model.present(servers)

    def _until(self, balancer: Balancer, group_id: str | None) -> datetime | None:
        grace = model.grace_of(balancer, group_id)
        return self._clock.now() + grace if grace else None

    async def _addresses(self, account_id: str, region: str, entries: Sequence[Entry]) -> Mapping[str, str]:
        """Return the addresses of the running ones among the servers."""
        views = await self._ecs.find(account_id, region, list({one.id for one in entries}))
        return {view.id: view.private_address for view in views.values() if view.status == "Running"}

    # ---- vServer groups --------------------------------------------------------------------------------------------

    async def create_group(
        self, account_id: str, balancer_id: str, name: str | None, entries: Sequence[Entry]
    ) -> ServerGroup:
        """Make a vServer group."""
        balancer = await self.find(account_id, balancer_id)
        addresses = await self._addresses(account_id, balancer.region, entries)
        async with self._editing(account_id, balancer_id) as (tx, locked):
            if len(await rows.groups_of(tx, balancer_id)) >= limits.GROUPS:
                raise faults.quota("vServer groups")
            group_id = self._ids.resource("rsp", balancer.region)
            group = ServerGroup(
                id=group_id,
                balancer_id=balancer_id,
                name=name or group_id,
                servers=model.with_added([], entries, addresses),
                created_at=self._clock.now(),
            )
            await rows.groups.add(tx, group)
            await self._put(tx, locked)
            return group

    async def groups(self, account_id: str, balancer_id: str) -> Sequence[ServerGroup]:
        """Return the vServer groups of a load balancer, oldest first."""
        balancer = await self.find(account_id, balancer_id)
        async with self._database.connection() as db:
            return await rows.groups_of(db, balancer.id)

    async def group(self, account_id: str, group_id: str) -> ServerGroup:
        """Return one vServer group; raises InvalidVServerGroupId.NotFound."""
        async with self._database.connection() as db:
            found = await rows.find_group(db, account_id, group_id)
        if found is None:
            raise faults.unknown_group()
        return found

    async def delete_group(self, account_id: str, group_id: str) -> None:
        """Take a vServer group away that no listener forwards to."""
        group = await self.group(account_id, group_id)
        async with self._editing(account_id, group.balancer_id) as (tx, balancer):
            if any(one.settings.get("VServerGroupId") == group_id for one in balancer.listeners):
                raise faults.group_in_use()
            await rows.groups.remove(tx, "where id = $1", group_id)
            await self._put(tx, balancer)

    async def edit_group(
        self,
        account_id: str,
        group_id: str,
        *,
        name: str | None = None,
        add: Sequence[Entry] = (),
        weigh: Sequence[Entry] = (),
        remove: Sequence[Entry] = (),
        watcher: str | None = None,
        lenient: bool = False,
    ) -> ServerGroup:
        """Take servers out of a vServer group, add some, set weights of some, in this order; return the group."""
        found = await self.group(account_id, group_id)
        region = (await self.find(account_id, found.balancer_id)).region
        addresses = await self._addresses(account_id, region, add) if add else {}
        async with self._editing(account_id, found.balancer_id) as (tx, balancer):
            groups = {one.id: one for one in await rows.groups_of(tx, balancer.id)}
            group = groups.get(group_id)
            if group is None:
                raise faults.unknown_group()
            servers = model.without(group.servers, remove, self._until(balancer, group_id))
            servers = model.with_weights(model.with_added(servers, add, addresses), weigh, lenient=lenient)
            changed = msgspec.structs.replace(group, name=name or group.name, servers=servers)
            await rows.groups.write(tx, changed)
            await self._put(tx, balancer, watcher=watcher)
            return changed

    # ---- health ----------------------------------------------------------------------------------------------------

    async def health(self, account_id: str, balancer_id: str) -> Sequence[Health]:
        """Return what every listener really knows of each of its servers."""
        balancer = await self.find(account_id, balancer_id)
        groups = {one.id: one for one in await self.groups(account_id, balancer_id)}
        seen = {(one.listener, one.target): one for one in await self._look(balancer_id)}
        return [
            Health(server=server, listener=listener, status=_status(seen.get((listener.port, key))))
            for listener in balancer.listeners
            for server in model.present(model.servers_of(listener, balancer, groups))
            for key in [model.target_id(listener, server)]
        ]

    async def _look(self, balancer_id: str) -> Sequence[TargetState]:
        try:
            return await self._balancers.look(balancer_id)
        except PlaneError as error:
            _log.warning("load balancer does not answer", extra={"balancer": balancer_id, "reason": str(error)})
            return []

    # ---- for those who wait ----------------------------------------------------------------------------------------

    async def is_settled(self, account_id: str, balancer_ids: Sequence[str], server_ids: Sequence[str]) -> bool:
        """Tell whether the real load balancers are what was last asked, and none of the servers still leaves."""
        async with self._database.connection() as db:
            for balancer_id in balancer_ids:
                balancer = await rows.find(db, account_id, balancer_id)
                if balancer is None:
                    continue
                if balancer.applied < balancer.revision:
                    return False
                servers = [
                    *balancer.servers,
                    *(s for one in await rows.groups_of(db, balancer_id) for s in one.servers),
                ]
                if any(one.until is not None and one.id in server_ids for one in servers):
                    return False
        return True

    # ---- how a change is made --------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _editing(self, account_id: str, balancer_id: str) -> AsyncIterator[tuple[Connection, Balancer]]:
        """Lock a load balancer of the account for a change, which is one transaction."""
        async with self._database.transaction() as tx:
            try:
                balancer = await rows.lock(tx, balancer_id, seconds=limits.PATIENCE)
            except rows.LockedError as error:
                raise faults.pending() from error
            if balancer is None or balancer.released or balancer.account_id != account_id:
                raise faults.unknown_balancer()
            yield tx, balancer

    async def _put(self, tx: Connection, balancer: Balancer, *, watcher: str | None = None, **changes: Any) -> None:
        """Write the new state of a locked load balancer and have it driven."""
        watchers = list(dict.fromkeys([*balancer.watchers, watcher])) if watcher else balancer.watchers
        changed = msgspec.structs.replace(balancer, **changes, revision=balancer.revision + 1, watchers=watchers)
        await rows.balancers.write(tx, changed)
        await work.drive(tx, work_key(balancer.id), WORK, now=self._clock.now())


def listener_at(balancer: Balancer, port: int, protocol: str | None = None) -> Listener:
    """Return the listener at a port; raises ListenerNotFound."""
    for listener in balancer.listeners:
        if listener.port == port and protocol in (None, "", listener.protocol):
            return listener
    raise faults.unknown_listener()


def _status(seen: TargetState | None) -> Literal["normal", "abnormal", "unavailable"]:
    if seen is None or seen.health == "unchecked":
        return "unavailable"
    return "normal" if seen.health == "up" else "abnormal"

"""Makes, changes and describes server groups. Nothing listens: they are records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tidegate.clock import Clock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.services.ecs.service import Ecs
from tidegate.services.operation import Call, invalid_parameter
from tidegate.store import alb as rows
from tidegate.store import tokens
from tidegate.store.alb import Server, ServerGroup
from tidegate.store.database import Database

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: ASSUMPTION on the quotas
GROUPS: Final = 200
SERVERS: Final = 1000
SERVERS_PER_CALL: Final = 40
_ACTION = "alb:CreateServerGroup"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A server as a caller names it; ``weight`` None: not said."""

    id: str
    port: int
    weight: int | None = None
    type: str = "Ecs"
    description: str = ""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A wish for a new server group."""

    name: str
    protocol: str = "HTTP"
    scheduler: str = "Wrr"
    type: str = "Instance"
    vpc_id: str | None = None
    resource_group_id: str = ""
    health_check: Mapping[str, Any] = {}
    tags: Mapping[str, str] = {}


# ASSUMPTION on the codes and words: the reference has none for this product.


def unknown_group(group_id: str) -> CloudError:
    """No such server group."""
    return CloudError("ResourceNotFound.ServerGroup", f"The specified resource {group_id} is not found.", 404)


def unknown_server(server_id: str) -> CloudError:
    """A server that is not there, or does not run."""
    return CloudError("ResourceNotFound.BackendServer", f"The specified resource {server_id} is not found.", 404)


def quota(what: str) -> CloudError:
    """There are as many as there may be."""
    return CloudError("QuotaExceeded", f"The quota of {what} exceeds.")


class Alb:
    """The server groups of all accounts."""

    def __init__(self, database: Database, ecs: Ecs, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._ecs = ecs
        self._clock = clock
        self._ids = ids

    async def create(self, call: Call, order: Order) -> ServerGroup:
        """Make a server group. A repeat with the same token returns the first one."""
        if order.type != "Instance":
            raise invalid_parameter("ServerGroupType")  # there are neither functions nor foreign addresses here
        vpc_id = order.vpc_id or (await self._ecs.default_vswitch(call.account_id, call.region)).vpc_id
        now = self._clock.now()
        async with self._database.transaction() as tx:
            known = await tokens.recall(tx, call.account_id, _ACTION, call.client_token, call.fingerprint, now=now)
            if known is not None:
                return msgspec.convert(known, ServerGroup)
            if await rows.count(tx, call.account_id, call.region) >= GROUPS:
                raise quota("server groups")
            group = ServerGroup(
                id=f"sgp-{self._ids.text(18)}",
                account_id=call.account_id,
                region=call.region,
                name=order.name,
                protocol=order.protocol,
                scheduler=order.scheduler,
                type=order.type,
                vpc_id=vpc_id,
                resource_group_id=order.resource_group_id,
                health_check=order.health_check,
                tags=order.tags,
                created_at=now,
            )
            await rows.groups.add(tx, group)
            await tokens.remember(
                tx, call.account_id, _ACTION, call.client_token, call.fingerprint, msgspec.to_builtins(group), now=now
            )
            return group

    async def of_account(self, account_id: str, region: str) -> Sequence[ServerGroup]:
        """Return the account's groups in a region, newest first."""
        async with self._database.connection() as db:
            return await rows.of_account(db, account_id, region)

    async def find(self, account_id: str, group_id: str) -> ServerGroup:
        """Return one group; raises ResourceNotFound.ServerGroup."""
        async with self._database.connection() as db:
            found = await rows.find(db, account_id, group_id)
        if found is None:
            raise unknown_group(group_id)
        return found

    async def peek(self, tx: Connection, account_id: str, group_id: str) -> ServerGroup | None:
        """Return one group within a transaction of another product."""
        return await rows.find(tx, account_id, group_id)

    async def delete(self, account_id: str, group_id: str) -> None:
        """Forget a group."""
        async with self._database.transaction() as tx:
            if not await rows.groups.remove(tx, "where id = $1 and account_id = $2", group_id, account_id):
                raise unknown_group(group_id)

    async def add(self, account_id: str, group_id: str, entries: Sequence[Entry]) -> None:
        """Add running instances; one that is there at the same port gets the new weight (ASSUMPTION)."""
        group = await self.find(account_id, group_id)
        views = await self._ecs.find(account_id, group.region, list({one.id for one in entries}))
        for one in entries:
            if one.id not in views or views[one.id].status != "Running":
                raise unknown_server(one.id)

        def added(old: Sequence[Server]) -> list[Server]:
            there = {(one.id, one.port): one for one in old}
            for one in entries:
                there[one.id, one.port] = Server(
                    id=one.id,
                    address=views[one.id].private_address,
                    port=one.port,
                    weight=100 if one.weight is None else one.weight,
                    type=one.type,
                    description=one.description,
                )
            if len(there) > SERVERS:
                raise quota("servers")
            return list(there.values())

        await self._edit(account_id, group_id, added)

    async def weigh(self, account_id: str, group_id: str, entries: Sequence[Entry], *, lenient: bool = False) -> None:
        """Set the weights of servers that are there; a ``lenient`` caller does not mind those that are not."""
        wanted = {(one.id, one.port): one for one in entries}

        def weighed(old: Sequence[Server]) -> list[Server]:
            missing = wanted.keys() - {(one.id, one.port) for one in old}
            if missing and not lenient:
                raise unknown_server(min(missing)[0])
            return [
                msgspec.structs.replace(one, weight=entry.weight)
                if (entry := wanted.get((one.id, one.port))) is not None and entry.weight is not None
                else one
                for one in old
            ]

        await self._edit(account_id, group_id, weighed)

    async def remove(self, account_id: str, group_id: str, entries: Sequence[Entry]) -> None:
        """Take servers out; those that are not there are fine (ASSUMPTION)."""
        named = {(one.id, one.port) for one in entries}
        await self._edit(account_id, group_id, lambda old: [one for one in old if (one.id, one.port) not in named])

    async def _edit(
        self, account_id: str, group_id: str, change: Callable[[Sequence[Server]], Sequence[Server]]
    ) -> None:
        async with self._database.transaction() as tx:
            group = await rows.find(tx, account_id, group_id, locked=True)
            if group is None:
                raise unknown_group(group_id)
            await rows.groups.write(tx, msgspec.structs.replace(group, servers=change(group.servers)))

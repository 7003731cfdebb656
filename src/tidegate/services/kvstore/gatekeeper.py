"""Changes whitelists and has them enforced: a change is durable and on the wire before its call is answered.

The rows are the truth. The order of things makes sure that the gate never lets in more than the rows do, whenever the
process dies:

    1  in one transaction, which alone holds the instance: write the rows, then take from the gate what the change takes
       away (what both the old and the new list let in remains)
    2  commit
    3  in a second transaction, which holds the instance again: read the rows and give the gate their whole list

Killed before 2, the rows are as they were and the gate lacks something; killed after 2, it lacks what was added. Either
is made good by whoever does step 3 next: every change, every start, and the controller, which looks again and again.
Step 3 goes by the rows and not by the change, so changes of several processes cannot get in each other's way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from tidegate.clock import Clock
from tidegate.errors import PlaneError
from tidegate.plane.gate.base import Applied, Gate
from tidegate.plane.gate.ranges import intersect
from tidegate.plane.redis.base import RedisServers
from tidegate.services.kvstore import errors
from tidegate.services.kvstore.limits import WHITELIST
from tidegate.services.kvstore.registry import Registry
from tidegate.services.operation import Call
from tidegate.services.whitelist.model import (
    Change,
    Group,
    Whitelist,
    added_and_removed,
    admitted,
    apply_change,
    read_change,
)
from tidegate.store import kvstore as rows
from tidegate.store import work
from tidegate.store.database import Database
from tidegate.store.kvstore import ChangeRow, GroupRow, Instance
from tidegate.telemetry import get_logger
from tidegate.telemetry.points import reach
from tidegate.vault import Vault

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_log = get_logger("kvstore")
#: How long enforcement waits for an instance that another process holds.
_ENFORCEMENT_WAIT = 10.0


def work_key(instance_id: str) -> str:
    """Return the key of the work that drives the instance."""
    return f"redis/{instance_id}"


class Gatekeeper:
    """Keeps the whitelists of all instances, and their passwords, as the rows have them."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        servers: RedisServers,
        gate: Gate,
        *,
        vault: Vault,
        clock: Clock,
        changing_window: float,
        cuts_connections: bool,
    ) -> None:
        self._database = database
        self._registry = registry
        self._servers = servers
        self._gate = gate
        self._vault = vault
        self._clock = clock
        self._window = timedelta(seconds=changing_window)
        self._cuts_connections = cuts_connections

    async def groups(self, account_id: str, instance_id: str) -> Whitelist:
        """Return the groups of an instance's whitelist, ``default`` first."""
        await self._registry.find(account_id, instance_id)
        async with self._database.connection() as connection:
            return await _whitelist(connection, instance_id)

    async def history(self, account_id: str, instance_id: str, limit: int = 100) -> Sequence[ChangeRow]:
        """Return the latest changes of the whitelist: what, by whom, by which request, and when on the wire."""
        await self._registry.find(account_id, instance_id)
        async with self._database.connection() as connection:
            return await rows.history(connection, instance_id, limit)

    async def modify(
        self,
        call: Call,
        instance_id: str,
        entries: str,
        *,
        group: str | None = None,
        mode: str | None = None,
        attribute: str | None = None,
    ) -> None:
        """Change one group of a whitelist as ModifySecurityIps does; enforced on return.

        ServiceUnavailable after the change is durable means that the gate did not take it yet; it is tried again.
        """
        async with self._registry.turn(instance_id) as deadline:
            try:
                async with self._registry.editing(call, instance_id, deadline) as (tx, instance):
                    change = read_change(WHITELIST, entries, group, mode, attribute)
                    await self._change(tx, call, instance, change)
            except PlaneError as error:
                raise await self._unenforced(instance_id, error) from error
            reach("kvstore.whitelist.committed")
            # A caller that hangs up now must not keep the durable change off the wire.
            await asyncio.shield(self.enforce_now(instance_id))
        reach("kvstore.whitelist.applied")

    async def enforce_now(self, instance_id: str, *, thorough: bool = False) -> Applied | None:
        """Enforce for a caller: what the plane refuses is left to the controller and told as ServiceUnavailable."""
        try:
            return await self.enforce(instance_id, thorough=thorough)
        except (PlaneError, rows.LockedError) as error:
            raise await self._unenforced(instance_id, error) from error

    async def enforce(self, instance_id: str, *, thorough: bool = False) -> Applied | None:
        """Give the gate the list that the rows have; None when there is nothing to enforce.

        ``thorough`` gives the server its password too, and the gate its list whatever it seems to have. Raises
        PlaneError, or LockedError when another process does not let go of the instance.
        """
        async with self._database.transaction() as tx:
            instance = await rows.lock(tx, instance_id, seconds=_ENFORCEMENT_WAIT)
            if instance is None or instance.status == "Released":
                return None
            if thorough:
                await self._servers.set_password(instance_id, self.password_of(instance))
            ranges = admitted(await _whitelist(tx, instance_id))
            applied = await self._gate.allow(instance_id, ranges, thorough=thorough)
            if self._cuts_connections:
                await self._gate.cut(instance_id)
            await rows.mark_applied(tx, instance_id, self._clock.now(), applied.milliseconds)
            return applied

    async def note_connections(self, instance_id: str) -> None:
        """Write down when addresses first came in, which the gate itself remembers for a day at most."""
        async with self._database.transaction() as tx:
            await self._note(tx, instance_id)

    def password_of(self, instance: Instance) -> str | None:
        """Return what clients have to say; None when they need no password (kvstore.md 11)."""
        if instance.vpc_auth_mode == "Close" or instance.sealed_password is None:
            return None
        return self._vault.open(instance.sealed_password, instance.id)

    async def _change(self, tx: Connection, call: Call, instance: Instance, change: Change) -> None:
        """Write a change and take from the gate what it takes away."""
        before = await _whitelist(tx, instance.id)
        after = apply_change(WHITELIST, before, change)
        old = next((one for one in before if one.name == change.group), Group(change.group, ()))
        new = next(one for one in after if one.name == change.group)
        added, removed = added_and_removed(old.entries, new.entries)
        now = self._clock.now()
        record = ChangeRow(
            at=now,
            group_name=change.group,
            mode=change.mode,
            added=added,
            removed=removed,
            caller=call.principal.arn,
            source_ip=call.source_ip,
            request_id=call.request_id,
        )
        group = GroupRow(name=new.name, attribute=new.attribute, entries=new.entries)
        await rows.put_group(tx, instance.id, group, record)
        if self._window:
            await rows.set_changing(tx, instance.id, now + self._window)
        reach("kvstore.whitelist.recorded")
        if removed:
            await self._note(tx, instance.id)  # the gate forgets them with the entry
            await self._gate.allow(instance.id, intersect(admitted(before), admitted(after)))
            reach("kvstore.whitelist.narrowed")

    async def _note(self, tx: Connection, instance_id: str) -> None:
        try:
            seen = await self._gate.attempts(instance_id)
        except PlaneError as error:  # it explains; nothing rests on it
            _log.warning("gate did not tell who came", extra={"instance": instance_id, "reason": str(error)})
            return
        now = self._clock.now()
        firsts = {one.address: now - timedelta(seconds=one.admitted.first) for one in seen if one.admitted}
        if firsts:
            await rows.note_connections(tx, instance_id, firsts)

    async def _unenforced(self, instance_id: str, error: Exception) -> Exception:
        """Have the controller make it good, and return what the caller is told."""
        _log.error("gate did not take the whitelist", extra={"instance": instance_id, "reason": str(error)})
        async with self._database.transaction() as tx:
            await work.wake(tx, work_key(instance_id), now=self._clock.now())
        return errors.gate_unavailable()


async def _whitelist(connection: Connection, instance_id: str) -> Whitelist:
    found = await rows.groups(connection, instance_id)
    return tuple(Group(row.name, tuple(row.entries), row.attribute) for row in found)

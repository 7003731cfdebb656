"""What the parts of ECS are made with: store, clock, ids, networks, and how a call is answered once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.clock import Clock
from tidegate.ids import Ids
from tidegate.services.ecs import faults
from tidegate.services.ecs.model import Delays
from tidegate.services.ecs.network import Networks
from tidegate.services.operation import Call
from tidegate.store import tokens
from tidegate.store.database import Database
from tidegate.store.ecs import instances as instance_rows
from tidegate.store.ecs.instances import Instance

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: What an operation remembers of its answer, for a repeat with the same client token.
Answered = Mapping[str, Any]


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What all parts of ECS share."""

    database: Database
    clock: Clock
    ids: Ids
    networks: Networks
    delays: Delays

    def now(self) -> datetime:
        """Return the present on the cloud's clock."""
        return self.clock.now()

    def ready_at(self) -> datetime:
        """Return when a change that is begun now has passed: attaching, associating and the like."""
        return self.clock.now() + timedelta(seconds=self.delays.change)

    def copied_at(self) -> datetime:
        """Return when a snapshot or image that is begun now is ready."""
        return self.clock.now() + timedelta(seconds=self.delays.copy)

    async def once(self, call: Call, act: Callable[[Connection], Awaitable[Answered]]) -> Answered:
        """Do something in a transaction; a repeat with the call's client token gets the first answer and changes nothing."""
        repeat = (f"{call.product}:{call.action}", call.client_token, call.fingerprint)
        async with self.database.transaction() as tx:
            known: Answered | None = await tokens.recall(tx, call.account_id, *repeat, now=self.now())
            if known is not None:
                return known
            answered = await act(tx)
            await tokens.remember(tx, call.account_id, *repeat, answered, now=self.now())
            return answered


async def locked_instance(tx: Connection, call: Call, instance_id: str) -> Instance:
    """Return one of the caller's instances, locked; raises InvalidInstanceId.NotFound."""
    found = (await instance_rows.lock(tx, call.account_id, [instance_id])).get(instance_id)
    if found is None or found.region != call.region:
        raise faults.not_found("InvalidInstanceId")
    return found

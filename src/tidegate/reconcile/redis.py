"""Drives Redis instances: a real server behind its gate for each one that is wanted, nothing for the released ones.

The work of an instance lives as long as the instance. Every look compares what is with what the row says and makes it
so: server and gate are there, the password and the whitelist are the row's. So whatever broke, whoever died and in
which order, the next look repairs it; looks come with every start, with the loss of the plane, after a refused change,
and every half minute.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from tidegate.clock import Clock
from tidegate.errors import PlaneError
from tidegate.plane.redis.base import RedisServers, RedisSpec
from tidegate.reconcile.engine import Run, Suspend
from tidegate.services.ecs.service import Ecs
from tidegate.services.kvstore.gatekeeper import Gatekeeper, work_key
from tidegate.services.kvstore.limits import HISTORY
from tidegate.services.kvstore.states import Event, Status, follow
from tidegate.store import kvstore as rows
from tidegate.store import work
from tidegate.store.database import Database
from tidegate.store.kvstore import Instance
from tidegate.telemetry import get_logger
from tidegate.telemetry.points import reach

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_log = get_logger("reconcile.redis")
_NEXT_LOOK = timedelta(seconds=30)
_NEXT_TRY = timedelta(seconds=2)
_LOCK_SECONDS = 10.0


class RedisController:
    """Drives works of the kind ``redis``. ``creation_delay`` seconds a new instance is Creating at least."""

    def __init__(
        self,
        database: Database,
        servers: RedisServers,
        gatekeeper: Gatekeeper,
        ecs: Ecs,
        clock: Clock,
        *,
        creation_delay: float = 0.0,
    ) -> None:
        self._database = database
        self._servers = servers
        self._gatekeeper = gatekeeper
        self._ecs = ecs
        self._clock = clock
        self._creation_delay = timedelta(seconds=creation_delay)
        self._tasks: set[asyncio.Task[None]] = set()

    async def begin(self) -> None:
        """Look at every instance now, and again whenever the plane is lost. Called once at every start."""
        await self.look_at_all()
        self._servers.on_lost(self._plane_lost)

    async def look_at_all(self) -> None:
        """Have every instance compared with its row."""
        async with self._database.transaction() as tx:
            await work.wake(tx, *[work_key(one) for one in await rows.ids(tx)], now=self._clock.now())

    async def __call__(self, run: Run) -> None:
        """Look at one instance; ends when it is released and gone."""
        async with self._database.connection() as connection:
            instance = await rows.find(connection, run.id)
        if instance is None:
            return
        try:
            if instance.status == "Released":
                await self._remove(run, instance)
                return
            await self._serve(run, instance)
        except (PlaneError, rows.LockedError) as error:
            _log.error("plane refused, tried again soon", extra={"instance": run.id, "reason": str(error)})
            raise Suspend(run.now() + _NEXT_TRY) from error
        raise Suspend(run.now() + _NEXT_LOOK)

    async def _serve(self, run: Run, instance: Instance) -> None:
        reach("redis.serve.before")
        await self._servers.create(self._spec(instance))
        reach("redis.serve.acted")
        # Under the row's lock, so a change in between is not undone.
        await self._gatekeeper.enforce(instance.id, thorough=True)
        await self._gatekeeper.note_connections(instance.id)
        ready = instance.created_at + self._creation_delay
        if instance.status == "Creating" and run.now() < ready:
            raise Suspend(ready)
        async with run.transaction() as tx:
            await self._settle(tx, instance.id)
        reach("redis.serve.recorded")

    async def _settle(self, tx: Connection, instance_id: str) -> None:
        """Write that the instance is served, and forget what is too old."""
        instance = await rows.lock(tx, instance_id, seconds=_LOCK_SECONDS)
        if instance is None or instance.status == "Released":
            return
        status = follow(Status(instance.status), Event.SERVED)
        if status != instance.status:
            await rows.update(tx, msgspec.structs.replace(instance, status=status))
        await rows.forget_changes(tx, instance_id, HISTORY)
        await rows.forget_connections(tx, instance_id, HISTORY)

    async def _remove(self, run: Run, instance: Instance) -> None:
        reach("redis.remove.before")
        await self._servers.destroy(instance.id)
        reach("redis.remove.acted")
        async with run.transaction() as tx:
            await self._ecs.release_address(tx, instance.id)
            await rows.remove(tx, instance.id)
        reach("redis.remove.recorded")

    def _spec(self, instance: Instance) -> RedisSpec:
        return RedisSpec(
            id=instance.id,
            vswitch_id=instance.vswitch_id,
            network=instance.network,
            gateway=instance.gateway,
            address=instance.private_ip,
            port=instance.port,
            password=self._gatekeeper.password_of(instance),
            memory=instance.capacity,
        )

    def _plane_lost(self) -> None:
        task = asyncio.get_running_loop().create_task(self.look_at_all())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

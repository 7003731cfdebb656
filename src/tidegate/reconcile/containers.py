"""Drives container groups: a host for each one that is wanted, nothing for those that end.

The work of a group lives as long as the group. Every look makes what is as the row says: a wanted host is made, or
started again when it was stopped or lost. Looks come with every change, with every start and with the loss of the hosts.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec

from tidegate.clock import Clock
from tidegate.errors import PlaneError
from tidegate.plane.hosts.base import Hosts
from tidegate.reconcile.engine import Run, Suspend
from tidegate.services.eci.service import Eci, work_key
from tidegate.services.eci.states import Event, Status, after
from tidegate.store import eci as rows
from tidegate.store import work
from tidegate.store.database import Database
from tidegate.store.eci import GROUPS, ContainerGroup
from tidegate.telemetry import get_logger
from tidegate.telemetry.points import reach

_log = get_logger("containers")
_NEXT_TRY = timedelta(seconds=2)


class ContainerController:
    """Drives works of the kind ``container-group``."""

    def __init__(self, database: Database, hosts: Hosts, eci: Eci, clock: Clock) -> None:
        self._database = database
        self._hosts = hosts
        self._eci = eci
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    async def begin(self) -> None:
        """Look at every group now, and again whenever the hosts are lost. Called once at every start."""
        await self.look_at_all()
        self._hosts.on_lost(self._hosts_lost)

    async def look_at_all(self) -> None:
        """Have every group compared with its row."""
        async with self._database.transaction() as tx:
            keys = [work_key(one) for one in await rows.every_id(tx)]
            if keys:
                await work.wake(tx, *keys, now=self._clock.now())

    def _hosts_lost(self) -> None:
        task = asyncio.get_running_loop().create_task(self.look_at_all())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def __call__(self, run: Run) -> None:
        """Look at one group; ends when it is deleted and gone."""
        async with self._database.connection() as db:
            group = await rows.one(db, run.id)
        if group is None:
            return
        try:
            if group.status == Status.TERMINATING:
                await self._remove(run, group)
                return
            await self._serve(run, group)
        except PlaneError as error:
            _log.warning("%s stays %s for now: %s", group.id, group.status, error)
            raise Suspend(run.now() + _NEXT_TRY) from error
        raise Suspend

    async def _serve(self, run: Run, group: ContainerGroup) -> None:
        await self._note(run, group.id, Event.PLACED)
        reach("container-group.boot.before")
        host = await self._hosts.create(await self._eci.host(group))
        if host.state == "Stopped":
            await self._note(run, group.id, Event.LOST)
            await self._hosts.start(group.id)
        reach("container-group.boot.acted")
        await self._note(run, group.id, Event.BOOTED)

    async def _note(self, run: Run, group_id: str, event: Event) -> None:
        """Let an event happen to the group, where it can."""
        async with run.transaction() as tx:
            group = await rows.lock(tx, group_id)
            status = None if group is None else after(Status(group.status), event)
            if group is None or status is None:
                return
            started = run.now() if event is Event.BOOTED else group.started_at
            await GROUPS.write(tx, msgspec.structs.replace(group, status=status, started_at=started))
        reach(f"container-group.{event}.recorded")

    async def _remove(self, run: Run, group: ContainerGroup) -> None:
        reach("container-group.remove.before")
        await self._hosts.destroy(group.id)
        reach("container-group.remove.acted")
        async with run.transaction() as tx:
            await self._eci.forget(tx, group.id)
        reach("container-group.remove.recorded")

"""Drives the instances of one launch: boots, stops and removes their machines until every one has settled.

One work drives a whole batch, so writing down what has happened costs less for each instance the more there are. Nothing
is remembered outside the rows: a look reads which instances have not settled, has the hosts do what their statuses ask
for (each of those calls may be made twice), and writes what came of it. So it may stop anywhere and begin again.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tidegate.clock import Clock
from tidegate.errors import PlaneError
from tidegate.plane.hosts.base import Hosts
from tidegate.reconcile.engine import Run, Suspend
from tidegate.services.ecs import changes
from tidegate.services.ecs.model import NO_DELAYS, Delays, host_of
from tidegate.services.ecs.states import SETTLED, Event, Status, ways
from tidegate.store import eci as eci_rows
from tidegate.store import work
from tidegate.store.database import Database
from tidegate.store.ecs import attachments
from tidegate.store.ecs import instances as rows
from tidegate.store.ecs import networks as network_rows
from tidegate.store.ecs import tags as tag_rows
from tidegate.store.ecs.instances import Instance, Moved
from tidegate.store.ecs.networks import VSwitch
from tidegate.telemetry import get_logger
from tidegate.telemetry.points import reach

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_log = get_logger("instance")

#: Machines worked on at a time in one launch.
_AT_ONCE = 8
#: Times the rows are read again in one look; callers who change their minds faster than that have to wait.
_PASSES = 16
#: A machine that does not boot is given up after this many tries; one that does not go away never is.
_BOOT_TRIES = 4
_FIRST_DELAY, _LONGEST_DELAY = timedelta(seconds=0.5), timedelta(seconds=30)


class _Failure(msgspec.Struct, frozen=True):
    """The hosts refused; ``error`` says why."""

    error: str


class _Gone(msgspec.Struct, frozen=True):
    """The machine is no more."""


_Result = Event | _Failure | _Gone


class InstanceController:
    """Drives launches on ``hosts``."""

    def __init__(self, database: Database, hosts: Hosts, *, delays: Delays = NO_DELAYS) -> None:
        self._database = database
        self._hosts = hosts
        self._boot_delay = timedelta(seconds=delays.boot)

    async def __call__(self, run: Run) -> None:
        """Drive one launch until all its instances have settled; ends when none is left."""
        for _ in range(_PASSES):
            async with self._database.connection() as tx:
                unsettled = await rows.of_launch(tx, run.id, SETTLED)
                if not unsettled and not await rows.launch_has_instances(tx, run.id):
                    return
                vswitches = await network_rows.vswitches_by_id(tx, {one.vswitch_id for one in unsettled})
            due = [one for one in unsettled if one.due_at <= run.now()]
            if not due:
                raise Suspend(min((one.due_at for one in unsettled), default=None))
            await self._begin(run, due)
            await self._act(run, [one for one in due if one.status != Status.PENDING], vswitches)
        raise Suspend(run.now() + _FIRST_DELAY)

    async def _begin(self, run: Run, due: Sequence[Instance]) -> None:
        """Let all pending instances start to boot, in one step."""
        pending = [one.id for one in due if one.status == Status.PENDING]
        if pending:
            async with run.transaction() as tx:
                moved = await rows.move(tx, pending, ways(Event.BOOT), due_at=run.now() + self._boot_delay)
                await changes.tell(tx, moved, run.now())
            reach("instance.begin.recorded")

    async def _act(self, run: Run, due: Sequence[Instance], vswitches: Mapping[str, VSwitch]) -> None:
        """Have the hosts do what is due, many at a time; what ends while something is written is written together."""
        room = asyncio.Semaphore(_AT_ONCE)

        async def perform(instance: Instance) -> _Result:
            async with room:
                return await self._perform(instance, vswitches[instance.vswitch_id])

        tasks = {asyncio.create_task(perform(one)): one for one in due}
        try:
            while tasks:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                await self._record(run, [(tasks.pop(task), task.result()) for task in done])
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _perform(self, instance: Instance, vswitch: VSwitch) -> _Result:
        """Do what the instance's status asks for; every call here may be repeated."""
        reach(f"instance.{instance.status.lower()}.before")
        result = await self._ask_hosts(instance, vswitch)
        reach(f"instance.{instance.status.lower()}.acted")
        return result

    async def _ask_hosts(self, instance: Instance, vswitch: VSwitch) -> _Result:
        try:
            match instance.status:
                case Status.STARTING:
                    await self._boot(instance, vswitch)
                    return Event.BOOTED
                case Status.RELEASING:
                    await self._hosts.destroy(instance.id)
                    return _Gone()
                case _:
                    await self._hosts.stop(instance.id)
                    return Event.HALTED
        except PlaneError as error:
            return _Failure(str(error))

    async def _boot(self, instance: Instance, vswitch: VSwitch) -> None:
        """Boot the machine from its disk, or make it when there is none."""
        if instance.started_at is not None:
            with suppress(PlaneError):
                await self._hosts.start(instance.id)
                return
        elif instance.attempts:
            await self._hosts.destroy(instance.id)  # what a first boot that failed may have left
        host = await self._hosts.create(host_of(instance, vswitch))
        if host.state == "Stopped":
            await self._hosts.start(instance.id)

    async def _record(self, run: Run, results: Sequence[tuple[Instance, _Result]]) -> None:
        """Write what has happened and wake those who wait for it, in one transaction."""
        by_event: dict[Event, list[str]] = defaultdict(list)
        gone: list[str] = []
        async with run.transaction() as tx:
            for instance, result in results:
                match result:
                    case Event():
                        by_event[result].append(instance.id)
                    case _Gone():
                        gone.append(instance.id)
                    case _Failure(error) if _is_hopeless(instance):
                        _log.error("%s does not boot and is given up: %s", instance.id, error)
                        by_event[Event.FAILED].append(instance.id)
                    case _Failure(error):
                        _log.warning("%s stays %s for now: %s", instance.id, instance.status, error)
                        await rows.postpone(tx, instance.id, instance.attempts + 1, _next_try(instance, run.now()))
            moved = [one for event, ids in by_event.items() for one in await _move(tx, ids, event, run.now())]
            moved += await _forget(tx, gone)
            await changes.tell(tx, moved, run.now())
            await wake_watchers(tx, moved, run.now())
        for instance, _ in results:
            reach(f"instance.{instance.status.lower()}.recorded")


def _is_hopeless(instance: Instance) -> bool:
    return instance.status == Status.STARTING and instance.attempts + 1 >= _BOOT_TRIES


def _next_try(instance: Instance, now: datetime) -> datetime:
    return now + min(_FIRST_DELAY * (1 << min(instance.attempts, 16)), _LONGEST_DELAY)


async def _move(tx: Connection, ids: Sequence[str], event: Event, now: datetime) -> list[Moved]:
    return await rows.move(tx, ids, ways(event), due_at=now, started_at=now if event is Event.BOOTED else None)


async def _forget(tx: Connection, ids: Sequence[str]) -> list[Moved]:
    """Remove what is left of released instances; their addresses are free again, and what was bound to them."""
    if not ids:
        return []
    gone = await rows.delete(tx, ids)
    await network_rows.free(tx, ids)
    await attachments.let_go(tx, ids)
    await tag_rows.remove(tx, "instance", ids, None)
    return gone


async def wake_watchers(tx: Connection, moved: Iterable[Moved], now: datetime) -> None:
    """Wake the works that watch instances which have settled or are gone."""
    watchers = {one.watcher for one in moved if one.watcher and (not one.after or one.after in SETTLED)}
    if watchers:
        await work.wake(tx, *sorted(watchers), now=now)


class Adoption(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the machines that were found: instance ids."""

    alive: Sequence[str]
    lost: Sequence[str]
    destroyed: Sequence[str]


async def adopt(database: Database, hosts: Hosts, clock: Clock) -> Adoption:
    """Make rows and machines agree at start-up, before anything is driven.

    What lives goes on, machines that no row knows are destroyed, and instances whose machine is not there any more are
    Stopped. What was under way is left to the controllers, which look before they act.
    """
    async with database.connection() as tx:
        running = await rows.with_status(tx, [Status.RUNNING])
    found = {host.id: host.state for host in await hosts.list()}
    async with database.connection() as tx:
        known = {*await rows.every_id(tx), *await eci_rows.every_id(tx)}
    strangers = sorted(found.keys() - known)
    await asyncio.gather(*(hosts.destroy(one) for one in strangers))
    lost = await _mark_lost(database, running, found, clock)
    return Adoption(alive=sorted(found.keys() & known), lost=lost, destroyed=strangers)


async def notice_losses(database: Database, hosts: Hosts, clock: Clock) -> Sequence[str]:
    """Show instances whose machine has died as Stopped; return their ids. For ``hosts.on_lost``."""
    async with database.connection() as tx:
        running = await rows.with_status(tx, [Status.RUNNING])
    try:
        found = {host.id: host.state for host in await hosts.list()}
    except PlaneError as error:
        _log.error("the hosts have died and cannot be asked who is left: %s", error)
        found = {}
    return await _mark_lost(database, running, found, clock)


async def _mark_lost(
    database: Database, running: Sequence[str], found: Mapping[str, str], clock: Clock
) -> Sequence[str]:
    """Let instances be Stopped whose machines were not found running, and wake who watches them."""
    lost = [one for one in running if found.get(one) != "Running"]
    if lost:
        now = clock.now()
        async with database.transaction() as tx:
            moved = await rows.move(tx, lost, ways(Event.LOST), due_at=now)
            await changes.tell(tx, moved, now)
            await wake_watchers(tx, moved, now)
        _log.warning("%d instances have lost their hosts", len(lost), extra={"instances": lost[:20]})
    return lost

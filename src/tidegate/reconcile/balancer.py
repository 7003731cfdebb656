"""Drives load balancers: a real one for each that is wanted, nothing for the released ones.

Every look makes the real load balancer what its rows say. Servers whose instance is gone leave the rows, and servers
that were taken out leave the real one when they have finished, or have had their time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from tidegate.clock import Clock
from tidegate.errors import PlaneError
from tidegate.plane.balancer.base import Balancers
from tidegate.reconcile.engine import Controller, Run, Suspend
from tidegate.services.ecs.service import Ecs
from tidegate.services.slb import model
from tidegate.services.slb.service import WORK, work_key
from tidegate.store import slb as rows
from tidegate.store import work
from tidegate.store.database import Database
from tidegate.store.slb import Balancer, Server, ServerGroup
from tidegate.telemetry import get_logger
from tidegate.telemetry.points import reach

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_log = get_logger("reconcile.balancer")
_NEXT_LOOK = timedelta(seconds=30)
_NEXT_TRY = timedelta(seconds=2)
#: how often it is looked whether servers that were taken out have finished
_LEAVING_LOOK = timedelta(seconds=0.2)
_LOCK_SECONDS = 10.0


class BalancerController:
    """Drives works of the kind ``balancer``."""

    def __init__(self, database: Database, balancers: Balancers, ecs: Ecs, clock: Clock) -> None:
        self._database = database
        self._balancers = balancers
        self._ecs = ecs
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def controllers(self) -> Mapping[str, Controller]:
        """The kinds of work that this drives."""
        return {WORK: self}

    async def begin(self) -> None:
        """Look at every load balancer now, and again whenever the plane is lost. Called once at every start."""
        await self.look_at_all()
        self._balancers.on_lost(self._plane_lost)

    async def look_at_all(self) -> None:
        """Have every load balancer compared with its rows, and end those that have none."""
        async with self._database.transaction() as tx:
            known = await rows.ids(tx)
            await work.wake(tx, *[work_key(one) for one in known], now=self._clock.now())
        for stray in set(await self._balancers.list()) - set(known):
            await self._balancers.destroy(stray)

    async def __call__(self, run: Run) -> None:
        """Look at one load balancer; ends when it is released and gone."""
        async with self._database.connection() as db:
            balancer = await rows.balancers.one(db, "where id = $1", run.id)
            groups = {one.id: one for one in await rows.groups_of(db, run.id)}
        if balancer is None:
            return
        try:
            if balancer.released:
                await self._remove(run, balancer)
                return
            await self._serve(run, balancer, groups)
        except PlaneError as error:
            _log.error("plane refused, tried again soon", extra={"balancer": run.id, "reason": str(error)})
            async with run.transaction() as tx:
                await self._note(tx, run.id, str(error)[:500])
            raise Suspend(run.now() + _NEXT_TRY) from error

    async def _serve(self, run: Run, balancer: Balancer, groups: Mapping[str, ServerGroup]) -> None:
        reach("balancer.serve.before")
        await self._balancers.apply(model.spec_of(balancer, groups))
        reach("balancer.serve.acted")
        seen = await self._balancers.look(balancer.id) if _leaving(balancer, groups) else ()
        gone = await self._gone(balancer, groups)
        async with run.transaction() as tx:
            locked = await rows.lock(tx, balancer.id, seconds=_LOCK_SECONDS)
            if locked is None or locked.revision != balancer.revision:
                raise Suspend(run.now())  # it has been changed meanwhile

            def kept(servers: Sequence[Server], group_id: str | None) -> list[Server]:
                still = model.finished(servers, group_id, balancer, seen, run.now())
                return [one for one in still if one.id not in gone]

            servers = kept(balancer.servers, None)
            changed = {
                one.id: msgspec.structs.replace(one, servers=left)
                for one in groups.values()
                if len(left := kept(one.servers, one.id)) < len(one.servers)
            }
            is_new = bool(changed) or len(servers) < len(balancer.servers)
            now_groups = {**groups, **changed}
            now_balancer = msgspec.structs.replace(
                locked,
                servers=servers,
                applied=balancer.revision,
                revision=balancer.revision + is_new,
                problem="",
            )
            leaving = _leaving(now_balancer, now_groups)
            if not is_new and not leaving and locked.watchers:
                await work.wake(tx, *locked.watchers, now=run.now())
                now_balancer = msgspec.structs.replace(now_balancer, watchers=[])
            if changed:
                await rows.groups.write(tx, *changed.values())
            if now_balancer != locked:
                await rows.balancers.write(tx, now_balancer)
        reach("balancer.serve.recorded")
        raise Suspend(run.now() if is_new else run.now() + (_LEAVING_LOOK if leaving else _NEXT_LOOK))

    async def _gone(self, balancer: Balancer, groups: Mapping[str, ServerGroup]) -> set[str]:
        """Return the servers whose instances have been released."""
        ids = {one.id for servers in _all(balancer, groups) for one in servers}
        return ids - (await self._ecs.find(balancer.account_id, balancer.region, list(ids))).keys() if ids else set()

    async def _note(self, tx: Connection, balancer_id: str, problem: str) -> None:
        balancer = await rows.lock(tx, balancer_id, seconds=_LOCK_SECONDS)
        if balancer is not None and balancer.problem != problem:
            await rows.balancers.write(tx, msgspec.structs.replace(balancer, problem=problem))

    async def _remove(self, run: Run, balancer: Balancer) -> None:
        reach("balancer.remove.before")
        await self._balancers.destroy(balancer.id)
        reach("balancer.remove.acted")
        async with run.transaction() as tx:
            await self._ecs.release_address(tx, balancer.id)
            if balancer.watchers:
                await work.wake(tx, *balancer.watchers, now=run.now())
            await rows.balancers.remove(tx, "where id = $1", balancer.id)
        reach("balancer.remove.recorded")

    def _plane_lost(self) -> None:
        task = asyncio.get_running_loop().create_task(self.look_at_all())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _all(balancer: Balancer, groups: Mapping[str, ServerGroup]) -> list[Sequence[Server]]:
    return [balancer.servers, *(one.servers for one in groups.values())]


def _leaving(balancer: Balancer, groups: Mapping[str, ServerGroup]) -> bool:
    return any(one.until is not None for servers in _all(balancer, groups) for one in servers)

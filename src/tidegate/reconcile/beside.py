"""What activities do with load balancers and databases beside their members: step by step, made again while they are busy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec

from tidegate.errors import CloudError
from tidegate.reconcile.run import Run, Suspend
from tidegate.services.ess import companions, limits
from tidegate.services.ess.service import Ess
from tidegate.store.ess import members
from tidegate.store.ess.records import Activity, Binding, Group, Member, Problem

_BUSY_PAUSE = timedelta(seconds=1)
_LOOK_AGAIN = timedelta(seconds=1)


class Beside:
    """The steps of ess.md 3.2 and 3.3 that are about load balancers and databases. Without any, they cost nothing."""

    def __init__(self, ess: Ess) -> None:
        self._ess = ess
        self._around = ess.around
        self._companions = ess.companions

    async def let_in(self, run: Run, group: Group, instance_ids: Sequence[str]) -> Problem | None:
        """Step 6 of a scale-out: databases let the instances in."""
        return await self._try(
            run, "let-in", companions.databases(group.bindings), group, instance_ids, self._companions.let_in
        )

    async def join(self, run: Run, group: Group, instance_ids: Sequence[str]) -> Problem | None:
        """Step 9 of a scale-out: load balancers send to the instances, really."""
        bindings = companions.balanced(group.bindings)
        act = partial(self._companions.join, watcher=run.key)
        problem = await self._try(run, "balance", bindings, group, instance_ids, act)
        if bindings and problem is None:
            await self.settled(run, "balanced", group, bindings, await self._members(instance_ids))
        return problem

    async def undo(self, run: Run, name: str, group: Group, instance_ids: Sequence[str]) -> None:
        """Take instances that are given up out of load balancers and databases."""
        act = partial(self._companions.leave, watcher=None)
        await self._try(run, f"{name}-unbalance", companions.balanced(group.bindings), group, instance_ids, act)
        bindings = companions.databases(group.bindings)
        await self._try(run, f"{name}-keep-out", bindings, group, instance_ids, self._companions.keep_out)

    async def leave(self, run: Run, group: Group, activity: Activity) -> None:
        """Step 3 of a scale-in: weight 0, a pause, out, and what was begun has ended."""
        bindings = [] if activity.plan.aloof else companions.balanced(group.bindings)
        if not bindings:
            return
        ids = activity.instance_ids
        await self._try(run, "weigh-nothing", bindings, group, ids, self._companions.weigh_nothing)
        if self._around.balancer_pause:
            await self._pause(run, self._around.balancer_pause)
        await self._try(run, "unbalance", bindings, group, ids, partial(self._companions.leave, watcher=run.key))
        await self.settled(run, "unbalanced", group, bindings, await self._members(ids))

    async def back(self, run: Run, name: str, group: Group, activity: Activity, instance_ids: Sequence[str]) -> None:
        """Put instances back that stay after all, with the weight they had (ess.md 3.8)."""
        if not activity.plan.aloof:
            act = partial(self._companions.join, watcher=None)
            bindings = companions.balanced(group.bindings)
            await self._try(run, f"{name}-balance", bindings, group, instance_ids, act)

    async def keep_out(self, run: Run, group: Group, activity: Activity, instance_ids: Sequence[str]) -> None:
        """Step 6 of a scale-in: databases keep the instances out.

        Machines that were released behind the group's back leave their addresses there (ess.md 3.4).
        """
        bindings = [] if activity.plan.aloof else companions.databases(group.bindings)

        async def act(group: Group, bindings: Sequence[Binding], found: Sequence[Member]) -> None:
            if activity.kind == "health":
                views = await self._around.machines.find(group.account_id, group.region, instance_ids)
                found = [one for one in found if one.instance_id in views]
            await self._companions.keep_out(group, bindings, found)

        await self._try(run, "keep-out", bindings, group, instance_ids, act)

    async def settled(
        self, run: Run, name: str, group: Group, bindings: Sequence[Binding], found: Sequence[Member]
    ) -> None:
        """Wait until the real load balancers are so; however long they take, no longer than they may."""
        asked_at = datetime.fromisoformat(await run.step(f"{name}-asked", partial(_now, run)))

        async def look() -> None:
            if await self._companions.is_settled(group, bindings, found):
                return
            if run.now() < asked_at + limits.LONGEST_DRAIN:
                raise Suspend(run.now() + _LOOK_AGAIN)

        await run.step(name, look)

    async def wait_if_busy(self, run: Run, name: str, error: CloudError) -> None:
        """Have a call made again that a load balancer refused only for the moment (ecs.md 13)."""
        if error.code not in companions.BUSY:
            return
        since = datetime.fromisoformat(await run.step(f"{name}-busy", partial(_now, run)))
        if run.now() < since + limits.BUSY_PATIENCE:
            raise Suspend(run.now() + _BUSY_PAUSE) from error

    async def _try(
        self,
        run: Run,
        name: str,
        bindings: Sequence[Binding],
        group: Group,
        instance_ids: Sequence[str],
        act: Callable[[Group, Sequence[Binding], Sequence[Member]], Awaitable[None]],
    ) -> Problem | None:
        """Do something with bindings and members as a step; what it is refused with comes back."""
        if not bindings or not instance_ids:
            return None

        async def step() -> Problem | None:
            try:
                await act(group, bindings, await self._members(instance_ids))
            except CloudError as error:
                await self.wait_if_busy(run, name, error)
                return Problem(error.code, error.message, list(instance_ids))
            return None

        return msgspec.convert(await run.step(name, step), Problem | None)

    async def _members(self, instance_ids: Sequence[str]) -> list[Member]:
        async with self._around.database.connection() as db:
            return list((await members.by_id(db, instance_ids)).values())

    async def _pause(self, run: Run, pause: timedelta) -> None:
        asked_at = datetime.fromisoformat(await run.step("drain-asked", partial(_now, run)))

        async def look() -> None:
            if run.now() < asked_at + pause:
                raise Suspend(asked_at + pause)

        await run.step("drained", look)


async def _now(run: Run) -> str:
    return run.now().isoformat()

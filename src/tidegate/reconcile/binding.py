"""Carries forced changes of load balancers, server groups and databases to the members of groups (ess.md 12.9)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import msgspec

from tidegate.errors import CloudError
from tidegate.reconcile.beside import Beside
from tidegate.reconcile.run import Controller, Run
from tidegate.services.ess.bindings import BIND, Wish
from tidegate.services.ess.companions import balanced
from tidegate.services.ess.members import WEIGH
from tidegate.services.ess.service import Ess
from tidegate.services.ess.states import STEADY, MemberState
from tidegate.store.ess import activities, groups, members
from tidegate.store.ess.records import Group, Member, Problem


class BindingController:
    """Drives forced attachments and detachments."""

    def __init__(self, ess: Ess) -> None:
        self._ess = ess
        self._beside = Beside(ess)

    @property
    def controllers(self) -> Mapping[str, Controller]:
        """The kinds of work that this drives."""
        return {BIND: self.bind, WEIGH: self.weigh}

    async def bind(self, run: Run) -> None:
        """Change what stands beside every member that serves; a member in standby comes with weight 0."""
        wish = msgspec.convert(run.input, Wish)
        async with self._ess.around.database.connection() as db:
            activity = await activities.find(db, run.id)
            group = await groups.find_any(db, activity.group_id) if activity else None
            found = await members.of_group(db, group.id) if group else []
        if activity is None or group is None:
            return
        serving = [one for one in found if one.state in STEADY]
        problem: Problem | None = None
        if serving:
            made = await run.step("bind", partial(self._bind, run, group, wish, serving))
            problem = msgspec.convert(made, Problem | None)
            if problem is None:
                await self._beside.settled(run, "bound", group, [*wish.attach, *wish.detach], serving)
        await run.step("close", partial(self._close, run, serving, problem))

    async def weigh(self, run: Run) -> None:
        """Give members in standby nothing new, or those back from it their weight again (ess.md 8.3)."""
        async with self._ess.around.database.connection() as db:
            group = await groups.find_any(db, run.input["group_id"])
            found = list((await members.by_id(db, run.input["instance_ids"])).values())
        if group is None:
            return
        companions = self._ess.companions
        change = companions.weigh_nothing if run.input["nothing"] else companions.weigh_again
        try:
            await change(group, balanced(group.bindings), found)
        except CloudError as error:
            await self._beside.wait_if_busy(run, "weigh", error)
            raise

    async def _bind(self, run: Run, group: Group, wish: Wish, serving: list[Member]) -> Problem | None:
        companions = self._ess.companions
        waiting = [
            msgspec.structs.replace(one, weight=0) if one.state == MemberState.STANDBY else one for one in serving
        ]
        try:
            await companions.let_in(group, wish.attach, serving)
            await companions.join(group, wish.attach, waiting, watcher=run.key)
            await companions.weigh_nothing(group, wish.detach, serving)
            await companions.leave(group, wish.detach, serving, watcher=run.key)
            await companions.keep_out(group, wish.detach, serving)
        except CloudError as error:
            await self._beside.wait_if_busy(run, "bind", error)
            return Problem(error.code, error.message, [one.instance_id for one in serving])
        return None

    async def _close(self, run: Run, serving: list[Member], problem: Problem | None) -> None:
        async with run.transaction() as tx:
            done = [] if problem else [one.instance_id for one in serving]
            await self._ess.closer.close_binding(tx, run.id, done, problem)

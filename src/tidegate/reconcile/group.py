"""Keeps scaling groups as they should be: health, minimum, maximum, desired capacity; and takes them apart (ess.md 2).

Looked at when something about the group changes, when an activity of it ends, and once a minute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec

from tidegate.errors import CloudError
from tidegate.reconcile.run import Controller, Run, Suspend
from tidegate.services.ess import limits
from tidegate.services.ess.closing import Ending
from tidegate.services.ess.service import Ess
from tidegate.services.ess.starting import GROUP, RefusedError, activity_key
from tidegate.services.ess.states import DROPPABLE, GroupState, MemberEvent, MemberState, member_moves
from tidegate.settings import Settings
from tidegate.store import work
from tidegate.store.ess import activities, groups, members
from tidegate.store.ess.records import Activity, Group, Member, Problem


class GroupController:
    """Drives groups."""

    def __init__(self, ess: Ess, settings: Settings) -> None:
        self._ess = ess
        self._around = ess.around
        self._interval = timedelta(seconds=min(settings.group_check_interval, settings.health_check_interval))

    @property
    def controllers(self) -> Mapping[str, Controller]:
        """The kinds of work that this drives."""
        return {GROUP: self.tend}

    async def tend(self, run: Run) -> None:
        """Look at a group once; ends when the group is gone."""
        async with self._around.database.connection() as db:
            group = await groups.find_any(db, run.id)
        if group is None:
            return
        await self._end_orphans(run, group)
        match group.state:
            case GroupState.DELETING:
                await self._take_apart(run, group)
            case GroupState.ACTIVE:
                await self._check(run, group)
                raise Suspend(run.now() + self._interval)
            case _:
                raise Suspend

    async def _end_orphans(self, run: Run, group: Group) -> None:
        """End activities whose work gave up: only a defect does that, and the group must not hang on it for ever."""
        async with self._around.database.connection() as db:
            running = await activities.running(db, group.id)
            works = {one.id: await work.find(db, activity_key(one.id)) for one in running}
        for activity in running:
            found = works[activity.id]
            if found is None or found.status == "Active":
                continue
            if activity.direction == "SCALE_OUT" and activity.kind != "attach":
                left = await self._left_behind(activity)
                await self._around.machines.release(group.account_id, left, force=True, watcher=None)
            async with run.transaction() as tx:
                held = [one.instance_id for one in await members.handled_by(tx, activity.id)]
                await members.move(tx, held, member_moves(MemberEvent.RESTORE), busy_with=None)
                if activity.direction == "SCALE_OUT":
                    await members.drop(tx, held, DROPPABLE)
                problem = Problem("InternalError", "an unknown error", held)
                await self._ess.closer.close(tx, activity.id, Ending(done=[], problems=[problem]))

    async def _left_behind(self, activity: Activity) -> list[str]:
        """Return the instances that only this activity knows of: made and perhaps not enrolled yet, or started again.

        Those that it has put into service stay.
        """
        made = await self._around.machines.watched_by(activity_key(activity.id))
        async with self._around.database.connection() as db:
            known = await members.by_id(db, made)
            held = [one.instance_id for one in await members.handled_by(db, activity.id)]
        return [*held, *(one for one in made if one not in known)]

    async def _check(self, run: Run, group: Group) -> None:
        try:
            await self._decide(run, group, await self._unhealthy(run, group))
        except RefusedError as refused:
            # What stands beside the group cannot be used now: said so, and tried again after a pause (ess.md 2.3).
            async with run.transaction() as tx:
                if (locked := await groups.lock(tx, group.id)) is not None:
                    await self._ess.starter.reject(tx, refused)
                    await groups.table.write(tx, msgspec.structs.replace(locked, paused_until=run.now() + limits.PAUSE))

    async def _decide(self, run: Run, group: Group, unhealthy: Sequence[str]) -> None:
        async with run.transaction() as tx:
            locked = await groups.lock(tx, group.id)
            if locked is None or locked.state != GroupState.ACTIVE:
                return
            if unhealthy:
                # They may have left, or been protected, since they were looked at.
                found = await members.by_id(tx, unhealthy)
                still = [
                    one.instance_id
                    for one in found.values()
                    if one.group_id == group.id and one.state == MemberState.IN_SERVICE
                ]
                await members.set_health(tx, still, "Unhealthy")
                is_paused = locked.paused_until is not None and run.now() < locked.paused_until
                if still and not is_paused:
                    await self._ess.scaling.expel(tx, locked, still)
            if await self._ess.scaling.check(tx, locked) is None:
                await self._ess.renewal.check(tx, locked)
            await activities.forget(tx, group.id, run.now() - limits.HISTORY)

    async def _unhealthy(self, run: Run, group: Group) -> list[str]:
        """Return the members in service that are marked, or that ECS does not show as Running (ess.md 8.1)."""
        if "HealthCheck" in group.suspended_processes:
            return []
        async with self._around.database.connection() as db:
            serving = [one for one in await members.of_group(db, group.id) if one.state == MemberState.IN_SERVICE]
        if not serving:
            return []
        marked = [one.instance_id for one in serving if one.health == "Unhealthy"]
        if group.health_check_type == "NONE":
            return marked
        views = await self._around.machines.find(group.account_id, group.region, [one.instance_id for one in serving])
        unwell = await self._unwell(run, group, serving)
        return [
            one.instance_id
            for one in serving
            if one.instance_id in [*marked, *unwell]
            or one.instance_id not in views
            or views[one.instance_id].status != "Running"
        ]

    async def _unwell(self, run: Run, group: Group, serving: Sequence[Member]) -> set[str]:
        """Return the members that load balancers find not to serve, of those that had time to be found well."""
        if not group.bindings or "LOAD_BALANCER" not in _health_checks(group):
            return set()
        found = await self._ess.companions.unwell(group)
        before = run.now() - limits.BALANCER_GRACE
        return found & {one.instance_id for one in serving if one.joined_at is not None and one.joined_at <= before}

    async def _take_apart(self, run: Run, group: Group) -> None:
        """Wait for running activities, release what the group owns, let the rest go, and remove the group."""
        async with self._around.database.connection() as db:
            if await activities.running(db, group.id):
                raise Suspend(run.now() + self._interval)
            found = await members.of_group(db, group.id)
        owned = _owned(found)
        try:
            await self._ess.companions.leave(group, group.bindings, found, watcher=run.key)
            await self._ess.companions.keep_out(group, group.bindings, found)
        except CloudError as error:
            raise Suspend(run.now() + self._interval) from error
        if owned:
            await self._around.machines.release(group.account_id, owned, force=True, watcher=run.key)
            if await self._around.machines.find(group.account_id, group.region, owned):
                raise Suspend(run.now() + self._interval)
        async with run.transaction() as tx:
            await groups.lock(tx, group.id)
            await groups.remove(tx, group.id)


def _health_checks(group: Group) -> list[str]:
    return list(group.options.get("HealthCheckTypes") or [group.health_check_type])


def _owned(found: Sequence[Member]) -> list[str]:
    # Protected members are moved out, not released (ess.md 2.1, ASSUMPTION).
    return [
        one.instance_id
        for one in found
        if (one.creation_type == "AutoCreated" or one.entrusted) and one.state != MemberState.PROTECTED
    ]

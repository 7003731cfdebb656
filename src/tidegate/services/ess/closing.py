"""Ending activities: how they went, in words, and what that means for their group (ess.md 2.5, 6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from tidegate.services.ess import limits, wording
from tidegate.services.ess.announcer import Announcer
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.starting import group_key, refresh_key
from tidegate.services.ess.states import ActivityStatus
from tidegate.services.ess.survey import survey
from tidegate.store import work
from tidegate.store.ess import activities, groups, members, refreshes
from tidegate.store.ess.records import Activity, Group, Problem

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_AUTOMATIC = frozenset({"check", "health", "rebalance", "lifetime"})


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """What an activity achieved: the instances that joined or left, and why others did not."""

    done: Sequence[str]
    problems: Sequence[Problem] = ()
    destroyed: Sequence[str] = ()
    started: Sequence[str] = ()
    stopped: Sequence[str] = ()
    detail: str = ""


def status_of(activity: Activity, done: int) -> ActivityStatus:
    """Return Successful, Warning or Failed: all, some or none of what it is about (ess.md 6.1)."""
    if done == 0:
        return ActivityStatus.FAILED
    return ActivityStatus.SUCCESSFUL if done >= activity.amount else ActivityStatus.WARNING


def message_of(activity: Activity, done: int, problems: Sequence[Problem]) -> str:
    """Return the StatusMessage: what was done, what failed, or both."""
    is_out = activity.direction == "SCALE_OUT"
    parts = [(wording.were_added if is_out else wording.were_removed)(done)] if done else []
    for problem in problems:
        failure = (
            wording.not_created(problem.message)
            if is_out
            else wording.not_removed(problem.instance_ids, problem.message)
        )
        parts.append(failure)
    return "; ".join(parts)


class Closer:
    """Ends activities."""

    def __init__(self, around: Surroundings, announcer: Announcer) -> None:
        self._around = around
        self._announcer = announcer

    async def close(self, tx: Connection, activity_id: str, ending: Ending) -> bool:
        """End an activity, start its group's cooldown, and have the group looked at.

        Once: a repeat changes nothing and returns False.
        """
        found = await activities.find(tx, activity_id)
        group = await groups.lock(tx, found.group_id) if found else None
        activity = await activities.lock(tx, activity_id)
        if group is None or activity is None or activity.status != ActivityStatus.IN_PROGRESS:
            return False
        now = self._around.now()
        problems = [*activity.errors, *ending.problems]
        status = status_of(activity, await _achieved(tx, activity, ending))
        message = message_of(activity, len(ending.done), problems)
        counted = (await survey(tx, group.id)).capacities
        failures = "" if status == ActivityStatus.SUCCESSFUL else message + "\n"
        ended = msgspec.structs.replace(
            activity,
            status=status,
            status_message=message,
            detail=activity.detail + ending.detail + failures,
            ordered=0,
            destroyed_ids=list(ending.destroyed),
            started_ids=list(ending.started),
            stopped_ids=list(ending.stopped),
            errors=problems,
            total_capacity=counted.total,
            auto_capacity=counted.auto_created,
            attached_capacity=counted.attached,
            ended_at=now,
        )
        await activities.table.write(tx, ended)
        await self._announcer.activity(tx, group, ended)
        # After a failed automatic activity: a pause before the next try (ess.md 2.3, ASSUMPTION).
        paused = status == ActivityStatus.FAILED and activity.kind in _AUTOMATIC
        failing = paused and (group.failing_since or now)
        await groups.end_activity(
            tx,
            group.id,
            failing_since=failing or (None if ending.done else group.failing_since),
            cooldown_until=now + timedelta(seconds=activity.plan.cooldown) if ending.done else None,
            paused_until=now + limits.PAUSE if paused else None,
            desired=_desired_after(group, activity, len(ending.done)),
        )
        refresh = await refreshes.unended(tx, group.id)
        await work.wake(tx, group_key(group.id), *([refresh_key(refresh.id)] if refresh else []), now=now)
        return True

    async def close_binding(
        self, tx: Connection, activity_id: str, done: Sequence[str], problem: Problem | None
    ) -> None:
        """End an activity that changed what stands beside members; it starts no cooldown. Once, as ``close``."""
        found = await activities.find(tx, activity_id)
        group = await groups.lock(tx, found.group_id) if found else None
        activity = await activities.lock(tx, activity_id)
        if group is None or activity is None or activity.status != ActivityStatus.IN_PROGRESS:
            return
        ended = msgspec.structs.replace(
            activity,
            status=ActivityStatus.FAILED if problem else ActivityStatus.SUCCESSFUL,
            status_message=problem.message if problem else "",
            amount=len(done),
            errors=[problem] if problem else [],
            ended_at=self._around.now(),
        )
        await activities.table.write(tx, ended)
        await self._announcer.activity(tx, group, ended)
        await work.wake(tx, group_key(group.id), now=self._around.now())


async def _achieved(tx: Connection, activity: Activity, ending: Ending) -> int:
    """Return what was done as the activity counts it: what joined in capacity, what left in instances."""
    if activity.direction == "SCALE_IN" or activity.kind == "attach":
        return len(ending.done)
    joined = await members.by_id(tx, ending.done)
    return sum(one.capacity for one in joined.values())


def _desired_after(group: Group, activity: Activity, done: int) -> int | None:
    """Return the new desired capacity; None leaves it (ess.md 2.4)."""
    if group.desired_capacity is None or not done:
        return None
    wanted = activity.plan.desired_after
    if wanted is None:
        wanted = group.desired_capacity + activity.plan.desired_per_joined * done
    return max(group.min_size, min(wanted, group.max_size))

"""Scheduled tasks: planning them, and running one that is due (ess.md 9.1)."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tidegate.errors import CloudError
from tidegate.services.ess import limits, naming, recurrence, refusals, scope, values, wording
from tidegate.services.ess.announcer import Announcer
from tidegate.services.ess.paging import checked_page
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.recurrence import Timetable
from tidegate.services.ess.requests.tasks import (
    CreateScheduledTask,
    DescribeScheduledTasks,
    ModifyScheduledTask,
    OnTask,
    TaskValues,
)
from tidegate.services.ess.scaling import SIMPLE, Scaling, adjustment_of, plan_of
from tidegate.services.ess.starting import GROUP, Order, RefusedError, Starter, group_key
from tidegate.services.ess.states import GroupState
from tidegate.services.ess.survey import survey
from tidegate.services.operation import Call
from tidegate.store import work
from tidegate.store.ess import groups, rules
from tidegate.store.ess import tasks as rows
from tidegate.store.ess.records import Group, Task

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: The kind of work that runs scheduled tasks; the key is ``task/<task id>``.
TASK = "task"

_MINUTE = timedelta(minutes=1)
_INSTANT = timedelta(microseconds=1)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", re.ASCII)


def task_key(task_id: str) -> str:
    """Return the key of the work that runs a task."""
    return f"task/{task_id}"


class Schedule:
    """The scheduled tasks of a cloud."""

    def __init__(self, around: Surroundings, starter: Starter, scaling: Scaling, announcer: Announcer) -> None:
        self._around = around
        self._announcer = announcer
        self._starter = starter
        self._scaling = scaling

    # ---- planning --------------------------------------------------------------------------------------------------

    async def create(self, call: Call, request: CreateScheduledTask) -> str:
        """Plan a task and return its id."""
        if request.region_id not in self._around.regions:
            raise refusals.region_not_found()
        now = self._around.now()
        task_id = self._around.ids.text(24, string.ascii_letters + string.digits)
        blank = Task(
            id=task_id,
            account_id=call.account_id,
            region=request.region_id,
            name=task_id,
            description="",
            group_id="",
            rule_id=None,
            min_value=None,
            max_value=None,
            desired_value=None,
            launch_at=None,
            recurrence_type=None,
            recurrence_value="",
            recurrence_end=None,
            launch_expiration=limits.DEFAULT_LAUNCH_EXPIRATION,
            enabled=True,
            created_at=now,
        )
        async with self._around.database.transaction() as tx:
            await rows.lock_names(tx, blank.account_id, blank.region)
            task = _planned(await self._changed(tx, call, blank, request), now)
            mine = rows.Query(account_id=task.account_id, region=task.region)
            if await rows.count(tx, mine) >= limits.SCHEDULED_TASKS_PER_REGION:
                raise refusals.task_quota()
            await rows.table.add(tx, task)
            await work.drive(tx, task_key(task.id), TASK, now=now)
        return task.id

    async def modify(self, call: Call, request: ModifyScheduledTask) -> None:
        """Change a task; what is absent stays. An occurrence that is being tried is given up when the times change."""
        now = self._around.now()
        async with self._around.database.transaction() as tx:
            task = await _locked(tx, call, request.scheduled_task_id, request.region_id)
            await rows.lock_names(tx, task.account_id, task.region)
            changed = await self._changed(tx, call, task, request)
            if _timetable(changed) != _timetable(task) or changed.enabled != task.enabled:
                changed = _planned(changed, now)
            await rows.table.write(tx, changed)
            await work.drive(tx, task_key(task.id), TASK, now=now)

    async def delete(self, call: Call, request: OnTask) -> None:
        """Delete a task; what it started goes on."""
        async with self._around.database.transaction() as tx:
            task = await _locked(tx, call, request.scheduled_task_id, request.region_id)
            await rows.remove(tx, task.id)
            await work.wake(tx, task_key(task.id), now=self._around.now())

    async def describe(self, call: Call, request: DescribeScheduledTasks) -> tuple[int, list[Task]]:
        """Return how many tasks match and a page of them, newest first."""
        limit, offset = checked_page(request.page_number, request.page_size, limits.PAGE)
        named = [naming.rule_of_ari(ari, call.account_id) for ari in request.scheduled_actions]
        query = rows.Query(
            account_id=call.account_id,
            region=request.region_id,
            ids=request.scheduled_task_ids or None,
            names=request.scheduled_task_names or None,
            like=request.task_name,
            rule_ids=[one[1] for one in named if one] if named else None,
            group_id=request.scaling_group_id,
            recurrence_type=request.recurrence_type,
            recurrence_value=request.recurrence_value,
            enabled=request.task_enabled,
        )
        async with self._around.database.connection() as db:
            return await rows.count(db, query), await rows.page(db, query, limit=limit, offset=offset)

    async def _changed(self, tx: Connection, call: Call, task: Task, request: TaskValues) -> Task:
        """Return the task as the request wants it; raises for what it may not want."""
        now = self._around.now()
        changes = {
            "name": request.scheduled_task_name,
            "description": request.description,
            "launch_at": _moment("LaunchTime", request.launch_time, now, limits.LAUNCH_AHEAD),
            "recurrence_type": request.recurrence_type,
            "recurrence_value": request.recurrence_value,
            "recurrence_end": _moment("RecurrenceEndTime", request.recurrence_end_time, now, limits.RECURRENCE_AHEAD),
            "launch_expiration": request.launch_expiration_time,
            "enabled": request.task_enabled,
        }
        changed = msgspec.structs.replace(task, **{key: value for key, value in changes.items() if value is not None})
        _check_values(changed)
        if await rows.has_name(tx, task.account_id, task.region, changed.name, but=task.id):
            raise refusals.duplicate_task_name()
        return await _aimed(tx, call, changed, request)

    # ---- running ---------------------------------------------------------------------------------------------------

    async def look(self, tx: Connection, task_id: str) -> Task | None:
        """Run the task if it is due and return it as it is then, None when there is none.

        What is started and the note that this occurrence is over are one transaction: it is never started twice.
        """
        task, now = await rows.lock(tx, task_id), self._around.now()
        if task is None or not task.enabled or task.due_at is None or (task.retry_at or task.due_at) > now:
            return task
        patience = timedelta(seconds=task.launch_expiration)
        next_minute = now.replace(second=0, microsecond=0) + _MINUTE
        if now - task.due_at > patience + _MINUTE:  # missed: nobody looked while it could be tried
            looked_at = _skipped(task, now - patience - _MINUTE - _INSTANT)
        elif await self._has_begun(tx, task) or next_minute - task.due_at > patience:
            looked_at = _skipped(task, task.due_at)
        else:
            looked_at = msgspec.structs.replace(task, retry_at=next_minute)
        await rows.table.write(tx, looked_at)
        return looked_at

    async def warn(self, tx: Connection, task: Task) -> datetime | None:
        """Tell that a task is about to expire, once a day in its last days; returns when to look again (ess.md 10)."""
        if task.recurrence_end is None or task.due_at is None:
            return None
        group = await groups.find_any(tx, task.group_id)
        left = task.recurrence_end - self._around.now()
        if group is None or left <= timedelta():
            return None
        days = -(-left // limits.DAY) - 1  # whole ones after today, so that the next look is always ahead
        if days < limits.EXPIRY_DAYS:
            await self._announcer.expiring(tx, group, task, str(days))
        return task.recurrence_end - min(days, limits.EXPIRY_DAYS) * limits.DAY if days else None

    async def _has_begun(self, tx: Connection, task: Task) -> bool:
        """Start what the task is for; False when that was refused and is to be tried again."""
        group = await groups.lock(tx, task.group_id)
        # A task without a group has nothing to do; a suspended process does not start (ess.md 2.6).
        if group is None or group.state == GroupState.DELETING or "ScheduledAction" in group.suspended_processes:
            return True
        if await rows.newer_are_due(tx, task):
            return False
        try:
            if task.rule_id is not None:
                await self._run_rule(tx, task, task.rule_id, group)
            else:
                await self._set_bounds(tx, task, group)
        except RefusedError as refused:
            await self._starter.reject(tx, refused)
            # A rule that is gone does not come back.
            return refused.error.code == refusals.rule_ari_not_found.code
        return True

    async def _run_rule(self, tx: Connection, task: Task, rule_id: str, group: Group) -> None:
        rule = await rules.find(tx, rule_id)
        order = self._order(task, group, wording.rule_scheduled(rule_id), rule.cooldown if rule else None)
        if rule is None:
            raise await _unchanged(tx, refusals.rule_ari_not_found(), group, order)
        await self._scaling.follow(tx, group, rule, adjustment_of(rule), order)

    async def _set_bounds(self, tx: Connection, task: Task, group: Group) -> None:
        """Give the group its new bounds; its own checks do the rest (ess.md 2.3, 2.4)."""
        changed = msgspec.structs.replace(
            group,
            min_size=group.min_size if task.min_value is None else task.min_value,
            max_size=group.max_size if task.max_value is None else task.max_value,
            desired_capacity=group.desired_capacity if task.desired_value is None else task.desired_value,
            modified_at=self._around.now(),
            paused_until=None,
        )
        error = _objection(changed)
        if error is not None:
            raise await _unchanged(tx, error, group, self._order(task, group, wording.bounds_scheduled()))
        await groups.table.write(tx, changed)
        await work.drive(tx, group_key(group.id), GROUP, now=self._around.now())

    def _order(self, task: Task, group: Group, reason: str, cooldown: int | None = None) -> Order:
        return Order(
            kind="rule",
            reason=reason,
            request_id=self._around.ids.uuid(),
            trigger_type="Ess",
            trigger_id=task.id,
            plan=plan_of(group, cooldown=cooldown),
        )


async def _unchanged(tx: Connection, error: CloudError, group: Group, order: Order) -> RefusedError:
    return RefusedError(error, group, order, (await survey(tx, group.id)).census.total, 0)


def _objection(group: Group) -> CloudError | None:
    if group.state != GroupState.ACTIVE:
        return refusals.group_status()
    try:
        values.check_bounds(group.min_size, group.max_size, group.desired_capacity)
    except CloudError as error:
        return error
    return None


async def _locked(tx: Connection, call: Call, task_id: str, region: str | None) -> Task:
    task = await rows.lock(tx, task_id)
    if task is None or task.account_id != call.account_id or region not in (None, task.region):
        raise refusals.task_not_found()
    return task


async def _aimed(tx: Connection, call: Call, task: Task, request: TaskValues) -> Task:
    """Return the task with the rule or the group that the request aims it at."""
    if request.scheduled_action is not None:
        if request.scaling_group_id is not None:
            raise refusals.conflict("ScheduledAction", "ScalingGroupId")
        rule_id, group_id = await _rule(tx, call, task, request.scheduled_action)
        return msgspec.structs.replace(
            task, rule_id=rule_id, group_id=group_id, min_value=None, max_value=None, desired_value=None
        )
    given = {
        "min_value": request.min_value,
        "max_value": request.max_value,
        "desired_value": request.desired_capacity,
    }
    given_values = {key: value for key, value in given.items() if value is not None}
    if request.scaling_group_id is not None:
        group = await scope.group(tx, call, request.scaling_group_id, task.region)
        task = msgspec.structs.replace(task, rule_id=None, group_id=group.id)
    if task.rule_id is not None or not task.group_id:
        if given_values:
            raise refusals.missing("ScalingGroupId")
        if not task.group_id:
            raise refusals.missing("ScheduledAction")
        return task
    task = msgspec.structs.replace(task, **given_values)
    _check_bounds(task)
    return task


async def _rule(tx: Connection, call: Call, task: Task, ari: str) -> tuple[str, str]:
    """Return the ids of a simple rule and its group."""
    named = naming.rule_of_ari(ari, call.account_id)
    if named is None:
        raise refusals.rule_ari_not_found()
    region, rule_id = named
    if region != task.region:
        raise refusals.task_region()
    rule = await rules.find(tx, rule_id)
    group = await groups.find(tx, call.account_id, rule.group_id) if rule else None
    if rule is None or group is None or group.region != region:
        raise refusals.rule_ari_not_found()
    if rule.type != SIMPLE:
        raise refusals.invalid("ScheduledAction")
    return rule.id, group.id


def _check_bounds(task: Task) -> None:
    bounds = {"MinValue": task.min_value, "MaxValue": task.max_value, "DesiredCapacity": task.desired_value}
    known = [(name, value) for name, value in bounds.items() if value is not None]
    if not known:
        raise refusals.missing("MinValue")
    for name, value in known:
        if not 0 <= value <= limits.SIZE_OF_GROUP:
            raise refusals.invalid(name)
    if task.min_value is not None and task.max_value is not None and task.min_value > task.max_value:
        raise refusals.conflict("MinValue", "MaxValue")


def _check_values(task: Task) -> None:
    if not naming.is_name(task.name):
        raise refusals.invalid("ScheduledTaskName")
    if len(task.description) > limits.DESCRIPTION:
        raise refusals.invalid("Description")
    low, high = limits.LAUNCH_EXPIRATION
    if not low <= task.launch_expiration <= high:
        raise refusals.invalid("LaunchExpirationTime")
    if task.recurrence_type is None:
        if task.recurrence_value or task.recurrence_end:
            raise refusals.missing("RecurrenceType")
    elif not task.recurrence_value:
        raise refusals.missing("RecurrenceValue")
    elif task.recurrence_end is None:
        raise refusals.missing("RecurrenceEndTime")
    # ASSUMPTION: only cron, which says the time of day itself, needs no LaunchTime.
    if task.launch_at is None and task.recurrence_type != "Cron":
        raise refusals.missing("LaunchTime")
    timetable = _timetable(task)
    recurrence.check(timetable)
    if timetable.end is not None and timetable.end < timetable.launch:
        raise refusals.invalid("RecurrenceEndTime")


def _timetable(task: Task) -> Timetable:
    return Timetable(
        launch=task.launch_at or task.created_at,
        kind=task.recurrence_type,
        value=task.recurrence_value,
        end=task.recurrence_end,
    )


def _planned(task: Task, now: datetime) -> Task:
    """Return the task with its next occurrence: not before this minute, and none that was run already."""
    since = now.replace(second=0, microsecond=0) - _INSTANT
    after = since if task.done_until is None else max(since, task.done_until)
    return msgspec.structs.replace(task, due_at=recurrence.next_due(_timetable(task), after), retry_at=None)


def _skipped(task: Task, until: datetime) -> Task:
    """Return the task as it waits for its first occurrence after a moment."""
    due = recurrence.next_due(_timetable(task), until)
    return msgspec.structs.replace(task, done_until=until, due_at=due, retry_at=None)


def _moment(name: str, text: str | None, now: datetime, ahead: timedelta) -> datetime | None:
    """Read a moment between this minute and ``ahead`` from now; raises InvalidParameter."""
    if text is None:
        return None
    try:
        moment = datetime.strptime(text if _MOMENT.fullmatch(text) else "", "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise refusals.invalid(name) from error
    if not now.replace(second=0, microsecond=0) <= moment <= now + ahead:
        raise refusals.invalid(name)
    return moment

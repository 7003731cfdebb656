"""Lifecycle actions: opening the waits of an activity, and every way in which they end (ess.md 3.7 to 3.11).

A wait is a row with a deadline. Ending one, deciding the activity and waking it is a single transaction, under the lock
of the activity's row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec

from tidegate.services.ess import limits, refusals, repeats, scope
from tidegate.services.ess.paging import offset_of, token_after
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.requests.hooks import (
    CompleteLifecycleAction,
    DescribeLifecycleActions,
    RecordLifecycleActionHeartbeat,
)
from tidegate.services.ess.starting import activity_key
from tidegate.services.ess.states import ActionStatus, Result, Transition
from tidegate.services.ess.waits import Wait, Waits, changes, end, prolonged, settle
from tidegate.services.operation import Call
from tidegate.store import work
from tidegate.store.ess import actions as rows
from tidegate.store.ess import activities, groups, hooks
from tidegate.store.ess.records import Action, Activity, Hook
from tidegate.telemetry.points import reach

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Batch(msgspec.Struct, frozen=True):
    """Instances of an activity that wait together: the actions they wait on, and how these stand."""

    number: int
    actions: Sequence[Action]
    waits: Waits


def batches_of(activity: Activity, actions: Sequence[Action]) -> list[Batch]:
    """Return the batches of an activity in their order."""
    return [_batch(activity, number, list(waiting)) for number, waiting in groupby(actions, key=attrgetter("batch"))]


def _batch(activity: Activity, number: int, actions: Sequence[Action]) -> Batch:
    outcome = activity.outcomes.get(str(number))
    waits = tuple(
        Wait(
            token=action.token,
            deadline=action.deadline,
            default_result=Result(action.default_result),
            position=action.position,
            status=ActionStatus(action.status),
            result=Result(action.result) if action.result else None,
            ended_at=action.ended_at,
        )
        for action in actions
    )
    return Batch(number, actions, Waits(Transition(activity.direction), waits, Result(outcome) if outcome else None))


class Actions:
    """The waits of activities on hooks."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    # ---- what an activity's controller calls, inside its own fenced transaction ------------------------------------

    async def open(self, tx: Connection, activity: Activity, instance_ids: Sequence[str]) -> list[Action]:
        """Open one wait for each hook that runs and each batch of instances; returns them, none when nobody waits.

        Called again it returns the waits that were opened before.
        """
        opened = await rows.of_activity(tx, activity.id)
        plan = activity.plan
        if opened or plan.hooks_disabled or not instance_ids:
            return opened
        now = self._around.now()
        running = [
            hook
            for hook in await hooks.active(tx, activity.group_id, activity.direction)
            if hook.id not in plan.ignored_hook_ids
        ]
        opened = [
            Action(
                token=self._around.ids.uuid(),
                activity_id=activity.id,
                group_id=activity.group_id,
                hook_id=hook.id,
                hook_name=hook.name,
                position=hook.position,
                batch=batch,
                transition=hook.transition,
                # A19: LifecycleHookResult replaces the DefaultResult of every hook for this activity.
                default_result=plan.hook_result or hook.default_result,
                notification_arn=hook.notification_arn,
                notification_metadata=hook.notification_metadata,
                instance_ids=list(instance_ids[start : start + limits.INSTANCES_PER_WAIT]),
                status=ActionStatus.PENDING,
                started_at=now,
                deadline=now + timedelta(seconds=hook.heartbeat_timeout),
            )
            for batch, start in enumerate(range(0, len(instance_ids), limits.INSTANCES_PER_WAIT))
            for hook in running
        ]
        if opened:
            await rows.table.add(tx, *opened)
        return opened

    async def settle(self, tx: Connection, activity_id: str) -> list[Batch]:
        """Let deadlines that have passed decide, and return the batches with how their waits stand then."""
        activity = await activities.lock(tx, activity_id)
        assert activity is not None, "a running activity has its row"
        settled = []
        for batch in batches_of(activity, await rows.of_activity(tx, activity_id)):
            after = settle(batch.waits, self._around.now()) if batch.waits.outcome is None else batch.waits
            await self._write(tx, activity, batch, after)
            settled.append(msgspec.structs.replace(batch, waits=after))
        return settled

    # ---- what callers and hooks do ---------------------------------------------------------------------------------

    async def complete(self, call: Call, request: CompleteLifecycleAction) -> None:
        """End a wait with the caller's result, or the hook's DefaultResult when none is given (A5)."""
        if request.lifecycle_action_result is not None and request.lifecycle_action_result not in set(Result):
            raise refusals.hook_parameter_of_end()
        async with self._around.database.transaction() as tx:
            now = self._around.now()
            # A24: the same token and parameters again succeed, although the wait is over.
            if await repeats.recall(tx, call, now) is not None:
                return
            activity, action, batch = await self._pending(
                tx, call, request.lifecycle_hook_id, request.lifecycle_action_token, request.region_id
            )
            result = Result(request.lifecycle_action_result or action.default_result)
            after = end(settle(batch.waits, now), action.token, ActionStatus.COMPLETED, result, now)
            await self._write(tx, activity, batch, after)
            await self._wake(tx, activity, after)
            await repeats.remember(tx, call, None, now)
            reach("complete-lifecycle-action.before")
        reach("complete-lifecycle-action.recorded")

    async def heartbeat(self, call: Call, request: RecordLifecycleActionHeartbeat) -> None:
        """Move a wait's deadline to now + heartbeatTimeout, within the bounds of 20 times and 6 hours (ess.md 3.10)."""
        text = request.heartbeat_timeout
        low, high = limits.HEARTBEAT_TIMEOUT
        if text is not None and not (text.isascii() and text.isdigit() and low <= int(text[:9]) <= high):
            raise refusals.hook_parameter()
        async with self._around.database.transaction() as tx:
            _, action, _ = await self._pending(
                tx, call, request.lifecycle_hook_id, request.lifecycle_action_token, request.region_id
            )
            if action.heartbeats >= limits.HEARTBEATS:
                raise refusals.too_many_heartbeats()
            seconds = limits.DEFAULT_HEARTBEAT_TIMEOUT if text is None else int(text)
            deadline = prolonged(action.started_at, self._around.now(), seconds)
            if deadline is None:
                raise refusals.wait_too_long()
            await rows.prolong(tx, action.token, deadline)
            # A deadline that moves forward needs an earlier look than the one that is planned.
            if deadline < action.deadline:
                await work.wake(tx, activity_key(action.activity_id), now=self._around.now())

    async def end_all(self, tx: Connection, hook: Hook) -> None:
        """End every wait on a hook that is being deleted, with its DefaultResult."""
        now = self._around.now()
        for activity_id in await rows.waiting_activities(tx, hook.id):
            activity = await activities.lock(tx, activity_id)
            if activity is None:
                continue
            for batch in batches_of(activity, await rows.of_activity(tx, activity_id)):
                after = settle(batch.waits, now)
                for action in batch.actions:
                    wait = after.find(action.token)
                    if action.hook_id == hook.id and wait is not None and wait.is_pending:
                        after = end(after, wait.token, ActionStatus.COMPLETED, wait.default_result, now)
                await self._write(tx, activity, batch, after)
                await self._wake(tx, activity, after)

    async def describe(self, call: Call, request: DescribeLifecycleActions) -> tuple[int, list[Action], str]:
        """Return how many actions match, a page of them, and the next token."""
        if request.lifecycle_action_status not in (None, *ActionStatus):
            raise refusals.invalid("LifecycleActionStatus")
        if not 1 <= request.max_results <= limits.PAGE:
            raise refusals.invalid("MaxResults")
        offset = offset_of(request.next_token)
        async with self._around.database.connection() as db:
            activity = await activities.find(db, request.scaling_activity_id)
            group = await groups.find(db, call.account_id, activity.group_id) if activity else None
            if activity is None or group is None or request.region_id not in (None, group.region):
                raise refusals.invalid("ScalingActivityId")
            found = [
                action
                for action in await rows.of_activity(db, activity.id)
                if request.lifecycle_action_status in (None, action.status)
            ]
        page = found[offset : offset + request.max_results]
        return len(found), page, token_after(offset, len(page), len(found))

    # ---- inside ----------------------------------------------------------------------------------------------------

    async def _pending(
        self, tx: Connection, call: Call, hook_id: str, token: str, region: str | None
    ) -> tuple[Activity, Action, Batch]:
        """Return a wait that is open now, with its activity and the batch that waits.

        Raises LifecycleHookIdAndLifecycleActionToken.Invalid when it is unknown, of another hook, or over: also when
        its deadline has passed and no timer has noticed yet.
        """
        known = await rows.find(tx, token)
        if known is None or known.hook_id != hook_id or await scope.hook(tx, call, hook_id, region) is None:
            raise refusals.action_token()
        activity = await activities.lock(tx, known.activity_id)
        if activity is None:
            raise refusals.action_token()
        together = await rows.of_batch(tx, activity.id, known.batch)
        batch = _batch(activity, known.batch, together)
        wait = settle(batch.waits, self._around.now()).find(token)
        if wait is None or not wait.is_pending:
            raise refusals.action_token()
        return activity, next(action for action in together if action.token == token), batch

    async def _write(self, tx: Connection, activity: Activity, batch: Batch, after: Waits) -> None:
        ended = {wait.token: wait for wait in changes(batch.waits, after)}
        if ended:
            await rows.table.write(
                tx,
                *(
                    msgspec.structs.replace(
                        action,
                        status=ended[action.token].status,
                        result=ended[action.token].result,
                        ended_at=ended[action.token].ended_at,
                    )
                    for action in batch.actions
                    if action.token in ended
                ),
            )
        if after.outcome is not None and batch.waits.outcome is None:
            await activities.decide(tx, activity.id, batch.number, after.outcome)

    async def _wake(self, tx: Connection, activity: Activity, after: Waits) -> None:
        if after.outcome is not None:
            await work.wake(tx, activity_key(activity.id), now=self._around.now())

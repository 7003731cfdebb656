"""The wait of an activity on its lifecycle hooks: opening, telling the runbooks, waiting (ess.md 3.7, 4.4).

A wait is rows and one timer. Whoever ends the last one wakes the activity in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from tidegate.errors import CloudError
from tidegate.reconcile.run import Run, Suspend
from tidegate.services.ess import notices, wording
from tidegate.services.ess.ports import SERVICE
from tidegate.services.ess.service import Ess
from tidegate.services.ess.states import ActionStatus, MemberEvent, Result, member_moves
from tidegate.store.database import UNREACHABLE
from tidegate.store.ess import actions, activities, groups, members
from tidegate.store.ess.records import Action, Activity, Group
from tidegate.telemetry import get_logger

_log = get_logger("ess.lifecycle")


class Lifecycle:
    """Drives activities through their hooks."""

    def __init__(self, ess: Ess) -> None:
        self._ess = ess
        self._around = ess.around

    async def pass_hooks(self, run: Run, activity: Activity, instance_ids: Sequence[str]) -> dict[Result, list[str]]:
        """Hold instances for the hooks of the activity's direction and return them by what these decide.

        CONTINUE where there are no hooks. Suspends while a wait is open.
        """
        tokens = await run.step("hold", partial(self._hold, run, activity, instance_ids))
        if not tokens:
            return {Result.CONTINUE: list(instance_ids)}
        for token in tokens:
            await run.step(f"notify:{token}", partial(self._notify, activity, token))
        async with run.transaction() as tx:
            batches = await self._ess.actions.settle(tx, activity.id)
        deadlines = [batch.waits.next_deadline for batch in batches if batch.waits.outcome is None]
        if deadlines:
            raise Suspend(min(filter(None, deadlines), default=None))
        decided: dict[Result, list[str]] = {}
        for batch in batches:
            assert batch.waits.outcome is not None, "whoever is undecided has suspended the activity"
            decided.setdefault(batch.waits.outcome, []).extend(batch.actions[0].instance_ids)
        return decided

    async def _hold(self, run: Run, activity: Activity, instance_ids: Sequence[str]) -> list[str]:
        async with run.transaction() as tx:
            opened = await self._ess.actions.open(tx, activity, instance_ids)
            if opened:
                await members.move(tx, instance_ids, member_moves(MemberEvent.HOLD), busy_with=activity.id)
                await self._ess.announcer.hooks(tx, activity, opened)
        return [action.token for action in opened]

    async def _notify(self, activity: Activity, token: str) -> dict[str, str] | None:
        """Start the runbook of a hook; a failure is recorded and the deadline decides (ess.md 4.4, step 7)."""
        async with self._around.database.connection() as db:
            action = await actions.find(db, token)
            group = await groups.find_any(db, activity.group_id)
        if action is None or group is None or action.status != ActionStatus.PENDING:
            return None
        target = notices.parse_arn(action.notification_arn, group.region, group.account_id)
        if target is None or target.kind != "template":
            return None
        try:
            execution_id = await self._start(group, activity, action, target.name)
        except UNREACHABLE:
            raise
        except Exception as error:  # whatever is wrong with a runbook, the group must not hang on it
            if not isinstance(error, CloudError):
                _log.exception("starting the runbook of a hook failed", extra={"hook": action.hook_id})
            reason = str(error) if isinstance(error, CloudError) else "InternalError"
            async with self._around.database.transaction() as tx:
                await activities.tell(tx, activity.id, wording.runbook_not_started(action.hook_id, reason))
            return {"error": reason}
        async with self._around.database.transaction() as tx:
            await activities.tell(tx, activity.id, wording.runbook_started(action.hook_id, execution_id))
            await actions.set_execution(tx, token, execution_id)
        return {"execution": execution_id}

    async def _start(self, group: Group, activity: Activity, action: Action, template: str) -> str:
        runbooks = self._around.runbooks
        defaults = await runbooks.template_defaults(group.account_id, group.region, template)
        metadata = notices.parse_metadata(action.notification_metadata)
        if defaults is None or metadata is None:
            raise CloudError("EntityNotExists.Template", f"The template {template} does not exist or cannot be used.")
        parameters: dict[str, Any] = notices.template_parameters(
            defaults,
            metadata,
            notices.facts_of(group, activity, action),
        )
        return await runbooks.start_execution(
            await self._around.roles.ensure_service_linked_role(group.account_id, SERVICE),
            group.region,
            template_name=template,
            parameters=parameters,
            client_token=action.token,
        )

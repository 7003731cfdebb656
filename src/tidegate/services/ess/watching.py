"""Watching alarm tasks: reading their metrics, telling their state, and executing their rules (ess.md 2.5, 9.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tidegate.errors import CloudError
from tidegate.ids import derived_uuid
from tidegate.services.cms.service import Metric, Reading
from tidegate.services.ess import effective, judging, refusals, wording
from tidegate.services.ess.alarms import CUSTOM, shown_dimensions
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.scaling import SIMPLE, Scaling, adjustment_of, plan_of
from tidegate.services.ess.starting import Order, RefusedError, Starter
from tidegate.services.ess.states import GroupState
from tidegate.services.ess.survey import survey
from tidegate.store import events
from tidegate.store.ess import alarms as rows
from tidegate.store.ess import groups, rules
from tidegate.store.ess.alarms import Alarm, Condition
from tidegate.store.ess.records import Group, Rule
from tidegate.store.events import Event

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: how soon an alarm task is looked at again whose hosts are still being measured, and how long it waits for that
_AGAIN = timedelta(seconds=2)
_PATIENCE = timedelta(seconds=12)


class Found(msgspec.Struct, frozen=True):
    """What was read for an alarm task: the last periods of each condition, up to a moment."""

    until: datetime
    readings: Sequence[Sequence[Reading]]


class Watcher:
    """Looks at alarm tasks, one at a time."""

    def __init__(self, around: Surroundings, starter: Starter, scaling: Scaling) -> None:
        self._around = around
        self._starter = starter
        self._scaling = scaling

    async def find(self, alarm_id: str) -> Alarm | None:
        """Return an alarm task."""
        async with self._around.database.connection() as db:
            return await rows.find(db, alarm_id)

    async def not_before(self, alarm: Alarm) -> datetime | None:
        """Return until when to wait with the next look; None when it can be taken."""
        now, due = self._around.now(), judging.due_at(alarm)
        if now < due:
            return due
        end = judging.end_of(judging.step_of(alarm), now - judging.SETTLING)
        if alarm.metric_type != CUSTOM and now < end + _PATIENCE:
            until = await self._around.metrics.measured_until()
            if until is None or until < end:
                return now + _AGAIN
        return None

    async def read(self, alarm: Alarm) -> Found:
        """Read the last periods of each condition."""
        now = self._around.now() - judging.SETTLING
        readings = [await self._read(alarm, condition, now) for condition in alarm.conditions]
        return Found(judging.end_of(judging.step_of(alarm), now), readings)

    async def _read(self, alarm: Alarm, condition: Condition, now: datetime) -> Sequence[Reading]:
        until = judging.end_of(condition.period, now)
        metric = Metric(
            account_id=alarm.account_id,
            name=condition.metric,
            group_id=alarm.metric_group if alarm.metric_type == CUSTOM else None,
            dimensions=shown_dimensions(alarm),
        )
        since = until - timedelta(seconds=condition.period * alarm.evaluation_count)
        return await self._around.metrics.readings(metric, condition.period, since, until)

    async def look(self, tx: Connection, seen: Alarm, found: Found) -> Alarm | None:
        """Judge an alarm task by what was found for it, execute its rules in ALARM, and return it as it is then.

        The note that these periods were looked at and what is started are one transaction: it never fires twice for
        the same. None when it or its group is gone: there is nothing to watch.
        """
        # The group before what belongs to it, as everybody does, so that nobody waits for the other.
        group = await groups.lock(tx, seen.group_id)
        alarm = await rows.lock(tx, seen.id)
        # Changed or looked at meanwhile: what was read is not what it wants to know.
        if alarm is None or not alarm.enabled or alarm != seen:
            return alarm
        if group is None:
            await rows.table.write(tx, msgspec.structs.replace(alarm, state="INSUFFICIENT_DATA"))
            return None
        looked_at = msgspec.structs.replace(alarm, evaluated_until=found.until)
        if effective.counts(alarm.effective, found.until):
            verdict = judging.judge(alarm, found.readings)
            looked_at = msgspec.structs.replace(looked_at, state=verdict.state)
            if alarm.state != verdict.state:
                transition = _transition(alarm, verdict, found.until)
                await events.publish(tx, [transition], now=self._around.now())
            if verdict.state == "ALARM":
                await self._fire(tx, looked_at, group, verdict.value)
        await rows.table.write(tx, looked_at)
        return looked_at

    async def _fire(self, tx: Connection, alarm: Alarm, group: Group, value: float | None) -> None:
        """Execute the rules. ASSUMPTION: on entering ALARM, and again each period while it lasts."""
        if group.state == GroupState.DELETING or "AlarmNotification" in group.suspended_processes:
            return
        for rule_id in alarm.rule_ids:
            try:
                await self._execute(tx, alarm, group, rule_id, value)
            except RefusedError as refused:
                await self._starter.reject(tx, refused)

    async def _execute(self, tx: Connection, alarm: Alarm, group: Group, rule_id: str, value: float | None) -> None:
        rule = await rules.find(tx, rule_id)
        order = Order(
            kind="rule",
            reason=wording.rule_alarmed(rule_id),
            request_id=self._around.ids.uuid(),
            trigger_type="Cms",
            trigger_id=alarm.id,
            # The group scales first, then its desired capacity follows (ess.md 2.4).
            parallel=False,
            plan=plan_of(group, cooldown=rule.cooldown if rule else None),
        )
        try:
            if rule is None:
                raise refusals.rule_ari_not_found()
            if rule.tracking is not None and value is not None:
                await self._scaling.track(tx, group, rule, rule.tracking, value, order)
                return
            self._check_cooldown(group, rule)
            adjustment = adjustment_of(rule, value, alarm.conditions[0].threshold)
        except CloudError as error:
            before = (await survey(tx, group.id)).census.total
            raise RefusedError(error, group, order, before, 0) from error
        await self._scaling.follow(tx, group, rule, adjustment, order)

    def _check_cooldown(self, group: Group, rule: Rule) -> None:
        """Raise while a group cools down; step rules rely on warm-up instead (A16)."""
        if rule.type == SIMPLE and group.cooldown_until is not None and self._around.now() < group.cooldown_until:
            raise refusals.cooling_down()


def _transition(alarm: Alarm, verdict: judging.Verdict, at: datetime) -> Event:
    """Tell the event bus that an alarm task has another state (ASSUMPTION: CloudMonitor's words are not documented)."""
    condition = alarm.conditions[0]
    return Event(
        id=derived_uuid("ess-alarm", alarm.id, at.isoformat(), verdict.state),
        account_id=alarm.account_id,
        region=alarm.region,
        source="acs.ess",
        type="ess:Alarm:StateChange",
        subject=f"acs:ess:{alarm.region}:{alarm.account_id}:scalinggroup/{alarm.group_id}",
        data={
            "alarmTaskId": alarm.id,
            "name": alarm.name,
            "scalingGroupId": alarm.group_id,
            "metricName": condition.metric,
            "threshold": condition.threshold,
            "value": verdict.value,
            "previousState": alarm.state,
            "state": verdict.state,
        },
        level="WARN" if verdict.state == "ALARM" else "INFO",
        at=at,
    )

"""Hands the events of EventBridge's rules on to queues and topics, until they were taken or a day has passed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from tidegate.errors import CloudError
from tidegate.ids import derived_uuid
from tidegate.reconcile.run import Controller, Run, Suspend
from tidegate.services.eventbridge.service import RULE, EventBridge, subscription_key
from tidegate.services.eventbridge.targets import Target, body_of, receiver_of
from tidegate.services.events.matching import cloud_event
from tidegate.services.mns.service import Mns
from tidegate.store import eventbridge, events
from tidegate.store.eventbridge import Rule
from tidegate.store.events import Event
from tidegate.telemetry.points import reach

#: the cloud tries for a day; ASSUMPTION on the pause, which it lets grow
_PATIENCE = timedelta(days=1)
_PAUSE = timedelta(seconds=15)
_BATCH = 100


class RuleController:
    """Drives rules: one work for each."""

    def __init__(self, bridge: EventBridge, mns: Mns) -> None:
        self._database = bridge.database
        self._mns = mns

    @property
    def controllers(self) -> Mapping[str, Controller]:
        """The kinds of work that this drives."""
        return {RULE: self.hand_on}

    async def hand_on(self, run: Run) -> None:
        """Give every target of a rule the events that came, then sleep until the next; ends when the rule is gone."""
        key = subscription_key(run.id)
        while True:
            async with self._database.connection() as db:
                rule = await eventbridge.find_rule(db, run.id)
                came = await events.deliveries(db, key, limit=_BATCH)
            if rule is None:
                return
            taken = [event.id for event in came if await self._give(rule, event) or run.now() - event.at > _PATIENCE]
            reach(f"{RULE}.given")
            async with run.transaction() as tx:
                await events.take(tx, key, taken)
            if not taken or len(came) < _BATCH:
                raise Suspend(run.now() + _PAUSE if len(taken) < len(came) else None)

    async def _give(self, rule: Rule, event: Event) -> bool:
        """Give an event to every target, again under the same id; whether all have it."""
        given = [await self._hand_over(rule, target, event) for target in msgspec.convert(rule.targets, list[Target])]
        return all(given)

    async def _hand_over(self, rule: Rule, target: Target, event: Event) -> bool:
        receiver = receiver_of(target, rule.account_id, rule.region)
        if receiver is None:
            return True
        hand_over = self._mns.send if receiver.kind == "queue" else self._mns.publish
        message_id = derived_uuid("rule", rule.id, target.id, event.id).replace("-", "")
        body = body_of(target, cloud_event(event))
        try:
            await hand_over(rule.account_id, rule.region, receiver.name, body, message_id=message_id)
        except CloudError:
            return False
        return True

"""Tells the world what Auto Scaling does: hooks to their receivers, activities to the event bus and to configured receivers.

Everything is written in the transaction of what it tells about; a message that goes to a queue or a topic is a row and a
work (``reconcile/messages.py``), so it is sent even when this process dies, again with the same id when that is not sure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.ids import derived_uuid
from tidegate.services.ess import bodies, limits, notices
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.states import ActivityStatus
from tidegate.store import events, work
from tidegate.store.ess import groups, messages, notifications
from tidegate.store.ess.messages import Message
from tidegate.store.ess.records import Action, Activity, Group, Hook, Task
from tidegate.store.events import Event, Level

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: The kind of work that sends one message; its key is ``ess-message/<message id>``.
MESSAGE = "ess-message"
#: How long a message about an activity is tried. ASSUMPTION; one of a hook is pointless once the wait is over.
_PATIENCE = timedelta(days=1)

#: Status of an activity → end of its event type, end of the bus's name, level.
_WORDS: Mapping[str, tuple[str, str, Level]] = {
    ActivityStatus.IN_PROGRESS: ("START", "Start", "INFO"),
    ActivityStatus.SUCCESSFUL: ("SUCCESS", "Success", "INFO"),
    ActivityStatus.WARNING: ("WARN", "PartialSuccess", "WARN"),
    ActivityStatus.FAILED: ("ERROR", "Error", "CRITICAL"),
}
REJECT, EXPIRING = "AUTOSCALING:SCALE_REJECT", "AUTOSCALING:SCHEDULE_TASK_EXPIRING"
#: Every type of event notification (ess.md 10).
TYPES: Sequence[str] = (
    *(f"AUTOSCALING:{way}_{word}" for word, _, _ in _WORDS.values() for way in ("SCALE_OUT", "SCALE_IN")),
    REJECT,
    EXPIRING,
)


class _What(msgspec.Struct, frozen=True):
    """What is to be told: its type, how bad it is, what makes its id, and its content by time zone."""

    kind: str
    level: Level
    about: Sequence[str]
    activity_id: str | None
    content: Callable[[timezone], Mapping[str, Any]]


class Announcer:
    """Writes down what is to be told."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    # ---- hooks -----------------------------------------------------------------------------------------------------

    async def hooks(self, tx: Connection, activity: Activity, opened: Sequence[Action]) -> None:
        """Tell the receivers of hooks that are no runbooks; repeated it changes nothing."""
        group = await groups.find_any(tx, activity.group_id)
        if group is None:
            return
        for action in opened:
            target = notices.parse_arn(action.notification_arn, group.region, group.account_id)
            if target is None or target.kind in ("none", "template"):
                continue
            content = bodies.of_hook(notices.facts_of(group, activity, action), action.notification_metadata)
            if target.kind == "eventbus":
                await self._hook_event(tx, group, _camel(action.transition), action.token, content)
            else:
                body = bodies.encoded(bodies.envelope(group, content), "Base64")
                await self._send(tx, group, target, ("hook", action.token), body, activity.id, action.token)

    async def try_bus(self, tx: Connection, group: Group, hook: Hook) -> None:
        """Send a test event when a hook is made that tells the bus (ess.md 4.3, ASSUMPTION)."""
        content = {"lifecycleHookId": hook.id, "lifecycleHookName": hook.name, "scalingGroupId": group.id}
        await self._hook_event(tx, group, "Test", hook.id, content)

    async def _hook_event(self, tx: Connection, group: Group, way: str, about: str, content: Mapping[str, Any]) -> None:
        event = self._event(group, f"ess:LifecycleHook:{way}", ("hook-event", about), content)
        await events.publish(tx, [event], now=self._around.now())

    # ---- activities ------------------------------------------------------------------------------------------------

    async def activity(self, tx: Connection, group: Group, activity: Activity) -> None:
        """Tell that an activity has begun, ended, or was rejected: its status says which."""
        kind, ending, level = words_of(activity)
        about = (activity.id, activity.status)
        if ending:
            event_type = f"ess:ScalingActivity:{_camel(activity.direction)}{ending}"
            event = self._event(group, event_type, about, bodies.of_activity(group, activity, UTC), level=level)
            await events.publish(tx, [event], now=self._around.now())
        what = _What(kind, level, about, activity.id, partial(bodies.of_activity, group, activity))
        await self._notify(tx, group, what)

    async def expiring(self, tx: Connection, group: Group, task: Task, day: str) -> None:
        """Tell, once a day, that a scheduled task will not recur much longer."""
        about = (task.id, "expiring", day)
        await self._notify(tx, group, _What(EXPIRING, "WARN", about, None, partial(bodies.of_task, group, task)))

    async def _notify(self, tx: Connection, group: Group, what: _What) -> None:
        """Tell every receiver that has asked for this type; CloudMonitor is told by an event of its own."""
        for wanted in await notifications.of_group(tx, group.id):
            target = notices.receiver_of(wanted.arn, group.region, group.account_id)
            if target is None or what.kind not in wanted.types:
                continue
            content = what.content(bodies.zone_of(wanted.time_zone) or UTC)
            if target.kind == "cloudmonitor":
                event_type = f"ess:CloudMonitor:AUTOSCALING[{what.kind.partition(':')[2].replace('_', '')}]"
                about = (*what.about, "cloudmonitor")
                event = self._event(group, event_type, about, content, name=what.kind, level=what.level)
                await events.publish(tx, [event], now=self._around.now())
            else:
                body = bodies.encoded(bodies.envelope(group, content, eventType=what.kind), wanted.encoding)
                await self._send(tx, group, target, (*what.about, wanted.arn), body, what.activity_id, None)

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _event(
        self,
        group: Group,
        event_type: str,
        about: Sequence[str],
        content: Mapping[str, Any],
        *,
        name: str = "",
        level: Level = "INFO",
    ) -> Event:
        return Event(
            id=derived_uuid("ess", *about),
            account_id=group.account_id,
            region=group.region,
            source="acs.ess",
            type=event_type,
            subject=bodies.resource_arn(group.account_id, group.region, group.id),
            data=content,
            at=self._around.now(),
            product="ESS" if name else "",
            name=name,
            level=level,
        )

    async def _send(
        self,
        tx: Connection,
        group: Group,
        target: notices.Target,
        about: Sequence[str],
        body: str,
        activity_id: str | None,
        token: str | None,
    ) -> None:
        """Put a message on its way; the same one again changes nothing."""
        now = self._around.now()
        message = Message(
            id=derived_uuid("ess-message", *about).replace("-", ""),
            account_id=group.account_id,
            region=group.region,
            kind="queue" if target.kind == "queue" else "topic",
            name=target.name,
            body=body,
            activity_id=activity_id,
            token=token,
            until=now + (limits.LONGEST_WAIT if token else _PATIENCE),
        )
        if await work.start(tx, f"{MESSAGE}/{message.id}", MESSAGE, now=now):
            await messages.table.add(tx, message)


def words_of(activity: Activity) -> tuple[str, str, Level]:
    """Return the type of the notification, the end of the bus's type (none: it is not told), and how bad it is."""
    if activity.status == ActivityStatus.REJECTED:
        return REJECT, "", "WARN"
    word, ending, level = _WORDS[activity.status]
    return f"AUTOSCALING:{activity.direction}_{word}", ending, level


def _camel(direction: str) -> str:
    return "ScaleOut" if direction == "SCALE_OUT" else "ScaleIn"

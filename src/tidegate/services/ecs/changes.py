"""Tells the event bus which instances have changed their status, as CloudMonitor does (``Instance:StateChange``)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from tidegate.ids import derived_uuid
from tidegate.services.ecs.states import Status, shown
from tidegate.store import events
from tidegate.store.ecs.instances import Moved
from tidegate.store.events import Event

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: what CloudMonitor calls the state of an instance that is no more
_DELETED = "Deleted"


async def tell(tx: Connection, moved: Iterable[Moved], now: datetime) -> None:
    """Publish what callers can see of these changes; a status that is shown as before is no change."""
    found = [_event(one, state, now) for one in moved if (state := _state_after(one)) is not None]
    await events.publish(tx, found, now=now)


def _state_after(moved: Moved) -> str | None:
    if not moved.after:
        return _DELETED
    after = shown(Status(moved.after))
    return None if after == shown(Status(moved.before)) else after


def _event(moved: Moved, state: str, now: datetime) -> Event:
    return Event(
        id=derived_uuid("ecs", moved.id, str(moved.version)),
        account_id=moved.account_id,
        region=moved.region,
        source="acs.ecs",
        type="ecs:Instance:StateChange",
        subject=f"acs:ecs:{moved.region}:{moved.account_id}:instance/{moved.id}",
        data={"resourceId": moved.id, "resourceType": "ALIYUN::ECS::Instance", "state": state},
        product="ECS",
        name="Instance:StateChange",
        at=now,
    )

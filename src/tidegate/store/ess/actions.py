"""Lifecycle actions: the waits of activities on hooks."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tidegate.store.ess.records import Action
from tidegate.store.table import Table

if TYPE_CHECKING:
    from tidegate.store.database import Connection

table = Table(Action, "ess_action", key="token")


async def find(db: Connection, token: str) -> Action | None:
    """Return the action with this token."""
    return await table.one(db, "where token = $1", token)


async def of_activity(db: Connection, activity_id: str) -> list[Action]:
    """Return the actions of an activity: batch by batch, in the order of their hooks' creation."""
    return await table.every(db, "where activity_id = $1 order by batch, position, token", activity_id)


async def of_batch(db: Connection, activity_id: str, batch: int) -> list[Action]:
    """Return the actions that one batch of an activity's instances waits on, in the order of their hooks' creation."""
    return await table.every(db, "where activity_id = $1 and batch = $2 order by position, token", activity_id, batch)


async def waiting_activities(db: Connection, hook_id: str) -> list[str]:
    """Return the activities that wait for a hook, in the order in which their rows are to be locked."""
    rows = await db.fetch(
        "select distinct activity_id from ess_action where hook_id = $1 and status = 'Pending' order by activity_id",
        hook_id,
    )
    return [row["activity_id"] for row in rows]


async def prolong(tx: Connection, token: str, deadline: datetime) -> None:
    """Move the deadline of a wait and count the heartbeat."""
    await tx.execute(
        "update ess_action set deadline = $2, heartbeats = heartbeats + 1 where token = $1", token, deadline
    )


async def set_execution(tx: Connection, token: str, execution_id: str) -> None:
    """Remember the runbook execution that works on an action."""
    await tx.execute("update ess_action set execution_id = $2 where token = $1", token, execution_id)

"""Flow control: so many executions of an account run at a time, the others are Queued (oos.md 9).

Whoever starts an execution counts; many who start at the very same moment may pass together. What is queued has no work
yet: one work per account and region, which lasts as long as its queue, lets executions in as room appears.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from tidegate.services.oos.works import KIND as EXECUTION
from tidegate.services.oos.works import work_key
from tidegate.store import work
from tidegate.store.oos import flow as rows
from tidegate.store.oos.records import LogLine

if TYPE_CHECKING:
    from tidegate.store.database import Connection

KIND: Final = "oos-queue"
#: how often a queue is looked at while there is one
PAUSE: Final = timedelta(seconds=0.5)
_NO_LIMIT: Final = 1_000_000


async def admit(tx: Connection, account_id: str, region: str, limit: int, now: datetime) -> bool:
    """Let in as many queued executions as there is room for, oldest first; returns whether any is left.

    ``limit`` 0 is none: what an earlier limit has left in a queue is let in.
    """
    for execution_id in await rows.admit(tx, account_id, region, limit or _NO_LIMIT, now):
        await rows.note(tx, execution_id, LogLine(at=now, task_execution_id="", message="The execution is started."))
        await work.start(tx, work_key(execution_id), EXECUTION, now=now)
    return await rows.has_queue(tx, account_id, region)


async def line_up(tx: Connection, account_id: str, region: str, now: datetime) -> None:
    """Have the queue of an account looked after."""
    goal: dict[str, Any] = {"account_id": account_id, "region": region}
    await work.drive(tx, f"{KIND}/{account_id}/{region}", KIND, goal, now=now)

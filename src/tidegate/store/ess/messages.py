"""Messages of Auto Scaling that are on their way to a queue or a topic."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from tidegate.store.table import Table

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message. ``token``: the lifecycle action that it tells about; ``until``: when it is given up."""

    id: str
    account_id: str
    region: str
    kind: Literal["queue", "topic"]
    name: str
    body: str
    activity_id: str | None
    token: str | None = None
    until: datetime


table = Table(Message, "ess_message")


async def find(db: Connection, message_id: str) -> Message | None:
    """Return a message; None when it was taken."""
    return await table.one(db, "where id = $1", message_id)


async def remove(tx: Connection, message_id: str) -> None:
    """Forget a message that was taken or given up."""
    await tx.execute("delete from ess_message where id = $1", message_id)

"""The messages of queues.

A message is received by moving its ``visible_at`` behind the visibility time-out, and is gone once deleted. Who received it
last proves so with its position, its dequeue count and that moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from tidegate.store.database import Connection


#: account, region, name of a queue
QueueKey = tuple[str, str, str]


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A message to be sent. ``id`` is unique in its queue: the same one is not put again while it is there."""

    queue_id: int
    id: str
    body: str
    priority: int
    visible_at: datetime
    enqueued_at: datetime
    expires_at: datetime
    properties: Mapping[str, Any] | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message in its queue. ``first_dequeued_at`` is None until it is received for the first time."""

    position: int
    id: str
    body: str
    priority: int
    enqueued_at: datetime
    visible_at: datetime
    first_dequeued_at: datetime | None
    dequeue_count: int
    properties: Mapping[str, Any] | None


class Receipt(msgspec.Struct, frozen=True):
    """Which delivery of which message: valid until ``visible_at``, and until the message is received again."""

    position: int
    dequeue_count: int
    visible_at: datetime


class Outlook(msgspec.Struct, frozen=True):
    """Whether a queue is still there, and when one of its messages becomes visible next."""

    exists: bool
    next_visible_at: datetime | None


_DRAFT = Draft.__struct_fields__
_MESSAGE = Message.__struct_fields__
_PUT = f"""
insert into mns_message ({", ".join(_DRAFT)}, dequeue_count)
select {", ".join(f"given.{field}" for field in _DRAFT)}, 0
from json_populate_recordset(null::mns_message, $1::json) given
on conflict (queue_id, id) do nothing
returning position, id, visible_at
"""
_QUEUE = "select id from mns_queue where account_id = $1 and region = $2 and name = $3"
_TAKE = f"""
with queue as (
    select id as home, make_interval(secs => visibility_timeout) as hidden from mns_queue
    where account_id = $1 and region = $2 and name = $3
), picked as (
    select position as picked, visible_at as since from mns_message
    where queue_id = (select home from queue) and visible_at <= $4 and expires_at > $4
    order by priority, visible_at, position limit $5 for update skip locked
)
update mns_message
set dequeue_count = dequeue_count + 1, visible_at = $4 + hidden, first_dequeued_at = coalesce(first_dequeued_at, $4)
from picked, queue where position = picked
returning {", ".join(_MESSAGE)}, since
"""
_PEEK = f"""
select {", ".join(_MESSAGE)} from mns_message where queue_id = $1 and visible_at <= $2 and expires_at > $2
order by priority, visible_at, position limit $3
"""


async def put(tx: Connection, drafts: Sequence[Draft]) -> dict[str, Receipt]:
    """Send messages, in their order; returns a receipt for each that was not there yet, by id."""
    rows = await tx.fetch(_PUT, drafts)
    return {row["id"]: Receipt(row["position"], 0, row["visible_at"]) for row in rows}


async def take(db: Connection, owner: QueueKey, *, limit: int, now: datetime) -> list[Message]:
    """Receive visible messages that nobody else is receiving at this moment, in their order; none of an unknown queue."""
    rows = [dict(row) for row in await db.fetch(_TAKE, *owner, now, limit)]
    rows.sort(key=lambda row: (row["priority"], row["since"], row["position"]))
    return [Message(**{name: row[name] for name in _MESSAGE}) for row in rows]


async def peek(db: Connection, queue_id: int, *, limit: int, now: datetime) -> list[Message]:
    """Look at visible messages without receiving them."""
    return [Message(**row) for row in await db.fetch(_PEEK, queue_id, now, limit)]


async def outlook(db: Connection, queue_id: int, now: datetime) -> Outlook:
    """Return when to look again. A moment that has passed: somebody else is receiving a message just now."""
    row = await db.fetchrow(
        "select exists (select from mns_queue where id = $1),"
        " (select min(visible_at) from mns_message where queue_id = $1 and expires_at > $2)",
        queue_id,
        now,
    )
    assert row is not None
    return Outlook(*row)


async def delete(db: Connection, owner: QueueKey, receipts: Sequence[Receipt], now: datetime) -> set[Receipt]:
    """Delete messages; returns the receipts that were still valid, none of an unknown queue."""
    rows = await db.fetch(
        "delete from mns_message using unnest($4::bigint[], $5::integer[], $6::timestamptz[]) shown (place, count, until)"
        f" where queue_id = ({_QUEUE}) and position = place and dequeue_count = count and visible_at = until"
        " and until > $7 and expires_at > $7 returning place, count, until",
        *owner,
        [one.position for one in receipts],
        [one.dequeue_count for one in receipts],
        [one.visible_at for one in receipts],
        now,
    )
    return {Receipt(*row) for row in rows}


async def hide(db: Connection, queue_id: int, receipt: Receipt, visible_at: datetime, now: datetime) -> Receipt | None:
    """Move the moment at which a received message becomes visible; None when the receipt is not valid any more."""
    found = await db.fetchval(
        "update mns_message set visible_at = $6 where queue_id = $1 and position = $2 and dequeue_count = $3"
        " and visible_at = $4 and $4 > $5 and expires_at > $5 returning visible_at",
        queue_id,
        *msgspec.structs.astuple(receipt),
        now,
        visible_at,
    )
    return None if found is None else Receipt(receipt.position, receipt.dequeue_count, found)


async def forget(tx: Connection, now: datetime, *, limit: int = 5000) -> int:
    """Delete messages that have outlived their retention; returns how many, at most ``limit``."""
    tag = await tx.execute(
        "delete from mns_message where position in (select position from mns_message where expires_at <= $1 limit $2)",
        now,
        limit,
    )
    return int(tag.rpartition(" ")[2])

"""Message queues."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Attributes(msgspec.Struct, frozen=True, kw_only=True):
    """What can be set on a queue. Times are seconds, the size is bytes."""

    delay_seconds: int
    maximum_message_size: int
    message_retention_period: int
    visibility_timeout: int
    polling_wait_seconds: int
    logging_enabled: bool


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """A queue. ``id`` is inside only."""

    id: int
    account_id: str
    region: str
    name: str
    attributes: Attributes
    created_at: datetime
    modified_at: datetime


class Counts(msgspec.Struct, frozen=True):
    """How many messages of a queue can be received, were received, and are still delayed."""

    active: int
    inactive: int
    delayed: int


_SET = Attributes.__struct_fields__
_COLUMNS = ", ".join(["id", "account_id", "region", "name", "created_at", "modified_at", *_SET])


async def create(
    tx: Connection, account_id: str, region: str, name: str, attributes: Attributes, now: datetime
) -> Queue | None:
    """Make a queue; None when there is one of this name."""
    marks = ", ".join(f"${number}" for number in range(5, 5 + len(_SET)))
    row = await tx.fetchrow(
        f"insert into mns_queue (account_id, region, name, created_at, modified_at, {', '.join(_SET)})"
        f" values ($1, $2, $3, $4, $4, {marks}) on conflict do nothing returning {_COLUMNS}",
        account_id,
        region,
        name,
        now,
        *msgspec.structs.astuple(attributes),
    )
    return None if row is None else _read(row)


async def find(db: Connection, account_id: str, region: str, name: str) -> Queue | None:
    """Return a queue."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from mns_queue where account_id = $1 and region = $2 and name = $3",
        account_id,
        region,
        name,
    )
    return None if row is None else _read(row)


async def write(tx: Connection, queue_id: int, attributes: Attributes, now: datetime) -> None:
    """Set all attributes of a queue."""
    columns = ", ".join(f"{name} = ${number}" for number, name in enumerate(_SET, 3))
    await tx.execute(
        f"update mns_queue set modified_at = $2, {columns} where id = $1",
        queue_id,
        now,
        *msgspec.structs.astuple(attributes),
    )


async def delete(tx: Connection, account_id: str, region: str, name: str) -> int | None:
    """Delete a queue with its messages; returns its id, None when there was none."""
    found: int | None = await tx.fetchval(
        "delete from mns_queue where account_id = $1 and region = $2 and name = $3 returning id",
        account_id,
        region,
        name,
    )
    return found


async def page(
    db: Connection, account_id: str, region: str, *, prefix: str, marker: str, limit: int
) -> Sequence[Queue]:
    """Return queues in the order of their names, from ``marker`` on."""
    rows = await db.fetch(
        f"select {_COLUMNS} from mns_queue where account_id = $1 and region = $2 and starts_with(name, $3)"
        ' and name collate "C" >= $4 order by name collate "C" limit $5',
        account_id,
        region,
        prefix,
        marker,
        limit,
    )
    return [_read(row) for row in rows]


async def total(db: Connection, account_id: str, region: str) -> int:
    """Return how many queues an account has in a region."""
    return int(
        await db.fetchval("select count(*) from mns_queue where account_id = $1 and region = $2", account_id, region)
    )


async def counts(db: Connection, queue_id: int, now: datetime) -> Counts:
    """Count the messages of a queue."""
    row = await db.fetchrow(
        "select count(*) filter (where visible_at <= $2), count(*) filter (where visible_at > $2 and dequeue_count > 0),"
        " count(*) filter (where visible_at > $2 and dequeue_count = 0)"
        " from mns_message where queue_id = $1 and expires_at > $2",
        queue_id,
        now,
    )
    assert row is not None
    return Counts(*row)


async def expect(db: Connection, queue_id: int, seconds: float) -> None:
    """Say that somebody waits for a message of this queue for at most ``seconds``.

    Written rarely: the note is kept for twice as long as asked, and only renewed when it does not reach.
    """
    await db.execute(
        "update mns_queue set polled_until = clock_timestamp() + 2 * $2::interval"
        " where id = $1 and (polled_until is null or polled_until < clock_timestamp() + $2::interval)",
        queue_id,
        timedelta(seconds=seconds),
    )


async def ring(db: Connection, queue_ids: Sequence[int], channel: str) -> None:
    """Tell every process that there is something new in these queues, where somebody waits.

    Called after the change was committed: whoever began to wait before that has said so by now, and whoever says so
    afterwards will see the change.
    """
    await db.execute(
        "select pg_notify($2, id::text) from mns_queue where id = any($1) and polled_until > clock_timestamp()",
        queue_ids,
        channel,
    )


def _read(row: asyncpg.Record) -> Queue:
    values: dict[str, Any] = dict(row)
    attributes = Attributes(**{name: values.pop(name) for name in _SET})
    return Queue(attributes=attributes, **values)

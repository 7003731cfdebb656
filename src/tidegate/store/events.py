"""The event bus: publishing in the publisher's own transaction, and handing events to those who wait for them.

``publish`` and what it tells about are one commit; the dispatcher (``reconcile/events.py``) compares pending events with
the subscriptions and wakes the works behind those that match. A delivery stays until its subscriber has taken it, in the
transaction in which it does what the event asks for, so every event reaches every subscriber at least once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from tidegate.store import work

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: The work of the dispatcher; its kind is the same word.
DISPATCHER = "events/dispatcher"

Level = Literal["INFO", "WARN", "CRITICAL"]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that has happened.

    ``bus``, ``source`` and ``type`` are EventBridge's (``acs.ess``, ``ess:LifecycleHook:ScaleOut``), ``subject`` the ARN of what
    it happened to. ``product`` and ``name`` are those of the same event in CloudMonitor (``ESS``,
    ``AUTOSCALING:SCALE_OUT_START``), empty when CloudMonitor does not tell it.
    """

    id: str
    account_id: str
    region: str
    source: str
    type: str
    subject: str
    data: Mapping[str, Any]
    at: datetime
    bus: str = "default"
    product: str = ""
    name: str = ""
    level: Level = "INFO"


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """Who wants which events: the work is woken for each that ``pattern`` matches (``services/events/matching.py``)."""

    key: str
    account_id: str
    pattern: Mapping[str, Any]
    work: str


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which events of an account are wanted; None means "any"."""

    account_id: str
    region: str | None = None
    source: str | None = None
    #: of CloudMonitor; "" leaves out what CloudMonitor does not tell
    product: str | None = None
    name: str | None = None
    level: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    #: parts of the data: every one of them, or any
    words: Sequence[str] = ()
    any_word: bool = False


_FIELDS = Event.__struct_fields__
_COLUMNS = ", ".join(_FIELDS)
_PUBLISH = f"""
with told as (
    insert into event ({_COLUMNS}, pending)
    select {", ".join(f"given.{field}" for field in _FIELDS)},
           exists (select from event_subscription wanted where wanted.account_id = given.account_id)
    from json_populate_recordset(null::event, $1::json) given
    on conflict (id) do nothing
    returning pending
)
select bool_or(pending) from told
"""
_MATCHING = """
    where account_id = $1 and ($2::text is null or region = $2) and ($3::text is null or source = $3)
      and ($4::text is null or product = $4 or ($4 = '' and product <> ''))
      and ($5::text is null or name = $5) and ($6::text is null or level = $6)
      and ($7::timestamptz is null or at >= $7) and ($8::timestamptz is null or at < $8)
      and case when $9::text[] = '{}' then true
               when $10 then exists (select from unnest($9) word where strpos(data::text, word) > 0)
               else not exists (select from unnest($9) word where strpos(data::text, word) = 0) end
"""


async def publish(tx: Connection, events: Sequence[Event], *, now: datetime) -> None:
    """Tell what has happened. An id that was told before is not told again."""
    if events and await tx.fetchval(_PUBLISH, events):
        await work.wake(tx, DISPATCHER, now=now)


async def subscribe(tx: Connection, subscription: Subscription, *, now: datetime) -> None:
    """Have a work woken for every event from now on that matches. Repeated: the first pattern stays."""
    await tx.execute(
        "insert into event_subscription (key, account_id, pattern, work, created_at) values ($1, $2, $3, $4, $5)"
        " on conflict (key) do nothing",
        subscription.key,
        subscription.account_id,
        subscription.pattern,
        subscription.work,
        now,
    )


async def unsubscribe(tx: Connection, key: str) -> None:
    """Want no more events; what was not taken yet is dropped. Unknown: nothing happens."""
    await tx.execute("delete from event_subscription where key = $1", key)


async def deliveries(tx: Connection, key: str, *, limit: int = 100) -> list[Event]:
    """Return the events that a subscriber has not taken yet, oldest first."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from event join event_delivery on event = id where subscription = $1 order by position limit $2",
        key,
        limit,
    )
    return _read(rows)


async def take(tx: Connection, key: str, event_ids: Iterable[str]) -> None:
    """Note that a subscriber has done what these events ask for."""
    await tx.execute("delete from event_delivery where subscription = $1 and event = any($2)", key, list(event_ids))


async def page(db: Connection, query: Query, *, limit: int, offset: int = 0) -> list[Event]:
    """Return events, newest first."""
    rows = await db.fetch(
        f"select {_COLUMNS} from event {_MATCHING} order by position desc limit $11 offset $12",
        *_arguments(query),
        limit,
        offset,
    )
    return _read(rows)


async def count(db: Connection, query: Query) -> int:
    """Return how many events match."""
    return int(await db.fetchval(f"select count(*) from event {_MATCHING}", *_arguments(query)))


# ---- the dispatcher's side ---------------------------------------------------------------------------------------


async def pending(tx: Connection, *, limit: int = 200) -> list[Event]:
    """Return events that nobody was asked about yet, oldest first."""
    return _read(await tx.fetch(f"select {_COLUMNS} from event where pending order by position limit $1", limit))


async def wanted(tx: Connection, account_ids: Iterable[str]) -> list[Subscription]:
    """Return the subscriptions of these accounts whose works have not ended."""
    rows = await tx.fetch(
        "select key, account_id, pattern, work from event_subscription wanted where account_id = any($1)"
        " and exists (select from work where work.key = wanted.work and status = 'Active') order by key",
        list(account_ids),
    )
    return [Subscription(**row) for row in rows]


async def deliver(
    tx: Connection, events: Iterable[Event], found: Sequence[tuple[Subscription, Event]], *, now: datetime
) -> None:
    """Put events on their way to the subscribers that want them, wake these, and ask nobody about ``events`` again."""
    await tx.execute(
        "insert into event_delivery (subscription, event)"
        " select given.subscription, given.event from unnest($1::text[], $2::text[]) given (subscription, event)"
        " join event_subscription still on still.key = given.subscription on conflict do nothing",
        [subscription.key for subscription, _ in found],
        [event.id for _, event in found],
    )
    await tx.execute("update event set pending = false where id = any($1)", [event.id for event in events])
    if found:
        await work.wake(tx, *sorted({subscription.work for subscription, _ in found}), now=now)


async def forget(tx: Connection, before: datetime, *, limit: int = 5000) -> int:
    """Delete events from before a moment, taken or not; returns how many, at most ``limit``.

    Subscriptions of works that have ended go as well.
    """
    await tx.execute(
        "delete from event_subscription gone where not exists"
        " (select from work where work.key = gone.work and status = 'Active')"
    )
    tag = await tx.execute("delete from event where id in (select id from event where at < $1 limit $2)", before, limit)
    return int(tag.rpartition(" ")[2])


def _arguments(query: Query) -> tuple[object, ...]:
    return msgspec.structs.astuple(query)


def _read(rows: Sequence[Any]) -> list[Event]:
    return [Event(**row) for row in rows]

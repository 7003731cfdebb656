"""Topics, who subscribes to them, and what is still to be pushed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from tidegate.store.database import Connection

Strategy = Literal["BACKOFF_RETRY", "EXPONENTIAL_DECAY_RETRY"]
Format = Literal["XML", "JSON", "SIMPLIFIED"]


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A topic. ``id`` is inside only."""

    id: int
    account_id: str
    region: str
    name: str
    maximum_message_size: int
    logging_enabled: bool
    created_at: datetime
    modified_at: datetime


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """Who gets a topic's messages: those with the tag, or all when there is none."""

    id: int
    topic_id: int
    name: str
    endpoint: str
    filter_tag: str
    notify_strategy: Strategy
    content_format: Format
    created_at: datetime
    modified_at: datetime


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """A message on its way to one subscriber, with the topic and the subscription it goes by."""

    id: int
    message_id: str
    body: str
    tag: str
    published_at: datetime
    expires_at: datetime
    topic: Topic
    subscription: Subscription


_TOPIC = ", ".join(Topic.__struct_fields__)
_SUBSCRIPTION = ", ".join(Subscription.__struct_fields__)
_PUSH = ("message_id", "body", "tag", "published_at", "expires_at")


async def create(
    tx: Connection, account_id: str, region: str, name: str, *, size: int, logging: bool, now: datetime
) -> Topic | None:
    """Make a topic; None when there is one of this name."""
    row = await tx.fetchrow(
        "insert into mns_topic (account_id, region, name, maximum_message_size, logging_enabled, created_at, modified_at)"
        f" values ($1, $2, $3, $4, $5, $6, $6) on conflict do nothing returning {_TOPIC}",
        account_id,
        region,
        name,
        size,
        logging,
        now,
    )
    return None if row is None else Topic(**row)


async def find(db: Connection, account_id: str, region: str, name: str) -> Topic | None:
    """Return a topic."""
    row = await db.fetchrow(
        f"select {_TOPIC} from mns_topic where account_id = $1 and region = $2 and name = $3", account_id, region, name
    )
    return None if row is None else Topic(**row)


async def write(tx: Connection, topic_id: int, *, size: int, logging: bool, now: datetime) -> None:
    """Set the attributes of a topic."""
    await tx.execute(
        "update mns_topic set maximum_message_size = $2, logging_enabled = $3, modified_at = $4 where id = $1",
        topic_id,
        size,
        logging,
        now,
    )


async def delete(tx: Connection, account_id: str, region: str, name: str) -> bool:
    """Delete a topic with its subscriptions and what they have not got yet. False: there was none."""
    tag = await tx.execute(
        "delete from mns_topic where account_id = $1 and region = $2 and name = $3", account_id, region, name
    )
    return bool(tag != "DELETE 0")


async def page(db: Connection, account_id: str, region: str, *, prefix: str, marker: str, limit: int) -> list[Topic]:
    """Return topics in the order of their names, from ``marker`` on."""
    rows = await db.fetch(
        f"select {_TOPIC} from mns_topic where account_id = $1 and region = $2 and starts_with(name, $3)"
        ' and name collate "C" >= $4 order by name collate "C" limit $5',
        account_id,
        region,
        prefix,
        marker,
        limit,
    )
    return [Topic(**row) for row in rows]


async def total(db: Connection, account_id: str, region: str) -> int:
    """Return how many topics an account has in a region."""
    return int(
        await db.fetchval("select count(*) from mns_topic where account_id = $1 and region = $2", account_id, region)
    )


# ---- subscriptions -----------------------------------------------------------------------------------------------


async def subscribe(tx: Connection, wanted: Subscription) -> Subscription | None:
    """Make a subscription; its ``id`` is given here. None when the topic has one of this name."""
    fields = Subscription.__struct_fields__[1:]
    marks = ", ".join(f"${number}" for number in range(1, len(fields) + 1))
    row = await tx.fetchrow(
        f"insert into mns_topic_subscription ({', '.join(fields)}) values ({marks})"
        f" on conflict do nothing returning {_SUBSCRIPTION}",
        *msgspec.structs.astuple(wanted)[1:],
    )
    return None if row is None else Subscription(**row)


async def subscription(db: Connection, topic_id: int, name: str) -> Subscription | None:
    """Return a subscription."""
    row = await db.fetchrow(
        f"select {_SUBSCRIPTION} from mns_topic_subscription where topic_id = $1 and name = $2", topic_id, name
    )
    return None if row is None else Subscription(**row)


async def change_strategy(tx: Connection, subscription_id: int, strategy: Strategy, now: datetime) -> None:
    """Set how often a push is tried again."""
    await tx.execute(
        "update mns_topic_subscription set notify_strategy = $2, modified_at = $3 where id = $1",
        subscription_id,
        strategy,
        now,
    )


async def unsubscribe(tx: Connection, topic_id: int, name: str) -> None:
    """Delete a subscription and what it has not got yet. Unknown: nothing happens."""
    await tx.execute("delete from mns_topic_subscription where topic_id = $1 and name = $2", topic_id, name)


async def subscriptions(
    db: Connection, topic_id: int, *, prefix: str = "", marker: str = "", limit: int | None = None
) -> list[Subscription]:
    """Return the subscriptions of a topic in the order of their names, from ``marker`` on."""
    rows = await db.fetch(
        f"select {_SUBSCRIPTION} from mns_topic_subscription where topic_id = $1 and starts_with(name, $2)"
        ' and name collate "C" >= $3 order by name collate "C" limit $4',
        topic_id,
        prefix,
        marker,
        limit,
    )
    return [Subscription(**row) for row in rows]


# ---- pushes ------------------------------------------------------------------------------------------------------


async def remember(
    tx: Connection,
    subscription_id: int,
    *,
    message_id: str,
    body: str,
    tag: str,
    published_at: datetime,
    expires_at: datetime,
) -> int | None:
    """Note that a subscriber is to be given a message; None when that was noted before."""
    found: int | None = await tx.fetchval(
        f"insert into mns_push (subscription_id, {', '.join(_PUSH)}) values ($1, $2, $3, $4, $5, $6)"
        " on conflict do nothing returning id",
        subscription_id,
        message_id,
        body,
        tag,
        published_at,
        expires_at,
    )
    return found


async def waiting(db: Connection, topic_id: int) -> int:
    """Return how many messages of a topic have not reached everybody yet."""
    return int(
        await db.fetchval(
            "select count(distinct message_id) from mns_push join mns_topic_subscription s on s.id = subscription_id"
            " where s.topic_id = $1",
            topic_id,
        )
    )


async def find_push(db: Connection, push_id: int) -> Push | None:
    """Return a push; None when it was done, or its subscription is gone."""
    row = await db.fetchrow(f"select id, subscription_id, {', '.join(_PUSH)} from mns_push where id = $1", push_id)
    if row is None:
        return None
    values: Mapping[str, Any] = dict(row)
    to = await db.fetchrow(
        f"select {_SUBSCRIPTION} from mns_topic_subscription where id = $1", values["subscription_id"]
    )
    topic = await db.fetchrow(f"select {_TOPIC} from mns_topic where id = $1", to["topic_id"]) if to else None
    if to is None or topic is None:
        return None
    return Push(
        id=push_id,
        **{name: values[name] for name in _PUSH},
        topic=Topic(**topic),
        subscription=Subscription(**to),
    )


async def done(tx: Connection, push_id: int) -> None:
    """Forget a push."""
    await tx.execute("delete from mns_push where id = $1", push_id)


async def forget(tx: Connection, now: datetime) -> None:
    """Forget the pushes that nobody took in time."""
    await tx.execute("delete from mns_push where expires_at <= $1", now)


# ---- the key pair of pushes --------------------------------------------------------------------------------------


async def signing(db: Connection) -> tuple[str, bytes] | None:
    """Return the certificate and the sealed private key; None before the first push."""
    row = await db.fetchrow("select certificate, private_key from mns_signing")
    return None if row is None else (row["certificate"], row["private_key"])


async def keep_signing(tx: Connection, certificate: str, private_key: bytes) -> None:
    """Keep a key pair, unless there is one."""
    await tx.execute(
        "insert into mns_signing (certificate, private_key) values ($1, $2) on conflict do nothing",
        certificate,
        private_key,
    )


def match(found: Sequence[Subscription], tag: str) -> list[Subscription]:
    """Return the subscriptions that want a message with this tag."""
    return [one for one in found if not one.filter_tag or one.filter_tag == tag]

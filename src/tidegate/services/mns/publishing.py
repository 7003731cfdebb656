"""Publishing to a topic: queues get the message in the same transaction, everybody else by a work that pushes.

What cannot be given at once (an HTTP endpoint, a queue that is not there) is a row and a durable work, tried again by the
subscription's strategy and dropped after a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from tidegate.ids import derived_uuid
from tidegate.services.mns import endpoints, limits, refusals
from tidegate.services.mns.around import Around, check_range
from tidegate.services.mns.messages import Messages
from tidegate.services.mns.notification import Publication, content
from tidegate.services.mns.requests import Body
from tidegate.store import work
from tidegate.store.mns import messages, queues
from tidegate.store.mns import topics as rows
from tidegate.store.mns.topics import Push, Subscription, Topic

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: The kind of work that pushes one message to one subscriber; its key is ``mns-push/<push id>``.
PUSH = "mns-push"

_MANY_TRIES = 176
_LONGEST_PAUSE = 512
_FEW_TRIES = 3
#: seconds between tries of BACKOFF_RETRY; the cloud waits 10 to 20
_BACKOFF = 15


def pauses(strategy: str) -> Sequence[int]:
    """Return how long to wait before each further try, in seconds (page NotifyStrategy).

    BACKOFF_RETRY tries three times more; EXPONENTIAL_DECAY_RETRY 176 times, after 1, 2, 4, … 512, 512, … seconds.
    """
    if strategy == "BACKOFF_RETRY":
        return [_BACKOFF] * _FEW_TRIES
    return [min(2**number, _LONGEST_PAUSE) for number in range(_MANY_TRIES)]


class Publishing:
    """What happens to published messages."""

    def __init__(self, around: Around, sending: Messages) -> None:
        self._around = around
        self._messages = sending

    async def publish(self, topic_key: tuple[str, str, str], body: str, tag: str, message_id: str) -> None:
        """Give a message to every subscriber that wants it. ``topic_key`` is account, region, name.

        The same id again reaches only those that were not given it before, as far as that can be told.
        """
        if len(tag) > limits.TAG:
            raise refusals.out_of_range("MessageTag", 1, limits.TAG)
        now = self._around.now()
        async with self._around.database.transaction() as tx:
            topic = await rows.find(tx, *topic_key)
            if topic is None:
                raise refusals.topic_unknown()
            size = (1, topic.maximum_message_size)
            check_range("MessageBody", len(body.encode()), size, refusals.bytes_out_of_range)
            publication = Publication(message_id=message_id, body=body, tag=tag, published_at=now)
            given = [
                await self._give(tx, topic, subscription, publication)
                for subscription in rows.match(await rows.subscriptions(tx, topic.id), tag)
            ]
        if reached := [queue_id for queue_id in given if queue_id is not None]:
            self._around.polls.ring(reached)

    async def give_again(self, tx: Connection, push: Push) -> int | None:
        """Try once more to put a message into its queue; returns the queue's id, None when there is none."""
        publication = Publication(
            message_id=push.message_id, body=push.body, tag=push.tag, published_at=push.published_at
        )
        return await self._put(tx, push.topic, push.subscription, publication)

    async def _give(
        self, tx: Connection, topic: Topic, subscription: Subscription, publication: Publication
    ) -> int | None:
        """Put the message into the subscriber's queue, or begin to push it; returns the queue's id in the first case."""
        queue_id = await self._put(tx, topic, subscription, publication)
        if queue_id is None:
            await self._push(tx, subscription, publication)
        return queue_id

    async def _put(
        self, tx: Connection, topic: Topic, subscription: Subscription, publication: Publication
    ) -> int | None:
        name = endpoints.queue_of(subscription.endpoint, topic.account_id, topic.region)
        queue = await queues.find(tx, topic.account_id, topic.region, name) if name else None
        if queue is None:
            return None
        # The content around a body may exceed the queue's limit: what was accepted by the topic is delivered.
        draft = self._messages.draft(queue, Body(message_body=" "), _id_for(subscription, publication.message_id))
        await messages.put(tx, [msgspec.structs.replace(draft, body=content(publication, topic, subscription))])
        return queue.id

    async def _push(self, tx: Connection, subscription: Subscription, publication: Publication) -> None:
        push_id = await rows.remember(
            tx,
            subscription.id,
            message_id=publication.message_id,
            body=publication.body,
            tag=publication.tag,
            published_at=publication.published_at,
            expires_at=publication.published_at + limits.TOPIC_RETENTION,
        )
        if push_id is not None:
            await work.start(tx, f"{PUSH}/{push_id}", PUSH, now=self._around.now())


def next_try(strategy: str, failed: int, now: datetime) -> datetime | None:
    """Return when to push again after so many failures; None: never."""
    waits = pauses(strategy)
    return now + timedelta(seconds=waits[failed - 1]) if failed <= len(waits) else None


def _id_for(subscription: Subscription, message_id: str) -> str:
    """Return the id of the message in the subscriber's queue: another one than the topic's, and always the same."""
    return derived_uuid("mns", str(subscription.id), message_id).replace("-", "")

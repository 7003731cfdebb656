"""Topics and their subscriptions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

from tidegate.services.mns import endpoints, limits, refusals
from tidegate.services.mns.around import Around, check_name, check_range
from tidegate.services.mns.requests import Listing, ListSubscriptionByTopic, Subscribe, TopicAttributes
from tidegate.services.operation import Call
from tidegate.store.mns import topics as rows
from tidegate.store.mns.topics import Format, Strategy, Subscription, Topic
from tidegate.wire.addresses import is_allowed

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Topics:
    """The topics of all accounts."""

    def __init__(self, around: Around) -> None:
        self._around = around

    async def create(self, call: Call, request: TopicAttributes) -> bool:
        """Make a topic. False: there is one that is just the same; TopicAlreadyExist when it differs."""
        check_name(request.topic_name, limits.NAME, refusals.topic_name, refusals.topic_name_length)
        size = _size(request.maximum_message_size, limits.DEFAULTS.maximum_message_size)
        logging = bool(request.logging_enabled)
        async with self._around.database.transaction() as tx:
            made = await rows.create(
                tx, call.account_id, call.region, request.topic_name, size=size, logging=logging, now=self._around.now()
            )
            if made is not None:
                if await rows.total(tx, call.account_id, call.region) > limits.TOPICS:
                    raise refusals.too_many_topics(limits.TOPICS)
                return True
            there = await of_call(tx, call, request.topic_name)
            if (there.maximum_message_size, there.logging_enabled) != (size, logging):
                raise refusals.topic_exists()
            return False

    async def change(self, call: Call, request: TopicAttributes) -> None:
        """Set attributes; what is absent stays."""
        async with self._around.database.transaction() as tx:
            topic = await of_call(tx, call, request.topic_name)
            logging = topic.logging_enabled if request.logging_enabled is None else request.logging_enabled
            await rows.write(
                tx,
                topic.id,
                size=_size(request.maximum_message_size, topic.maximum_message_size),
                logging=logging,
                now=self._around.now(),
            )

    async def describe(self, call: Call, name: str) -> tuple[Topic, int]:
        """Return a topic and how many of its messages have not reached everybody yet."""
        async with self._around.database.connection() as db:
            topic = await of_call(db, call, name)
            return topic, await rows.waiting(db, topic.id)

    async def delete(self, call: Call, name: str) -> None:
        """Delete a topic and its subscriptions; one that is not there is as good as deleted."""
        async with self._around.database.connection() as db:
            await rows.delete(db, call.account_id, call.region, name)

    async def page(self, call: Call, request: Listing) -> tuple[Sequence[tuple[Topic, int | None]], str]:
        """Return a page of topics by name, and where the next page begins; "" at the end."""
        check_range("x-mns-ret-number", request.ret_number, (1, limits.PAGE), refusals.out_of_range)
        async with self._around.database.connection() as db:
            found = await rows.page(
                db,
                call.account_id,
                call.region,
                prefix=request.prefix,
                marker=request.marker,
                limit=request.ret_number + 1,
            )
            page, rest = found[: request.ret_number], found[request.ret_number :]
            counted = [(one, await rows.waiting(db, one.id) if request.with_meta else None) for one in page]
        return counted, rest[0].name if rest else ""

    # ---- subscriptions ---------------------------------------------------------------------------------------------

    async def subscribe(self, call: Call, request: Subscribe) -> bool:
        """Make a subscription. False: there is one that is just the same; SubscriptionAlreadyExist when it differs."""
        check_name(
            request.subscription_name, limits.NAME, refusals.subscription_name, refusals.subscription_name_length
        )
        if len(request.filter_tag) > limits.TAG:
            raise refusals.out_of_range("FilterTag", 1, limits.TAG)
        self._check_endpoint(call, request.endpoint)
        async with self._around.database.transaction() as tx:
            topic = await of_call(tx, call, request.topic_name)
            wanted = self._wanted(topic, request)
            if await rows.subscribe(tx, wanted) is not None:
                if len(await rows.subscriptions(tx, topic.id)) > limits.SUBSCRIPTIONS:
                    raise refusals.too_many_subscriptions(limits.SUBSCRIPTIONS)
                return True
            there = await rows.subscription(tx, topic.id, request.subscription_name)
            if there is None or _terms(there) != _terms(wanted):
                raise refusals.subscription_exists()
            return False

    async def set_strategy(self, call: Call, topic_name: str, name: str, strategy: str) -> None:
        """Change how often pushes of a subscription are tried again."""
        async with self._around.database.transaction() as tx:
            _, found = await self._subscription(tx, call, topic_name, name)
            await rows.change_strategy(tx, found.id, _one_of("NotifyStrategy", strategy, Strategy), self._around.now())

    async def subscription(self, call: Call, topic_name: str, name: str) -> tuple[Topic, Subscription]:
        """Return a subscription with its topic."""
        async with self._around.database.connection() as db:
            return await self._subscription(db, call, topic_name, name)

    async def unsubscribe(self, call: Call, topic_name: str, name: str) -> None:
        """Delete a subscription; one that is not there is as good as deleted."""
        async with self._around.database.connection() as db:
            topic = await of_call(db, call, topic_name)
            await rows.unsubscribe(db, topic.id, name)

    async def subscriptions(
        self, call: Call, request: ListSubscriptionByTopic
    ) -> tuple[Topic, Sequence[Subscription], str]:
        """Return a page of a topic's subscriptions by name, and where the next page begins; "" at the end."""
        check_range("x-mns-ret-number", request.ret_number, (1, limits.PAGE), refusals.out_of_range)
        async with self._around.database.connection() as db:
            topic = await of_call(db, call, request.topic_name)
            found = await rows.subscriptions(
                db, topic.id, prefix=request.prefix, marker=request.marker, limit=request.ret_number + 1
            )
        rest = found[request.ret_number :]
        return topic, found[: request.ret_number], rest[0].name if rest else ""

    async def _subscription(self, db: Connection, call: Call, topic_name: str, name: str) -> tuple[Topic, Subscription]:
        topic = await of_call(db, call, topic_name)
        found = await rows.subscription(db, topic.id, name)
        if found is None:
            raise refusals.subscription_unknown()
        return topic, found

    def _check_endpoint(self, call: Call, endpoint: str) -> None:
        """Raise unless messages may go there: queues of the caller, and addresses that the settings allow."""
        if endpoints.queue_of(endpoint, call.account_id, call.region) is None and not is_allowed(
            endpoint, self._around.push_endpoints
        ):
            raise refusals.endpoint_invalid()

    def _wanted(self, topic: Topic, request: Subscribe) -> Subscription:
        now = self._around.now()
        return Subscription(
            id=0,
            topic_id=topic.id,
            name=request.subscription_name,
            endpoint=request.endpoint,
            filter_tag=request.filter_tag,
            notify_strategy=_one_of("NotifyStrategy", request.notify_strategy, Strategy),
            content_format=_one_of("NotifyContentFormat", request.notify_content_format, Format),
            created_at=now,
            modified_at=now,
        )


async def of_call(db: Connection, call: Call, name: str) -> Topic:
    """Return the caller's topic of this name; raises TopicNotExist."""
    topic = await rows.find(db, call.account_id, call.region, name)
    if topic is None:
        raise refusals.topic_unknown()
    return topic


def _one_of(name: str, value: str, words: Any) -> Any:
    if value not in get_args(words):
        raise refusals.schema(name)
    return value


def _size(given: int | None, default: int) -> int:
    size = default if given is None else given
    check_range("MaximumMessageSize", size, limits.BOUNDS["maximum_message_size"], refusals.bytes_out_of_range)
    return size


def _terms(one: Subscription) -> tuple[str, ...]:
    return one.endpoint, one.filter_tag, one.notify_strategy, one.content_format

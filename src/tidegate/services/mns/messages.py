"""Messages of queues: sending, receiving with and without waiting, looking, deleting, hiding."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.errors import CloudError
from tidegate.services.mns import limits, receipts, refusals
from tidegate.services.mns.around import Around, check_range
from tidegate.services.mns.queues import of_call
from tidegate.services.mns.requests import Body, Property
from tidegate.services.operation import Call
from tidegate.store.mns import messages as rows
from tidegate.store.mns.messages import Draft, Message, Receipt
from tidegate.store.mns.queues import Queue
from tidegate.wire.mns import body_md5

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: how long to stay away from a message that somebody else is receiving at this moment
_MOMENT = 0.02


class Sent(msgspec.Struct, frozen=True):
    """A message that was sent; only a delayed one has a receipt, by which it can be called back."""

    id: str
    body_md5: str
    receipt: Receipt | None


class Failure(msgspec.Struct, frozen=True):
    """A receipt of a batch that could not be used."""

    handle: str
    error: CloudError


class Messages:
    """The messages of all queues."""

    def __init__(self, around: Around) -> None:
        self._around = around

    async def send(self, call: Call, name: str, bodies: Sequence[Body]) -> list[Sent]:
        """Send messages, all or none."""
        _check_batch("Messages", bodies)
        async with self._around.database.connection() as db:
            queue = await of_call(db, call, name)
            drafts = [self.draft(queue, body, self._new_id()) for body in bodies]
            whole = sum(len(body.message_body.encode()) for body in bodies)
            check_range("Messages", whole, (1, limits.BATCH_BYTES), refusals.bytes_out_of_range)
            made = await rows.put(db, drafts)
        self._around.polls.ring([queue.id])
        return [
            Sent(one.id, body_md5(one.body), made[one.id] if one.visible_at > one.enqueued_at else None)
            for one in drafts
        ]

    def draft(self, queue: Queue, body: Body, message_id: str) -> Draft:
        """Return the message that is to be put; raises InvalidArgument for values out of range."""
        settings, now = queue.attributes, self._around.now()
        delay = settings.delay_seconds if body.delay_seconds is None else body.delay_seconds
        priority = limits.DEFAULT_PRIORITY if body.priority is None else body.priority
        check_range("DelaySeconds", delay, limits.BOUNDS["delay_seconds"], refusals.seconds_out_of_range)
        check_range("Priority", priority, limits.PRIORITIES, refusals.out_of_range)
        size = (1, settings.maximum_message_size)
        check_range("MessageBody", len(body.message_body.encode()), size, refusals.bytes_out_of_range)
        return Draft(
            queue_id=queue.id,
            id=message_id,
            body=body.message_body,
            priority=priority,
            properties=_properties(body),
            enqueued_at=now,
            visible_at=now + timedelta(seconds=delay),
            expires_at=now + timedelta(seconds=settings.message_retention_period),
        )

    async def receive(self, call: Call, name: str, number: int, wait: int | None) -> list[Message]:
        """Receive up to ``number`` messages, waiting for one for ``wait`` seconds; raises MessageNotExist."""
        check_range("numOfMessages", number, (1, limits.BATCH), refusals.out_of_range)
        async with self._around.database.connection() as db:
            found = await self._take(db, (call.account_id, call.region, name), number)
            if found:
                return found
            queue = await of_call(db, call, name)
        patience = queue.attributes.polling_wait_seconds if wait is None else wait
        check_range("waitseconds", patience, limits.WAIT, refusals.seconds_out_of_range)
        if patience:
            found = await self._wait(queue, number, patience)
        if not found:
            raise refusals.message_unknown()
        return found

    async def peek(self, call: Call, name: str, number: int) -> list[Message]:
        """Look at up to ``number`` messages that could be received; raises MessageNotExist."""
        check_range("numOfMessages", number, (1, limits.BATCH), refusals.out_of_range)
        async with self._around.database.connection() as db:
            queue = await of_call(db, call, name)
            found = await rows.peek(db, queue.id, limit=number, now=self._around.now())
        if not found:
            raise refusals.message_unknown()
        return found

    async def delete(self, call: Call, name: str, handles: Sequence[str]) -> list[Failure]:
        """Delete received messages; returns the receipts that are not valid (any more)."""
        _check_batch("ReceiptHandles", handles)
        shown = {handle: receipts.read_or_none(handle) for handle in handles}
        given = [one for one in shown.values() if one]
        async with self._around.database.connection() as db:
            gone = await rows.delete(db, (call.account_id, call.region, name), given, self._around.now())
            if not gone:
                await of_call(db, call, name)
        return [
            Failure(handle, refusals.receipt_invalid())
            for handle, receipt in shown.items()
            if receipt is None or receipt not in gone
        ]

    async def hide(self, call: Call, name: str, handle: str, seconds: int) -> Receipt:
        """Let a received message stay hidden for ``seconds`` from now; only the new receipt is valid then."""
        check_range("VisibilityTimeout", seconds, (0, limits.VISIBILITY[1]), refusals.seconds_out_of_range)
        async with self._around.database.connection() as db:
            queue = await of_call(db, call, name)
            now = self._around.now()
            receipt = await rows.hide(db, queue.id, receipts.read(handle), now + timedelta(seconds=seconds), now)
        if receipt is None:
            raise refusals.message_unknown()
        self._around.polls.ring([queue.id])
        return receipt

    # ---- waiting ---------------------------------------------------------------------------------------------------

    async def _take(self, db: Connection, owner: rows.QueueKey, number: int) -> list[Message]:
        return await rows.take(db, owner, limit=number, now=self._around.now())

    async def _wait(self, queue: Queue, number: int, patience: float) -> list[Message]:
        """Be woken when there may be something, look, and go on waiting; [] when the time is over."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        async with self._around.polls.waiting(queue.id, patience) as bell:
            while bell is not None and not self._around.polls.is_closed:
                bell.silence()
                found, pause = await self._look(queue, number)
                left = deadline - loop.time()
                if found or left <= 0:
                    return found
                await bell.wait(left if pause is None else min(left, pause))
                await self._around.polls.heed()
        return []

    async def _look(self, queue: Queue, number: int) -> tuple[list[Message], float | None]:
        """Return what can be received, or else after how many seconds the next message becomes visible."""
        async with self._around.database.connection() as db:
            found = await self._take(db, (queue.account_id, queue.region, queue.name), number)
            if found:
                return found, None
            now = self._around.now()
            outlook = await rows.outlook(db, queue.id, now)
        if not outlook.exists:
            raise refusals.queue_unknown()
        return [], _seconds_until(outlook.next_visible_at, now)

    def _new_id(self) -> str:
        return self._around.ids.uuid().replace("-", "")


def _seconds_until(moment: datetime | None, now: datetime) -> float | None:
    return None if moment is None else max((moment - now).total_seconds(), _MOMENT)


def _check_batch(name: str, batch: Sequence[object]) -> None:
    if not 1 <= len(batch) <= limits.BATCH:
        raise refusals.out_of_range(name, 1, limits.BATCH)


def _properties(body: Body) -> dict[str, Any] | None:
    """Return the properties as they are told again: in the shape of their elements."""
    user = body.user_properties.property_value if body.user_properties else ()
    system = body.system_properties.system_property_value if body.system_properties else ()
    if len(user) + len(system) > limits.PROPERTIES:
        raise refusals.out_of_range("UserProperties", 0, limits.PROPERTIES)
    found: dict[str, Any] = {}
    if user:
        found["UserProperties"] = {"PropertyValue": [_property(one) for one in user]}
    if system:
        found["SystemProperties"] = {"SystemPropertyValue": [_property(one) for one in system]}
    return found or None


def _property(given: Property) -> dict[str, str]:
    return {"Name": given.name, "Value": given.value, "Type": given.type}

"""Queues: making, changing, counting, deleting, listing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from tidegate.services.mns import limits, refusals
from tidegate.services.mns.around import Around, check_name, check_range
from tidegate.services.mns.requests import Listing, QueueAttributes
from tidegate.services.operation import Call, wire_name
from tidegate.store.mns import queues as rows
from tidegate.store.mns.queues import Attributes, Counts, Queue

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Queues:
    """The queues of all accounts."""

    def __init__(self, around: Around) -> None:
        self._around = around

    async def create(self, call: Call, request: QueueAttributes) -> bool:
        """Make a queue. False: there is one that is just the same; QueueAlreadyExist when it differs."""
        check_name(request.queue_name, limits.NAME, refusals.queue_name, refusals.queue_name_length)
        wanted = _changed(limits.DEFAULTS, request)
        async with self._around.database.transaction() as tx:
            made = await rows.create(tx, call.account_id, call.region, request.queue_name, wanted, self._around.now())
            if made is not None:
                if await rows.total(tx, call.account_id, call.region) > limits.QUEUES:
                    raise refusals.too_many_queues(limits.QUEUES)
                return True
            if (await of_call(tx, call, request.queue_name)).attributes != wanted:
                raise refusals.queue_exists()
            return False

    async def change(self, call: Call, request: QueueAttributes) -> None:
        """Set attributes; what is absent stays."""
        async with self._around.database.transaction() as tx:
            queue = await of_call(tx, call, request.queue_name)
            await rows.write(tx, queue.id, _changed(queue.attributes, request), self._around.now())

    async def describe(self, call: Call, name: str) -> tuple[Queue, Counts]:
        """Return a queue and how many messages it has."""
        async with self._around.database.connection() as db:
            queue = await of_call(db, call, name)
            return queue, await rows.counts(db, queue.id, self._around.now())

    async def delete(self, call: Call, name: str) -> None:
        """Delete a queue and its messages; one that is not there is as good as deleted."""
        async with self._around.database.connection() as db:
            gone = await rows.delete(db, call.account_id, call.region, name)
        if gone is not None:
            self._around.polls.ring_all()

    async def page(self, call: Call, request: Listing) -> tuple[Sequence[tuple[Queue, Counts | None]], str]:
        """Return a page of queues by name, counted when asked for, and where the next page begins; "" at the end."""
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
            now = self._around.now()
            counted = [(one, await rows.counts(db, one.id, now) if request.with_meta else None) for one in page]
        return counted, rest[0].name if rest else ""


async def of_call(db: Connection, call: Call, name: str) -> Queue:
    """Return the caller's queue of this name; raises QueueNotExist."""
    queue = await rows.find(db, call.account_id, call.region, name)
    if queue is None:
        raise refusals.queue_unknown()
    return queue


def _changed(attributes: Attributes, request: QueueAttributes) -> Attributes:
    given = {name: value for name in Attributes.__struct_fields__ if (value := getattr(request, name)) is not None}
    for name, bounds in limits.BOUNDS.items():
        if name in given:
            unit = refusals.bytes_out_of_range if name == "maximum_message_size" else refusals.seconds_out_of_range
            check_range(wire_name(name), given[name], bounds, unit)
    return msgspec.structs.replace(attributes, **given)

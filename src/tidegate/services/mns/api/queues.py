"""Queues: the operations (2015-06-06)."""

from __future__ import annotations

import msgspec

from tidegate.services.mns.api.product import mns, on_queue, on_queues, url
from tidegate.services.mns.notification import milliseconds
from tidegate.services.mns.requests import Listing, NamedQueue, QueueAttributes
from tidegate.services.mns.service import Mns
from tidegate.services.operation import Answer, Call, Done
from tidegate.store.mns.queues import Counts, Queue


class Made(Answer):
    """Something was made; its address, and whether there was just the same before."""

    location: str
    existed: bool


class QueueView(Answer, kw_only=True):
    """A queue in full, or in a list its address alone."""

    queue_url: str | msgspec.UnsetType = msgspec.field(name="QueueURL", default=msgspec.UNSET)
    queue_name: str | msgspec.UnsetType = msgspec.UNSET
    create_time: int | msgspec.UnsetType = msgspec.UNSET
    last_modify_time: int | msgspec.UnsetType = msgspec.UNSET
    delay_seconds: int | msgspec.UnsetType = msgspec.UNSET
    maximum_message_size: int | msgspec.UnsetType = msgspec.UNSET
    message_retention_period: int | msgspec.UnsetType = msgspec.UNSET
    visibility_timeout: int | msgspec.UnsetType = msgspec.UNSET
    polling_wait_seconds: int | msgspec.UnsetType = msgspec.UNSET
    active_messages: int | msgspec.UnsetType = msgspec.UNSET
    inactive_messages: int | msgspec.UnsetType = msgspec.UNSET
    delay_messages: int | msgspec.UnsetType = msgspec.UNSET
    logging_enabled: bool | msgspec.UnsetType = msgspec.UNSET


class QueuePage(Answer):
    """A page of queues."""

    queue: list[QueueView]
    next_marker: str | msgspec.UnsetType = msgspec.UNSET


def _path(name: str) -> str:
    return f"/queues/{name}"


def _shown(queue: Queue, counts: Counts, address: str | msgspec.UnsetType = msgspec.UNSET) -> QueueView:
    return QueueView(
        queue_url=address,
        queue_name=queue.name,
        # seconds here, milliseconds in messages: so the page has it
        create_time=milliseconds(queue.created_at) // 1000,
        last_modify_time=milliseconds(queue.modified_at) // 1000,
        active_messages=counts.active,
        inactive_messages=counts.inactive,
        delay_messages=counts.delayed,
        **msgspec.structs.asdict(queue.attributes),
    )


@mns.operation("CreateQueue", on=on_queue)
async def create_queue(service: Mns, call: Call, request: QueueAttributes) -> Made:
    """Make a queue."""
    created = await service.queues.create(call, request)
    return Made(url(call, _path(request.queue_name)), not created)


@mns.operation("SetQueueAttributes", on=on_queue)
async def set_queue_attributes(service: Mns, call: Call, request: QueueAttributes) -> Done:
    """Change the attributes of a queue."""
    await service.queues.change(call, request)
    return Done()


@mns.operation("GetQueueAttributes", on=on_queue)
async def get_queue_attributes(service: Mns, call: Call, request: NamedQueue) -> QueueView:
    """Show a queue and how many messages it has."""
    return _shown(*await service.queues.describe(call, request.queue_name))


@mns.operation("DeleteQueue", on=on_queue)
async def delete_queue(service: Mns, call: Call, request: NamedQueue) -> Done:
    """Delete a queue with its messages."""
    await service.queues.delete(call, request.queue_name)
    return Done()


@mns.operation("ListQueue", on=on_queues)
async def list_queue(service: Mns, call: Call, request: Listing) -> QueuePage:
    """List queues by name."""
    found, marker = await service.queues.page(call, request)
    views = []
    for queue, counts in found:
        address = url(call, _path(queue.name))
        views.append(QueueView(queue_url=address) if counts is None else _shown(queue, counts, address))
    return QueuePage(views, marker or msgspec.UNSET)

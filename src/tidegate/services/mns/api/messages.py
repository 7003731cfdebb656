"""Messages of queues: the operations (2015-06-06)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tidegate.services.mns import receipts
from tidegate.services.mns.api.product import mns, on_messages
from tidegate.services.mns.messages import Sent
from tidegate.services.mns.notification import milliseconds
from tidegate.services.mns.requests import (
    BatchDeleteMessage,
    BatchReceiveMessage,
    BatchSendMessage,
    ChangeMessageVisibility,
    DeleteMessage,
    ReceiveMessage,
    SendMessage,
)
from tidegate.services.mns.service import Mns
from tidegate.services.operation import Answer, Call, Done
from tidegate.store.mns.messages import Message, Receipt
from tidegate.wire.mns import body_md5


class SentMessage(Answer):
    """A message that was sent; a delayed one can be called back by its receipt."""

    message_id: str
    message_body_md5: str = msgspec.field(name="MessageBodyMD5")
    receipt_handle: str | msgspec.UnsetType = msgspec.UNSET


class SentMessages(Answer):
    """Messages that were sent."""

    message: list[SentMessage]


class MessageView(Answer, kw_only=True):
    """A message; only one that was received has a receipt and a time at which it becomes visible again."""

    message_id: str
    receipt_handle: str | msgspec.UnsetType = msgspec.UNSET
    message_body: str
    message_body_md5: str = msgspec.field(name="MessageBodyMD5")
    enqueue_time: int
    next_visible_time: int | msgspec.UnsetType = msgspec.UNSET
    first_dequeue_time: int
    dequeue_count: int
    priority: int
    user_properties: Mapping[str, Any] | msgspec.UnsetType = msgspec.UNSET
    system_properties: Mapping[str, Any] | msgspec.UnsetType = msgspec.UNSET


class MessageViews(Answer):
    """Several messages."""

    message: list[MessageView]


class Problem(Answer):
    """A receipt of a batch that could not be used."""

    error_code: str
    error_message: str
    receipt_handle: str


class Problems(Answer):
    """What went wrong in a batch; nothing when all is well."""

    error: list[Problem]


class Hidden(Answer):
    """The new receipt of a message, and when it becomes visible."""

    receipt_handle: str
    next_visible_time: int


def _sent(one: Sent) -> SentMessage:
    return SentMessage(one.id, one.body_md5, msgspec.UNSET if one.receipt is None else receipts.write(one.receipt))


def _shown(message: Message, *, received: bool) -> MessageView:
    receipt = Receipt(message.position, message.dequeue_count, message.visible_at)
    first = message.first_dequeued_at
    return MessageView(
        message_id=message.id,
        receipt_handle=receipts.write(receipt) if received else msgspec.UNSET,
        message_body=message.body,
        message_body_md5=body_md5(message.body),
        enqueue_time=milliseconds(message.enqueued_at),
        next_visible_time=milliseconds(message.visible_at) if received else msgspec.UNSET,
        # ASSUMPTION: 0 as long as nobody has received it
        first_dequeue_time=0 if first is None else milliseconds(first),
        dequeue_count=message.dequeue_count,
        priority=message.priority,
        user_properties=(message.properties or {}).get("UserProperties", msgspec.UNSET),
        system_properties=(message.properties or {}).get("SystemProperties", msgspec.UNSET),
    )


@mns.operation("SendMessage", on=on_messages)
async def send_message(service: Mns, call: Call, request: SendMessage) -> SentMessage:
    """Send a message."""
    [sent] = await service.messages.send(call, request.queue_name, [request])
    return _sent(sent)


@mns.operation("BatchSendMessage", on=on_messages, actions=["mns:SendMessage"])
async def batch_send_message(service: Mns, call: Call, request: BatchSendMessage) -> SentMessages:
    """Send up to 16 messages, all or none."""
    return SentMessages([_sent(one) for one in await service.messages.send(call, request.queue_name, request.message)])


@mns.operation("ReceiveMessage", on=on_messages)
async def receive_message(service: Mns, call: Call, request: ReceiveMessage) -> MessageView:
    """Receive a message, waiting for one if asked to."""
    [found] = await service.messages.receive(call, request.queue_name, 1, request.wait_seconds)
    return _shown(found, received=True)


@mns.operation("BatchReceiveMessage", on=on_messages, actions=["mns:ReceiveMessage"])
async def batch_receive_message(service: Mns, call: Call, request: BatchReceiveMessage) -> MessageViews:
    """Receive up to 16 messages, waiting for the first if asked to."""
    found = await service.messages.receive(call, request.queue_name, request.number, request.wait_seconds)
    return MessageViews([_shown(one, received=True) for one in found])


@mns.operation("PeekMessage", on=on_messages)
async def peek_message(service: Mns, call: Call, request: ReceiveMessage) -> MessageView:
    """Look at the message that would be received next."""
    [found] = await service.messages.peek(call, request.queue_name, 1)
    return _shown(found, received=False)


@mns.operation("BatchPeekMessage", on=on_messages, actions=["mns:PeekMessage"])
async def batch_peek_message(service: Mns, call: Call, request: BatchReceiveMessage) -> MessageViews:
    """Look at up to 16 messages that would be received next."""
    found = await service.messages.peek(call, request.queue_name, request.number)
    return MessageViews([_shown(one, received=False) for one in found])


@mns.operation("DeleteMessage", on=on_messages)
async def delete_message(service: Mns, call: Call, request: DeleteMessage) -> Done:
    """Delete a message that was received."""
    for failure in await service.messages.delete(call, request.queue_name, [request.receipt_handle]):
        raise failure.error
    return Done()


@mns.operation("BatchDeleteMessage", on=on_messages, actions=["mns:DeleteMessage"])
async def batch_delete_message(service: Mns, call: Call, request: BatchDeleteMessage) -> Problems:
    """Delete up to 16 messages that were received; tells which could not be."""
    failed = await service.messages.delete(call, request.queue_name, request.receipt_handle)
    return Problems([Problem(one.error.code, one.error.message, one.handle) for one in failed])


@mns.operation("ChangeMessageVisibility", on=on_messages)
async def change_message_visibility(service: Mns, call: Call, request: ChangeMessageVisibility) -> Hidden:
    """Change for how long a received message stays hidden."""
    receipt = await service.messages.hide(call, request.queue_name, request.receipt_handle, request.visibility_timeout)
    return Hidden(receipts.write(receipt), milliseconds(receipt.visible_at))

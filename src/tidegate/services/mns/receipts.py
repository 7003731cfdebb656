"""Receipt handles: texts that are good in a URL and say which delivery of which message is meant."""

from __future__ import annotations

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta

from tidegate.errors import CloudError
from tidegate.services.mns import refusals
from tidegate.store.mns.messages import Receipt

_FORM = struct.Struct(">QIQ")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: beyond this a receipt names a moment or a message that cannot be
_LARGEST = 2**53


def write(receipt: Receipt) -> str:
    """Return the handle of a receipt."""
    packed = _FORM.pack(receipt.position, receipt.dequeue_count, (receipt.visible_at - _EPOCH) // _MICROSECOND)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_or_none(handle: str) -> Receipt | None:
    """Return what a handle says; None when it is none."""
    try:
        return read(handle)
    except CloudError:
        return None


def read(handle: str) -> Receipt:
    """Return what a handle says; raises ReceiptHandleError."""
    try:
        packed = base64.b64decode(handle + "=" * (-len(handle) % 4), altchars=b"-_", validate=True)
        position, count, moment = _FORM.unpack(packed)
        if position > _LARGEST or count > 2**31 - 1 or moment > _LARGEST:
            raise refusals.receipt_invalid()
        return Receipt(position, count, _EPOCH + moment * _MICROSECOND)
    except (binascii.Error, struct.error, ValueError, OverflowError) as error:
        raise refusals.receipt_invalid() from error

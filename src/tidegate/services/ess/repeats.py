"""Calls that are repeated with their ClientToken get the first answer (ess.md 5.6, 13.1)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from tidegate.services.operation import Call
from tidegate.store import tokens

if TYPE_CHECKING:
    from tidegate.store.database import Connection


async def recall(tx: Connection, call: Call, now: datetime) -> list[Any] | None:
    """Return the first answer as a list of one; None: this call is no repeat."""
    return await tokens.recall(tx, call.account_id, call.action, call.client_token, call.fingerprint, now=now)


async def remember(tx: Connection, call: Call, answer: Any, now: datetime) -> None:
    """Keep the answer for repeats, in the transaction of the change."""
    await tokens.remember(tx, call.account_id, call.action, call.client_token, call.fingerprint, [answer], now=now)

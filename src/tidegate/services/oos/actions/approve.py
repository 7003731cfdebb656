"""``ACS::Approve``: wait until enough people have approved; the first Reject ends the execution (oos.md 5.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.services.oos.actions.base import (
    ActionCancelledError,
    ActionFailedError,
    AwaitNotice,
    Finished,
    Situation,
)
from tidegate.services.oos.actions.webhook import address_of, send
from tidegate.services.oos.functions.base import need_integer
from tidegate.services.oos.values import ExpressionError, from_json
from tidegate.wire.addresses import without_query


async def perform(situation: Situation) -> Finished | AwaitNotice:
    """Tell them, then count distinct people."""
    needed = _needed(situation.properties)
    allowed = approvers(situation.properties)
    if not situation.memo:
        whom = ", ".join(allowed) or "anybody"
        situation.log(f"Waits for {needed} approvals by {whom} through NotifyExecution.")
        await _tell(situation)
    approved: list[str] = list(situation.memo.get("approved", []))
    for notice in situation.notices:
        situation.log(f"{notice.kind} by {notice.sender}. {notice.note}".strip())
        if notice.kind == "Reject":
            raise ActionCancelledError(f"rejected by {notice.sender}")
        if notice.sender not in approved:
            approved.append(notice.sender)
    return Finished({}) if len(approved) >= needed else AwaitNotice("Approve", {"approved": approved})


async def _tell(situation: Situation) -> None:
    """Send the webhook. Where that cannot be, the log says so, and people see in the console what waits for them."""
    try:
        address = address_of(situation.properties)
    except ActionFailedError as error:
        return situation.log(f"Nobody is told: {error}.")
    if not situation.outside.may_reach(address):
        return situation.log(f"Nobody is told: {without_query(address)} may not be reached (--runbook-endpoint).")
    return await send(situation, with_link=True)


def approvers(properties: Mapping[str, Any]) -> list[str]:
    """Return who may decide; empty: everybody. The list may be a JSON text (oos.md 5.6)."""
    given = properties.get("Approvers")
    if isinstance(given, str):
        try:
            given = from_json(given)
        except ValueError:
            given = [given] if given else []
    if not isinstance(given, list | None):
        raise ActionFailedError("Approvers must be a list of users")
    return [str(name) for name in given or []]


def _needed(properties: Mapping[str, Any]) -> int:
    given = properties.get("MinRequiredApprovals")
    try:
        needed = 1 if given is None else need_integer(given)
    except ExpressionError as error:
        raise ActionFailedError(f"MinRequiredApprovals must be a number: {error}") from error
    return max(needed, 1)

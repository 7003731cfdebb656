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
from tidegate.services.oos.functions.base import need_integer
from tidegate.services.oos.values import ExpressionError, from_json


async def perform(situation: Situation) -> Finished | AwaitNotice:
    """Count distinct people. No message is sent to anybody: the cloud is local, and this says so."""
    needed = _needed(situation.properties)
    allowed = approvers(situation.properties)
    if not situation.memo:
        whom = ", ".join(allowed) or "anybody"
        situation.log(f"Waits for {needed} approvals by {whom} through NotifyExecution; no webhook is called.")
    approved: list[str] = list(situation.memo.get("approved", []))
    for notice in situation.notices:
        situation.log(f"{notice.kind} by {notice.sender}. {notice.note}".strip())
        if notice.kind == "Reject":
            raise ActionCancelledError(f"rejected by {notice.sender}")
        if notice.sender not in approved:
            approved.append(notice.sender)
    return Finished({}) if len(approved) >= needed else AwaitNotice("Approve", {"approved": approved})


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

"""``ACS::Pause``: wait until a person lets the execution go on, or ends it (oos.md 5.8)."""

from __future__ import annotations

from tidegate.services.oos.actions.base import ActionCancelledError, AwaitNotice, Finished, Situation


async def perform(situation: Situation) -> Finished | AwaitNotice:
    """Go on at the first Approve, end at the first Reject."""
    for notice in situation.notices:
        situation.log(f"{notice.kind} by {notice.sender}. {notice.note}".strip())
        if notice.kind == "Reject":
            raise ActionCancelledError(f"rejected by {notice.sender}")
        return Finished({})
    return AwaitNotice("Pause", {})

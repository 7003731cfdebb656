"""``ACS::Notify``: send a message to an address that the settings allow (oos.md 5.7)."""

from __future__ import annotations

from tidegate.services.oos.actions.base import Finished, Situation
from tidegate.services.oos.actions.webhook import send


async def perform(situation: Situation) -> Finished:
    """Send it; a message that is not taken fails the task. After a crash it may be sent twice, with the same key."""
    await send(situation, with_link=False)
    return Finished({})

"""``ACS::GitCodeRepo``: would ask a code platform for an address that may be cloned (oos.md 5.14)."""

from __future__ import annotations

from tidegate.services.oos.actions.base import ActionFailedError, Finished, Situation
from tidegate.services.oos.values import to_text


async def perform(situation: Situation) -> Finished:
    """Refuse: no code platform has authorized this cloud."""
    platform = to_text(situation.properties.get("Platform")) or "any platform"
    raise ActionFailedError(
        f"this cloud is not authorized by {platform[:40]}: give the address of the repository to the tasks that need it"
    )

"""Whether the queue or the topic that is to be told something exists."""

from __future__ import annotations

from tidegate.services.ess.notices import Target
from tidegate.services.ess.ports import Surroundings
from tidegate.store.ess.records import Group


async def exists(around: Surroundings, group: Group, target: Target) -> bool:
    """Ask MNS; called outside of transactions. What is neither a queue nor a topic is always there."""
    match target.kind:
        case "queue":
            return await around.messages.queue_exists(group.account_id, group.region, target.name)
        case "topic":
            return await around.messages.topic_exists(group.account_id, group.region, target.name)
        case _:
            return True

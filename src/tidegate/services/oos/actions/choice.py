"""``ACS::Choice``: the first condition that holds names the next task (oos.md 5.5)."""

from __future__ import annotations

from tidegate.services.oos.actions.base import Finished, LookAgain, Situation
from tidegate.services.oos.values import is_true


async def perform(situation: Situation) -> Finished | LookAgain:
    """Return where to go."""
    for branch in situation.task.branches:
        if is_true(await branch.when.evaluate(situation.scope)):
            return Finished({}, branch.next_task)
    return Finished({}, situation.task.default_task)

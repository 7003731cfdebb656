"""``ACS::Loop``: a list of tasks runs for each item, as a child execution that knows what came before (oos.md 5.13)."""

from __future__ import annotations

from typing import Any

from tidegate.services.oos import limits
from tidegate.services.oos.actions.base import AwaitSignal, Child, Finished, LookAgain, Situation
from tidegate.services.oos.actions.embed import run_child
from tidegate.services.oos.values import check_size


async def perform(situation: Situation) -> Finished | LookAgain | AwaitSignal:
    """Run the tasks for the item of this turn."""
    return await run_child(situation, _part)


async def _part(situation: Situation) -> Child:
    """Return what to run. The parts of one loop are many, so what each is handed is bounded."""
    part = situation.task.part
    assert part is not None
    outputs: dict[str, dict[str, Any]] = {}
    for (task, name), value in situation.scope.outputs.items():
        if task in part.needs:
            outputs.setdefault(task, {})[name] = value
    item = situation.scope.pseudo("taskloopitem")
    check_size(outputs, limits.PART_CHARACTERS)
    return Child(part={"task": situation.task.name, "item": item, "outputs": outputs}, parameters={})

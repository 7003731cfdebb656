"""What all triggers have in common: each firing runs the rest of the template as a child (oos.md 5.10).

A look decides what to fire and writes that down; the next one fires it. So nothing is fired twice and nothing forgotten,
wherever a node dies.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from tidegate.services.oos import limits
from tidegate.services.oos.actions.base import AwaitNotice, AwaitSignal, LookAgain, Situation
from tidegate.services.oos.selectors import complete_program, select_output
from tidegate.services.oos.values import ExpressionError, from_json

#: what TriggerExecution leaves for the trigger
TRIGGER: Final = "Trigger"
WAITING: Final = "Trigger"


class Firings:
    """The firings of one trigger: decided, running, counted."""

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self._fired = int(situation.memo.get("fired", 0))
        self._queue: list[Mapping[str, Any]] = []
        self._running: list[int] = list(situation.memo.get("running", ()))

    @property
    def are_running(self) -> bool:
        """Whether anything that was started has not ended."""
        return bool(self._running)

    @property
    def room(self) -> int:
        """How many more may be started now."""
        return max(limits.CONCURRENT_EXECUTIONS - len(self._running) - len(self._queue), 0)

    @property
    def are_decided(self) -> bool:
        """Whether anything is to be fired."""
        return bool(self._queue)

    async def begin(self) -> None:
        """Start what the look before decided, and see what has ended."""
        children = self._situation.children
        for firing in self._situation.memo.get("queue", ()):
            number = int(firing["number"])
            try:
                outputs = await self._outputs(firing["body"])
            except ExpressionError as error:
                self._situation.log(f"The trigger does not fire for the time {number}: {error}.")
                continue
            self._situation.log(f"The trigger fires for the time {number}.")
            await children.fire(number, outputs)
            self._running.append(number)
        self._running = [number for number in self._running if await children.is_running(number)]

    def add(self, body: Any) -> None:
        """Decide to fire with a message."""
        self._fired += 1
        self._queue.append({"number": self._fired, "body": body})

    def add_notices(self) -> None:
        """Decide to fire for every TriggerExecution."""
        for notice in self._situation.notices:
            if notice.kind == TRIGGER:
                self._situation.log(f"TriggerExecution by {notice.sender}.")
                self.add(notice.said.get("body"))

    def outcome(self, memo: Mapping[str, Any], at: datetime | None = None) -> LookAgain | AwaitSignal | AwaitNotice:
        """Return how to go on: at once when something is to be fired, else when woken or at a moment."""
        memo = {**memo, "fired": self._fired, "running": self._running, "queue": self._queue}
        if self._queue:
            return LookAgain(self._situation.now, memo)
        if self._running:
            return AwaitSignal(memo, at)
        return AwaitNotice(WAITING, memo, at)

    async def _outputs(self, body: Any) -> dict[str, Any]:
        situation = self._situation
        transformer = situation.properties.get("OutputTransformer")
        if isinstance(transformer, str):
            try:
                transformer = from_json(transformer)
            except ValueError:
                raise ExpressionError("the OutputTransformer is not a map") from None
        if transformer:
            body = await _transformed(transformer, body, situation)
        return {output.name: await select_output(output, body, situation.scope) for output in situation.task.outputs}


async def _transformed(transformer: Any, body: Any, situation: Situation) -> dict[str, Any]:
    """Return the values of jq programs over the message, by their names (oos.md 5.10, ASSUMPTION)."""
    if not isinstance(transformer, dict):
        raise ExpressionError("the OutputTransformer is not a map")
    made: dict[str, Any] = {}
    for name, program in transformer.items():
        if not isinstance(program, str):
            made[name] = program
            continue
        results = await situation.scope.programs.run_jq(complete_program(program), body)
        made[name] = results[0] if results else None
    return made

"""Child executions as the task that wants them sees them (oos.md 5.11, 7.5)."""

from __future__ import annotations

from tidegate.services.oos.actions.base import ActionFailedError, Child, Ended
from tidegate.services.oos.executions import Executions
from tidegate.services.oos.states import FINAL_EXECUTION
from tidegate.store.oos.records import ExecutionRecord, TaskRecord


class Children:
    """The child of one task execution or loop item: it has the same id."""

    def __init__(self, executions: Executions, parent: ExecutionRecord, task: TaskRecord) -> None:
        self._executions = executions
        self._parent = parent
        self._task = task

    async def start(self, child: Child) -> None:
        """Start the child once; raises CloudError when its template or its parameters are wrong."""
        if self._task.sealed:
            # The child's parameters are kept and shown, so a secret among them would be given away.
            raise ActionFailedError("a secret parameter cannot be handed to a child execution")
        await self._executions.start_child(self._parent, self._task.id, child)

    async def fire(self, number: int) -> None:
        """Start what follows the trigger, once for every number."""
        await self._executions.start_firing(self._parent, number)

    async def is_running(self, number: int) -> bool:
        """Whether the execution of a number has not ended."""
        record = await self._executions.find_child(self._parent, f"{self._parent.id}.{number}")
        return record is not None and record.status not in FINAL_EXECUTION

    async def look(self) -> Ended | None:
        """Return how the child ended; None when it has not, or was not started."""
        record = await self._executions.find_child(self._parent, self._task.id)
        if record is None or record.status not in FINAL_EXECUTION:
            return None
        return Ended(record.status, record.status_message, record.outputs)

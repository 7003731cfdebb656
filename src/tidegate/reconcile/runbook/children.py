"""Child executions as the task that wants them sees them (oos.md 5.11, 7.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from tidegate.services.oos.actions.base import ActionFailedError, Child, Ended
from tidegate.services.oos.secrets import Secrets
from tidegate.services.oos.states import FINAL_EXECUTION
from tidegate.store.oos.records import ExecutionRecord, TaskRecord


class Family(Protocol):
    """Starts and finds child executions, as ``services.oos.executions.Executions`` does."""

    async def start_child(self, parent: ExecutionRecord, child_id: str, child: Child) -> None:
        """Start an execution for a task of ``parent``; a repeat changes nothing. Raises CloudError."""
        ...

    async def start_firing(self, parent: ExecutionRecord, number: int, origin: Mapping[str, Any]) -> None:
        """Start what follows the trigger of ``parent``, once for every number."""
        ...

    async def find_child(self, parent: ExecutionRecord, child_id: str) -> ExecutionRecord | None:
        """Return the child that a task of ``parent`` started."""
        ...


class Children:
    """The child of one task execution or loop item: it has the same id."""

    def __init__(self, family: Family, parent: ExecutionRecord, task: TaskRecord, secrets: Secrets) -> None:
        self._family = family
        self._parent = parent
        self._task = task
        self._secrets = secrets

    async def start(self, child: Child) -> None:
        """Start the child once; raises CloudError when its template or its parameters are wrong."""
        if self._secrets.is_hidden(child.template_content):
            raise ActionFailedError("a secret cannot stand in the text of a template, which is kept and shown")
        hidden = tuple(name for name, value in child.parameters.items() if self._secrets.is_hidden(value))
        # Children begin with their tasks, so those of a loop are in the order of its items.
        child = msgspec.structs.replace(child, hidden=hidden, begins_at=self._task.started_at)
        await self._family.start_child(self._parent, self._task.id, child)

    async def fire(self, number: int, outputs: Mapping[str, Any]) -> None:
        """Start what follows the trigger, once for every number."""
        await self._family.start_firing(self._parent, number, {"outputs": {self._task.name: outputs}})

    async def is_running(self, number: int) -> bool:
        """Whether the execution of a number has not ended."""
        record = await self._family.find_child(self._parent, f"{self._parent.id}.{number}")
        return record is not None and record.status not in FINAL_EXECUTION

    async def look(self) -> Ended | None:
        """Return how the child ended; None when it has not, or was not started."""
        record = await self._family.find_child(self._parent, self._task.id)
        if record is None or record.status not in FINAL_EXECUTION:
            return None
        return Ended(record.status, record.status_message, self._secrets.adopt(record))

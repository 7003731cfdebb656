"""What a look knows of an execution, and what is to be written with the next step forward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

import msgspec

from tidegate.reconcile.runbook.ledger import Ledger
from tidegate.services.oos import limits
from tidegate.services.oos.actions import has_child
from tidegate.services.oos.actions.firing import WAITING as TRIGGER
from tidegate.services.oos.answers import in_words
from tidegate.services.oos.expressions import Scope
from tidegate.services.oos.secrets import Secrets
from tidegate.services.oos.states import (
    FINAL_TASK,
    Event,
    ExecutionStatus,
    TaskStatus,
    next_execution_status,
    next_task_status,
)
from tidegate.store.oos import journal
from tidegate.store.oos.records import ExecutionRecord, LogLine, Notice, TaskRecord
from tidegate.store.work import Control
from tidegate.telemetry.points import reach


class Look(Protocol):
    """The look that is under way: the present, and what is asked of the execution."""

    control: Control

    def now(self) -> datetime:
        """Return the present on the cloud's clock."""
        ...


class Notebook:
    """Changes are made in memory; ``write`` writes all of them down in one statement."""

    def __init__(
        self,
        run: Look,
        ledger: Ledger,
        execution: ExecutionRecord,
        tasks: list[TaskRecord],
        scope: Scope,
        secrets: Secrets,
        notices: Sequence[Notice],
    ) -> None:
        self.run = run
        self.execution = execution
        self.status = ExecutionStatus(execution.status)
        #: in the order of their start
        self.tasks = [secrets.reveal(task) for task in tasks]
        #: of the looped task under way: the items that have begun, by their number from 1
        self.items: dict[int, TaskRecord] = {}
        #: tasks and items that have been looked at and wait to be woken
        self.awaiting: set[str] = set()
        #: what people answered, to be taken into account once
        self.notices: Sequence[Notice] = notices
        self._noticed = notices[-1].number if notices else None
        self._waits_for = execution.waiting
        self._must_end_children = False
        #: what the task that was looked at last waits for
        self.waiting = ""
        self.secrets = secrets
        secrets.know(execution.parameters, execution.secrets)
        self._ledger = ledger
        self._scope = scope
        self._outputs = dict(scope.outputs)
        self._lines: list[LogLine] = []
        self._changed: dict[str, TaskRecord] = {}

    @property
    def scope(self) -> Scope:
        """What names stand for now."""
        return replace(self._scope, outputs=self._outputs)

    async def load_items(self, parent: TaskRecord) -> None:
        """Read the items of a looped task that a look before has begun."""
        self.items = {item.number: self.secrets.reveal(item) for item in await self._ledger.items(parent.id)}

    def change(self, record: TaskRecord, event: Event) -> None:
        """Put a task or an item into its next status."""
        now, status = self.run.now(), next_task_status(TaskStatus(record.status), event)
        is_final = status in FINAL_TASK
        changed = msgspec.structs.replace(
            record,
            status=status,
            updated_at=now,
            ended_at=now if is_final else None,
            due_at=None if is_final else record.due_at,
        )
        self._keep(changed)

    def copy_item(self, record: TaskRecord) -> None:
        """Take over an item of an earlier start of the same task as it is."""
        self._keep(record)

    def _keep(self, changed: TaskRecord) -> None:
        self._changed[changed.id] = changed
        if changed.parent_id is not None:
            self.items[changed.number] = changed
            return
        self.tasks[changed.number - 1] = changed
        self._outputs.update(((changed.name, name), value) for name, value in changed.outputs.items())

    def fail(self, record: TaskRecord, message: str) -> None:
        """Let a task or an item fail."""
        message = self.show(message)
        self.log(record.id, f"The task {record.name} failed: {message}")
        self.change(msgspec.structs.replace(record, status_message=message), Event.FAIL)

    def log(self, task_execution_id: str, message: str) -> None:
        """Add a line to the execution's log."""
        line = LogLine(at=self.run.now(), task_execution_id=task_execution_id, message=self.show(message))
        self._lines.append(line)

    def show(self, message: str) -> str:
        """Return a message without secrets, without what PostgreSQL takes in no text, and not endless."""
        message = str(self.secrets.hide(message))
        return message.replace("\0", "\\0")[: limits.MESSAGE_CHARACTERS]

    def take_notice(self) -> Notice | None:
        """Return the first thing that people answered, and write it into the log; what else they said is left aside."""
        taken = self.take_notices()
        if not taken:
            return None
        self.log("", in_words(taken[0]))
        return taken[0]

    def take_notices(self) -> Sequence[Notice]:
        """Return what people answered, once."""
        taken, self.notices = self.notices, ()
        return taken

    def end_children(self) -> None:
        """Cancel the children that are under way, with the next step forward."""
        self._must_end_children = True

    def wait(self, record: TaskRecord) -> None:
        """Let a task wait for people; it may have waited before."""
        self.change(record, Event.RUN)
        self.change(msgspec.structs.replace(record, status=TaskStatus.RUNNING), Event.WAIT)

    async def write(self, *, waiting: str = "") -> None:
        """Write everything since the last step forward; ``waiting`` says for what people are needed. Raises Fenced."""
        self.status = next_execution_status(self.status, Event.RUN)
        if waiting:
            self.status = next_execution_status(self.status, Event.WAIT)
            if not self._waits_for and waiting != TRIGGER:
                self._noticed = journal.ALL_NOTICES
            if waiting != self._waits_for:
                self.log("", f"The execution waits: {waiting}.")
        # Visible from the moment the first task fails, while later tasks run (oos.md 4.3).
        message = next((task.status_message for task in self.tasks if task.status == TaskStatus.FAILED), "")
        await self._write(message, waiting=waiting)

    async def end(self, event: Event, message: str, outputs: Any) -> None:
        """Write everything, with the execution's end. Raises Fenced."""
        self.status = next_execution_status(self.status, event)
        await self._write(message, outputs=outputs, ended=True)

    async def _write(self, message: str, *, waiting: str = "", outputs: Any = None, ended: bool = False) -> None:
        now = self.run.now()
        shown, sealed = self.secrets.seal_end(self.execution, outputs)
        progress = journal.Progress(
            execution_id=self.execution.id,
            status=self.status,
            status_message=message,
            waiting=waiting,
            noticed=self._noticed,
            outputs=shown,
            sealed=sealed,
            ended_at=now if ended else None,
            tasks=[self.secrets.seal(task) for task in self._changed.values()],
            lines=self._lines,
            now=now,
        )
        reach("execution.write.before")
        self.run.control = await self._ledger.advance(
            progress,
            parent_id=self.execution.parent_id if ended else None,
            ends_children=self._must_end_children or (ended and any(has_child(task.action) for task in self.tasks)),
        )
        reach("execution.write.recorded")
        self._changed, self._lines, self._noticed = {}, [], None
        self._waits_for, self._must_end_children = waiting, False

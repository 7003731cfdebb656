"""One look at an execution: from move to move, until it ends or waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec

from tidegate.reconcile.run import Suspend
from tidegate.reconcile.runbook.loop import LoopDriver
from tidegate.reconcile.runbook.notebook import Notebook
from tidegate.reconcile.runbook.turn import Turns
from tidegate.services.oos.actions import has_child
from tidegate.services.oos.answers import Retry, Skip, decide
from tidegate.services.oos.conductor import Ask, Continue, Done, Start, next_move
from tidegate.services.oos.expressions import MissingOutputError
from tidegate.services.oos.model import Task, Template
from tidegate.services.oos.risks import UNCONFIRMED, is_high_risk, must_confirm
from tidegate.services.oos.states import FINAL_TASK, Event, ExecutionStatus, TaskStatus
from tidegate.services.oos.values import ExpressionError, check_size
from tidegate.store.oos.records import TaskRecord

_ENDS: Final[Mapping[ExecutionStatus, Event]] = {
    ExecutionStatus.SUCCESS: Event.SUCCEED,
    ExecutionStatus.FAILED: Event.FAIL,
    ExecutionStatus.CANCELLED: Event.CANCEL,
}


class Look:
    """Asks the conductor, does what it says, and asks again."""

    def __init__(self, book: Notebook, template: Template, turns: Turns) -> None:
        self._book = book
        self._template = template
        self._turns = turns
        self._loops = LoopDriver(book, turns)

    async def conduct(self) -> None:
        """Go from move to move until the execution ends or a task waits."""
        while True:
            match await self._next():
                case Start() as start:
                    await self._start(start)
                case Continue():
                    await self._continue(self._book.tasks[-1])
                case Retry() as retry:
                    await self._retry(retry, self._book.tasks[-1])
                case Skip():
                    self._book.change(self._book.tasks[-1], Event.SKIP)
                case Done() as done:
                    return await self._end(done)

    async def _next(self) -> Start | Continue | Retry | Skip | Done:
        """Return what to do; raises Suspend when people must say it and have not."""
        book = self._book
        move = next_move(
            self._template,
            book.tasks,
            cancelled=self._is_cancelled,
            triggered=self._is_triggered,
            mode=book.execution.mode,
        )
        if not isinstance(move, Ask):
            return move
        notice = book.take_notice()
        if notice is None:
            await book.write(waiting=move.waiting)
            raise Suspend
        return decide(move, notice, self._template)

    @property
    def _is_cancelled(self) -> bool:
        return self._book.run.control == "cancel"

    @property
    def _is_triggered(self) -> bool:
        """Whether this is what a trigger started (oos.md 5.10)."""
        return self._book.execution.origin is not None and self._template.trigger is not None

    async def _start(self, start: Start) -> None:
        """Begin a task. One that is skipped or cannot begin is written with the next step."""
        book, task = self._book, start.task
        record = self._added(task)
        try:
            if await self._turns.is_skipped(None if task.asks_each_item else task.when, record, book.scope):
                return
            if task.loop is not None:
                await self._loops.begin(start, task.loop, record)
            else:
                await self._turns.begin(task, record, book.scope, start.properties)
            if await self._is_to_be_confirmed(task, book.tasks[-1]):
                book.wait(msgspec.structs.replace(book.tasks[-1], memo=UNCONFIRMED))
            elif task.loop is None:
                await book.write()
        except ExpressionError as error:
            book.fail(book.tasks[-1], str(error))

    def _added(self, task: Task) -> TaskRecord:
        """Note a new start of a task; nothing of it is written yet."""
        book = self._book
        now, number = book.run.now(), len(book.tasks) + 1
        record = TaskRecord(
            id=f"{book.execution.id}.t{number:04}",
            execution_id=book.execution.id,
            number=number,
            name=task.name,
            action=task.action,
            status=TaskStatus.PENDING,
            created_at=now,
            started_at=now,
            updated_at=now,
        )
        book.tasks.append(record)
        return record

    async def _is_to_be_confirmed(self, task: Task, record: TaskRecord) -> bool:
        execution = self._book.execution
        if not must_confirm(execution.mode, execution.safety_check):
            return False
        if record.loop is not None:
            return await self._loops.is_high_risk(task, record)
        return is_high_risk(task.action, record.properties)

    async def _continue(self, record: TaskRecord) -> None:
        """Look at the running task: it ends, fails, or says when to look again."""
        book, task = self._book, self._template.task(record.name)
        if self._is_cancelled or self._is_task_cancelled():
            if task.loop is not None:
                await self._loops.cancel(record)
            if has_child(task.action):
                book.end_children()
            book.log(record.id, f"The task {record.name} is cancelled.")
            return book.change(record, Event.CANCEL)
        if record.memo == UNCONFIRMED:
            return await self._confirm(record)
        if task.loop is not None:
            return await self._loops.go_on(task, task.loop, record)
        is_trigger = task.action == self._template.trigger
        if record.due_at is not None and book.run.now() < record.due_at and not is_trigger:
            raise Suspend(record.due_at)
        await self._turns.look(task, record, book.scope)
        looked_at = book.tasks[-1]
        if looked_at.status not in FINAL_TASK:
            await book.write(waiting=book.waiting)
            raise Suspend(looked_at.due_at)
        return None

    def _is_task_cancelled(self) -> bool:
        """Whether somebody has cancelled the running task of a Debug execution."""
        return any(notice.kind == "CancelTask" for notice in self._book.notices) and bool(self._book.take_notice())

    async def _confirm(self, record: TaskRecord) -> None:
        """Run or cancel a high-risk task as people say; raises Suspend when they have not."""
        book = self._book
        notice = book.take_notice()
        if notice is None:
            await book.write(waiting="RiskConfirm")
            raise Suspend
        event = Event.CANCEL if notice.kind == "Reject" else Event.RUN
        book.change(msgspec.structs.replace(record, memo={}), event)

    async def _retry(self, retry: Retry, failed: TaskRecord) -> None:
        """Start the failed task anew; what it did before counts as skipped."""
        book, task = self._book, self._template.task(failed.name)
        book.change(failed, Event.SKIP)
        if failed.loop is None:
            return await self._start(Start(task, retry.properties))
        return await self._loops.retry(failed, self._added(task), retry)

    async def _end(self, done: Done) -> None:
        outputs = None if done.status == ExecutionStatus.CANCELLED else await self._outputs()
        message = f": {done.message}" if done.message else "."
        self._book.log("", f"The execution ended: {done.status}{message}")
        await self._book.end(_ENDS[done.status], done.message, outputs)

    async def _outputs(self) -> dict[str, Any]:
        """Evaluate the template's outputs; one that needs what no task produced is null (oos.md 1.6)."""
        scope = replace(self._book.scope, strict=True)
        outputs: dict[str, Any] = {}
        for output in self._template.outputs:
            try:
                outputs[output.name] = check_size(await output.value.evaluate(scope))
            except MissingOutputError:
                outputs[output.name] = None
            except ExpressionError as error:
                self._book.log("", f"The output {output.name} has no value: {error}.")
                outputs[output.name] = None
        return outputs

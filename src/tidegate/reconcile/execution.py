"""Drives runbook executions: asks the conductor what comes next, does it, writes it down (oos.md 4).

The rows of an execution and of its tasks are the journal. One step forward is one statement: the task that ended, the
tasks that are skipped, the one that begins, and the log. A task that has ended is never run again; one that had begun
before a crash is looked at again with the properties and the client token it began with.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec

from tidegate.clock import Clock
from tidegate.cloud.caller import Caller
from tidegate.errors import CloudError
from tidegate.reconcile.engine import MAX_ATTEMPTS, Run, Suspend
from tidegate.reconcile.runbook.children import Family
from tidegate.reconcile.runbook.ledger import DatabaseLedger
from tidegate.reconcile.runbook.loop import LoopDriver
from tidegate.reconcile.runbook.notebook import Notebook
from tidegate.reconcile.runbook.turn import Turns
from tidegate.services.oos import errors, limits
from tidegate.services.oos.conductor import Continue, Done, Start, next_move
from tidegate.services.oos.executions import Executions, work_key
from tidegate.services.oos.expressions import MissingOutputError, Scope
from tidegate.services.oos.facts import pseudo_parameters
from tidegate.services.oos.library import Library
from tidegate.services.oos.model import END, Task, Template
from tidegate.services.oos.parameter_store import ParameterStore
from tidegate.services.oos.ports import OOS_SERVICE, Roles
from tidegate.services.oos.sandbox import Programs
from tidegate.services.oos.secrets import Secrets
from tidegate.services.oos.states import (
    FINAL_EXECUTION,
    FINAL_TASK,
    Event,
    ExecutionStatus,
    TaskStatus,
)
from tidegate.services.oos.values import ExpressionError, check_size
from tidegate.services.operation import Principal
from tidegate.store import work
from tidegate.store.database import Database
from tidegate.store.oos import journal
from tidegate.store.oos.records import ExecutionRecord, LogLine, Notice, TaskRecord

#: gives the caller that calls the cloud as somebody
CallAs = Callable[[Principal], Caller]

_ENDS: Final[Mapping[ExecutionStatus, Event]] = {
    ExecutionStatus.SUCCESS: Event.SUCCEED,
    ExecutionStatus.FAILED: Event.FAIL,
    ExecutionStatus.CANCELLED: Event.CANCEL,
}


class ExecutionController:
    """The controller of works of the kind ``execution``."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        executions: Executions,
        library: Library,
        programs: Programs,
        roles: Roles,
        store: ParameterStore,
        call_as: CallAs,
    ) -> None:
        self._database = database
        self._clock = clock
        self._executions = executions
        self._library = library
        self._programs = programs
        self._roles = roles
        self._store = store
        self._call_as = call_as

    async def __call__(self, run: Run) -> None:
        """Go as far as it goes; raises Suspend while a task waits."""
        async with self._database.connection() as connection:
            loaded = await journal.load(connection, run.id)
        if loaded is None or loaded[0].status in FINAL_EXECUTION:
            return  # deleted by force, or ended and only the work's own end was lost
        try:
            await self._conduct(run, *loaded)
        except Exception as error:
            # The engine ends the work after this look, so the execution must end too.
            if run.attempt >= MAX_ATTEMPTS or isinstance(error, CloudError):
                await self._give_up(run, loaded[0], error)
            raise

    async def _conduct(self, run: Run, execution: ExecutionRecord, tasks: list[TaskRecord]) -> None:
        template = await self._library.template(execution.hash)
        read = self._store.reader(lambda: self._acting(execution), execution.account_id, execution.region)
        secrets = Secrets(self._store, read)
        scope = scope_of(execution, tasks, template, secrets, self._programs, self._clock)
        notices: Sequence[Notice] = ()
        if execution.status == ExecutionStatus.WAITING:
            async with self._database.connection() as connection:
                notices = await journal.notices(connection, execution.id)
        book = Notebook(run, DatabaseLedger(run, self._database), execution, tasks, scope, secrets, notices)
        await conduct(book, template, self._caller(execution), self._executions)

    async def _give_up(self, run: Run, execution: ExecutionRecord, error: Exception) -> None:
        reason = str(error)[: limits.MESSAGE_CHARACTERS] if isinstance(error, CloudError) else type(error).__name__
        message = f"The execution was given up after {run.attempt} attempts: {reason}"
        ended = journal.Progress(
            execution_id=execution.id,
            status=ExecutionStatus.FAILED,
            status_message=message,
            ended_at=run.now(),
            tasks=(),
            lines=[LogLine(at=run.now(), task_execution_id="", message=message)],
            now=run.now(),
        )
        async with self._database.transaction() as tx:
            control = await journal.advance(tx, run.key, run.token, ended)
            if control is not None and execution.parent_id is not None:
                await work.wake(tx, work_key(execution.parent_id), now=run.now())

    def _caller(self, execution: ExecutionRecord) -> Callable[[], Awaitable[Caller]]:
        """Return what gives the caller with the rights of the execution's role, assumed at the first call of a look."""
        assumed: list[Caller] = []

        async def caller() -> Caller:
            if not assumed:
                assumed.append(self._call_as(await self._acting(execution)))
            return assumed[0]

        return caller

    async def _acting(self, execution: ExecutionRecord) -> Principal:
        if not execution.ram_role:
            return msgspec.convert(execution.principal, Principal)
        try:
            return await self._roles.assume_role_as_service(
                execution.account_id, OOS_SERVICE, execution.ram_role, execution.id
            )
        except CloudError as error:
            raise errors.role_not_assumed(execution.ram_role, error) from error


def scope_of(
    execution: ExecutionRecord,
    tasks: Sequence[TaskRecord],
    template: Template,
    secrets: Secrets,
    programs: Programs,
    clock: Clock,
) -> Scope:
    """Return what names stand for in an execution that has come as far as ``tasks``."""
    return Scope(
        parameters=execution.parameters,
        outputs={(task.name, name): value for task in tasks for name, value in task.outputs.items()},
        pseudo=pseudo_parameters(
            account_id=execution.account_id,
            region=execution.region,
            execution_id=execution.id,
            user=execution.executed_by,
            clock=clock,
        ),
        programs=programs,
        conditions=template.conditions,
        store=secrets.read,
    )


async def conduct(book: Notebook, template: Template, caller: Callable[[], Awaitable[Caller]], family: Family) -> None:
    """Go from move to move until the execution ends; raises Suspend when a task waits."""
    await _Look(book, template, Turns(book, caller, family)).conduct()


class _Look:
    """One look at an execution: from move to move, until it ends or waits."""

    def __init__(self, book: Notebook, template: Template, turns: Turns) -> None:
        self._book = book
        self._template = template
        self._turns = turns
        self._loops = LoopDriver(book, turns)

    async def conduct(self) -> None:
        """Go from move to move until the execution ends or a task waits."""
        while True:
            move = next_move(
                self._template, self._book.tasks, cancelled=self._is_cancelled, triggered=self._is_triggered
            )
            match move:
                case Done() if self._pauses_at_failure(move):
                    await self._wait_after_failure(self._book.tasks[-1])
                case Start(task):
                    await self._start(task)
                case Continue():
                    await self._continue(self._book.tasks[-1])
                case Done():
                    return await self._end(move)

    @property
    def _is_cancelled(self) -> bool:
        return self._book.run.control == "cancel"

    @property
    def _is_triggered(self) -> bool:
        """Whether this is what a trigger started: templates with one are no children otherwise (oos.md 5.10)."""
        return self._book.execution.parent_id is not None and self._template.trigger is not None

    async def _start(self, task: Task) -> None:
        """Begin a task. One that is skipped or cannot begin is written with the next step."""
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
        try:
            if await self._turns.is_skipped(None if task.asks_each_item else task.when, record, book.scope):
                return
            if task.loop is not None:
                await self._loops.begin(task, task.loop, record)
            else:
                await self._turns.begin(task, record, book.scope)
                await book.write()
        except ExpressionError as error:
            book.fail(record, str(error))

    async def _continue(self, record: TaskRecord) -> None:
        """Look at the running task: it ends, fails, or says when to look again."""
        book, task = self._book, self._template.task(record.name)
        if self._is_cancelled:
            if task.loop is not None:
                await self._loops.cancel(record)
            book.log(record.id, f"The task {record.name} is cancelled.")
            return book.change(record, Event.CANCEL)
        if task.loop is not None:
            return await self._loops.go_on(task, task.loop, record)
        if record.due_at is not None and book.run.now() < record.due_at:
            raise Suspend(record.due_at)
        await self._turns.look(task, record, book.scope)
        looked_at = book.tasks[-1]
        if looked_at.status not in FINAL_TASK:
            await book.write(waiting=book.waiting)
            raise Suspend(looked_at.due_at)
        return None

    def _pauses_at_failure(self, done: Done) -> bool:
        """Whether people decide what becomes of a failed task that no other takes care of (oos.md 7.2)."""
        if self._book.execution.mode != "FailurePause" or self._is_cancelled or not self._book.tasks:
            return False
        last = self._book.tasks[-1]
        is_failed = done.status == ExecutionStatus.FAILED and last.status == TaskStatus.FAILED
        return is_failed and self._template.task(last.name).on_error == END

    async def _wait_after_failure(self, record: TaskRecord) -> None:
        """Retry or skip the failed task as asked; raises Suspend when nobody has asked for anything."""
        book = self._book
        for notice in book.take_notices():
            book.log(record.id, f"{notice.kind} by {notice.sender}. {notice.note}".strip())
            book.change(record, Event.SKIP)
            if notice.kind == "RetryTask":
                await self._start(self._template.task(record.name))
            return
        await book.write(waiting="FailurePause")
        raise Suspend

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
                outputs[output.name] = self._book.secrets.hide(check_size(await output.value.evaluate(scope)))
            except MissingOutputError:
                outputs[output.name] = None
            except ExpressionError as error:
                self._book.log("", f"The output {output.name} has no value: {error}.")
                outputs[output.name] = None
        return outputs

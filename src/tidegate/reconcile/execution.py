"""Drives runbook executions: asks the conductor what comes next, does it, writes it down (oos.md 4).

The rows of an execution and of its tasks are the journal. One step forward is one statement: the task that ended, the
tasks that are skipped, the one that begins, and the log. A task that has ended is never run again; one that had begun
before a crash is looked at again with the properties and the client token it began with.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import msgspec

from tidegate.clock import Clock
from tidegate.cloud.caller import Caller
from tidegate.errors import CloudError
from tidegate.reconcile.engine import MAX_ATTEMPTS, Fenced, Run, Suspend
from tidegate.services.oos import errors, limits
from tidegate.services.oos.actions import PERFORMERS
from tidegate.services.oos.actions.base import ActionFailedError, Finished, LookAgain, Situation
from tidegate.services.oos.conductor import Continue, Done, Start, next_move
from tidegate.services.oos.expressions import MissingOutputError, Scope
from tidegate.services.oos.facts import pseudo_parameters
from tidegate.services.oos.library import Library
from tidegate.services.oos.masking import Mask
from tidegate.services.oos.model import Task, Template
from tidegate.services.oos.parameter_store import ParameterStore
from tidegate.services.oos.ports import OOS_SERVICE, Roles
from tidegate.services.oos.sandbox import Programs
from tidegate.services.oos.secrets import Secrets
from tidegate.services.oos.selectors import select_output
from tidegate.services.oos.states import (
    FINAL_EXECUTION,
    FINAL_TASK,
    Event,
    ExecutionStatus,
    TaskStatus,
    next_execution_status,
    next_task_status,
)
from tidegate.services.oos.values import ExpressionError, check_size, is_true
from tidegate.services.operation import Principal
from tidegate.store.database import Database
from tidegate.store.oos import journal
from tidegate.store.oos.records import ExecutionRecord, LogLine, TaskRecord
from tidegate.telemetry.points import reach

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
        library: Library,
        programs: Programs,
        roles: Roles,
        store: ParameterStore,
        call_as: CallAs,
    ) -> None:
        self._database = database
        self._clock = clock
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
        pseudo = pseudo_parameters(
            account_id=execution.account_id,
            region=execution.region,
            execution_id=execution.id,
            user=execution.executed_by,
            clock=self._clock,
        )
        read = self._store.reader(lambda: self._acting(execution), execution.account_id, execution.region)
        secrets = Secrets(self._store, read)
        scope = Scope(
            parameters=execution.parameters,
            outputs={(task.name, name): value for task in tasks for name, value in task.outputs.items()},
            pseudo=pseudo,
            programs=self._programs,
            conditions=template.conditions,
            store=secrets.read,
        )
        caller = self._caller(execution)
        await _Look(run, self._database, execution, tasks, template, scope, secrets, caller).conduct()

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
        async with self._database.connection() as connection:
            await journal.advance(connection, run.key, run.token, ended)

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


class _Look:
    """One look at an execution: what is known of it, and what is to be written with the next step forward."""

    def __init__(
        self,
        run: Run,
        database: Database,
        execution: ExecutionRecord,
        tasks: list[TaskRecord],
        template: Template,
        scope: Scope,
        secrets: Secrets,
        caller: Callable[[], Awaitable[Caller]],
    ) -> None:
        self._run = run
        self._database = database
        self._execution = execution
        self._status = ExecutionStatus(execution.status)
        self._tasks = tasks
        self._template = template
        self._scope = scope
        self._secrets = secrets
        self._outputs = dict(scope.outputs)
        self._caller = caller
        self._mask = Mask(execution.parameters, execution.secrets)
        self._lines: list[LogLine] = []
        self._changed: dict[str, TaskRecord] = {}

    async def conduct(self) -> None:
        """Go from move to move until the execution ends or a task waits."""
        while True:
            move = next_move(self._template, self._tasks, cancelled=self._is_cancelled)
            match move:
                case Start(task):
                    await self._start(task)
                case Continue():
                    await self._continue(self._tasks[-1])
                case Done():
                    return await self._end(move)

    @property
    def _is_cancelled(self) -> bool:
        return self._run.control == "cancel"

    # ---- a task begins -------------------------------------------------------------------------------------------

    async def _start(self, task: Task) -> None:
        """Evaluate what the task needs. A task that is skipped or cannot begin is written with the next step."""
        now, number = self._run.now(), len(self._tasks) + 1
        record = TaskRecord(
            id=f"{self._execution.id}.t{number:04}",
            execution_id=self._execution.id,
            number=number,
            name=task.name,
            action=task.action,
            status=TaskStatus.PENDING,
            properties={},
            polling={},
            outputs={},
            memo={},
            created_at=now,
            started_at=now,
            updated_at=now,
        )
        self._tasks.append(record)
        scope = self._current_scope()
        try:
            if task.when is not None and not is_true(await task.when.evaluate(scope)):
                self._log(record.id, f"The task {task.name} is skipped: its When is false.")
                return self._change(record, Event.SKIP)
            properties = check_size(await task.properties.evaluate(scope))
            polling = await task.polling.evaluate(scope)
        except ExpressionError as error:
            return self._fail(record, str(error))
        if not isinstance(properties, dict):
            return self._fail(record, "Properties must be a map")
        self._log(record.id, f"The task {task.name} ({task.action}) is started.")
        record = self._secrets.seal(msgspec.structs.replace(record, properties=properties, polling=polling))
        self._change(record, Event.RUN)
        await self._write()
        return None

    # ---- a task is under way -------------------------------------------------------------------------------------

    async def _continue(self, record: TaskRecord) -> None:
        """Look at the running task: it ends, fails, or says when to look again."""
        now = self._run.now()
        if self._is_cancelled:
            self._log(record.id, f"The task {record.name} is cancelled.")
            return self._change(record, Event.CANCEL)
        if record.due_at is not None and now < record.due_at:
            raise Suspend(record.due_at)
        task = self._template.task(record.name)
        try:
            outcome = await PERFORMERS[task.action](self._situation(task, record, now))
        except ActionFailedError as error:
            return await self._fail_with_outputs(task, record, error)
        except (CloudError, ExpressionError) as error:
            return self._fail(record, str(error))
        if isinstance(outcome, LookAgain):
            self._change(msgspec.structs.replace(record, memo=outcome.memo, due_at=outcome.at), Event.RUN)
            await self._write()
            raise Suspend(outcome.at)
        await self._succeed(task, record, outcome)
        return None

    def _situation(self, task: Task, record: TaskRecord, now: datetime) -> Situation:
        record = self._secrets.reveal(record)
        return Situation(
            task=task,
            properties=record.properties,
            polling=record.polling,
            scope=self._current_scope(),
            region=self._execution.region,
            client_token=f"{self._execution.id}:t{record.number:04}",
            now=now,
            caller=self._caller,
            memo=record.memo,
            log=lambda message: self._log(record.id, message),
        )

    async def _succeed(self, task: Task, record: TaskRecord, outcome: Finished) -> None:
        try:
            outputs = await self._select(task, outcome.answer)
        except ExpressionError as error:
            return self._fail(record, str(error))
        self._log(record.id, f"The task {task.name} is completed.")
        return self._change(msgspec.structs.replace(record, outputs=outputs, jump=outcome.jump), Event.SUCCEED)

    async def _fail_with_outputs(self, task: Task, record: TaskRecord, error: ActionFailedError) -> None:
        """Fail; outputs are selected from what there is, if that is possible (oos.md 5.3, ASSUMPTION)."""
        if error.answer is not None:
            try:
                record = msgspec.structs.replace(record, outputs=await self._select(task, error.answer))
            except ExpressionError as reason:
                self._log(record.id, f"The outputs of the failed task are left out: {reason}.")
        self._fail(record, str(error))

    async def _select(self, task: Task, answer: Any) -> dict[str, Any]:
        scope = self._current_scope()
        outputs = {output.name: await select_output(output, answer, scope) for output in task.outputs}
        check_size(outputs)
        hidden: dict[str, Any] = self._secrets.hide(outputs)
        return hidden

    def _fail(self, record: TaskRecord, message: str) -> None:
        message = self._show(message)
        self._log(record.id, f"The task {record.name} failed: {message}")
        self._change(msgspec.structs.replace(record, status_message=message), Event.FAIL)

    # ---- the execution ends --------------------------------------------------------------------------------------

    async def _end(self, done: Done) -> None:
        self._status = next_execution_status(self._status, _ENDS[done.status])
        outputs = None if done.status == ExecutionStatus.CANCELLED else await self._template_outputs()
        message = f": {done.message}" if done.message else "."
        self._log("", f"The execution ended: {done.status}{message}")
        await self._write(message=done.message, outputs=outputs, ended=True)

    async def _template_outputs(self) -> dict[str, Any]:
        """Evaluate the template's outputs; one that needs what no task produced is null (oos.md 1.6)."""
        scope = replace(self._current_scope(), strict=True)
        outputs: dict[str, Any] = {}
        for output in self._template.outputs:
            try:
                outputs[output.name] = self._secrets.hide(check_size(await output.value.evaluate(scope)))
            except MissingOutputError:
                outputs[output.name] = None
            except ExpressionError as error:
                self._log("", f"The output {output.name} has no value: {error}.")
                outputs[output.name] = None
        return outputs

    # ---- writing -------------------------------------------------------------------------------------------------

    def _current_scope(self) -> Scope:
        return replace(self._scope, outputs=self._outputs)

    def _change(self, record: TaskRecord, event: Event) -> None:
        """Put a task into its next status, in memory; ``_write`` writes it down."""
        now, status = self._run.now(), next_task_status(TaskStatus(record.status), event)
        is_final = status in FINAL_TASK
        changed = msgspec.structs.replace(
            record,
            status=status,
            updated_at=now,
            ended_at=now if is_final else None,
            due_at=None if is_final else record.due_at,
        )
        self._tasks[record.number - 1] = self._changed[record.id] = changed
        self._outputs.update(((record.name, name), value) for name, value in changed.outputs.items())

    def _log(self, task_execution_id: str, message: str) -> None:
        line = LogLine(at=self._run.now(), task_execution_id=task_execution_id, message=self._show(message))
        self._lines.append(line)

    def _show(self, message: str) -> str:
        """Return a message without secrets, without what PostgreSQL takes in no text, and not endless."""
        message = str(self._secrets.hide(self._mask.text(message)))
        return message.replace("\0", "\\0")[: limits.MESSAGE_CHARACTERS]

    async def _write(self, *, message: str = "", outputs: Any = None, ended: bool = False) -> None:
        """Write everything since the last step forward, in one statement. Raises Fenced."""
        now = self._run.now()
        if not ended:
            self._status = next_execution_status(self._status, Event.RUN)
            # Visible from the moment the first task fails, while later tasks run (oos.md 4.3).
            message = next((task.status_message for task in self._tasks if task.status == TaskStatus.FAILED), "")
        progress = journal.Progress(
            execution_id=self._execution.id,
            status=self._status,
            status_message=message,
            outputs=outputs,
            ended_at=now if ended else None,
            tasks=list(self._changed.values()),
            lines=self._lines,
            now=now,
        )
        reach("execution.write.before")
        async with self._database.connection() as connection:
            control = await journal.advance(connection, self._run.key, self._run.token, progress)
        if control is None:
            raise Fenced(self._run.key)
        reach("execution.write.recorded")
        self._run.control = control
        self._changed, self._lines = {}, []

"""Drives runbook executions: asks the conductor what comes next, does it, writes it down (oos.md 4).

The rows of an execution and of its tasks are the journal. One step forward is one statement: the task that ended, the
tasks that are skipped, the one that begins, and the log. A task that has ended is never run again; one that had begun
before a crash is looked at again with the properties and the client token it began with.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from tidegate.clock import Clock
from tidegate.cloud.caller import Caller
from tidegate.errors import CloudError
from tidegate.reconcile.engine import MAX_ATTEMPTS, Run
from tidegate.reconcile.runbook.around import Around
from tidegate.reconcile.runbook.children import Family
from tidegate.reconcile.runbook.inbox import BusInbox
from tidegate.reconcile.runbook.ledger import DatabaseLedger
from tidegate.reconcile.runbook.look import Look
from tidegate.reconcile.runbook.notebook import Notebook
from tidegate.reconcile.runbook.turn import Turns
from tidegate.services.oos import errors, limits
from tidegate.services.oos.answers import is_listening
from tidegate.services.oos.executions import Executions
from tidegate.services.oos.expressions import Scope
from tidegate.services.oos.facts import pseudo_parameters
from tidegate.services.oos.library import Library
from tidegate.services.oos.model import Template
from tidegate.services.oos.parameter_store import ParameterStore
from tidegate.services.oos.ports import OOS_SERVICE, Roles
from tidegate.services.oos.sandbox import Programs, Sandbox
from tidegate.services.oos.secrets import Secrets, open_execution
from tidegate.services.oos.states import FINAL_EXECUTION, ExecutionStatus
from tidegate.services.oos.works import work_key
from tidegate.services.operation import Principal
from tidegate.store import work
from tidegate.store.database import Database
from tidegate.store.oos import journal
from tidegate.store.oos.records import ExecutionRecord, LogLine, Notice, TaskRecord

#: gives the caller that calls the cloud as somebody
CallAs = Callable[[Principal], Caller]


class ExecutionController:
    """The controller of works of the kind ``execution``."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        executions: Executions,
        library: Library,
        programs: Sandbox,
        roles: Roles,
        store: ParameterStore,
        call_as: CallAs,
        around: Around | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._executions = executions
        self._library = library
        self._programs = programs
        self._roles = roles
        self._store = store
        self._call_as = call_as
        self._around = around or Around()

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
        execution = open_execution(execution, self._store)
        template = (await self._library.template(execution.hash)).part_for(execution.origin)
        read = self._store.reader(lambda: self._acting(execution), execution.account_id, execution.region)
        secrets = Secrets(self._store, read)
        scope = scope_of(
            execution, tasks, template, secrets, self._programs.of(execution.id.partition(".")[0]), self._clock
        )
        notices: Sequence[Notice] = ()
        if is_listening(execution):
            async with self._database.connection() as connection:
                notices = await journal.notices(connection, execution.id)
        book = Notebook(run, DatabaseLedger(run, self._database), execution, tasks, scope, secrets, notices)
        around = replace(self._around, inbox=BusInbox(self._database, self._clock, execution))
        await conduct(book, template, self._caller(execution), self._executions, around)

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
    tasks = [secrets.reveal(task) for task in tasks]
    return Scope(
        parameters=execution.parameters,
        outputs=_inherited(execution)
        | {(task.name, name): value for task in tasks for name, value in task.outputs.items()},
        pseudo=pseudo_parameters(
            account_id=execution.account_id,
            region=execution.region,
            execution_id=execution.id,
            user=execution.executed_by,
            clock=clock,
            item=(execution.origin or {}).get("item"),
        ),
        programs=programs,
        conditions=template.conditions,
        store=secrets.read,
    )


def _inherited(execution: ExecutionRecord) -> dict[tuple[str, str], Any]:
    """Return the outputs that a part of a template has from what came before it."""
    tasks: Mapping[str, Mapping[str, Any]] = (execution.origin or {}).get("outputs", {})
    return {(task, name): value for task, outputs in tasks.items() for name, value in outputs.items()}


async def conduct(
    book: Notebook,
    template: Template,
    caller: Callable[[], Awaitable[Caller]],
    family: Family,
    around: Around | None = None,
) -> None:
    """Go from move to move until the execution ends; raises Suspend when a task waits."""
    await Look(book, template, Turns(book, caller, family, around or Around())).conduct()

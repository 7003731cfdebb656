"""The turn of one task, or of one item of a looped task: it begins, is looked at, ends."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from tidegate.cloud.caller import Caller
from tidegate.errors import CloudError
from tidegate.reconcile.runbook.around import Around
from tidegate.reconcile.runbook.children import Children, Family
from tidegate.reconcile.runbook.notebook import Notebook
from tidegate.services.oos.actions import performer
from tidegate.services.oos.actions.base import (
    ActionCancelledError,
    ActionFailedError,
    AwaitNotice,
    AwaitSignal,
    Finished,
    LookAgain,
    Situation,
)
from tidegate.services.oos.expressions import Expression, Scope
from tidegate.services.oos.model import Task
from tidegate.services.oos.selectors import select_output
from tidegate.services.oos.states import Event
from tidegate.services.oos.values import ExpressionError, check_size, is_true
from tidegate.store.oos.records import TaskRecord

#: characters of a ClientToken (oos.md 8.2)
_TOKEN_LENGTH: Final = 64


class Turns:
    """Begins and continues the tasks of one execution; everything goes into its notebook."""

    def __init__(
        self,
        book: Notebook,
        caller: Callable[[], Awaitable[Caller]],
        family: Family,
        around: Around,
    ) -> None:
        self._book = book
        self._caller = caller
        self._family = family
        self._around = around

    async def is_skipped(self, when: Expression | None, record: TaskRecord, scope: Scope) -> bool:
        """Skip a task or an item whose condition does not hold. Raises ExpressionError."""
        if when is None or is_true(await when.evaluate(scope)):
            return False
        self._book.log(record.id, f"The task {record.name} is skipped: its When is false.")
        self._book.change(record, Event.SKIP)
        return True

    async def begin(self, task: Task, record: TaskRecord, scope: Scope, given: Mapping[str, Any] | None = None) -> None:
        """Evaluate what the action needs; the same properties are used at every look. Raises ExpressionError.

        ``given`` are properties that somebody put over those of the template.
        """
        properties = check_size(await task.properties.evaluate(scope))
        polling = await task.polling.evaluate(scope)
        if not isinstance(properties, dict):
            raise ExpressionError("Properties must be a map")
        properties = {**properties, **(given or {})}
        self._book.log(record.id, f"The task {record.name} ({record.action}) is started.")
        self._book.change(msgspec.structs.replace(record, properties=properties, polling=polling), Event.RUN)

    async def look(self, task: Task, record: TaskRecord, scope: Scope) -> None:
        """Let the action look: the task ends, or is to be looked at again when it is due or the execution is woken."""
        try:
            outcome = await performer(task.action)(self._situation(task, record, scope))
            match outcome:
                case LookAgain(at, memo):
                    self._book.change(msgspec.structs.replace(record, memo=memo, due_at=at), Event.RUN)
                case AwaitSignal(memo, at):
                    self._book.awaiting.add(record.id)
                    self._book.change(msgspec.structs.replace(record, memo=memo, due_at=at), Event.RUN)
                case AwaitNotice(waiting, memo, at):
                    self._book.wait(msgspec.structs.replace(record, memo=memo, due_at=at))
                    self._book.waiting = waiting
                case Finished():
                    await self._succeed(task, record, scope, outcome)
        except ActionCancelledError as error:
            self._book.log(record.id, f"The task {record.name} is cancelled: {error}.")
            self._book.change(record, Event.CANCEL)
        except ActionFailedError as error:
            await self._fail_with_outputs(task, record, scope, error)
        except (CloudError, ExpressionError) as error:
            self._book.fail(record, str(error))

    def _situation(self, task: Task, record: TaskRecord, scope: Scope) -> Situation:
        book = self._book
        return Situation(
            task=task,
            properties=record.properties,
            polling=record.polling,
            scope=scope,
            region=book.execution.region,
            client_token=_client_token(book.execution.id, record),
            now=book.run.now(),
            caller=self._caller,
            memo=record.memo,
            log=lambda message: book.log(record.id, message),
            notices=book.take_notices(),
            inbox=self._around.inbox,
            outside=self._around.outside,
            link=self._around.link(book.execution.id),
            children=Children(self._family, book.execution, record, book.secrets),
        )

    async def _succeed(self, task: Task, record: TaskRecord, scope: Scope, outcome: Finished) -> None:
        outputs = await self._select(task, outcome.answer, scope)
        self._book.log(record.id, f"The task {record.name} is completed.")
        if outcome.targets is not None:
            record = msgspec.structs.replace(record, memo={"targets": outcome.targets})
        self._book.change(msgspec.structs.replace(record, outputs=outputs, jump=outcome.jump), Event.SUCCEED)

    async def _fail_with_outputs(self, task: Task, record: TaskRecord, scope: Scope, error: ActionFailedError) -> None:
        """Fail; outputs are selected from what there is, if that is possible (oos.md 5.3, ASSUMPTION)."""
        if error.answer is not None:
            try:
                record = msgspec.structs.replace(record, outputs=await self._select(task, error.answer, scope))
            except ExpressionError as reason:
                self._book.log(record.id, f"The outputs of the failed task are left out: {reason}.")
        self._book.fail(record, str(error))

    async def _select(self, task: Task, answer: Any, scope: Scope) -> dict[str, Any]:
        outputs = {output.name: await select_output(output, answer, scope) for output in task.outputs}
        check_size(outputs)
        return outputs


def _client_token(execution_id: str, record: TaskRecord) -> str:
    """Return what makes a repetition after a crash recognisable: one token per task execution."""
    token = f"{execution_id}:{record.id.removeprefix(execution_id)[1:].replace('.', '')}"
    return token if len(token) <= _TOKEN_LENGTH else hashlib.sha256(token.encode()).hexdigest()

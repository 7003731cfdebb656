"""NotifyExecution: what people say to an execution is checked and kept until its controller takes it (oos.md 7.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tidegate.clock import Clock
from tidegate.errors import CloudError
from tidegate.services.oos import errors
from tidegate.services.oos.actions.approve import approvers
from tidegate.services.oos.answers import NotifyType, Said, is_expected
from tidegate.services.oos.executions import find_execution
from tidegate.services.oos.library import Library
from tidegate.services.oos.states import TaskStatus
from tidegate.services.oos.templates import author_of
from tidegate.services.oos.works import work_key
from tidegate.services.operation import Principal, invalid_parameter, missing_parameter
from tidegate.store import work
from tidegate.store.database import Database
from tidegate.store.oos import executions as rows
from tidegate.store.oos import journal
from tidegate.store.oos.records import ExecutionRecord

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_ENDS = ("Success", "Failed", "Cancelled")


class Notifying:
    """Takes what people say."""

    def __init__(self, database: Database, clock: Clock, library: Library) -> None:
        self._database = database
        self._clock = clock
        self._library = library

    async def notify(
        self,
        principal: Principal,
        region: str,
        execution_id: str,
        kind: NotifyType,
        *,
        note: str = "",
        said: Said | None = None,
    ) -> None:
        """Tell an execution what people decided. Raises CloudError when it did not ask for that."""
        said = said or Said()
        async with self._database.transaction() as tx:
            record = await find_execution(tx, principal.account_id, region, execution_id)
            if not is_expected(kind, status=record.status, waiting=record.waiting, mode=record.mode):
                raise errors.wrong_status(execution_id, record.status)
            match kind:
                case "ExecuteTask":
                    said = await self._task_of_template(record, said)
                case "CompleteExecution" if said.status not in _ENDS:
                    raise invalid_parameter("ExecutionStatus")
                case "RetryTask" | "SkipTask":
                    await _check_failed(tx, execution_id, said)
                case "CancelTask" if await rows.current_task(tx, execution_id) is None:
                    raise errors.wrong_status(execution_id, record.status)
                case _:
                    await _check_waiting(tx, execution_id, said)
            sender = author_of(principal)
            if record.waiting == "Approve":
                await _check_approver(tx, record, sender)
            await journal.tell(tx, execution_id, kind, sender=sender, note=note, said=msgspec.to_builtins(said))
            await work.wake(tx, work_key(execution_id), now=self._clock.now())

    async def _task_of_template(self, record: ExecutionRecord, said: Said) -> Said:
        """Return the same with the task's own spelling of its name."""
        if said.task_name is None:
            raise missing_parameter("TaskName")
        template = (await self._library.template(record.hash)).part_for(record.origin)
        for task in template.tasks:
            if task.name.lower() == said.task_name.lower():
                if said.has_item and task.loop is None:
                    raise invalid_parameter("LoopItem")
                return msgspec.structs.replace(said, task_name=task.name)
        raise invalid_parameter("TaskName")


async def _check_waiting(tx: Connection, execution_id: str, said: Said) -> None:
    """Whether the task that is meant is the one under way."""
    task = await rows.current_task(tx, execution_id)
    for task_id in said.task_ids:
        if task is not None and task.id != task_id:
            raise errors.task_execution_not_found(task_id)


async def _check_failed(tx: Connection, execution_id: str, said: Said) -> None:
    """Whether what is to be run again or skipped is the last task, or failed items of it."""
    loaded = await journal.load(tx, execution_id)
    last = loaded[1][-1] if loaded and loaded[1] else None
    if last is None or not said.task_ids:
        return
    items = await journal.load_items(tx, last.id)
    failed = {last.id, *(item.id for item in items if item.status == TaskStatus.FAILED)}
    for task_id in said.task_ids:
        if task_id not in failed:
            raise errors.task_execution_not_found(task_id)


async def _check_approver(tx: Connection, record: ExecutionRecord, sender: str) -> None:
    task = await rows.current_task(tx, record.id)
    named = approvers(task.properties) if task is not None else []
    if named and sender not in named:
        resource = f"acs:oos:{record.region}:{record.account_id}:execution/{record.id}"
        raise errors.denied("oos:NotifyExecution", resource)


def read_item(text: str) -> object:
    """Read ``LoopItem``: a JSON text, or else a plain one."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError):
        return text


def read_ids(one: str | None, many: list[str] | None) -> list[str]:
    """Return the task executions that are meant; raises CloudError when there are too many."""
    ids = [*([one] if one else []), *(many or [])]
    if len(ids) > _MOST_IDS:
        raise CloudError("InvalidParameter", f"TaskExecutionIds names more than {_MOST_IDS} task executions.")
    return ids


_MOST_IDS = 1_000

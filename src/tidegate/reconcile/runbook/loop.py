"""Drives a looped task: its items begin as the budget allows, and every wave of them is one statement (oos.md 6.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from tidegate.reconcile.run import Suspend, together
from tidegate.reconcile.runbook.notebook import Notebook
from tidegate.reconcile.runbook.turn import Turns
from tidegate.services.oos.answers import Retry, in_words
from tidegate.services.oos.conductor import Start
from tidegate.services.oos.expressions import Literal, Scope
from tidegate.services.oos.loops import (
    Begin,
    Ended,
    Pause,
    RateControl,
    aggregate,
    next_items,
    one_by_one,
    read_items,
    read_rate,
)
from tidegate.services.oos.model import Loop, Task
from tidegate.services.oos.risks import is_high_risk, telling
from tidegate.services.oos.states import FINAL_TASK, Event, TaskStatus
from tidegate.services.oos.values import ExpressionError, check_size
from tidegate.store.oos.records import TaskRecord


class LoopDriver:
    """The loops of one execution; at most one is under way."""

    def __init__(self, book: Notebook, turns: Turns) -> None:
        self._book = book
        self._turns = turns
        #: the looped task whose items are in the notebook
        self._loaded: str | None = None

    async def begin(self, start: Start, loop: Loop, record: TaskRecord) -> None:
        """Evaluate the items and the rate control, once and for all. Raises ExpressionError."""
        scope = self._book.scope
        if start.item is msgspec.UNSET:
            items = read_items(check_size(await loop.items.evaluate(scope)))
        else:
            items = [start.item]
        rate = await loop.rate_control.evaluate(scope)
        read_rate(rate, len(items), self._book.execution.loop_mode)
        self._book.log(record.id, f"The task {record.name} ({record.action}) is started for {len(items)} items.")
        given = {"Properties": start.properties} if start.properties else {}
        record = msgspec.structs.replace(record, loop={"Items": items, "RateControl": rate, **given})
        self._book.change(record, Event.RUN)
        self._book.items, self._loaded = {}, record.id

    async def retry(self, failed: TaskRecord, again: TaskRecord, retry: Retry) -> None:
        """Begin a looped task again for its failed items; those that ended well are taken over (oos.md 6.3)."""
        assert failed.loop is not None
        await self._load(failed)
        before = self._book.items
        self._book.items, self._loaded = {}, again.id
        loop = {**failed.loop, **({"Properties": retry.properties} if retry.properties else {})}
        self._book.change(msgspec.structs.replace(again, loop=loop, memo=failed.memo), Event.RUN)
        wanted = set(retry.task_ids) - {failed.id}
        for item in before.values():
            if item.status == TaskStatus.FAILED and (not wanted or item.id in wanted):
                continue
            copy = msgspec.structs.replace(
                item, id=f"{again.id}.i{item.number:04}", parent_id=again.id, updated_at=self._book.run.now()
            )
            self._book.copy_item(copy)
        self._book.log(again.id, f"The task {again.name} is started again; {len(self._book.items)} items are kept.")

    async def go_on(self, task: Task, loop: Loop, record: TaskRecord) -> None:
        """Go one wave further, or end. Raises Suspend when all items under way wait."""
        await self._load(record)
        assert record.loop is not None
        items: list[Any] = record.loop["Items"]
        rate = self._rate(record.loop["RateControl"], len(items))
        record = self._take_notices(record)
        if record.status in FINAL_TASK:
            return None
        approvals = int(record.memo.get("approvals", 0))
        move = next_items(rate, self._begun(), approvals=approvals)
        while isinstance(move, Begin):
            for place in move.places:
                await self._begin_item(task, record, items, place, move.batch)
            move = next_items(rate, self._begun(), approvals=approvals)
        if isinstance(move, Pause):
            self._book.log(record.id, f"Batch {move.batch} has ended; somebody must let the loop go on.")
            self._book.wait(record)
            await self._book.write(waiting="BatchPause")
            raise Suspend
        if isinstance(move, Ended):
            if TaskStatus.CANCELLED in self._begun().values():
                return self._book.change(record, Event.CANCEL)
            return self._end(loop, record, has_failed=move.has_failed)
        await self._book.write()
        now = self._book.run.now()
        under_way = [item for item in self._book.items.values() if item.status not in FINAL_TASK]
        due = [
            item
            for item in under_way
            if item.id not in self._book.awaiting and (item.due_at is None or item.due_at <= now)
        ]
        if not due:
            raise Suspend(min((item.due_at for item in under_way if item.due_at is not None), default=None))
        await together(*(self._turns.look(task, item, self._scope(item.item)) for item in due))
        return None

    async def is_high_risk(self, task: Task, record: TaskRecord) -> bool:
        """Whether any item of a loop that begins is a high-risk action."""
        assert record.loop is not None
        expression, given = telling(task.properties), record.loop.get("Properties", {})
        items = record.loop["Items"][:1] if isinstance(expression, Literal) else record.loop["Items"]
        for item in items:
            if is_high_risk(task.action, {**await expression.evaluate(self._scope(item)), **given}):
                return True
        return False

    async def cancel(self, record: TaskRecord) -> None:
        """End the items under way with their task."""
        await self._load(record)
        for item in list(self._book.items.values()):
            if item.status not in FINAL_TASK:
                self._book.change(item, Event.CANCEL)

    def _take_notices(self, record: TaskRecord) -> TaskRecord:
        """Return the task after what people said to the pause between two batches (oos.md 6.3)."""
        for notice in self._book.take_notices():
            self._book.log(record.id, in_words(notice))
            if notice.kind == "Reject":
                self._book.change(record, Event.CANCEL)
                return self._book.tasks[-1]
            memo = {"approvals": int(record.memo.get("approvals", 0)) + 1}
            self._book.change(msgspec.structs.replace(record, memo=memo), Event.RUN)
            return self._book.tasks[-1]
        return record

    async def _load(self, record: TaskRecord) -> None:
        if self._loaded != record.id:
            await self._book.load_items(record)
            self._loaded = record.id

    def _rate(self, given: Any, count: int) -> RateControl:
        rate = read_rate(given, count, self._book.execution.loop_mode)
        return one_by_one(rate) if self._book.execution.mode == "Debug" else rate

    def _begun(self) -> dict[int, str]:
        return {number - 1: item.status for number, item in self._book.items.items()}

    def _scope(self, item: Any) -> Scope:
        scope = self._book.scope
        return replace(scope, pseudo=lambda name: item if name == "taskloopitem" else scope.pseudo(name))

    async def _begin_item(self, task: Task, parent: TaskRecord, items: Sequence[Any], place: int, batch: int) -> None:
        assert parent.loop is not None
        now, number, item = self._book.run.now(), place + 1, items[place]
        record = TaskRecord(
            id=f"{parent.id}.i{number:04}",
            execution_id=parent.execution_id,
            parent_id=parent.id,
            number=number,
            name=parent.name,
            action=parent.action,
            status=TaskStatus.PENDING,
            item=item,
            batch=batch,
            created_at=now,
            started_at=now,
            updated_at=now,
        )
        self._book.items[number] = record
        scope = self._scope(item)
        try:
            if not await self._turns.is_skipped(task.when if task.asks_each_item else None, record, scope):
                await self._turns.begin(task, record, scope, parent.loop.get("Properties"))
        except ExpressionError as error:
            self._book.fail(record, str(error))

    def _end(self, loop: Loop, record: TaskRecord, *, has_failed: bool) -> None:
        """End the task with what its items gave."""
        try:
            record = msgspec.structs.replace(record, outputs=self._aggregated(loop))
        except ExpressionError as error:
            return self._book.fail(record, str(error))
        if has_failed:
            first = next(item for item in self._in_order() if item.status == TaskStatus.FAILED)
            return self._book.fail(record, first.status_message)
        self._book.log(record.id, f"The task {record.name} is completed.")
        return self._book.change(record, Event.SUCCEED)

    def _aggregated(self, loop: Loop) -> dict[str, Any]:
        ended = [item for item in self._in_order() if item.status in (TaskStatus.SUCCESS, TaskStatus.SKIPPED)]
        outputs = {
            output.name: aggregate(output.function, [item.outputs.get(output.field) for item in ended])
            for output in loop.outputs
        }
        check_size(outputs)
        return outputs

    def _in_order(self) -> list[TaskRecord]:
        return [item for _, item in sorted(self._book.items.items())]

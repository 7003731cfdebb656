"""Drives a looped task: its items begin as the budget allows, and every wave of them is one statement (oos.md 6.3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from tidegate.reconcile.run import Suspend, together
from tidegate.reconcile.runbook.notebook import Notebook
from tidegate.reconcile.runbook.turn import Turns
from tidegate.services.oos.expressions import Scope
from tidegate.services.oos.loops import Begin, Ended, Pause, aggregate, next_items, read_items, read_rate
from tidegate.services.oos.model import Loop, Task
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

    async def begin(self, task: Task, loop: Loop, record: TaskRecord) -> None:
        """Evaluate the items and the rate control, once and for all. Raises ExpressionError."""
        scope = self._book.scope
        items = read_items(check_size(await loop.items.evaluate(scope)))
        rate = await loop.rate_control.evaluate(scope)
        read_rate(rate, len(items), self._book.execution.loop_mode)
        if self._book.secrets.hide(items) != items:
            raise ExpressionError("the Items of a Loop are kept and shown, so no secret parameter may be among them")
        self._book.log(record.id, f"The task {task.name} ({task.action}) is started for {len(items)} items.")
        self._book.change(msgspec.structs.replace(record, loop={"Items": items, "RateControl": rate}), Event.RUN)
        self._book.items, self._loaded = [], record.id

    async def go_on(self, task: Task, loop: Loop, record: TaskRecord) -> None:
        """Go one wave further, or end. Raises Suspend when all items under way wait."""
        await self._load(record)
        assert record.loop is not None
        items: list[Any] = record.loop["Items"]
        rate = read_rate(record.loop["RateControl"], len(items), self._book.execution.loop_mode)
        record = self._take_notices(record)
        if record.status in FINAL_TASK:
            return None
        approvals = int(record.memo.get("approvals", 0))
        move = next_items(rate, self._statuses(), approvals=approvals)
        while isinstance(move, Begin):
            for _ in range(move.count):
                await self._begin_item(task, record, items[len(self._book.items)], move.batch)
            move = next_items(rate, self._statuses(), approvals=approvals)
        if isinstance(move, Pause):
            self._book.log(record.id, f"Batch {move.batch} has ended; somebody must let the loop go on.")
            self._book.wait(record)
            await self._book.write(waiting="BatchPause")
            raise Suspend
        if isinstance(move, Ended):
            if TaskStatus.CANCELLED in self._statuses():
                return self._book.change(record, Event.CANCEL)
            return self._end(loop, record, has_failed=move.has_failed)
        await self._book.write()
        now = self._book.run.now()
        under_way = [item for item in self._book.items if item.status not in FINAL_TASK]
        due = [
            item
            for item in under_way
            if item.id not in self._book.awaiting and (item.due_at is None or item.due_at <= now)
        ]
        if not due:
            raise Suspend(min((item.due_at for item in under_way if item.due_at is not None), default=None))
        await together(*(self._turns.look(task, item, self._scope(item.item)) for item in due))
        return None

    async def cancel(self, record: TaskRecord) -> None:
        """End the items under way with their task."""
        await self._load(record)
        for item in self._book.items:
            if item.status not in FINAL_TASK:
                self._book.change(item, Event.CANCEL)

    def _take_notices(self, record: TaskRecord) -> TaskRecord:
        """Return the task after what people said to the pause between two batches (oos.md 6.3)."""
        for notice in self._book.take_notices():
            self._book.log(record.id, f"{notice.kind} by {notice.sender}. {notice.note}".strip())
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

    def _statuses(self) -> list[str]:
        return [item.status for item in self._book.items]

    def _scope(self, item: Any) -> Scope:
        scope = self._book.scope
        return replace(scope, pseudo=lambda name: item if name == "taskloopitem" else scope.pseudo(name))

    async def _begin_item(self, task: Task, parent: TaskRecord, item: Any, batch: int) -> None:
        now, number = self._book.run.now(), len(self._book.items) + 1
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
        self._book.items.append(record)
        scope = self._scope(item)
        try:
            if not await self._turns.is_skipped(task.when if task.asks_each_item else None, record, scope):
                await self._turns.begin(task, record, scope)
        except ExpressionError as error:
            self._book.fail(record, str(error))

    def _end(self, loop: Loop, record: TaskRecord, *, has_failed: bool) -> None:
        """End the task with what its items gave."""
        try:
            record = msgspec.structs.replace(record, outputs=self._aggregated(loop))
        except ExpressionError as error:
            return self._book.fail(record, str(error))
        if has_failed:
            first = next(item for item in self._book.items if item.status == TaskStatus.FAILED)
            return self._book.fail(record, first.status_message)
        self._book.log(record.id, f"The task {record.name} is completed.")
        return self._book.change(record, Event.SUCCEED)

    def _aggregated(self, loop: Loop) -> dict[str, Any]:
        ended = [item for item in self._book.items if item.status in (TaskStatus.SUCCESS, TaskStatus.SKIPPED)]
        outputs = {
            output.name: aggregate(output.function, [item.outputs.get(output.field) for item in ended])
            for output in loop.outputs
        }
        check_size(outputs)
        return outputs

"""Runs executions in memory: the cloud's own conductor and actions, with a clock that skips whatever waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import msgspec

from tidegate.clock import AdjustableClock, Clock
from tidegate.cloud.caller import Caller
from tidegate.cloud.outside import Outside
from tidegate.errors import TidegateError
from tidegate.reconcile.execution import conduct, scope_of
from tidegate.reconcile.run import Suspend
from tidegate.reconcile.runbook.around import Around
from tidegate.reconcile.runbook.notebook import Notebook
from tidegate.services.oos import errors
from tidegate.services.oos.actions.base import Child
from tidegate.services.oos.answers import is_listening
from tidegate.services.oos.catalog import Catalog
from tidegate.services.oos.expressions import Scope
from tidegate.services.oos.model import Template
from tidegate.services.oos.orders import (
    Order,
    child_order,
    child_record,
    firing_record,
    first_record,
    opening_scope,
    part_record,
    read_modes,
    role_of,
    runnable,
)
from tidegate.services.oos.parameter_store import Read
from tidegate.services.oos.parameters import resolve
from tidegate.services.oos.sandbox import Programs
from tidegate.services.oos.secrets import Secrets
from tidegate.services.oos.states import FINAL_EXECUTION
from tidegate.services.oos.templates import TemplateView, public_view
from tidegate.services.oos.validation import validate
from tidegate.store.oos.journal import Progress
from tidegate.store.oos.records import ExecutionRecord, LogLine, Notice, TaskRecord
from tidegate.store.work import Control

#: looks at executions in one rehearsal, so that polls without an end have one
_LOOKS: Final = 200_000


class RehearsalError(TidegateError):
    """A rehearsal cannot go on: something that it must be told is missing."""


class StageClock(Clock, Protocol):
    """The time of a stage."""

    begun: datetime

    async def wait_until(self, moment: datetime) -> None:
        """Come back at a moment, or a little before it."""
        ...

    def skip_to(self, moment: datetime) -> None:
        """Do without the time until then."""
        ...


class LiveClock:
    """The real time, for runbooks that wait for a real cloud; what is skipped is ahead of it."""

    def __init__(self) -> None:
        self._clock = AdjustableClock()
        self.begun = self._clock.now()

    def now(self) -> datetime:
        """Return the moment at which the stage is."""
        return self._clock.now()

    async def wait_until(self, moment: datetime) -> None:
        """Wait, really."""
        await asyncio.sleep(max(0.0, (moment - self.now()).total_seconds()))

    def skip_to(self, moment: datetime) -> None:
        """Do without the time until then."""
        self._clock.advance(max(timedelta(), moment - self.now()))


class VirtualClock:
    """Stands still, and is moved on when everybody waits."""

    def __init__(self, now: datetime | None = None) -> None:
        self.begun = (now or datetime.now(UTC)).replace(microsecond=0)
        self._now = self.begun

    def now(self) -> datetime:
        """Return the moment at which the rehearsal is."""
        return self._now

    async def wait_until(self, moment: datetime) -> None:
        """Let the time until then pass at once."""
        self._now = max(self._now, moment)

    def skip_to(self, moment: datetime) -> None:
        """Do without the time until then."""
        self._now = max(self._now, moment)


@dataclass
class Play:
    """One execution in memory: its look and its ledger are the same thing."""

    record: ExecutionRecord
    template: Template
    stage: Stage
    #: task executions in the order of their start
    tasks: dict[str, TaskRecord] = field(default_factory=dict)
    #: of a looped task
    loops: dict[str, dict[str, TaskRecord]] = field(default_factory=dict)
    log: list[LogLine] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    control: Control = "run"
    #: when it is looked at again without being woken
    due: datetime | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing happens any more."""
        return self.record.status in FINAL_EXECUTION

    @property
    def is_trigger(self) -> bool:
        """Whether it only starts others, whenever its trigger fires."""
        return self.template.trigger is not None and self.record.parent_id is None

    def now(self) -> datetime:
        """Return the virtual present."""
        return self.stage.clock.now()

    async def items(self, parent_id: str) -> list[TaskRecord]:
        """Return the items of a looped task that have begun, in their order."""
        return sorted(self.loops.get(parent_id, {}).values(), key=lambda item: item.number)

    async def advance(self, progress: Progress, *, parent_id: str | None, ends_children: bool) -> Control:
        """Write one step forward into memory; an end is told to parent and children, as the cloud does."""
        for task in progress.tasks:
            place = self.tasks if task.parent_id is None else self.loops.setdefault(task.parent_id, {})
            place[task.id] = task
        self.log += progress.lines
        self.notices = [notice for notice in self.notices if notice.number > (progress.noticed or 0)]
        self.record = msgspec.structs.replace(
            self.record,
            status=progress.status,
            status_message=progress.status_message,
            waiting=progress.waiting,
            outputs=progress.outputs,
            ended_at=progress.ended_at,
            updated_at=progress.now,
        )
        self.stage.tell_family(self, parent_id, ends_children=ends_children)
        return self.control


class World(Caller, Outside, Protocol):
    """What answers an execution: the cloud, and what lies outside of it."""


#: gives what answers an execution
CallFor = Callable[[Play], World]


class Stage:
    """All executions of a rehearsal. ``call`` gives what answers one of them, ``read`` the values of Parameter Store."""

    def __init__(
        self,
        catalog: Catalog,
        programs: Programs,
        call: CallFor,
        *,
        clock: StageClock,
        read: Read,
    ) -> None:
        self.clock = clock
        self.plays: dict[str, Play] = {}
        self._catalog = catalog
        self._programs = programs
        self._call = call
        self._read = read
        self._ready: dict[str, Play] = {}
        self._looks = 0
        self._noticed = 0

    async def start(self, order: Order, execution_id: str) -> Play:
        """Check everything as StartExecution does, and begin. Raises CloudError."""
        order = read_modes(order)
        template, view = await self._template(order)
        scope = self._opening(order, execution_id)
        parameters = await resolve(template, order.parameters, scope)
        role = await role_of(template, replace(scope, parameters=parameters))
        record = first_record(
            order, execution_id, template, view, parameters=parameters, role=role, now=self.clock.now()
        )
        return self._begin(record, template)

    async def settle(self) -> None:
        """Let everything move until each execution has ended or waits for people or its trigger; sleeps pass at once."""
        while True:
            while self._ready:
                await self._look(self._ready.pop(next(iter(self._ready))))
            if self._wake_due():
                continue
            moments = [play.due for play in self._open() if play.due is not None and not play.is_trigger]
            if not moments:
                return
            await self.clock.wait_until(min(moments))

    def skip_to(self, moment: datetime) -> None:
        """Skip to a moment, and look at everything that is due then."""
        self.clock.skip_to(moment)
        self._wake_due()

    def answer(self, play: Play, kind: str, sender: str, note: str = "", said: Mapping[str, Any] | None = None) -> None:
        """Tell an execution that waits what somebody decided, or its trigger what has come."""
        self._noticed += 1
        play.notices.append(Notice(number=self._noticed, kind=kind, sender=sender, note=note, said=said or {}))
        self._wake(play)

    def cancel(self, play: Play) -> None:
        """Ask an execution to end."""
        play.control = "cancel"
        self._wake(play)

    def waiting(self) -> Iterator[Play]:
        """Yield the executions that wait for people or for their triggers."""
        return (play for play in self._open() if play.record.waiting)

    def children(self, parent: Play) -> list[Play]:
        """Return the executions that tasks or the trigger of one started."""
        return [play for play in self.plays.values() if play.record.parent_id == parent.record.id]

    def tell_family(self, play: Play, parent_id: str | None, *, ends_children: bool) -> None:
        """Wake a parent, and cancel children that outlive their task."""
        for child in self.children(play) if ends_children else ():
            if not child.has_ended:
                self.cancel(child)
        if parent_id is not None:
            self._wake(self.plays[parent_id])

    async def start_child(self, parent: ExecutionRecord, child_id: str, child: Child) -> None:
        """Begin an execution for a task of ``parent``, once. Raises CloudError."""
        if child_id in self.plays:
            return
        if child.part is not None:
            record = part_record(parent, child_id, child, self.clock.now())
            self._begin(record, self.plays[parent.id].template.part_for(record.origin))
            return
        order = child_order(parent, child_id, child)
        template, view = await self._template(order)
        scope = self._opening(order, child_id)
        self._begin(await child_record(parent, child_id, order, template, view, scope, self.clock.now()), template)

    async def start_firing(self, parent: ExecutionRecord, number: int, origin: Mapping[str, Any]) -> None:
        """Begin what follows the trigger of ``parent``, once for every number."""
        record = firing_record(parent, number, origin, self.clock.now())
        if record.id not in self.plays:
            self._begin(record, self.plays[parent.id].template)

    async def find_child(self, parent: ExecutionRecord, child_id: str) -> ExecutionRecord | None:  # noqa: ARG002
        """Return the child that a task of ``parent`` started."""
        child = self.plays.get(child_id)
        return child.record if child is not None else None

    async def _look(self, play: Play) -> None:
        """Look at one execution as the cloud's controller does."""
        self._looks += 1
        if self._looks > _LOOKS:
            raise RehearsalError(f"the rehearsal does not end: executions were looked at {_LOOKS} times")
        if play.has_ended:
            return
        play.due = None
        tasks = list(play.tasks.values())
        secrets = Secrets(_MEMORY, self._read)
        scope = scope_of(play.record, tasks, play.template, secrets, self._programs, self.clock)
        notices = list(play.notices) if is_listening(play.record) else []
        book = Notebook(play, play, play.record, tasks, scope, secrets, notices)

        async def caller() -> Caller:
            return self._call(play)

        try:
            await conduct(book, play.template, caller, self, Around(outside=self._call(play)))
        except Suspend as suspend:
            play.due = suspend.until

    def _open(self) -> Iterator[Play]:
        return (play for play in list(self.plays.values()) if not play.has_ended)

    def _wake_due(self) -> bool:
        """Look at everything that is due; False: nothing is."""
        due = [play for play in self._open() if play.due is not None and play.due <= self.clock.now()]
        self._ready.update((play.record.id, play) for play in due)
        return bool(due)

    def _wake(self, play: Play) -> None:
        if not play.has_ended:
            self._ready[play.record.id] = play

    def _begin(self, record: ExecutionRecord, template: Template) -> Play:
        play = Play(record, template, self)
        self.plays[record.id] = self._ready[record.id] = play
        return play

    async def _template(self, order: Order) -> tuple[Template, TemplateView | None]:
        if order.template_content is not None:
            validated = await validate(order.template_content, self._programs, self._catalog.product)
            return runnable(validated), None
        found = self._catalog.find(order.template_name or "")
        if found is None:
            raise errors.template_not_found(order.template_name or "")
        return runnable(found.validated), public_view(found)

    def _opening(self, order: Order, execution_id: str) -> Scope:
        return opening_scope(order, execution_id, clock=self.clock, programs=self._programs, read=self._read)


class _InMemory:
    """Seals nothing: what a rehearsal keeps is gone with it."""

    def seal(self, value: Any, owner: str) -> str:  # noqa: ARG002 - see Seals
        return msgspec.json.encode(value).decode()

    def open(self, sealed: str, owner: str) -> Any:  # noqa: ARG002
        return msgspec.json.decode(sealed)


_MEMORY: Final = _InMemory()

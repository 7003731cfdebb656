"""What a controller sees of the work it drives: journaled steps, waits, locks and fenced transactions."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import msgspec

from tidegate.clock import Clock
from tidegate.store import leases
from tidegate.store.database import Database
from tidegate.store.work import Control
from tidegate.telemetry.points import reach

if TYPE_CHECKING:
    from tidegate.store.database import Connection

T = TypeVar("T")


class _Interruption(BaseException):
    """Not an error, so that an ``except Exception`` in a controller does not swallow it."""


class Suspend(_Interruption):
    """Give the lease back; look again when woken or at ``until``."""

    def __init__(self, until: datetime | None = None) -> None:
        super().__init__(until)
        self.until = until


class Cancelled(_Interruption):
    """The work shall be undone and end. Set ``run.undoing`` before the steps that undo it, then let this through."""


class Fenced(_Interruption):
    """Another node owns the work now: nothing more may be written."""


class Run:
    """One work in the hands of its controller.

    A controller is run from its top at every look, so it may be called twice, late, or after a crash at any point, and
    must end in the same place. Between steps it only depends on ``input`` and on results of steps.
    """

    def __init__(self, database: Database, lease: leases.Lease, clock: Clock) -> None:
        self.key = lease.key
        self.kind = lease.kind
        self.input = lease.input
        self.id = lease.key.partition("/")[2]
        self.lease = lease
        self.token = lease.token
        #: what was last seen of it, at the claim or at the last write
        self.control: Control = lease.control
        #: set by a controller that takes back what it did: its steps run although it is cancelled
        self.undoing = False
        self.signals: Sequence[int] = lease.signals
        self.mutexes = set(lease.mutexes)
        #: which look in a row this is without any progress, from 1
        self.attempt = lease.attempts + 1
        self._database = database
        self._clock = clock
        self._journal = dict(lease.journal)

    def now(self) -> datetime:
        """The present on the cloud's clock."""
        return self._clock.now()

    def finished(self, name: str) -> bool:
        """Whether the step or wait ``name`` is in the journal."""
        return name in self._journal

    def look_again(self, signals: Sequence[int], control: Control) -> None:
        """Begin another look with the same lease, after signals that came during the last one."""
        self.signals, self.control, self.undoing = signals, control, False

    def check(self) -> None:
        """Raise Cancelled or Suspend when that is what somebody asked for; every new step and wait does this first."""
        if self.control == "cancel" and not self.undoing:
            raise Cancelled
        if self.control == "pause":
            raise Suspend

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction that only the owner of the lease can commit. Raises Fenced when that is somebody else."""
        async with self._database.transaction() as tx:
            control = await leases.fence(tx, self.key, self.token)
            if control is None:
                raise Fenced(self.key)
            self.control = control
            yield tx
            reach(f"{self.kind}.transaction.acted")
        reach(f"{self.kind}.transaction.recorded")

    async def step(self, name: str, act: Callable[[], Awaitable[Any]]) -> Any:
        """Do something once: a finished step returns its journaled result and ``act`` is not called.

        A step in flight at a crash is done again, so ``act`` carries a client token or looks before it acts. The result
        is what JSON makes of it (a struct comes back as a dict), now and at every later look.

        Names are unique within a work; what follows a colon (``create:3``) is left out of the crash points.
        """
        if name in self._journal:
            return self._journal[name]
        self.check()
        point = f"{self.kind}.{name.partition(':')[0]}"
        reach(f"{point}.before")
        result = msgspec.json.decode(msgspec.json.encode(await act()))
        reach(f"{point}.acted")
        async with self._database.connection() as connection:
            recorded = await leases.record(connection, self.key, self.token, name, result)
        if recorded is None:
            raise Fenced(self.key)
        self.control, result = recorded
        self._remember(name, result)
        reach(f"{point}.recorded")
        return result

    async def wait(self, name: str, deadline: datetime | None, default: Any = None) -> Any:
        """Ask the question ``<key>/<name>``; suspend until ``store.work.answer`` or the deadline, whose answer is ``default``.

        The first deadline counts: a later look cannot move it. The first answer in time wins.
        """
        if name in self._journal:
            return self._journal[name]
        self.check()
        async with self._database.connection() as connection:
            asked = await leases.ask(
                connection, self.key, self.token, name, deadline=deadline, default=default, now=self.now()
            )
        if asked is None:
            raise Fenced(self.key)
        reach(f"{self.kind}.{name.partition(':')[0]}.asked")
        self.control = asked.control
        if not asked.settled:
            raise Suspend(asked.deadline)
        self._remember(name, asked.result)
        return asked.result

    async def lock(self, key: str) -> None:
        """Be the only work that holds ``key``; suspends until it is our turn, in the order of asking.

        Held across suspensions and crashes, until ``unlock`` or the end of the work. A look that asks again for what it
        unlocked before takes it again: ask only when there is something left to do under it (``finished``).
        """
        self.check()
        async with self.transaction() as tx:
            first = await leases.line_up(tx, self.key, key)
        self.mutexes.add(key)
        if not first:
            raise Suspend

    async def unlock(self, key: str) -> None:
        """Let the next one have ``key``. Not held: nothing happens."""
        if key not in self.mutexes:
            return
        async with self.transaction() as tx:
            await leases.leave(tx, self.key, [key], now=self.now())
        self.mutexes.discard(key)

    def _remember(self, name: str, result: Any) -> None:
        self._journal[name] = result
        self.attempt = 1


#: Drives one kind of work. Returns the output when the goal is reached; raises Suspend to wait.
Controller: TypeAlias = Callable[[Run], Awaitable[Any]]


async def together(*acts: Coroutine[Any, Any, T], at_once: int = 16) -> list[T]:
    """Run steps, waits and locks side by side, at most ``at_once`` at a time, and return their results in order.

    All of them come to their end first. Then the worst that happened is raised: Fenced, an error, Cancelled, and last
    Suspend, with the earliest moment of all that suspended.
    """
    waiting = deque(enumerate(acts))
    results: list[Any] = [None] * len(acts)
    raised: list[BaseException] = []

    async def take() -> None:
        while waiting:
            place, act = waiting.popleft()
            try:
                results[place] = await act
            except (Exception, _Interruption) as error:
                raised.append(error)

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(at_once, len(acts))):
                tasks.create_task(take())
    finally:
        for _, act in waiting:
            act.close()
    if raised:
        raise _worst(raised)
    return results


def _worst(raised: Sequence[BaseException]) -> BaseException:
    for kind in (Fenced, Exception, Cancelled):
        for error in raised:
            if isinstance(error, kind):
                return error
    moments = [error.until for error in raised if isinstance(error, Suspend) and error.until is not None]
    return Suspend(min(moments, default=None))

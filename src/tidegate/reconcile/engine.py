"""The engine's node: takes works whose turn it is, has their controllers drive them, and heals what was lost.

Any number of nodes run on one database, in any number of processes. Rows are the truth and the queue an accelerator: a
job that comes twice, late or never changes nothing but the moment at which a work is looked at.

How a look at a work ends:

    the controller returns          Success, with what it returned as output
    it raises Suspend               the lease is given back; the next look comes with a signal or at ``until``
    it raises CloudError            Failed: the cloud said no, and the controller had nothing to say to that
    it lets Cancelled through       Cancelled
    it raises anything else         logged and tried again after 0.5, 1, 2 … at most 60 seconds; after ``MAX_ATTEMPTS``
                                    such looks in a row without a new journaled step it is Failed with the error's text

A work that was signalled during the look does not suspend but is looked at again at once; one that was asked for anew
(``store.work.drive``) does not end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from tidegate.clock import Clock
from tidegate.errors import CloudError
from tidegate.reconcile.run import Cancelled, Controller, Fenced, Run, Suspend, together
from tidegate.settings import Settings
from tidegate.store import leases, queue, tokens, work
from tidegate.store.database import UNREACHABLE, Database
from tidegate.telemetry.points import reach

if TYPE_CHECKING:
    from tidegate.store.database import Connection

__all__ = ["Cancelled", "Controller", "Fenced", "Node", "Run", "Suspend", "together"]

_log = logging.getLogger(__name__)

MAX_ATTEMPTS = 20
_FIRST_DELAY = timedelta(seconds=0.5)
_LONGEST_DELAY = timedelta(seconds=60)
#: how long ``stop`` lets running controllers come to their next step
_STOP_SECONDS = 5.0
_RECONNECT_SECONDS = 0.2
_HOUSEKEEPING_SECONDS = 60.0
_LONGEST_ERROR = 4000


class _End(msgspec.Struct, frozen=True):
    """How a work ended."""

    status: Literal["Success", "Failed", "Cancelled"]
    output: Any = None
    error: str | None = None


class Node:
    """One process's share of the work. ``controllers`` maps a work's kind to the function that drives it."""

    def __init__(
        self, database: Database, controllers: Mapping[str, Controller], clock: Clock, settings: Settings
    ) -> None:
        self._database = database
        self._controllers = controllers
        self._clock = clock
        self._settings = settings
        #: timers due within the next sweeps are in the queue, later ones only in the rows
        self._horizon = timedelta(seconds=3 * settings.sweep_interval)
        self._number = 0
        self._consumer: queue.Consumer | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()
        self._stopped.set()

    async def run(self) -> None:
        """Work until ``stop``, once. When the database goes away: drop everything, and begin again when it is back."""
        self._stopped.clear()
        try:
            while not self._stopping.is_set():
                try:
                    await self._session()
                except Exception as error:
                    _log.warning("The node lost its database and will connect again: %s", _describe(error))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), _RECONNECT_SECONDS)
        finally:
            self._stopped.set()

    async def stop(self) -> None:
        """Take nothing new, let running controllers come to a step's end for some seconds, then drop them."""
        self._stopping.set()
        if self._consumer is not None:
            self._consumer.stop()
        if self._running:
            await asyncio.wait(self._running, timeout=_STOP_SECONDS)
        self._drop_running()
        await self._stopped.wait()

    async def sweep(self, *, grace: float = 0.0) -> None:
        """Free the leases of the dead and put jobs for everything that is due, or will be before the next sweeps.

        Whoever moves an adjustable clock calls this afterwards. ``grace`` seconds are left to the jobs on their way.
        """
        now, last = self._clock.now(), ""
        patience = timedelta(seconds=grace)
        async with self._database.connection() as connection:
            await leases.free_orphans(connection)
            while reasons := await leases.runnable(connection, now, grace=patience, ahead=self._horizon, after=last):
                await queue.enqueue(connection, [_job(reason, now) for reason in reasons])
                last = reasons[-1].key

    async def drain(self, *, limit: int = 10_000) -> int:
        """Without the queue, one after another: look at everything runnable until nothing is; returns how many looks.

        For tests and single-process tools, on a node that does not ``run``: fast, and repeatable with an adjustable clock.
        Raises RuntimeError after ``limit`` looks: some works keep waking each other.
        """
        looks = 0
        async with self._database.connection() as connection:
            self._number = await leases.appear(connection)
            try:
                await leases.free_orphans(connection)
                while batch := await leases.runnable(connection, self._clock.now()):
                    for reason in batch:
                        await self.advance(reason.key)
                        looks += 1
                        if looks > limit:
                            raise RuntimeError(f"{reason.key} does not come to rest")
            finally:
                await leases.disappear(connection, self._number)
        return looks

    async def advance(self, key: str, job: int | None = None) -> None:
        """Look at one work: take its lease, run its controller, give the lease back. Never raises Exception."""
        try:
            while await self._look(key, job):
                pass
        except Fenced:
            _log.info("Another node has taken %s over", key)
        except UNREACHABLE as error:
            # The session ends with the connection, and with it this lease: whoever sweeps next puts the work back.
            _log.warning("The database went away under %s: %s", key, error)
        except Exception:
            _log.exception("Looking at %s failed; its lease is freed with its job", key)

    # ---- one look ------------------------------------------------------------------------------------------------

    async def _look(self, key: str, job: int | None) -> bool:
        """Return True when the work was asked for anew at its very end and must be claimed again."""
        async with self._database.connection() as connection:
            lease = await leases.claim(connection, key, node=self._number, job=job, now=self._clock.now())
        if lease is None:
            return False
        reach("work.claimed")
        run = Run(self._database, lease, self._clock)
        try:
            while True:
                verdict = await self._settle(run, await self._drive(run))
                if verdict.outcome != "again" or not verdict.signals:
                    break
                run.look_again(verdict.signals, verdict.control)
        except asyncio.CancelledError:
            await asyncio.shield(self._let_go(run))
            raise
        if verdict.outcome == "fenced":
            raise Fenced(key)
        reach("work.released")
        return verdict.outcome == "again"

    async def _drive(self, run: Run) -> _End | Suspend | Exception:
        """Run the controller and say how it went, as a value."""
        controller = self._controllers.get(run.kind)
        if controller is None:
            return LookupError(f"no controller for works of kind {run.kind}")
        if run.control == "pause":
            return Suspend()
        try:
            # Encoded here, so that an output JSON cannot say is the controller's error.
            return _End("Success", msgspec.Raw(msgspec.json.encode(await controller(run))))
        except Suspend as suspension:
            return suspension
        except Cancelled:
            return _End("Cancelled")
        except CloudError as error:
            return _End("Failed", error=_storable(str(error)))
        except UNREACHABLE:
            raise
        except BaseExceptionGroup as group:
            return TypeError(f"a controller runs steps side by side with together(), not in a TaskGroup: {group!r}")
        except Exception as error:
            _log.exception("The controller of %s failed (attempt %d of %d)", run.key, run.attempt, MAX_ATTEMPTS)
            return error

    async def _settle(self, run: Run, result: _End | Suspend | Exception) -> leases.Verdict:
        match result:
            case Suspend(until=until):
                return await self._suspend(run, until)
            case _End():
                return await self._finish(run, result)
            case error if run.attempt >= MAX_ATTEMPTS:
                return await self._finish(run, _End("Failed", error=_describe(error)))
            case error:
                return await self._retry(run, error)

    async def _suspend(self, run: Run, until: datetime | None) -> leases.Verdict:
        async with self._database.connection() as connection:
            if until is not None:
                await self._set_timer(connection, run.key, until)
            return await leases.suspend(connection, run.key, run.token, signals=run.signals, until=until)

    async def _retry(self, run: Run, error: Exception) -> leases.Verdict:
        at = self._clock.now() + min(_FIRST_DELAY * 2 ** min(run.attempt - 1, 16), _LONGEST_DELAY)
        async with self._database.connection() as connection:
            await self._set_timer(connection, run.key, at)
            freed = await leases.retry(
                connection, run.key, run.token, attempts=run.attempt, error=_describe(error), at=at
            )
        return leases.Verdict(outcome="released" if freed else "fenced")

    async def _set_timer(self, connection: Connection, key: str, at: datetime) -> None:
        """Put a job for a moment that is near; a later sweep does it for the others, so the queue stays short.

        Called before the lease is given back: a timer too many is harmless, one too few costs a sweep.
        """
        delay = at - self._clock.now()
        if delay <= self._horizon:
            await queue.enqueue(connection, [(key, delay, _timer(key, at))])

    async def _finish(self, run: Run, end: _End) -> leases.Verdict:
        lend = self._database.transaction if run.mutexes else self._database.connection
        reach(f"{run.kind}.end.before")
        async with lend() as connection:
            verdict = await leases.finish(
                connection,
                run.lease,
                mutexes=sorted(run.mutexes),
                status=end.status,
                output=end.output,
                error=end.error,
                now=self._clock.now(),
            )
        reach(f"{run.kind}.end.recorded")
        return verdict

    async def _let_go(self, run: Run) -> None:
        with suppress(*UNREACHABLE):
            async with self._database.connection() as connection:
                await leases.let_go(connection, run.key, run.token)

    # ---- the session with the database ---------------------------------------------------------------------------

    async def _session(self) -> None:
        """Be a node that others can see, for as long as one connection lives."""
        connection = await self._database.dedicated()
        chores: list[asyncio.Task[None]] = []
        try:
            self._number = await leases.appear(connection)
            self._consumer = consumer = queue.Consumer(
                connection, node=self._number, heartbeat_timeout=self._settings.heartbeat_timeout
            )

            def lose_everything(_: object) -> None:
                # A node that cannot be seen any more is taken for dead: what it runs belongs to others now.
                consumer.stop()
                self._drop_running()

            connection.add_termination_listener(lose_everything)
            chores.append(asyncio.create_task(self._repeat(self._look_around, self._settings.sweep_interval)))
            chores.append(asyncio.create_task(self._repeat(self._keep_house, _HOUSEKEEPING_SECONDS)))
            await consumer.run(self._handle)
        finally:
            self._consumer = None
            for task in chores:
                task.cancel()
            self._drop_running()
            await asyncio.gather(*chores, *self._running, return_exceptions=True)
            with suppress(*UNREACHABLE, TimeoutError):
                await connection.close(timeout=2)

    async def _handle(self, key: str, job: int) -> None:
        """Advance in a task of its own, which can be dropped without the queue's knowing."""
        task = asyncio.create_task(self.advance(key, job), name=f"advance {key}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.wait([task])

    def _drop_running(self) -> None:
        for task in self._running:
            task.cancel()

    async def _repeat(self, chore: Callable[[], Awaitable[object]], seconds: float) -> None:
        while True:
            try:
                await chore()
            except Exception as error:
                _log.warning("A chore of the node failed and is repeated: %s", _describe(error))
            await asyncio.sleep(seconds)

    async def _look_around(self) -> None:
        await self.sweep(grace=self._settings.sweep_interval)

    async def _keep_house(self) -> None:
        now = self._clock.now()
        async with self._database.connection() as connection:
            while await work.forget(connection, now - timedelta(seconds=self._settings.work_retention)):
                pass
            await tokens.forget(connection, now=now)


def _job(reason: leases.Reason, now: datetime) -> tuple[str, timedelta, str]:
    """The job for a reason to look. What is due gets another mark than its timer, which a skipped hour has left behind."""
    if reason.due_at is not None and reason.due_at > now:
        return reason.key, reason.due_at - now, _timer(reason.key, reason.due_at)
    return reason.key, timedelta(), f"sweep {reason.key}@{reason.due_at or reason.signal}"


def _timer(key: str, at: datetime) -> str:
    return f"{key}@{at.timestamp()}"


def _describe(error: Exception) -> str:
    return _storable(f"{type(error).__name__}: {error}")


def _storable(text: str) -> str:
    """What PostgreSQL takes as text: no NUL, and not without end."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")[:_LONGEST_ERROR]

"""Drives invocations of Cloud Assistant: runs their scripts inside the instances and notes how they ended.

A script may run for hours, so no look at the work waits for it: a task of this process does, and wakes the work when it
has ended. A script is never begun twice. When the process dies, what it was running is ``ExecutionInterrupted`` as soon
as it has not been heard of for the heartbeat limit; what had not begun is begun by whoever looks next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

import msgspec

from tidegate.clock import Clock
from tidegate.errors import PlaneError
from tidegate.ids import Ids
from tidegate.plane.hosts.base import Command as HostCommand
from tidegate.plane.hosts.base import Hosts, Outcome
from tidegate.reconcile.engine import Run, Suspend
from tidegate.services.ecs import limits
from tidegate.services.ecs.assistant import KIND
from tidegate.services.ecs.commands import ERROR_INFO, OPEN, PENDING
from tidegate.services.ecs.states import Status
from tidegate.store import work
from tidegate.store.database import UNREACHABLE, Database
from tidegate.store.ecs import commands as rows
from tidegate.store.ecs import instances as instance_rows
from tidegate.store.ecs.commands import Ending, Invocation
from tidegate.telemetry import get_logger
from tidegate.telemetry.points import reach

_log = get_logger("invocation")

#: Seconds between two signs of life of a running invocation; as long a stop may take to be noticed.
_BEAT = 1.0
#: Stands in the environment of everything a script starts, so that all of it can be found and ended.
MARK = "TIDEGATE_INVOCATION"
#: Ends everything that carries the mark, in whatever session it is by now; parents first, who would else remark on it.
_ENDER = f"""
marked() {{
    for process in /proc/[0-9]*; do
        tr '\\0' '\\n' <"$process/environ" 2>/dev/null | grep -qx "{MARK}=$1" && echo "${{process#/proc/}}"
    done
}}
processes=$(marked "$1" | sort -n)
[ -z "$processes" ] || kill -KILL $processes
"""
#: Seconds a script that was ended may take to be gone.
_END_LIMIT = 5.0
#: Keeps the script in a file that has no name any more when the script begins, so nothing is left behind.
_LAUNCHER = 'f=$(mktemp) && cat >"$f" && exec 3<"$f" && rm -f "$f" && exec "$@" /proc/self/fd/3 </dev/null'
_SHELL = ("sh",)
#: ASSUMPTION: instances have one account.
_USERS = ("", "root")


class InvocationController:
    """Runs the scripts of invocations on ``hosts``; ``patience`` is the heartbeat limit in seconds."""

    def __init__(self, database: Database, hosts: Hosts, clock: Clock, ids: Ids, *, patience: float) -> None:
        self._database = database
        self._hosts = hosts
        self._clock = clock
        self._name = ids.uuid()
        self._patience = timedelta(seconds=patience)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._beat_now: dict[str, asyncio.Event] = {}

    async def __call__(self, run: Run) -> None:
        """Look at one invocation: begin what waits, declare dead what nobody runs, end when every run has ended."""
        async with self._database.connection() as tx:
            invocation = await rows.invocation(tx, run.id)
            runs = [one for one in await rows.runs(tx, [run.id]) if one.status in OPEN]
            if invocation is None or not runs:
                return
            if (beat_now := self._beat_now.get(run.id)) is not None:
                beat_now.set()
                raise Suspend(run.now() + self._patience)
            if invocation.beat_at is not None and run.now() < invocation.beat_at + self._patience:
                raise Suspend(invocation.beat_at + self._patience)
        orphans = [one.instance_id for one in runs if one.status != PENDING]
        await asyncio.gather(*(self._end(run.id, one) for one in orphans))
        async with run.transaction() as tx:
            for instance_id in orphans:
                await rows.end(tx, run.id, instance_id, _failed("ExecutionInterrupted"), run.now())
            await rows.own(tx, run.id, self._name, run.now())
            begun = await rows.begin(tx, run.id, run.now())
        reach("invocation.begin.recorded")
        if begun:
            self._take(invocation, begun)
            raise Suspend(run.now() + self._patience)

    def _take(self, invocation: Invocation, instance_ids: list[str]) -> None:
        self._beat_now[invocation.id] = asyncio.Event()
        task = asyncio.create_task(self._supervise(invocation, instance_ids), name=f"invocation {invocation.id}")
        self._running[invocation.id] = task
        task.add_done_callback(lambda _: self._forget(invocation.id))

    def _forget(self, invocation_id: str) -> None:
        del self._running[invocation_id], self._beat_now[invocation_id]

    async def _supervise(self, invocation: Invocation, instance_ids: list[str]) -> None:
        """Run the script everywhere at once; note each ending, show signs of life, end what is to be stopped."""
        tasks = {
            asyncio.create_task(self._execute(invocation, instance_id)): instance_id for instance_id in instance_ids
        }
        try:
            while tasks:
                await self._something(invocation.id, tasks)
                ended = {task: tasks[task] for task in tasks if task.done()}
                to_stop = await self._note(invocation.id, ended, last=len(ended) == len(tasks))
                if to_stop is None:
                    return
                for task in ended:
                    del tasks[task]
                await self._end_all(invocation.id, {task: one for task, one in tasks.items() if one in to_stop})
        except UNREACHABLE as error:
            _log.warning("Lost the database while running %s: %s", invocation.id, error)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _end_all(self, invocation_id: str, tasks: Mapping[asyncio.Task[Ending], str]) -> None:
        """End the script on some instances; whoever does not notice within a limit is given up."""
        if not tasks:
            return
        await asyncio.gather(*(self._end(invocation_id, one) for one in tasks.values()))
        _, late = await asyncio.wait(tasks, timeout=_END_LIMIT)
        for task in late:
            task.cancel()

    async def _end(self, invocation_id: str, instance_id: str) -> None:
        """Kill everything the script has started on an instance. A host that does not run has nothing left to kill."""
        with suppress(PlaneError):
            await self._hosts.run(instance_id, HostCommand(argv=(*_SHELL, "-c", _ENDER, "sh", invocation_id)))

    async def _something(self, invocation_id: str, tasks: Iterable[asyncio.Task[Ending]]) -> None:
        """Wait until a script has ended, somebody asks for a look, or it is time for a sign of life."""
        asked = self._beat_now[invocation_id]
        asked.clear()
        nudge = asyncio.create_task(asked.wait())
        try:
            await asyncio.wait([*tasks, nudge], timeout=_BEAT, return_when=asyncio.FIRST_COMPLETED)
        finally:
            nudge.cancel()

    async def _note(
        self, invocation_id: str, ended: Mapping[asyncio.Task[Ending], str], *, last: bool
    ) -> set[str] | None:
        """Write what has ended and return the instances to stop at. None: another process runs the invocation now."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            to_stop = await rows.beat(tx, invocation_id, self._name, now)
            if to_stop is not None:
                for task, instance_id in ended.items():
                    ending = Ending(status="Failed") if task.cancelled() else task.result()
                    if instance_id in to_stop and ending.status != "Success":
                        ending = Ending(status="Terminated", output=ending.output, dropped=ending.dropped)
                    await rows.end(tx, invocation_id, instance_id, ending, now)
                if last:
                    await work.wake(tx, f"{KIND}/{invocation_id}", now=now)
        return to_stop

    async def _execute(self, invocation: Invocation, instance_id: str) -> Ending:
        """Run the script on one instance and say how it ended."""
        if invocation.username not in _USERS:
            return _failed("AccountNotExists")
        try:
            return ending_of(await self._hosts.run(instance_id, host_command(invocation)))
        except PlaneError as error:
            _log.info("A script could not run on %s: %s", instance_id, error)
            return _failed(await self._explanation(invocation, instance_id))
        except UNREACHABLE:
            raise
        except Exception:  # whatever a driver gets wrong, who asked is told that the script did not run
            _log.exception("A driver failed to run a script", extra={"instance": instance_id})
            return _failed("ExecutionException")

    async def _explanation(self, invocation: Invocation, instance_id: str) -> str:
        """Return the error code for a host that did not run a script."""
        async with self._database.connection() as tx:
            found = await instance_rows.by_ids(tx, [instance_id])
        if not found:
            return "InstanceReleased"
        if found[0].status != Status.RUNNING:
            return "InstanceNotRunning"
        # A host that runs refuses a script for want of its directory, and else only when the plane itself is ill.
        return "DirectoryNotExists" if invocation.working_dir else "ExecutionException"

    async def close(self) -> None:
        """Let go of every script this process runs; whoever looks after the heartbeat limit ends them as interrupted."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def host_command(invocation: Invocation) -> HostCommand:
    """Return the command that runs the script: by the shell, or by the interpreter that its first line names."""
    argv: Sequence[str]
    script = invocation.script
    if is_plain(script):
        argv, stdin = (*_SHELL, "-c", script.decode()), b""
    else:
        argv, stdin = (*_SHELL, "-c", _LAUNCHER, "sh", *interpreter(script)), script
    command = HostCommand(
        argv=argv,
        stdin=stdin,
        environment={MARK: invocation.id},
        timeout=float(invocation.timeout),
        keep=limits.OUTPUT_BYTES,
    )
    if invocation.working_dir:
        return msgspec.structs.replace(command, directory=invocation.working_dir)
    return command


def is_plain(script: bytes) -> bool:
    """Tell whether a script is text for the shell, which can be handed over as an argument."""
    if script.startswith(b"#!") or b"\0" in script:
        return False
    try:
        script.decode()
    except UnicodeDecodeError:
        return False
    return True


def interpreter(script: bytes) -> tuple[str, ...]:
    """Return the program of a ``#!`` line with its one argument, as the kernel reads it."""
    first, _, _ = script.partition(b"\n")
    if not first.startswith(b"#!"):
        return _SHELL
    program = first[2:].decode(errors="replace").split(maxsplit=1)
    return tuple(part.strip() for part in program) or _SHELL


def ending_of(outcome: Outcome) -> Ending:
    """Say in the cloud's words how a script ended."""
    match outcome.exit_code:
        case None:
            status, code = "Timeout", "ExecutionTimeout"
        case 0:
            status, code = "Success", ""
        case _:
            status, code = "Failed", "ExitCodeNonzero"
    return Ending(
        status=status,
        exit_code=outcome.exit_code,
        output=outcome.output,
        dropped=outcome.dropped,
        error_code=code,
        error_info=ERROR_INFO.get(code, ""),
    )


def _failed(code: str) -> Ending:
    return Ending(status="Failed", error_code=code, error_info=ERROR_INFO[code])

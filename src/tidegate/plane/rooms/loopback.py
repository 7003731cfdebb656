"""Rooms on this machine's own network: plain processes, addresses of 127.0.0.0/8, no walls between them.

A process is known by the file ``<name>.pid``, which it writes itself before it becomes its program, and by the folder it
works in, which tells it from a stranger with a reused number. So whoever comes next finds it, however the last one died.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tidegate.errors import PlaneError
from tidegate.plane.rooms.base import Place
from tidegate.plane.rooms.folders import Folders, environment
from tidegate.plane.rooms.keeper import Keeper, Key

# Descriptor 3 is the room's lock: it is let go only when the number is written. Servers need many descriptors.
_LAUNCH = 'cd "$1" && echo $$ >"$1.pid" && shift && ulimit -n "$(ulimit -Hn)" && exec "$@" 3>&-'
_GRACE = 5.0
_LOCK_WAIT = 15.0
_LOCK_PAUSE = 0.005


class LoopbackRooms(Folders):
    """Rooms that are folders below ``root``. Several of these objects, in several processes, may share one root."""

    name = "loopback"

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._keeper = Keeper(self._start)
        self._watched: dict[int, int] = {}

    async def open(self, place: Place, *processes: str) -> None:
        """Make the folders; the whole of 127.0.0.0/8 is local anyway."""
        self.make(place.id, processes)

    async def start(self, room_id: str, process: str, argv: Sequence[str]) -> bool:
        """Start a process and keep it running; False when it runs already."""
        self._keeper.want((room_id, process), argv)
        return await self._start((room_id, process), argv)

    async def is_running(self, room_id: str, process: str) -> bool:
        """Tell whether the process lives."""
        return self._pid((room_id, process)) is not None

    async def stop(self, room_id: str, process: str) -> None:
        """Ask the process to end, and insist after some seconds."""
        self._keeper.forget((room_id, process))
        if pid := self._pid((room_id, process)):
            await _end(pid)

    async def close(self, room_id: str) -> None:
        """End the room's processes and remove its folder."""
        for process in self.processes(room_id):
            await self.stop(room_id, process)
        await self.remove(room_id)

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Plain processes do not die together."""

    async def leave(self) -> None:
        """Stop watching."""
        self._keeper.close()
        for pid in list(self._watched):
            self._unwatch(pid)

    async def _start(self, key: Key, argv: Sequence[str]) -> bool:
        lock = self.folder(key[0]) / "lock"
        async with _locked(lock) as descriptor:
            found = self._pid(key)
            pid = found or self._spawn(key, argv, descriptor)
        if found is None:
            async with _locked(lock):
                pass  # the child has written its number
        self._watch(key, pid)
        return found is None

    def _spawn(self, key: Key, argv: Sequence[str], lock: int) -> int:
        folder = self.folder(*key)
        write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        try:
            return os.posix_spawn(
                "/bin/sh",
                ["sh", "-c", _LAUNCH, "sh", str(folder), *argv],
                environment(),
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, folder.with_suffix(".log"), write, 0o600),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                    (os.POSIX_SPAWN_DUP2, lock, 3),
                ],
                setsid=True,
                setsigmask=(),
                setsigdef=(signal.SIGPIPE, signal.SIGINT, signal.SIGTERM),
            )
        except OSError as error:
            raise PlaneError(f"the {key[1]} of {key[0]} does not start: {error}") from error

    def _pid(self, key: Key) -> int | None:
        """Return the number of the living process, or None."""
        folder = self.folder(*key)
        try:
            pid = int(folder.with_suffix(".pid").read_text())
            works_in = Path(f"/proc/{pid}/cwd").readlink()
        except (OSError, ValueError):
            return None
        return pid if works_in == folder else None

    def _watch(self, key: Key, pid: int) -> None:
        if pid in self._watched:
            return
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            self._keeper.ended(key)
            return
        self._watched[pid] = descriptor
        asyncio.get_running_loop().add_reader(descriptor, self._ended, key, pid)

    def _unwatch(self, pid: int) -> None:
        descriptor = self._watched.pop(pid)
        asyncio.get_running_loop().remove_reader(descriptor)
        _reap(descriptor)
        os.close(descriptor)

    def _ended(self, key: Key, pid: int) -> None:
        self._unwatch(pid)
        self._keeper.ended(key)


@asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[int]:
    """Hold the lock file ``path``, among tasks and among processes; the descriptor may be handed to a child."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise PlaneError(f"{path.parent.name} has no room: {error.strerror}") from error
    try:
        async with asyncio.timeout(_LOCK_WAIT):
            while not _try_lock(descriptor):  # noqa: ASYNC110 - another process lets it go
                await asyncio.sleep(_LOCK_PAUSE)
        yield descriptor
    except TimeoutError as error:
        raise PlaneError(f"{path} is held by another process") from error
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _end(pid: int) -> None:
    """End a process and wait until it has; after some seconds of asking its whole session is killed."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGTERM)
        if not await _has_ended(descriptor, _GRACE):
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            await _has_ended(descriptor, _GRACE)
        _reap(descriptor)
    finally:
        os.close(descriptor)


async def _has_ended(descriptor: int, timeout: float) -> bool:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, ended.set)
    try:
        async with asyncio.timeout(timeout):
            await ended.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
    return True


def _reap(descriptor: int) -> None:
    with suppress(ChildProcessError):  # not ours: its own parent, or init, does it
        os.waitid(os.P_PIDFD, descriptor, os.WEXITED | os.WNOHANG)

"""What the gates that are proxies share: a process in the server's room, its list file, its control socket.

The file is the wanted list and what a restarted process begins with; the control socket is how a running one takes a new
list at once.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from tidegate.errors import PlaneError
from tidegate.plane.gate.base import Applied, GateSpec, Visitor, check_size
from tidegate.plane.gate.ranges import Ranges, block, blocks, difference, merge
from tidegate.plane.redis.layout import GATE, SERVER, SERVER_SOCKET
from tidegate.plane.rooms.base import Rooms

#: Files in the proxy's folder.
LIST, SOCKET = "whitelist", "gate.sock"
#: The server's socket, seen from there.
UPSTREAM = f"../{SERVER}/{SERVER_SOCKET}"
_START, _REVIVAL = 10.0, 2.0
_PAUSE = 0.002


class ProxyGate(ABC):
    """A gate that accepts the clients' connections itself and passes them to the server's Unix socket."""

    name: str
    is_proxy = True

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def install(self, spec: GateSpec) -> None:
        """Start the proxy on its list, which is empty at first."""
        folder = self._rooms.folder(spec.server_id, GATE)
        if not (folder / LIST).exists():
            _write(folder / LIST, "")
        argv = self.prepare(folder, spec)
        await self._rooms.start(spec.server_id, GATE, argv)
        await self._answering(spec.server_id, _START)

    async def remove(self, server_id: str) -> None:
        """End the proxy and forget its list."""
        await self._rooms.stop(server_id, GATE)
        for name in (LIST, SOCKET):
            (self._rooms.folder(server_id, GATE) / name).unlink(missing_ok=True)

    async def allow(self, server_id: str, ranges: Ranges, *, thorough: bool = False) -> Applied:
        """Give the running proxy its list, then write it down for the next one."""
        check_size(ranges)
        started = time.perf_counter()
        folder = self._known(server_id)
        old = _parse((folder / LIST).read_text())
        try:
            await self._swap(server_id, folder, None if thorough else old, ranges)
        except (OSError, TimeoutError, PlaneError) as error:
            # Which list it has now is unknown: better none. `install` starts it again, with the old one.
            await self._rooms.stop(server_id, GATE)
            raise PlaneError(f"the gate of {server_id} did not take its list: {error}") from error
        # The file comes last: a crash before this leaves a difference that the next call makes good.
        _write(folder / LIST, "".join(f"{text}\n" for text in blocks(ranges)))
        gone, fresh = difference(old, ranges)
        return Applied(added=len(fresh), removed=len(gone), milliseconds=(time.perf_counter() - started) * 1000)

    async def cut(self, server_id: str) -> int:
        """End the connections whose client is not on the list."""
        try:
            return await self.end_unlisted(self._known(server_id))
        except (OSError, TimeoutError) as error:
            raise PlaneError(f"the gate of {server_id} does not answer: {error}") from error

    async def attempts(self, server_id: str) -> Sequence[Visitor]:
        """Ask the proxy whom it has seen."""
        try:
            return await self.visitors(self._known(server_id))
        except (OSError, TimeoutError) as error:
            raise PlaneError(f"the gate of {server_id} does not answer: {error}") from error

    async def show(self, server_id: str) -> Ranges:
        """Ask the proxy for its list."""
        try:
            return await self.read(self._known(server_id))
        except (OSError, TimeoutError) as error:
            raise PlaneError(f"the gate of {server_id} does not answer: {error}") from error

    async def list(self) -> Sequence[str]:
        """Return the rooms that have a list file."""
        rooms = await self._rooms.list()
        return [server_id for server_id in rooms if (self._rooms.folder(server_id, GATE) / LIST).exists()]

    @abstractmethod
    def prepare(self, folder: Path, spec: GateSpec, /) -> Sequence[str]:
        """Write what the proxy needs into ``folder`` and return its command line; it is started in that folder."""

    @abstractmethod
    async def swap(self, folder: Path, old: Ranges | None, new: Ranges, /) -> None:
        """Make ``new`` the list of the running proxy, which has ``old``; None: nobody knows what it has.

        Whoever is not in ``new`` is forgotten as let in.

        It may have ``new`` already, if the last call was cut short. Raises OSError, TimeoutError or PlaneError.
        """

    @abstractmethod
    async def read(self, folder: Path) -> Ranges:
        """Ask the running proxy for its list. Raises OSError or TimeoutError."""

    @abstractmethod
    async def visitors(self, folder: Path) -> Sequence[Visitor]:
        """Ask the running proxy who tried to connect. Raises OSError or TimeoutError."""

    @abstractmethod
    async def end_unlisted(self, folder: Path) -> int:
        """End connections of clients that are not listed. Raises OSError or TimeoutError."""

    def _known(self, server_id: str) -> Path:
        folder = self._rooms.folder(server_id, GATE)
        if not (folder / LIST).exists():
            raise PlaneError(f"{server_id} has no gate")
        return folder

    async def _swap(self, server_id: str, folder: Path, old: Ranges | None, new: Ranges) -> None:
        try:
            await self.swap(folder, old, new)
        except (OSError, TimeoutError):
            # It may have just died, and be coming back with the list of its file.
            await self._answering(server_id, _REVIVAL)
            await self.swap(folder, old, new)

    async def _answering(self, server_id: str, seconds: float) -> None:
        """Wait until the proxy answers on its control socket."""
        folder = self._rooms.folder(server_id, GATE)
        try:
            async with asyncio.timeout(seconds):
                while not await self._answers(folder):  # noqa: ASYNC110 - another process will answer
                    await asyncio.sleep(_PAUSE)
        except TimeoutError as error:
            raise PlaneError(f"the {self.name} gate of {server_id} does not start: {_tail(folder)}") from error

    async def _answers(self, folder: Path) -> bool:
        try:
            await self.read(folder)
        except OSError:
            return False
        return True


def _write(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)


def _parse(text: str) -> Ranges:
    return merge(block(line) for line in text.split())


def _tail(folder: Path) -> str:
    """Return the end of what the proxy said, for people."""
    try:
        return folder.with_suffix(".log").read_text(errors="replace")[-500:].strip() or "it says nothing"
    except OSError:
        return "it says nothing"

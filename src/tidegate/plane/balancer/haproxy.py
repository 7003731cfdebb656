"""Load balancers that are HAProxy: a master and its worker for each, in a room with the load balancer's address.

The file ``haproxy.cfg`` holds the whole wish, so a process that is started again begins with it. Servers come and go
through the runtime socket; what else changes is a reload, which hands the open ports from one worker to the next.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from tidegate.errors import PlaneError
from tidegate.plane.balancer import configuration
from tidegate.plane.balancer.base import BalancerSpec, Listener, Target, TargetHealth, TargetState
from tidegate.plane.haproxy import say, tell
from tidegate.plane.rooms.base import Rooms, dial

#: The name of the process in the room.
PROXY = "proxy"
_CONFIGURATION, _FRAME = "haproxy.cfg", "frame"
_START, _WAIT, _REMOVAL = 10.0, 5.0, 2.0
_PAUSE = 0.002


class _Server(msgspec.Struct, frozen=True):
    """A server as HAProxy shows it."""

    address: str
    weight: int
    status: str
    checked: str
    connections: int


class HaproxyBalancers:
    """Runs ``program`` in ``rooms``."""

    name = "haproxy"

    def __init__(self, rooms: Rooms, program: str) -> None:
        self._rooms = rooms
        self._program = program

    async def apply(self, spec: BalancerSpec) -> None:
        """Write the wish down, then bring the process to it: start, stop, reload or a few commands."""
        await self._rooms.open(spec, PROXY)
        folder = self._rooms.folder(spec.id, PROXY)
        _write(folder / _CONFIGURATION, configuration.configuration(spec))
        if not spec.listeners:
            # HAProxy does not run without a port to listen on.
            await self._rooms.stop(spec.id, PROXY)
            return
        frame = configuration.frame(spec)
        (folder / configuration.STATE).touch()
        argv = (self._program, "-W", "-db", "-S", f"unix@{configuration.MASTER},mode,600", "-f", _CONFIGURATION)
        if await self._rooms.start(spec.id, PROXY, argv):
            await self._answering(spec.id)
        elif _read(folder / _FRAME) != frame:
            await self._answering(spec.id)
            await self._reload(spec.id, folder)
        else:
            await self._answering(spec.id)
            await self._adjust(folder, spec)
        _write(folder / _FRAME, frame)

    async def destroy(self, balancer_id: str) -> None:
        """End the process and close its room."""
        await self._rooms.stop(balancer_id, PROXY)
        await self._rooms.close(balancer_id)

    async def look(self, balancer_id: str) -> Sequence[TargetState]:
        """Ask the process, which counts no connections that were open before its last reload."""
        folder = self._rooms.folder(balancer_id, PROXY)
        if not (folder / configuration.ADMIN).exists() or not await self._rooms.is_running(balancer_id, PROXY):
            return []
        try:
            async with dial(folder / configuration.ADMIN, _WAIT) as (reader, writer):
                found = await _servers(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            raise PlaneError(f"the load balancer {balancer_id} does not answer: {error}") from error
        return [
            TargetState(listener=int(behind[1:]), target=name, health=_health(server), connections=server.connections)
            for (behind, name), server in found.items()
        ]

    async def list(self) -> Sequence[str]:
        """Return the rooms."""
        return await self._rooms.list()

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when all rooms have died at once."""
        self._rooms.on_lost(callback)

    async def close(self, *, destroy: bool = False) -> None:
        """Let go of the load balancers; with ``destroy`` end every one of them."""
        if destroy:
            for balancer_id in await self._rooms.list():
                await self.destroy(balancer_id)
        await self._rooms.leave()

    async def _reload(self, balancer_id: str, folder: Path) -> None:
        """Have the master replace its worker; what the old one knows of its servers' health goes with them."""
        try:
            _write(folder / configuration.STATE, await _ask(folder / configuration.ADMIN, "show servers state"))
            answer = await _ask_master(folder, "reload")
        except (OSError, TimeoutError) as error:
            raise PlaneError(f"the load balancer {balancer_id} does not answer: {error}") from error
        if "Success=1" not in answer:
            raise PlaneError(f"the load balancer {balancer_id} did not take its listeners: {answer.strip()[-500:]}")
        await self._answering(balancer_id)

    async def _adjust(self, folder: Path, spec: BalancerSpec) -> None:
        """Bring the servers of the running process to the wish, one difference after the other."""
        try:
            async with asyncio.timeout(_START), dial(folder / configuration.ADMIN, _START) as (reader, writer):
                found = await _servers(reader, writer)
                wanted = {
                    (configuration.backend(listener.port), target.id): (listener, target)
                    for listener in spec.listeners
                    for target in listener.targets
                }
                for key in _unwanted(found, wanted):
                    await _remove(reader, writer, "/".join(key))
                    found.pop(key)
                commands = [one for key, pair in wanted.items() for one in _commands(*pair, found.get(key))]
                for command in commands:
                    await _do(reader, writer, command)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            raise PlaneError(f"the load balancer {spec.id} does not answer: {error}") from error

    async def _answering(self, balancer_id: str) -> None:
        """Wait until the process answers on its socket."""
        folder = self._rooms.folder(balancer_id, PROXY)
        try:
            async with asyncio.timeout(_START):
                while not await _answers(folder):  # noqa: ASYNC110 - another process will answer
                    await asyncio.sleep(_PAUSE)
        except TimeoutError as error:
            said = _read(folder.with_suffix(".log"))[-500:].strip() or "it says nothing"
            raise PlaneError(f"the load balancer {balancer_id} does not start: {said}") from error


async def _ask(socket: Path, command: str) -> str:
    """Send one command and return the whole answer."""
    async with dial(socket, _START) as (reader, writer):
        writer.write(f"{command}\n".encode())
        return (await reader.read(-1)).decode(errors="replace")


async def _ask_master(folder: Path, command: str) -> str:
    """Ask the master, which does not listen for the moment in which it begins again after each of its workers."""
    async with asyncio.timeout(_START):
        while True:
            with suppress(ConnectionRefusedError, FileNotFoundError):
                return await _ask(folder / configuration.MASTER, command)
            await asyncio.sleep(_PAUSE)


async def _answers(folder: Path) -> bool:
    try:
        async with dial(folder / configuration.ADMIN, _WAIT) as (reader, writer):
            await say(reader, writer, "prompt")
    except (OSError, asyncio.IncompleteReadError):
        return False
    return True


async def _servers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> dict[tuple[str, str], _Server]:
    """Return every server by backend and name."""
    await say(reader, writer, "prompt")
    text = await say(reader, writer, "show stat -1 4 -1")
    rows = csv.DictReader(text.removeprefix("# ").strip().splitlines())
    return {(row["pxname"], row["svname"]): _server(row) for row in rows}


def _server(row: Mapping[str, str]) -> _Server:
    return _Server(
        address=row["addr"],
        weight=int(row.get("uweight") or row["weight"] or 0),
        status=row["status"],
        checked=row["check_status"],
        connections=int(row["scur"] or 0),
    )


def _health(server: _Server) -> TargetHealth:
    if server.status == "no check":
        return "unchecked"
    if server.checked in ("", "INI"):
        return "checking"
    return "down" if server.status.startswith(("DOWN", "MAINT")) else "up"


def _unwanted(
    found: Mapping[tuple[str, str], _Server], wanted: Mapping[tuple[str, str], tuple[Listener, Target]]
) -> Iterator[tuple[str, str]]:
    """Yield what is to go: not wanted, moved, or left half made or half removed by a crash."""
    for key, server in list(found.items()):
        target = wanted[key][1] if key in wanted else None
        if target is None or server.address != f"{target.address}:{target.port}" or server.status.startswith("MAINT"):
            yield key


def _commands(listener: Listener, target: Target, server: _Server | None) -> Sequence[str]:
    if server is None:
        return [";".join(configuration.addition(listener, target))]
    weight = configuration.weight_of(listener, target)
    if server.weight == weight:
        return []
    return [f"set server {configuration.backend(listener.port)}/{target.id} weight {weight}"]


async def _do(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, command: str) -> None:
    complaint = (await say(reader, writer, command)).strip()
    if complaint and complaint != "New server registered.":
        raise PlaneError(f"HAProxy: {complaint[:200]}")


async def _remove(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str) -> None:
    """Remove a server with its connections; HAProxy does so when the last of them is gone (dataplane.md 7)."""
    await tell(reader, writer, [f"set server {name} state maint", f"shutdown sessions server {name}"])
    with suppress(TimeoutError):
        async with asyncio.timeout(_REMOVAL):
            while "deleted" not in await say(reader, writer, f"del server {name}"):  # noqa: ASYNC110 - another process
                await asyncio.sleep(_PAUSE)
            return
    raise PlaneError(f"HAProxy does not let go of {name}")


def _write(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""

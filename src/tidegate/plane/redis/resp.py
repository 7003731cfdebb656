"""Enough of the Redis protocol to talk to a server of our own over its Unix socket."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TypeAlias

from tidegate.plane.rooms.base import dial

Reply: TypeAlias = "str | int | list[Reply] | RefusedError | None"


class RefusedError(Exception):
    """The server's error reply: ``NOAUTH Authentication required.``."""


async def converse(path: Path, *commands: tuple[str, ...], timeout: float = 5.0) -> Reply:
    """Send commands over one connection and return the last reply.

    Raises RefusedError for the first error reply, OSError when nobody listens, TimeoutError.
    """
    async with dial(path, timeout) as (reader, writer):
        writer.write(b"".join(encode(command) for command in commands))
        reply: Reply = None
        for _ in commands:
            reply = await _read(reader)
            if isinstance(reply, RefusedError):
                raise reply
        return reply


def encode(command: tuple[str, ...]) -> bytes:
    """Write a command as an array of texts."""
    words = [word.encode() for word in command]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


async def _read(reader: asyncio.StreamReader) -> Reply:
    line = (await reader.readuntil(b"\r\n"))[:-2]
    kind, rest = line[:1], line[1:].decode()
    match kind:
        case b"+":
            return rest
        case b"-":
            return RefusedError(rest)
        case b":":
            return int(rest)
        case b"$" if rest == "-1":
            return None
        case b"$":
            return (await reader.readexactly(int(rest) + 2))[:-2].decode(errors="replace")
        case b"*":
            return [await _read(reader) for _ in range(int(rest))]
        case _:
            raise ConnectionError(f"not a reply: {line[:40]!r}")

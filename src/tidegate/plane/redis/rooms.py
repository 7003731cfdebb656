"""The port of the rooms: where the processes of Redis instances run, a folder and a network each."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from tidegate.plane.redis.base import RedisSpec

#: The names of the processes in a room.
SERVER, GATE = "server", "gate"
#: Where the server can always be reached, in its folder.
SERVER_SOCKET = "redis.sock"

_LONGEST_ANSWER = 1 << 24


class Rooms(Protocol):
    """Opens and closes rooms and keeps processes running in them. All methods raise PlaneError when the world refuses.

    Processes outlive this object and are found again by the next one. What ends by itself is started again.
    """

    #: netns | loopback
    name: str

    def folder(self, server_id: str, process: str = "") -> Path:
        """The room's folder, or that of one of its processes, where it starts. Made by ``open``, gone after ``close``."""
        ...

    async def open(self, spec: RedisSpec) -> None:
        """Make the room and its network, where the spec's address is local. Open already: nothing happens."""
        ...

    async def start(self, server_id: str, process: str, argv: Sequence[str]) -> bool:
        """Start a process in its folder and keep it running. False: it runs already, and is kept from now on."""
        ...

    async def is_running(self, server_id: str, process: str) -> bool:
        """Tell whether the process lives, whoever started it."""
        ...

    async def stop(self, server_id: str, process: str) -> None:
        """End the process and keep it ended. Not running or unknown: nothing happens."""
        ...

    async def close(self, server_id: str) -> None:
        """End whatever runs in the room, take its network away and remove its folder. Unknown: nothing happens."""
        ...

    async def list(self) -> Sequence[str]:
        """The ids of the rooms there are."""
        ...

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when every room has died at once, with its processes; their folders are still there."""
        ...

    async def leave(self) -> None:
        """Stop keeping processes running, and let them live."""
        ...


@asynccontextmanager
async def dial(path: Path, timeout: float) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect to the Unix socket ``path``, however long its name. Raises OSError; ``timeout`` seconds bound the whole."""
    # A socket's address holds 107 bytes, a data folder's name may have more: go through a descriptor of the folder.
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_unix_connection(
                f"/proc/self/fd/{folder}/{path.name}", limit=_LONGEST_ANSWER
            )
            try:
                yield reader, writer
            finally:
                writer.transport.abort()
    finally:
        os.close(folder)

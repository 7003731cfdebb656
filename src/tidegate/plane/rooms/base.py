"""The port of the rooms: where the processes of Redis servers and load balancers run, a folder and a network each."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

_LONGEST_ANSWER = 1 << 24


class Place(Protocol):
    """Where a room is: its id and its address on a vSwitch."""

    @property
    def id(self) -> str:
        """The room's id, which names its folder."""
        ...

    @property
    def vswitch_id(self) -> str:
        """The vSwitch it is on."""
        ...

    @property
    def network(self) -> str:
        """The vSwitch's network: ``172.16.0.0/24``."""
        ...

    @property
    def gateway(self) -> str:
        """The vSwitch's router."""
        ...

    @property
    def address(self) -> str:
        """The room's own address."""
        ...


class Rooms(Protocol):
    """Opens and closes rooms and keeps processes running in them. All methods raise PlaneError when the world refuses.

    Processes outlive this object and are found again by the next one. What ends by itself is started again.
    """

    #: netns | loopback
    name: str

    def folder(self, room_id: str, process: str = "") -> Path:
        """The room's folder, or that of one of its processes, where it starts. Made by ``open``, gone after ``close``."""
        ...

    async def open(self, place: Place, *processes: str) -> None:
        """Make the room and its network, where its address is local, for these processes. Open already: nothing happens."""
        ...

    async def start(self, room_id: str, process: str, argv: Sequence[str]) -> bool:
        """Start a process in its folder and keep it running. False: it runs already, and is kept from now on."""
        ...

    async def is_running(self, room_id: str, process: str) -> bool:
        """Tell whether the process lives, whoever started it."""
        ...

    async def stop(self, room_id: str, process: str) -> None:
        """End the process and keep it ended. Not running or unknown: nothing happens."""
        ...

    async def close(self, room_id: str) -> None:
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

"""Rooms that are network namespaces, with an address on their vSwitch, inside the helper process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from tidegate.errors import PlaneError
from tidegate.plane.helper.client import HelperClient
from tidegate.plane.rooms.base import Place
from tidegate.plane.rooms.folders import Folders, environment
from tidegate.plane.rooms.keeper import Keeper, Key

_GRACE = 5.0
#: How long one question "has it ended?" stays open before it is asked again, seconds.
_WATCH = 3600.0


class NetnsRooms(Folders):
    """Rooms inside the helper, their folders below ``root``. When the helper dies every room is gone, not its folder."""

    name = "netns"

    def __init__(self, helper: HelperClient, root: Path) -> None:
        super().__init__(root)
        self._helper = helper
        self._keeper = Keeper(self._start)
        self._watches: dict[Key, asyncio.Task[None]] = {}
        # Nothing can be revived without its room and its gate: whoever knows the spec makes it anew.
        helper.on_lost(self._keeper.close)

    async def open(self, place: Place, *processes: str) -> None:
        """Make the folders, the namespace and its cable to the vSwitch's bridge."""
        self.make(place.id, processes)
        await self._helper.request(
            "network.create",
            owner=place.id,
            switch=place.vswitch_id,
            network=place.network,
            gateway=place.gateway,
            address=place.address,
        )

    async def start(self, room_id: str, process: str, argv: Sequence[str]) -> bool:
        """Start a process in the namespace and keep it running; False when it runs already."""
        self._keeper.want((room_id, process), argv)
        return await self._start((room_id, process), argv)

    async def is_running(self, room_id: str, process: str) -> bool:
        """Ask the helper, whose child it is."""
        return process in await self._helper.request("process.running", owner=room_id)

    async def stop(self, room_id: str, process: str) -> None:
        """Ask the process to end, and insist after some seconds."""
        self._keeper.forget((room_id, process))
        await self._helper.request("process.stop", owner=room_id, process=process, grace=_GRACE)

    async def close(self, room_id: str) -> None:
        """End the room's processes, take its namespace away, remove its folder."""
        for process in self.processes(room_id):
            await self.stop(room_id, process)
        await self._helper.request("network.destroy", owner=room_id)
        await self.remove(room_id)

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when the helper has died, and every room with it."""
        self._helper.on_lost(callback)

    async def leave(self) -> None:
        """Stop watching."""
        self._keeper.close()
        watches = list(self._watches.values())
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)

    async def _start(self, key: Key, argv: Sequence[str]) -> bool:
        folder = self.folder(*key)
        started = await self._helper.request(
            "process.start",
            owner=key[0],
            process=key[1],
            argv=list(argv),
            directory=str(folder),
            log=str(folder.with_suffix(".log")),
            environment=environment(),
        )
        if key not in self._watches:
            self._watches[key] = asyncio.create_task(self._watch(key, self._helper.boot_id))
        return bool(started)

    async def _watch(self, key: Key, boot_id: str | None) -> None:
        """Wait for the process's end and have it revived if it is wanted."""
        try:
            while self._helper.boot_id == boot_id:
                with suppress(PlaneError):  # too long ago, or the helper has died
                    await self._helper.request("process.ended", owner=key[0], process=key[1], patience=_WATCH)
                    break
        finally:
            del self._watches[key]
        if self._helper.boot_id == boot_id:
            self._keeper.ended(key)

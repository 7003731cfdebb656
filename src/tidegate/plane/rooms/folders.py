"""The folders of rooms, and what every process in them is started with."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import tidegate


class Folders:
    """A folder per room below ``root``, with one in it for each process."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def folder(self, room_id: str, process: str = "") -> Path:
        """Return the room's folder, or that of one of its processes."""
        return self._root / room_id / process

    def make(self, room_id: str, processes: Sequence[str]) -> None:
        """Make the room's folders, for this user only."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for process in ("", *processes):
            self.folder(room_id, process).mkdir(mode=0o700, exist_ok=True)

    def processes(self, room_id: str) -> Sequence[str]:
        """Return the names of the room's processes, of which each has a folder."""
        room = self.folder(room_id)
        return sorted(path.name for path in room.iterdir() if path.is_dir()) if room.is_dir() else []

    async def list(self) -> Sequence[str]:
        """Return the rooms that have a folder, which is every room: it is made first and removed last."""
        return sorted(path.name for path in self._root.iterdir()) if self._root.is_dir() else []

    async def remove(self, room_id: str) -> None:
        """Remove the room's folders with everything in them."""
        await asyncio.to_thread(shutil.rmtree, self.folder(room_id), ignore_errors=True)


def environment() -> Mapping[str, str]:
    """Return the whole environment of a process in a room: nothing of ours but where this package lies."""
    return {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": str(Path(tidegate.__file__).parent.parent)}

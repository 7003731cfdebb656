"""What a command of a plain process says: the first bytes kept, the rest counted, everything read."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

_CHUNK = 1 << 16


class Output:
    """A pipe whose reading end is ours. It is read to its end, which may be long after the command's.

    A command may leave something running that goes on writing: that must neither wait nor be killed by a broken pipe.
    """

    def __init__(self, keep: int) -> None:
        self._room = keep
        self._chunks: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self._reader, self.writer = os.pipe2(os.O_CLOEXEC)
        self._closed: Callable[[], None] = lambda: None
        os.set_blocking(self._reader, False)
        self.dropped = 0

    def begin(self, closed: Callable[[], None]) -> None:
        """Leave the writing end to the command and read; ``closed`` is called at the end of all writers."""
        os.close(self.writer)
        self._closed = closed
        self._loop.add_reader(self._reader, self._read)

    def so_far(self) -> bytes:
        """Return what has been kept of all that was written until now."""
        while self._read():
            pass
        return b"".join(self._chunks)

    def close(self) -> None:
        """Read no more."""
        if self._reader >= 0:
            self._loop.remove_reader(self._reader)
            os.close(self._reader)
            self._reader = -1
            self._closed()

    def _read(self) -> bool:
        if self._reader < 0:
            return False
        try:
            data = os.read(self._reader, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self.close()
            return False
        kept = data[: self._room]
        self._room -= len(kept)
        self.dropped += len(data) - len(kept)
        if kept:
            self._chunks.append(kept)
        return True

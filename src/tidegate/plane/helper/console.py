"""The console log of a host: the lines of its last boot, bounded.

A log that cannot be written, on a full disk or in a folder that is gone, keeps no host from doing what it does.
"""

from __future__ import annotations

import contextlib
import os

#: what is kept and shown, bytes
SHOWN = 64 << 10
#: the file is cut back to what is shown when it grows beyond this
_LIMIT = 1 << 20


class Console:
    """Writes and reads one log file."""

    def __init__(self, path: str) -> None:
        self._path = path

    def begin(self) -> None:
        """Start over, for a new boot."""
        with contextlib.suppress(OSError):
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))

    def line(self, text: str) -> None:
        """Add a line of our own."""
        self.write(f"[tidegate] {text}\n".encode())

    def write(self, data: bytes) -> None:
        """Add output of the host."""
        with contextlib.suppress(OSError), open(self._path, "r+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            file.write(data)
            if size + len(data) > _LIMIT:
                file.seek(-SHOWN, os.SEEK_END)
                tail = file.read()
                file.seek(0)
                file.write(tail)
                file.truncate()

    def tail(self) -> bytes:
        """Return the end of the log; empty when there is none."""
        try:
            with open(self._path, "rb") as file:
                file.seek(max(file.seek(0, os.SEEK_END) - SHOWN, 0))
                return file.read()
        except FileNotFoundError:
            return b""

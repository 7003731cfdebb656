"""Runs programs inside a host: in all its namespaces, as its root, with output through the helper's loop."""

from __future__ import annotations

import base64
import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tidegate.plane.helper import guest, kernel
from tidegate.plane.helper.loop import HANGUP, READ, Loop

#: namespaces of a host that belong to the helper; its user namespace is entered after them, see ``guest``
_OUTER = kernel.NEWNS | kernel.NEWUTS | kernel.NEWIPC | kernel.NEWPID | kernel.NEWNET
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126
_CHUNK = 1 << 16


class Output:
    """The reading end of what a program writes. It is read to its end, even when nobody wants it any more."""

    def __init__(self, loop: Loop, sink: Callable[[bytes], None], closed: Callable[[], None]) -> None:
        self._loop, self._sink, self._closed = loop, sink, closed
        self._reader, self.writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._reader, False)
        loop.watch(self._reader, READ | HANGUP, self._ready)

    def started(self) -> None:
        """Let the program alone hold the writing end."""
        os.close(self.writer)

    def _ready(self, _: int) -> None:
        self._read()

    def drain(self) -> None:
        """Read what is there now."""
        while self._read():
            pass

    def _read(self) -> bool:
        if self._reader < 0:
            return False
        try:
            data = os.read(self._reader, _CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._sink(data)
            return True
        self._loop.forget(self._reader)
        os.close(self._reader)
        self._reader = -1
        self._closed()
        return False


class Kept:
    """The first bytes of an output, and how many came after them."""

    def __init__(self, keep: int) -> None:
        self._room = keep
        self._chunks: list[bytes] = []
        self.dropped = 0

    def add(self, data: bytes) -> None:
        """Take more output."""
        kept = data[: self._room]
        self._room -= len(kept)
        self.dropped += len(data) - len(kept)
        if kept:
            self._chunks.append(kept)

    def whole(self) -> bytes:
        """Return what was kept."""
        return b"".join(self._chunks)


class Program:
    """What is to be run inside a host."""

    def __init__(
        self, argv: Sequence[str], *, environment: Mapping[str, str], directory: str = "/", stdin: bytes = b""
    ) -> None:
        self.argv, self.environment = list(argv), dict(environment)
        self.directory = directory
        self.stdin = stdin

    @classmethod
    def of(cls, args: Mapping[str, Any], environment: Mapping[str, str]) -> Program:
        """Read a program from the arguments of a request; ``environment`` is the host's."""
        return cls(
            args["argv"],
            environment={**environment, **args["environment"]},
            directory=args["directory"],
            stdin=base64.b64decode(args["stdin"]),
        )

    def start(self, output: int) -> None:
        """Become the program. A shell's exit codes say that it is not there (127) or cannot be run (126)."""
        os.setsid()
        _redirect(self.stdin, output)
        try:
            os.chdir(self.directory)
        except OSError as error:
            raise NotADirectoryError(f"{self.directory}: {error.strerror}") from error
        try:
            os.execvpe(self.argv[0], self.argv, self.environment)
        except OSError as error:
            os.write(1, f"{self.argv[0]}: {error.strerror}\n".encode())
            os._exit(_NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE)


class Place:
    """Where in the world a host's programs run."""

    def __init__(self, pid: int, *, join: Callable[[], None], has_guest: bool, memory: int | None) -> None:
        self._pid = pid
        self._join = join
        self._has_guest = has_guest
        self._memory = memory
        self._users: int | None = None

    def enter(self) -> None:
        """Go into the host's namespaces, except its users'; ``settle`` does that in the process that stays."""
        self._join()
        if self._has_guest:
            self._users = os.open(f"/proc/{self._pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        host = os.pidfd_open(self._pid)
        kernel.setns(host, _OUTER)
        os.close(host)

    def settle(self) -> None:
        """Become one of the host's processes."""
        os.umask(0o022)
        guest.become(self._users, self._memory)


def _redirect(stdin: bytes, output: int) -> None:
    """Give the program its input from memory, and one pipe for all it says."""
    with contextlib.closing(os.fdopen(os.memfd_create("stdin"), "w+b", buffering=0)) as source:
        source.write(stdin)
        source.seek(0)
        os.dup2(source.fileno(), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)

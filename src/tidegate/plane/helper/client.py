"""The control plane's end of the helper: starts it, adopts a running one, asks it, notices its death."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tidegate.errors import PlaneError
from tidegate.plane.helper.limits import clean
from tidegate.plane.helper.protocol import LOG, SOCKET, VERSION, Channel, ProtocolError
from tidegate.plane.programs import on_system
from tidegate.telemetry import get_logger

_log = get_logger("plane.helper")

#: pid 1 of hosts: a script of a wheel, or the system's
_INIT = "dumb-init"
#: how long a helper may take to start, and to end with everything in it, seconds
_START_LIMIT = 20.0
_END_LIMIT = 20.0
_START = "import sys; sys.path.append(sys.argv.pop(1)); from tidegate.plane.helper.{} import main; main()"


class HelperClient:
    """One connection to the helper of a state directory, shared by every driver that has something in it.

    The helper is adopted when one runs, else started, at ``open`` and again with the first request after its death.
    """

    def __init__(
        self,
        directory: Path,
        *,
        interpreter: str = sys.executable,
        init: str | None = None,
        user: int | None = None,
    ) -> None:
        """``init``: pid 1 of hosts, found when not given. ``user``: the uid of the helper, where root is to try another."""
        self.directory = directory.absolute()
        self._init = find_init() if init is None else init
        self._interpreter = interpreter
        self._user = user
        self._connection: _Connection | None = None
        self._opening = asyncio.Lock()
        self._lost: list[Callable[[], None]] = []

    @property
    def boot_id(self) -> str | None:
        """The helper's random id; None while there is none. Another one means that everything before is gone."""
        return self._connection.boot_id if self._connection else None

    @property
    def pid(self) -> int | None:
        """The helper's pid as we see it."""
        return self._connection.pid if self._connection else None

    async def adopt(self) -> bool:
        """Connect to the helper if one runs; return whether it does."""
        return await self._connected(start=False) is not None

    async def open(self) -> None:
        """Adopt the helper that runs, or start one. PlaneError when it cannot be."""
        await self._connected()

    async def request(self, verb: str, *, patience: float = 60.0, fds: Sequence[int] = (), **args: Any) -> Any:
        """Ask the helper and return its result. PlaneError: it refused, died or did not answer in ``patience`` seconds.

        Arguments and results are what JSON can carry; bytes travel as base64. ``fds`` go along and stay the caller's.
        """
        result, descriptors = await self._ask(verb, patience, fds, args)
        for descriptor in descriptors:
            os.close(descriptor)
        return result

    async def request_socket(self, verb: str, *, patience: float = 10.0, **args: Any) -> socket.socket:
        """Ask for a socket that the helper opened somewhere inside; the caller closes it."""
        _, descriptors = await self._ask(verb, patience, (), args)
        if len(descriptors) != 1:
            raise PlaneError(f"{verb}: the helper sent no socket")
        return socket.socket(fileno=descriptors[0])

    async def follow_us(self) -> None:
        """Have the helper end, with everything in it, when this process ends in whatever way."""
        process = os.pidfd_open(os.getpid())
        try:
            await self.request("follow", fds=[process])
        finally:
            os.close(process)

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when the helper has died unasked; everything that was in it is gone by then."""
        self._lost.append(callback)

    async def close(self, *, destroy: bool = False) -> None:
        """Let go of the helper, which lives on; with ``destroy`` end it and everything in it, complete on return."""
        connection = await self._connected(start=False) if destroy else self._connection
        if connection is not None and destroy:
            connection.is_expected_to_end = True
            with contextlib.suppress(PlaneError):
                await connection.ask("stop", 10.0, (), {})
            await connection.gone()
        if connection is not None:
            connection.close()
        if destroy:
            clean(str(self.directory))
        self._connection = None

    async def _ask(
        self, verb: str, patience: float, fds: Sequence[int], args: dict[str, Any]
    ) -> tuple[Any, Sequence[int]]:
        connection = await self._connected()
        assert connection is not None
        return await connection.ask(verb, patience, fds, args)

    async def _connected(self, *, start: bool = True) -> _Connection | None:
        async with self._opening:
            if self._connection is None:
                self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                channel = self._reach()
                if channel is None and start:
                    channel = await self._start()
                if channel is not None:
                    self._connection = await self._greet(channel)
            return self._connection

    async def _greet(self, channel: Channel) -> _Connection:
        """Learn who is at the other end. PlaneError: it dies at this moment, or is none that we understand."""
        try:
            connection = _Connection(channel, self._on_end)
        except ProcessLookupError:
            channel.close()
            raise PlaneError("the helper is gone") from None
        try:
            await connection.greet()
        except BaseException:
            connection.is_expected_to_end = True
            connection.close()
            raise
        _log.info("helper reached", extra={"pid": connection.pid, "boot_id": connection.boot_id})
        return connection

    def _reach(self) -> Channel | None:
        """Connect to the control socket, through a descriptor because a socket's path has 108 bytes at most."""
        connection = socket.socket(socket.AF_UNIX)
        parent = os.open(self.directory, os.O_PATH | os.O_DIRECTORY)
        try:
            connection.connect(f"/proc/self/fd/{parent}/{SOCKET}")
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            return None
        finally:
            os.close(parent)
        return Channel(connection)

    async def _start(self) -> Channel:
        """Start helpers until one can be reached: ours, or that of somebody who started one at the same moment."""
        try:
            async with asyncio.timeout(_START_LIMIT):
                while True:
                    await self._spawn()
                    if channel := self._reach():
                        return channel
                    await asyncio.sleep(0.01)
        except (TimeoutError, subprocess.TimeoutExpired):
            raise PlaneError(f"the helper did not start in time; see {self.directory / LOG}") from None

    async def _spawn(self) -> None:
        """Start a helper; return when it is ready or has found another one in charge of the directory."""
        # In a thread: a helper that leaves its parent behind confuses the child watchers of some event loops.
        output = await asyncio.to_thread(self._run_starter)
        try:
            report = msgspec.json.decode(output, type=_Report)
        except msgspec.DecodeError:
            raise PlaneError(f"the helper did not start; see {self.directory / LOG}") from None
        if report.error is not None:
            raise PlaneError(f"the helper cannot start: {report.error}")

    def _run_starter(self) -> bytes:
        """Run the process that leaves a helper behind; return its report."""
        with (self.directory / LOG).open("ab") as log:
            starter: subprocess.CompletedProcess[bytes] = subprocess.run(
                [*command_of("main", self._interpreter), str(self.directory), self._init],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd="/",
                env={},
                start_new_session=True,
                timeout=_START_LIMIT,
                check=False,
                **become(self._user),
            )
        return starter.stdout

    def _on_end(self, connection: _Connection) -> None:
        """Take note of a helper that has died, and tell those who care."""
        if self._connection is connection:
            self._connection = None
        connection.close()
        if not connection.is_expected_to_end:
            _log.error("helper lost", extra={"pid": connection.pid, "boot_id": connection.boot_id})
            clean(str(self.directory))
            for callback in self._lost:
                callback()


class _Report(msgspec.Struct):
    ready: bool = False
    error: str | None = None


class _Connection:
    """An open control connection: requests in flight, and the watch over the helper's life."""

    def __init__(self, channel: Channel, on_end: Callable[[_Connection], None]) -> None:
        self._channel = channel
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[tuple[Any, Sequence[int]]]] = {}
        self._ended = self._loop.create_future()
        self.is_expected_to_end = False
        self.boot_id = ""
        credentials = channel.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        self.pid: int = struct.unpack("3i", credentials)[0]
        self._process = os.pidfd_open(self.pid)
        self._loop.add_reader(self._channel.socket, self._receive)
        self._loop.add_reader(self._process, self._over)

    async def greet(self) -> None:
        """Learn who is at the other end."""
        result, _ = await self.ask("hello", 10.0, (), {})
        self.boot_id = result["boot_id"]
        if result.get("version") != VERSION:
            raise PlaneError(
                f"the helper (pid {self.pid}) was started by another release of Tidegate: "
                "end that one's cloud first, or kill the helper, which stops all its hosts and keeps their disks"
            )

    async def ask(
        self, verb: str, patience: float, fds: Sequence[int], args: dict[str, Any]
    ) -> tuple[Any, Sequence[int]]:
        """Send a request and wait for its answer."""
        number = next(self._numbers)
        answer: asyncio.Future[tuple[Any, Sequence[int]]] = self._loop.create_future()
        self._waiting[number] = answer
        try:
            self._channel.send({"id": number, "verb": verb, "args": args}, fds)
            self._flush()
            async with asyncio.timeout(patience):
                return await answer
        except asyncio.CancelledError:
            self._cancel(number)
            raise
        except EOFError:
            raise PlaneError(f"{verb}: the helper is gone") from None
        except TimeoutError:
            self._cancel(number)
            raise PlaneError(f"{verb}: the helper did not answer in {patience:g} s") from None
        finally:
            self._waiting.pop(number, None)

    def _cancel(self, number: int) -> None:
        """Tell the helper that nobody waits for this answer; what came of it meanwhile is thrown away."""
        with contextlib.suppress(EOFError):
            self._channel.send({"cancel": number})
            self._flush()

    async def gone(self) -> None:
        """Wait until the helper's process, and with it everything inside, has ended."""
        try:
            async with asyncio.timeout(_END_LIMIT):
                await asyncio.shield(self._ended)
        except TimeoutError:
            raise PlaneError(f"the helper (pid {self.pid}) does not end") from None

    def close(self) -> None:
        """Hang up."""
        if self._process < 0:
            return
        self._loop.remove_reader(self._channel.socket)
        self._loop.remove_writer(self._channel.socket)
        self._loop.remove_reader(self._process)
        os.close(self._process)
        self._process = -1
        self._channel.close()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(PlaneError("the helper is gone"))

    def _receive(self) -> None:
        try:
            for message, descriptors in self._channel.receive():
                self._answer(message, descriptors)
        except (EOFError, ProtocolError):
            # The process is about to end, or has dropped us: `_over` tells when it has.
            self._loop.remove_reader(self._channel.socket)
            self._loop.call_later(_END_LIMIT, self._over)

    def _answer(self, message: dict[str, Any], descriptors: list[int]) -> None:
        waiting = self._waiting.get(message.get("id", 0))
        if waiting is None or waiting.done():
            for descriptor in descriptors:
                os.close(descriptor)
        elif "error" in message:
            waiting.set_exception(PlaneError(message["error"]))
        else:
            waiting.set_result((message.get("result"), descriptors))

    def _flush(self) -> None:
        """Send what waits, now and whenever the socket takes more."""
        self._loop.remove_writer(self._channel.socket)
        with contextlib.suppress(EOFError):
            self._channel.flush()
            if self._channel.has_unsent:
                self._loop.add_writer(self._channel.socket, self._flush)

    def _over(self) -> None:
        """The helper has ended, and the kernel has taken everything in it along."""
        if not self._ended.done():
            self._ended.set_result(None)
            self._on_end(self)


def find_init() -> str:
    """Return the path of ``dumb-init``, from the wheel or the system; empty when there is none."""
    scripts = (Path(sys.executable).parent / _INIT, Path(sysconfig.get_path("scripts"), _INIT))
    return next((str(file) for file in scripts if file.is_file()), next(on_system(_INIT), ""))


def command_of(module: str, interpreter: str) -> tuple[str, ...]:
    """Return the command that runs a module of the helper's in a fresh interpreter with nothing but the library."""
    return interpreter, "-I", "-S", "-c", _START.format(module), str(Path(__file__).parents[3])


def become(user: int | None) -> dict[str, Any]:
    """Return what makes a child process run as another user; None: as ourselves."""
    return {} if user is None else {"user": user, "group": user, "extra_groups": ()}

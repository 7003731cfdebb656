"""Hosts where namespaces are refused: plain processes with loopback addresses. No isolation, and it says so.

A host is a folder and a keeper, a process that runs the user data and then sleeps. Whatever belongs to a host carries
the folder's path in its environment: by that, and not by a number that may be another's by now, it is found again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import BinaryIO

from tidegate.errors import PlaneError
from tidegate.plane import usage
from tidegate.plane.hosts.base import Command, Host, HostSpec, Outcome, Usage
from tidegate.plane.hosts.connection import connected
from tidegate.plane.hosts.folder import Folder, processes_of, sockets_by_address
from tidegate.plane.hosts.output import Output
from tidegate.plane.hosts.script import unpack
from tidegate.telemetry.points import reach

BLOCK = "127.16.0.0/12"
LIMITS = (
    "hosts are not isolated: they share this machine's files, process list and network, use their address of their own"
    " accord ($PRIVATE_IP) and are not limited in memory"
)
#: bytes of the console that are shown
_CONSOLE = 64 << 10
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126

#: starts the keeper, which is nobody's child then, and notes its number
_LAUNCH = 'sh -c "$1" keeper </dev/null >>console.log 2>&1 & echo $! >keeper.pid'
_KEEP = """\
if [ -s user-data ] && [ ! -e user-data.started ]; then
    : >user-data.started
    if [ "$(head -c 2 user-data)" = '#!' ]; then
        { ./user-data 2>&1; code=$?; echo $code >user-data.status; echo "[tidegate] user data ended with exit status $code"; } |
            tee user-data.log
    else
        echo "[tidegate] the user data is no script (#!) and was not run"
    fi
fi
exec sleep 2147483647
"""


class LoopbackHosts:
    """Hosts that are folders below ``root`` and process groups with addresses of 127.16.0.0/12."""

    name = "loopback"
    block = BLOCK
    limits = LIMITS

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._outputs: set[Output] = set()

    async def create(self, spec: HostSpec) -> Host:
        """Make the host and start its keeper."""
        if IPv4Address(spec.address) not in IPv4Network(BLOCK):
            raise PlaneError(f"{spec.address} is not an address of {BLOCK}, the only ones that every machine has")
        script = unpack(spec.user_data)
        reach("hosts.create.before")
        async with self._locks[spec.id]:
            folder = self._folder(spec.id)
            there = folder.spec()
            if there is not None and there != spec:
                raise PlaneError(f"the host {spec.id} is there and made of something else")
            if there is None:
                self._check_address(spec)
                folder.create(spec, script)
            reach("hosts.create.recorded")
            if not folder.has_booted:
                await self._boot(folder, spec)
            reach("hosts.create.acted")
            return folder.show(spec)

    async def start(self, host_id: str) -> Host:
        """Start the keeper of a stopped host."""
        async with self._locks[host_id]:
            folder, spec = self._known(host_id)
            if not folder.is_running():
                await self._boot(folder, spec)
            return folder.show(spec)

    async def stop(self, host_id: str) -> None:
        """Kill every process of the host."""
        async with self._locks[host_id]:
            folder = self._folder(host_id)
            if folder.spec() is not None:
                await folder.kill()

    async def destroy(self, host_id: str) -> None:
        """Kill every process of the host and remove its folder."""
        reach("hosts.destroy.before")
        async with self._locks[host_id]:
            folder = self._folder(host_id)
            if folder.path.is_dir():
                await folder.kill()
                await asyncio.to_thread(shutil.rmtree, folder.path)
        self._locks.pop(host_id, None)
        reach("hosts.destroy.acted")

    async def list(self) -> Sequence[Host]:
        """Every host that has a folder."""
        return [folder.show(spec) for folder in self._folders() if (spec := folder.spec()) is not None]

    async def run(self, host_id: str, command: Command) -> Outcome:
        """Run a command as a process of the host, in a group of its own."""
        folder, spec = self._running(host_id)
        directory = folder.home if command.directory == "/root" else Path(command.directory)
        if not directory.is_dir():
            raise PlaneError(f"{command.directory}: no such directory")
        output = Output(command.keep)
        self._outputs.add(output)
        environment = {**folder.environment(spec), **command.environment}
        try:
            with _file_of(command.stdin) as stdin:
                process = await asyncio.create_subprocess_exec(
                    *command.argv,
                    stdin=stdin,
                    stdout=output.writer,
                    stderr=output.writer,
                    cwd=directory,
                    env=environment,
                    start_new_session=True,
                )
        except OSError as error:
            code = _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE
            said = f"{command.argv[0]}: {error.strerror}\n".encode()
            return Outcome(exit_code=code, output=said[: command.keep], dropped=max(len(said) - command.keep, 0))
        finally:
            output.begin(lambda: self._outputs.discard(output))
        ended = await _end_of(process, command.timeout)
        return Outcome(exit_code=ended, output=output.so_far(), dropped=output.dropped)

    async def console(self, host_id: str) -> bytes:
        """The log of the last boot."""
        try:
            return self._folder(host_id).console.read_bytes()[-_CONSOLE:]
        except FileNotFoundError:
            return b""

    async def measure(self) -> Sequence[Usage]:
        """Measure the running hosts in one look at the machine's processes; their network is everybody's."""
        return await asyncio.to_thread(self._measure)

    def _measure(self) -> Sequence[Usage]:
        running = {str(host.path): host for host in self._folders() if host.is_running()}
        processes = processes_of(running) if running else {}
        sockets = sockets_by_address() if running else {}
        found = []
        for path, folder in running.items():
            spec = folder.spec()
            if spec is None:
                continue
            used = usage.tally("/proc", processes[path])
            total, established = sockets.get(spec.address, (0, 0))
            found.append(
                Usage(
                    id=spec.id,
                    at=time.monotonic(),
                    cpu=used.cpu,
                    memory=used.memory,
                    loading=used.loading,
                    connections=total,
                    established=established,
                )
            )
        return found

    async def connect(self, host_id: str | None, address: str, port: int, timeout: float = 3.0) -> socket.socket:
        """Connect from the host's address; the router's is 127.0.0.1."""
        opened = socket.socket()
        if host_id is not None:
            try:
                _, spec = self._running(host_id)
                opened.bind((spec.address, 0))
            except BaseException:
                opened.close()
                raise
        return await connected(opened, address, port, timeout)

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Plain processes do not die together: nothing is ever called."""

    async def close(self, *, destroy: bool = False) -> None:
        """Let go of the hosts, or end them."""
        if destroy:
            await asyncio.gather(*(self.destroy(host.id) for host in await self.list()))
        for output in list(self._outputs):
            output.close()

    def _folders(self) -> Sequence[Folder]:
        return [Folder(path) for path in sorted(self._root.iterdir())] if self._root.is_dir() else []

    def _folder(self, host_id: str) -> Folder:
        if not host_id or host_id.startswith(".") or "/" in host_id:
            raise PlaneError(f"{host_id!r} cannot be the id of a host")
        return Folder(self._root / host_id)

    def _known(self, host_id: str) -> tuple[Folder, HostSpec]:
        folder = self._folder(host_id)
        spec = folder.spec()
        if spec is None:
            raise PlaneError(f"there is no host {host_id}")
        return folder, spec

    def _running(self, host_id: str) -> tuple[Folder, HostSpec]:
        folder, spec = self._known(host_id)
        if not folder.is_running():
            raise PlaneError(f"the host {host_id} is not running")
        return folder, spec

    def _check_address(self, spec: HostSpec) -> None:
        for path in self._root.iterdir() if self._root.is_dir() else ():
            there = Folder(path).spec()
            if there is not None and (there.vswitch_id, there.address) == (spec.vswitch_id, spec.address):
                raise PlaneError(f"{spec.address} on {spec.vswitch_id} belongs to {there.id}")

    async def _boot(self, folder: Folder, spec: HostSpec) -> None:
        """Start the keeper, unless one has been started and not been noted; end what else a crash has left behind."""
        if folder.is_running() or await folder.adopt_keeper():
            folder.mark_booted()
            return
        await folder.kill()
        folder.console.write_text(f"[tidegate] booting {spec.id} as {spec.hostname} at {spec.address}\n")
        launcher = await asyncio.create_subprocess_exec(
            *("sh", "-c", _LAUNCH, "launch", _KEEP),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            cwd=folder.path,
            env=folder.environment(spec),
            start_new_session=True,
        )
        await launcher.wait()
        reach("hosts.boot.acted")
        if not folder.note_keeper():
            raise PlaneError(f"the keeper of {spec.id} did not start")
        reach("hosts.boot.recorded")
        folder.mark_booted()


@contextlib.contextmanager
def _file_of(data: bytes) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        yield file


async def _end_of(process: asyncio.subprocess.Process, timeout: float) -> int | None:
    """Wait for the end of a command; kill its group when it is late (None) or not wanted any more."""
    try:
        async with asyncio.timeout(timeout):
            code = await process.wait()
    except TimeoutError:
        await _kill_group(process)
        return None
    except asyncio.CancelledError:
        await _kill_group(process)
        raise
    return code if code >= 0 else 128 - code


async def _kill_group(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()

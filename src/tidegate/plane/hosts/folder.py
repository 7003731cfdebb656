"""The folder of a host that is made of plain processes, and how its processes are found."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from tidegate.plane.hosts.base import Host, HostSpec

#: the variable that marks every process of a host; its value is the host's folder
_MARK = "TIDEGATE_HOST"
_PROC = Path("/proc")
#: the flag of the kernel's own processes (linux/sched.h)
_KERNEL_THREAD = 0x00200000
#: the state of a TCP socket that is connected (net/tcp_states.h)
_ESTABLISHED = "01"
_PAUSE = 0.005
#: how often processes without any marks are looked at; starting a program takes far less
_LOOKS = 10
#: seconds until the processes of a host must be gone
_END_LIMIT = 10.0


class Folder:
    """A host's folder: ``spec.json``, the home of its root, the console and what the keeper notes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.home = path / "root"
        self.console = path / "console.log"

    def create(self, spec: HostSpec, script: bytes) -> None:
        """Make the folder; ``spec.json`` comes last, and a folder without it is no host."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        user_data = self.path / "user-data"
        user_data.write_bytes(script)
        user_data.chmod(0o700)
        new = self.path / "spec.new"
        new.write_bytes(msgspec.json.encode(spec))
        new.rename(self.path / "spec.json")

    def spec(self) -> HostSpec | None:
        """Return what the host is made of; None when there is none."""
        try:
            return msgspec.json.decode((self.path / "spec.json").read_bytes(), type=HostSpec)
        except (OSError, msgspec.DecodeError):
            return None

    def show(self, spec: HostSpec) -> Host:
        """Tell what the host is now."""
        return Host(id=spec.id, address=spec.address, state="Running" if self.is_running() else "Stopped")

    @property
    def has_booted(self) -> bool:
        """Whether the host has ever run."""
        return (self.path / "booted").exists()

    def mark_booted(self) -> None:
        """Note that the host runs for the first time."""
        (self.path / "booted").touch()

    def environment(self, spec: HostSpec) -> Mapping[str, str]:
        """Return the environment of every process of the host."""
        return {
            "HOME": str(self.home),
            "HOSTNAME": spec.hostname,
            "LANG": "C.UTF-8",
            "PATH": f"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:{sys.base_prefix}/bin",
            "PRIVATE_IP": spec.address,
            _MARK: str(self.path),
        }

    def note_keeper(self) -> bool:
        """Remember the keeper by its number and the moment it was started at, which tell it from any other process.

        False when no keeper has been started.
        """
        try:
            pid = (self.path / "keeper.pid").read_text().strip()
            started = _start_of(pid)
        except OSError:
            return False
        new = self.path / "keeper.new"
        new.write_text(f"{pid} {started}")
        new.rename(self.path / "keeper")
        return True

    async def adopt_keeper(self) -> bool:
        """Take over the keeper that a control plane has started which died before it could note that."""
        for _ in range(_LOOKS):
            marked, is_unclear = await asyncio.to_thread(self._processes)
            if marked and self.note_keeper():
                return True
            if not marked and not is_unclear:
                return False
            await asyncio.sleep(_PAUSE)
        return False

    def is_running(self) -> bool:
        """Whether the keeper lives."""
        try:
            pid, started = (self.path / "keeper").read_text().split()
            return _start_of(pid) == started
        except OSError:
            return False

    async def kill(self) -> None:
        """End every process of the host. Those that begin while we look are met by the next look."""
        looks = _LOOKS
        async with asyncio.timeout(_END_LIMIT):
            while looks:
                marked, is_unclear = await asyncio.to_thread(self._processes)
                for pid in marked:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                if not marked and not is_unclear:
                    break
                looks = _LOOKS if marked else looks - 1
                await asyncio.sleep(_PAUSE)
        for note in ("keeper", "keeper.pid"):
            (self.path / note).unlink(missing_ok=True)

    def _processes(self) -> tuple[list[int], bool]:
        """Return the host's processes, and whether there are any that may be: see ``_is_starting``."""
        mark = f"\0{_MARK}={self.path}\0".encode()
        marked, is_unclear = [], False
        for process in _PROC.iterdir():
            with contextlib.suppress(OSError):
                environment = (process / "environ").read_bytes()
                if mark in b"\0" + environment and process.name.isdigit():
                    marked.append(int(process.name))
                elif not environment and _is_starting(process.name):
                    is_unclear = True
        return marked, is_unclear


def _is_starting(pid: str) -> bool:
    """Whether a process without any marks may be between two programs: neither ended nor the kernel's own."""
    fields = _status(pid)
    if fields[0] == "Z" or int(fields[6]) & _KERNEL_THREAD:
        return False
    return (_PROC / pid).stat().st_uid == os.getuid() and not (_PROC / pid / "cmdline").read_bytes()


def _start_of(pid: str) -> str:
    """Return when a live process was started, as the machine counts. OSError: there is none."""
    fields = _status(pid)
    if fields[0] == "Z":
        raise ProcessLookupError(pid)
    return fields[19]


def _status(pid: str) -> list[str]:
    """Return the fields of ``/proc/<pid>/stat`` after the name, which may hold anything. OSError: no such process."""
    if not pid.isdigit():
        raise ProcessLookupError(pid)
    return (_PROC / pid / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()


def processes_of(folders: Collection[str]) -> Mapping[str, list[str]]:
    """Return the processes of the hosts with these folders, found in one look: folder → process numbers."""
    found: dict[str, list[str]] = {folder: [] for folder in folders}
    head = f"\0{_MARK}=".encode()
    for process in _PROC.iterdir():
        with contextlib.suppress(OSError):
            if process.name.isdigit():
                _, is_marked, rest = (b"\0" + (process / "environ").read_bytes()).partition(head)
                folder = rest.partition(b"\0")[0].decode(errors="replace")
                if is_marked and folder in found:
                    found[folder].append(process.name)
    return found


def sockets_by_address() -> Mapping[str, tuple[int, int]]:
    """Return how many TCP sockets, and how many established ones, each IPv4 address of the machine has."""
    found: dict[str, tuple[int, int]] = {}
    for line in (_PROC / "net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        address = socket.inet_ntoa(bytes.fromhex(local.partition(":")[0])[::-1])  # as a little-endian number
        total, established = found.get(address, (0, 0))
        found[address] = total + 1, established + (state == _ESTABLISHED)
    return found

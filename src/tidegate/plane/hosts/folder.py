"""The folder of a host that is made of plain processes, and how its processes are found."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
import psutil

from tidegate.plane.hosts.base import Host, HostSpec

#: the variable that marks every process of a host; its value is the host's folder
_MARK = "TIDEGATE_HOST"
#: the parents of the kernel's own processes
_KERNEL = (0, 2)
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
            pid = int((self.path / "keeper.pid").read_text())
            started = _start_of(pid)
        except (OSError, ValueError, psutil.Error):
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
            return _start_of(int(pid)) == started
        except (OSError, psutil.Error):
            return False

    async def kill(self) -> None:
        """End every process of the host. Those that begin while we look are met by the next look."""
        looks = _LOOKS
        async with asyncio.timeout(_END_LIMIT):
            while looks:
                marked, is_unclear = await asyncio.to_thread(self._processes)
                for process in marked:
                    with contextlib.suppress(psutil.Error):
                        process.send_signal(signal.SIGKILL)
                if not marked and not is_unclear:
                    break
                looks = _LOOKS if marked else looks - 1
                await asyncio.sleep(_PAUSE)
        for note in ("keeper", "keeper.pid"):
            (self.path / note).unlink(missing_ok=True)

    def _processes(self) -> tuple[list[psutil.Process], bool]:
        """Return the host's processes, and whether there are any that may be: see ``_is_starting``."""
        marked, is_unclear = [], False
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(_MARK) == str(self.path):
                    marked.append(process)
                elif _is_starting(process):
                    is_unclear = True
        return marked, is_unclear


def _is_starting(process: psutil.Process) -> bool:
    """Whether the process may be between two programs, when it has no marks: neither ended nor the kernel's own."""
    if process.environ() or process.status() == psutil.STATUS_ZOMBIE:
        return False
    return not process.cmdline() and process.uids().real == os.getuid() and process.ppid() not in _KERNEL


def _start_of(pid: int) -> str:
    """Return when a live process was started, as the machine counts. psutil.Error: there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except FileNotFoundError:
        return str(psutil.Process(pid).create_time())
    if fields[0] == "Z":
        raise psutil.ZombieProcess(pid)
    return fields[19]

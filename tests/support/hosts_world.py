"""Hosts on every kind of plane, each test's own, gone at its end."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil
import pytest

from support.planes import NOBODY, eventually, running_helper, state_directory
from tidegate.plane.helper.client import HelperClient
from tidegate.plane.hosts.base import Command, Hosts, HostSpec, Outcome
from tidegate.plane.hosts.loopback import LoopbackHosts
from tidegate.plane.hosts.memory import MemoryHosts
from tidegate.plane.hosts.netns import NetnsHosts

#: hosts with walls, hosts that really run, and every kind there is
ISOLATED = ("netns", "netns-user")
REAL = ("loopback", *ISOLATED)
EVERY = ("memory", *REAL)


@dataclass
class HostWorld:
    """One plane with its hosts."""

    kind: str
    hosts: Hosts
    directory: Path
    network: str
    helper: HelperClient | None = None

    @property
    def is_real(self) -> bool:
        return self.kind in REAL

    def spec(self, number: int = 1, **changes: object) -> HostSpec:
        spec = HostSpec(
            id=f"i-{number}",
            vswitch_id="vsw-1",
            network=f"{self.network}.0/24",
            gateway=f"{self.network}.253",
            address=f"{self.network}.{number}",
            hostname=f"host{number}",
            memory=256,
        )
        return msgspec.structs.replace(spec, **changes)

    async def again(self) -> HostWorld:
        """Look at the same plane as a control plane that has just been started."""
        if self.kind == "loopback":
            return HostWorld(self.kind, LoopbackHosts(self.directory), self.directory, self.network)
        assert self.helper is not None
        helper = HelperClient(self.helper.directory)
        return HostWorld(self.kind, await NetnsHosts.open(helper), self.directory, self.network, helper)

    async def leave(self) -> None:
        """Let go of everything, which lives on."""
        await self.hosts.close()
        if self.helper is not None:
            await self.helper.close()

    async def sh(self, host_id: str, script: str, *, timeout: float = 20.0, stdin: bytes = b"") -> Outcome:
        return await self.hosts.run(host_id, Command(argv=["sh", "-c", script], timeout=timeout, stdin=stdin))

    async def says(self, host_id: str, *argv: str, environment: Mapping[str, str] | None = None) -> str:
        """What a command that succeeds prints."""
        command = Command(argv=argv, timeout=20.0, environment=environment or {})
        outcome = await self.hosts.run(host_id, command)
        assert outcome.exit_code == 0, outcome
        return outcome.output.decode().strip()

    async def console_says(self, host_id: str, text: str) -> str:
        """The console as soon as it has ``text``."""
        found = b""
        for _ in range(500):
            found = await self.hosts.console(host_id)
            if text.encode() in found:
                return found.decode()
            await asyncio.sleep(0.01)
        pytest.fail(f"the console does not say {text!r}: {found!r}")

    def processes(self) -> Sequence[psutil.Process]:
        """Every process of every host, as the machine sees them."""
        if self.helper is not None:
            pid = self.helper.pid
            return [] if pid is None else psutil.Process(pid).children(recursive=True)
        mark = f"TIDEGATE_HOST={self.directory}".encode()
        found = []
        for process in psutil.process_iter():
            try:
                if mark in Path(f"/proc/{process.pid}/environ").read_bytes():
                    found.append(process)
            except OSError:
                continue
        return found

    async def idles(self) -> None:
        """Wait until the only host does nothing: its first process, and under an init of its own a sleep, are left."""
        count = 1 if self.kind == "loopback" else 2
        await eventually(lambda: len(self.processes()) == count, "only the host's first processes are left")

    async def nothing_runs(self) -> None:
        await eventually(lambda: not self.processes(), "every process has ended")


@asynccontextmanager
async def host_world(kind: str) -> AsyncIterator[HostWorld]:
    """A plane of this kind that is gone, with everything in it, at the end of the block."""
    if kind == "memory":
        yield HostWorld(kind, MemoryHosts(), Path("/nonexistent"), "172.16.0")
    elif kind == "loopback":
        # Loopback addresses are the whole machine's: tests that run side by side must not meet.
        number = random.SystemRandom().randrange(1 << 12)
        with state_directory() as directory:
            hosts = LoopbackHosts(directory)
            yield HostWorld(kind, hosts, directory, f"127.{16 + (number >> 8)}.{number & 255}")
            await hosts.close(destroy=True)
    else:
        if kind == "netns-user" and os.getuid() != 0:
            pytest.skip("only root can become another user; this one is tested as netns")
        async with running_helper(NOBODY if kind == "netns-user" else None) as helper:
            hosts = await NetnsHosts.open(helper)
            yield HostWorld(kind, hosts, helper.directory, "172.16.0", helper)

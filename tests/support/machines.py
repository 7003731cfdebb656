"""Hosts for tests of what stands on them: in memory, with faults on request."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Sequence

from tidegate.errors import PlaneError
from tidegate.plane.hosts.base import Command, Host, HostSpec, Outcome


class Machines:
    """Hosts that only exist as rows here. ``broken`` names calls (``create``) that are refused; ``calls`` counts them."""

    name = "memory"
    block = "172.16.0.0/12"
    limits = ""

    def __init__(self) -> None:
        self.hosts: dict[str, Host] = {}
        self.specs: dict[str, HostSpec] = {}
        self.broken: set[str] = set()
        self.calls: Counter[str] = Counter()
        self.commands: list[tuple[str, Command]] = []
        self.outcome = Outcome(exit_code=0, output=b"")
        #: scripts wait for this
        self.go_on = asyncio.Event()
        self.go_on.set()
        self._lost: list[Callable[[], None]] = []

    def _called(self, name: str) -> None:
        self.calls[name] += 1
        if name in self.broken:
            raise PlaneError(f"{name} is broken")

    async def create(self, spec: HostSpec) -> Host:
        self._called("create")
        await asyncio.sleep(0)
        if spec.id not in self.hosts:
            self.specs[spec.id] = spec
            self.hosts[spec.id] = Host(id=spec.id, address=spec.address, state="Running")
        return self.hosts[spec.id]

    async def start(self, host_id: str) -> Host:
        self._called("start")
        return self._set(host_id, "Running")

    async def stop(self, host_id: str) -> None:
        self._called("stop")
        if host_id in self.hosts:
            self._set(host_id, "Stopped")

    async def destroy(self, host_id: str) -> None:
        self._called("destroy")
        self.hosts.pop(host_id, None)

    def _set(self, host_id: str, state: str) -> Host:
        if host_id not in self.hosts:
            raise PlaneError(f"{host_id} is unknown")
        self.hosts[host_id] = Host(id=host_id, address=self.hosts[host_id].address, state=state)  # type: ignore[arg-type]
        return self.hosts[host_id]

    async def list(self) -> Sequence[Host]:
        self._called("list")
        return list(self.hosts.values())

    async def run(self, host_id: str, command: Command) -> Outcome:
        self._called("run")
        self.commands.append((host_id, command))
        if host_id not in self.hosts or self.hosts[host_id].state != "Running":
            raise PlaneError(f"{host_id} does not run")
        await self.go_on.wait()
        return self.outcome

    async def console(self, host_id: str) -> bytes:
        return b"booted\n" if host_id in self.hosts else b""

    async def connect(self, host_id: str | None, address: str, port: int, timeout: float = 3.0) -> socket.socket:
        raise ConnectionRefusedError

    def on_lost(self, callback: Callable[[], None]) -> None:
        self._lost.append(callback)

    def lose(self, *host_ids: str) -> None:
        """Let hosts die with their plane."""
        for host_id in host_ids:
            del self.hosts[host_id]
        for callback in self._lost:
            callback()

    async def close(self, *, destroy: bool = False) -> None:
        if destroy:
            self.hosts.clear()

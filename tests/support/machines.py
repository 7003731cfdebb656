"""Memory hosts for tests of what stands on them: with faults on request and scripts that take their time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from tidegate.errors import PlaneError
from tidegate.plane.hosts.base import Command, Host, HostSpec, Outcome, Usage
from tidegate.plane.hosts.memory import MemoryHosts
from tidegate.reconcile.invocation import MARK


class Machines(MemoryHosts):
    """``broken`` names calls (``create``) that are refused; ``calls`` counts them.

    With ``hold`` set scripts run until it is taken back or somebody ends them; ``outcome`` is how they end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.broken: set[str] = set()
        self.calls: Counter[str] = Counter()
        self.specs: dict[str, HostSpec] = {}
        self.outcome: Outcome | None = None
        self.scripts: list[tuple[str, Command]] = []
        self._go_on = asyncio.Event()
        self._go_on.set()
        self._ended: dict[str, asyncio.Event] = {}

    def hold(self) -> None:
        """Let scripts run for ever."""
        self._go_on.clear()

    def go_on(self) -> None:
        """Let scripts end."""
        self._go_on.set()

    async def drop(self, host_id: str) -> None:
        """Let one host vanish without a trace."""
        await super().destroy(host_id)

    async def states(self) -> dict[str, str]:
        """Return the state of every host."""
        return {host.id: host.state for host in await self.list()}

    def _called(self, name: str) -> None:
        self.calls[name] += 1
        if name in self.broken:
            raise PlaneError(f"{name} is broken")

    async def create(self, spec: HostSpec) -> Host:
        self._called("create")
        await asyncio.sleep(0)
        self.specs[spec.id] = spec
        return await super().create(spec)

    async def start(self, host_id: str) -> Host:
        self._called("start")
        return await super().start(host_id)

    async def stop(self, host_id: str) -> None:
        self._called("stop")
        await super().stop(host_id)

    async def destroy(self, host_id: str) -> None:
        self._called("destroy")
        await super().destroy(host_id)

    async def list(self) -> Sequence[Host]:
        self._called("list")
        return await super().list()

    async def measure(self) -> Sequence[Usage]:
        self._called("measure")
        return await super().measure()

    async def run(self, host_id: str, command: Command) -> Outcome:
        mark = command.environment.get(MARK)
        if mark is None:
            self._end(str(command.argv[-1]))
            return await super().run(host_id, command)
        self._called("run")
        self.scripts.append((host_id, command))
        answer = await super().run(host_id, command)
        ended = self._ended.setdefault(mark, asyncio.Event())
        waits = [asyncio.create_task(event.wait()) for event in (self._go_on, ended)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return Outcome(exit_code=137, output=b"") if ended.is_set() else self.outcome or answer

    def _end(self, mark: str) -> None:
        if mark in self._ended:
            self._ended[mark].set()

"""Hosts with namespaces of their own: network, processes, files, names and users. For root and for ordinary users."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import Callable, Sequence

import msgspec

from tidegate.plane.helper.client import HelperClient
from tidegate.plane.hosts.base import Command, Host, HostSpec, Outcome, Usage
from tidegate.plane.hosts.connection import connected
from tidegate.plane.hosts.script import unpack
from tidegate.telemetry.points import reach

#: seconds the helper may take beyond a command's own time limit
_PATIENCE = 30.0


class NetnsHosts:
    """The hosts in a helper, which is shared with other drivers and outlives the control plane."""

    name = "netns"
    block = "172.16.0.0/12"

    def __init__(self, helper: HelperClient, limits: str) -> None:
        self._helper = helper
        self.limits = limits

    @classmethod
    async def open(cls, helper: HelperClient) -> NetnsHosts:
        """Adopt the hosts of a helper, which is started when it does not run."""
        facts = msgspec.convert(await helper.request("host.facts"), _Facts)
        missing = []
        if not facts.users:
            missing.append("hosts have no user namespace of their own")
        if not facts.memory:
            missing.append("memory is limited for each process, not for the host as a whole")
        return cls(helper, "; ".join(missing))

    async def create(self, spec: HostSpec) -> Host:
        """Make the host and boot it."""
        reach("hosts.create.before")
        made = await self._helper.request(
            "host.create",
            id=spec.id,
            switch=spec.vswitch_id,
            network=spec.network,
            gateway=spec.gateway,
            address=spec.address,
            hostname=spec.hostname,
            memory=spec.memory,
            user_data=_text(unpack(spec.user_data)),
        )
        reach("hosts.create.acted")
        return msgspec.convert(made, Host)

    async def start(self, host_id: str) -> Host:
        """Boot a stopped host from its disk."""
        return msgspec.convert(await self._helper.request("host.start", id=host_id), Host)

    async def stop(self, host_id: str) -> None:
        """End everything on the host."""
        await self._helper.request("host.stop", id=host_id)

    async def destroy(self, host_id: str) -> None:
        """Remove the host, its disk and its address."""
        reach("hosts.destroy.before")
        await self._helper.request("host.destroy", id=host_id)
        reach("hosts.destroy.acted")

    async def list(self) -> Sequence[Host]:
        """Every host, those whose disks an earlier helper left included."""
        return msgspec.convert(await self._helper.request("host.list"), list[Host])

    async def run(self, host_id: str, command: Command) -> Outcome:
        """Run a command in all namespaces of the host."""
        ended = await self._helper.request(
            "host.run",
            patience=command.timeout + _PATIENCE,
            id=host_id,
            argv=list(command.argv),
            stdin=_text(command.stdin),
            environment=dict(command.environment),
            directory=command.directory,
            timeout=command.timeout,
            keep=command.keep,
        )
        # JSON has no bytes: msgspec reads the output's base64.
        return msgspec.convert(ended, Outcome)

    async def console(self, host_id: str) -> bytes:
        """The console log of the last boot."""
        return base64.b64decode(await self._helper.request("host.console", id=host_id))

    async def measure(self) -> Sequence[Usage]:
        """Measure the hosts, a batch after the other, so that nobody waits long for the helper."""
        found: list[Usage] = []
        after: str | None = ""
        while after is not None:
            batch = await self._helper.request("host.measure", after=after)
            found += msgspec.convert([{"at": batch["at"], **host} for host in batch["hosts"]], list[Usage])
            after = batch["next"]
        return found

    async def connect(self, host_id: str | None, address: str, port: int, timeout: float = 3.0) -> socket.socket:
        """Connect a socket that the helper opened in the host's network."""
        opened = await self._helper.request_socket("network.socket", owner=host_id)
        return await connected(opened, address, port, timeout)

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when the helper has died."""
        self._helper.on_lost(callback)

    async def close(self, *, destroy: bool = False) -> None:
        """Let go of the hosts, or end them; the helper is closed by whoever opened it."""
        if destroy:
            await asyncio.gather(*(self.destroy(host.id) for host in await self.list()))


class _Facts(msgspec.Struct):
    users: bool
    memory: bool


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()

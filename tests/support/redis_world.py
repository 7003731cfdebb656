"""A Redis server behind a gate, and clients with addresses of their own, on every kind of plane."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path

import msgspec

from tidegate.errors import ConfigurationError, PlaneError
from tidegate.plane.gate.aio import AioGate
from tidegate.plane.gate.base import Gate
from tidegate.plane.gate.haproxy import HaproxyGate
from tidegate.plane.gate.memory import MemoryGate
from tidegate.plane.gate.nftables import NftablesGate
from tidegate.plane.gate.proxy import ProxyGate
from tidegate.plane.haproxy import find_haproxy
from tidegate.plane.helper.client import HelperClient
from tidegate.plane.redis.base import RedisServers, RedisSpec
from tidegate.plane.redis.binaries import find_server
from tidegate.plane.redis.layout import GATE, SERVER
from tidegate.plane.redis.memory import MemoryRedisServers
from tidegate.plane.redis.process import ProcessRedisServers
from tidegate.plane.rooms.base import Rooms
from tidegate.plane.rooms.loopback import LoopbackRooms
from tidegate.plane.rooms.netns import NetnsRooms

#: rooms and gate of every world; ``memory`` has neither
REAL = ["loopback-haproxy", "loopback-aio", "netns-nftables", "netns-haproxy", "netns-aio"]
EVERY = ["memory", *REAL]
PATIENCE = 5.0

#: Empties the set in the network namespace of a process, as anybody with the right to could.
_FLUSH = """
import os, sys
from tidegate.plane.helper import kernel
from tidegate.plane.netlink.nftables import NfTables
users, net = (os.open(f"/proc/{sys.argv[1]}/ns/{kind}", os.O_RDONLY) for kind in ("user", "net"))
if os.fstat(users).st_ino != os.stat("/proc/self/ns/user").st_ino:
    kernel.setns(users, kernel.NEWUSER)
kernel.setns(net, kernel.NEWNET)
NfTables().replace(())
"""


class Client:
    """An open connection of a client, as long as ``talks``."""

    def __init__(self, ask: Callable[[str], Awaitable[str | None]], close: Callable[[], None]) -> None:
        self.ask = ask
        self.close = close

    async def talks(self) -> bool:
        return await self.ask("PING") == "+PONG"


@dataclass
class World:
    """One plane. ``again`` is another control plane's view of the same servers, as after a restart."""

    kind: str
    servers: RedisServers
    gate: Gate
    #: ``172.16.0.0/24``
    network: str
    root: Path
    vswitch_id: str = "vsw-1"
    rooms: Rooms | None = None
    helper: HelperClient | None = None
    _clients: list[Client] = field(default_factory=list)
    _namespaces: set[str] = field(default_factory=set)

    def address(self, number: int) -> str:
        return str(IPv4Network(self.network)[number])

    def spec(self, number: int = 5, **changes: object) -> RedisSpec:
        spec = RedisSpec(
            id=f"r-{number}",
            vswitch_id=self.vswitch_id,
            network=self.network,
            gateway=self.address(-3),
            address=self.address(number),
        )
        return msgspec.structs.replace(spec, **changes)

    async def connect(self, client: str, spec: RedisSpec) -> Client | None:
        """Come to the server as the client with this address; None when refused."""
        if isinstance(self.gate, MemoryGate):
            return self._remembered(client, spec)
        channel = await self._socket(client)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(PATIENCE):
                await loop.sock_connect(channel, (spec.address, spec.port))
        except (ConnectionRefusedError, ConnectionResetError):
            channel.close()
            return None
        except BaseException:
            channel.close()
            raise
        opened = Client(lambda line: _ask(channel, line), channel.close)
        self._clients.append(opened)
        return opened if await opened.ask("PING") is not None else None

    async def admits(self, client: str, spec: RedisSpec) -> bool:
        opened = await self.connect(client, spec)
        if opened is not None:
            opened.close()
        return opened is not None

    async def meddle(self, spec: RedisSpec) -> None:
        """Change what the gate enforces behind the control plane's back."""
        if isinstance(self.gate, MemoryGate):
            await self.gate.allow(spec.id, ((1, 1),))
        elif isinstance(self.gate, NftablesGate):
            pid = str(self.process(spec, SERVER))
            path = os.pathsep.join(part for part in sys.path if part)
            await asyncio.to_thread(
                subprocess.run, [sys.executable, "-c", _FLUSH, pid], env={"PYTHONPATH": path}, check=True
            )
        else:
            assert isinstance(self.gate, ProxyGate)
            assert self.rooms is not None
            await self.gate.swap(self.rooms.folder(spec.id, GATE), None, ((1, 1),))

    def process(self, spec: RedisSpec, name: str) -> int:
        """Find a process of the server by the folder it works in."""
        assert self.rooms is not None
        folder = self.rooms.folder(spec.id, name)
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and (entry / "cwd").readlink() == folder:
                    return int(entry.name)
        raise AssertionError(f"nothing runs in {folder}")

    def forget_clients(self) -> None:
        """The clients' namespaces are gone, with the helper that held them."""
        self._namespaces.clear()

    def again(self) -> World:
        """Look at the same plane as a control plane that has just been started."""
        if self.rooms is None:
            return self
        helper = HelperClient(self.helper.directory) if self.helper else None
        gate, servers, rooms = make_plane(self.kind, self.root, helper)
        return World(self.kind, servers, gate, self.network, self.root, self.vswitch_id, rooms, helper)

    async def close(self) -> None:
        """Let everything live on."""
        for client in self._clients:
            client.close()
        await self.servers.close()
        if self.helper is not None:
            await self.helper.close()

    async def destroy(self) -> None:
        for client in self._clients:
            client.close()
        await self.servers.close(destroy=True)
        if self.helper is not None:
            await self.helper.close(destroy=True)

    async def _socket(self, client: str) -> socket.socket:
        if self.helper is None:
            opened = socket.socket()
            opened.bind((client, 0))
        else:
            if client not in self._namespaces:
                await self.helper.request(
                    "network.create",
                    owner=client,
                    switch=self.vswitch_id,
                    network=self.network,
                    gateway=self.address(-3),
                    address=client,
                )
                self._namespaces.add(client)
            opened = await self.helper.request_socket("network.socket", owner=client)
        opened.setblocking(False)
        return opened

    def _remembered(self, client: str, spec: RedisSpec) -> Client | None:
        assert isinstance(self.gate, MemoryGate)
        gate = self.gate
        if not gate.connect(spec.id, client):
            return None

        async def ask(_: str) -> str | None:
            return "+PONG" if client in gate.connections(spec.id) else None

        return Client(ask, lambda: None)


async def _ask(channel: socket.socket, line: str) -> str | None:
    """Send a line and return the answer's words; None when the connection was ended."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(PATIENCE):
            await loop.sock_sendall(channel, f"{line}\r\n".encode())
            answer = await loop.sock_recv(channel, 65536)
    except ConnectionError:
        return None
    return " ".join(answer.decode().split()) or None


@asynccontextmanager
async def world(kind: str) -> AsyncIterator[World]:
    """A plane of this kind that is gone, with everything in it, at the end of the block."""
    root = Path(tempfile.mkdtemp(prefix="tidegate-test-"))
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, root)
        helper = None
        if kind.startswith("netns"):
            helper = HelperClient(root / "helper")
            stack.push_async_callback(helper.close, destroy=True)
            await open_or_skip(helper)
        # Loopback addresses are the whole machine's: tests that run side by side must not meet.
        number = random.SystemRandom().randrange(1 << 12)
        network = "172.16.0.0/24" if helper else f"127.{16 + (number >> 8)}.{number & 255}.0/24"
        try:
            gate, servers, rooms = make_plane(kind, root, helper)
        except ConfigurationError as error:
            import pytest

            pytest.skip(str(error))
        made = World(kind, servers, gate, network, root, rooms=rooms, helper=helper)
        stack.push_async_callback(made.destroy)
        yield made


async def open_or_skip(helper: HelperClient) -> None:
    """Start the helper; skip the test where the machine refuses namespaces."""
    try:
        await helper.open()
    except PlaneError as error:
        import pytest

        pytest.skip(f"no namespaces here: {error}")


def make_plane(kind: str, root: Path, helper: HelperClient | None) -> tuple[Gate, RedisServers, Rooms | None]:
    """Return what a control plane has of a plane of this kind."""
    if kind == "memory":
        twin = MemoryGate()
        return twin, MemoryRedisServers(twin), None
    rooms: Rooms = NetnsRooms(helper, root / "redis") if helper else LoopbackRooms(root / "redis")
    gate: Gate
    match kind.partition("-")[2]:
        case "nftables":
            assert helper is not None
            gate = NftablesGate(helper)
        case "haproxy":
            gate = HaproxyGate(rooms, find_haproxy("gate=haproxy"))
        case _:
            gate = AioGate(rooms)
    return gate, ProcessRedisServers(rooms, gate, find_server()), rooms

"""Load balancers, targets that answer with their own name, and clients, on every kind of plane."""

from __future__ import annotations

import asyncio
import random
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path

from support.redis_world import open_or_skip
from tidegate.plane.balancer.base import Balancers, BalancerSpec, Check, Listener, Target, TargetHealth
from tidegate.plane.balancer.choose import choose_balancers
from tidegate.plane.balancer.haproxy import PROXY
from tidegate.plane.helper.client import HelperClient

REAL = ["loopback", "netns"]
EVERY = ["memory", *REAL]
PATIENCE = 5.0
QUICK = Check(interval=0.05, timeout=1, rise=1, fall=2)


@dataclass
class World:
    """One plane. ``again`` is another control plane's view of the same load balancers, as after a restart."""

    kind: str
    root: Path
    network: str
    balancers: Balancers
    helper: HelperClient | None = None
    _servers: dict[str, asyncio.Server] = field(default_factory=dict)
    _places: set[str] = field(default_factory=set)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def address(self, number: int) -> str:
        return str(IPv4Network(self.network)[number])

    def spec(self, *listeners: Listener) -> BalancerSpec:
        return BalancerSpec(
            id="lb-1",
            vswitch_id="vsw-1",
            network=self.network,
            gateway=self.address(-3),
            address=self.address(5),
            listeners=listeners,
        )

    def target(self, number: int, weight: int = 100) -> Target:
        return Target(id=f"i-{number}:8080", address=self.address(number), port=8080, weight=weight)

    async def serve(self, number: int) -> None:
        """Have a server at this address that answers every line or request with its number."""

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.add(writer)
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while line := await reader.readline():
                    if not line.startswith((b"GET", b"HEAD", b"OPTIONS")):
                        writer.write(f"{number}\n".encode())
                        continue
                    while (await reader.readline()).strip():
                        pass
                    body = b"" if line.startswith(b"HEAD") else f"{number}\n".encode()
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            writer.close()

        opened = await self._socket(self.address(number))
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((self.address(number), 8080))
        self._servers[str(number)] = await asyncio.start_server(answer, sock=opened)

    async def end(self, number: int) -> None:
        """Have the server at this address refuse."""
        self._servers.pop(str(number)).close()

    async def connect(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Come to the load balancer as a client. Raises OSError."""
        opened = await self._socket(self.address(9))
        opened.setblocking(False)
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.get_running_loop().sock_connect(opened, (self.address(5), port))
        except BaseException:
            opened.close()
            raise
        reader, writer = await asyncio.open_connection(sock=opened)
        self._writers.add(writer)
        return reader, writer

    async def ask(self, port: int, request: bytes = b"hello\n") -> str:
        """Return what one new connection is answered; empty when it is ended without a word. Raises OSError."""
        reader, writer = await self.connect(port)
        try:
            writer.write(request)
            async with asyncio.timeout(PATIENCE):
                return (await reader.readline()).decode().strip()
        finally:
            writer.close()

    async def healthy(self, **wanted: TargetHealth) -> None:
        """Wait until targets ``i_11="up"`` are seen so."""
        expected = {f"{name.replace('_', '-')}:8080": health for name, health in wanted.items()}
        async with asyncio.timeout(PATIENCE):
            while {one.target: one.health for one in await self.balancers.look("lb-1")} != expected:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    def processes(self) -> Sequence[int]:
        """Return the processes that work in the load balancer's room."""
        folder = self.root / "balancer" / "lb-1" / PROXY
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and (entry / "cwd").readlink() == folder:
                    found.append(int(entry.name))
        return sorted(found)

    def forget_places(self) -> None:
        """The namespaces are gone, with the helper that held them."""
        self._places.clear()

    async def again(self) -> World:
        helper = HelperClient(self.helper.directory) if self.helper else None
        return make(self.kind, self.root, self.network, helper)

    async def close(self) -> None:
        """Let everything live on."""
        for server in self._servers.values():
            server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self.balancers.close()
        if self.helper is not None:
            await self.helper.close()

    async def _socket(self, address: str) -> socket.socket:
        if self.helper is None:
            opened = socket.socket()
            opened.bind((address, 0)) if address == self.address(9) else None
            return opened
        if address not in self._places:
            await self.helper.request(
                "network.create",
                owner=address,
                switch="vsw-1",
                network=self.network,
                gateway=self.address(-3),
                address=address,
            )
            self._places.add(address)
        return await self.helper.request_socket("network.socket", owner=address)


def make(kind: str, root: Path, network: str, helper: HelperClient | None) -> World:
    balancers, _ = choose_balancers(kind, root / "balancer", helper=helper)
    return World(kind, root, network, balancers, helper)


@asynccontextmanager
async def world(kind: str) -> AsyncIterator[World]:
    """A plane of this kind that is gone, with everything in it, at the end of the block."""
    root = Path(tempfile.mkdtemp(prefix="tidegate-test-"))
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, root)
        helper = None
        if kind == "netns":
            helper = HelperClient(root / "helper")
            stack.push_async_callback(helper.close, destroy=True)
            await open_or_skip(helper)
        number = random.SystemRandom().randrange(1 << 12)
        network = "172.16.0.0/24" if helper else f"127.{16 + (number >> 8)}.{number & 255}.0/24"
        made = make(kind, root, network, helper)
        stack.push_async_callback(made.close)
        stack.push_async_callback(made.balancers.close, destroy=True)
        yield made

"""What the whitelist costs on the wire: throughput through each gate against none, and how soon a change holds.

Everything happens inside one helper: a Redis server for each gate and one without, and clients in a namespace of their
own. The load generator and the prober are this file again, run inside that namespace. Samples of all variants are taken in
turn, so whatever else the machine does hits all of them.

    throughput   requests a second, as a share of the server without gate (medians of the rounds)
    gate         milliseconds from the command to the gate until a client that tries all the time is let in, or refused
    call         the same from the beginning of ModifySecurityIps: PostgreSQL on disk, lock, history and gate included;
                 an address is let in only when the change is on the disk, so the disk's own share is told beside it
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import selectors
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "src"), str(Path(__file__).parents[1] / "tests")]

from support.driving import Driver  # noqa: E402
from support.machines import Machines  # noqa: E402
from tidegate.clock import AdjustableClock  # noqa: E402
from tidegate.ids import Ids  # noqa: E402
from tidegate.plane.gate.aio import AioGate  # noqa: E402
from tidegate.plane.gate.base import Applied, Gate, GateSpec  # noqa: E402
from tidegate.plane.gate.haproxy import HaproxyGate  # noqa: E402
from tidegate.plane.gate.nftables import NftablesGate  # noqa: E402
from tidegate.plane.gate.ranges import Ranges, block, merge  # noqa: E402
from tidegate.plane.haproxy import find_haproxy  # noqa: E402
from tidegate.plane.helper.client import HelperClient  # noqa: E402
from tidegate.plane.redis.base import RedisSpec  # noqa: E402
from tidegate.plane.redis.binaries import find_server  # noqa: E402
from tidegate.plane.redis.process import ProcessRedisServers  # noqa: E402
from tidegate.plane.rooms.folders import environment  # noqa: E402
from tidegate.plane.rooms.netns import NetnsRooms  # noqa: E402
from tidegate.reconcile.redis import RedisController  # noqa: E402
from tidegate.services.ecs.service import Ecs  # noqa: E402
from tidegate.services.kvstore.model import Order  # noqa: E402
from tidegate.services.kvstore.service import Kvstore  # noqa: E402
from tidegate.services.operation import Call, Principal  # noqa: E402
from tidegate.store import kvstore as rows  # noqa: E402
from tidegate.store.database import Database  # noqa: E402
from tidegate.store.embedded import EmbeddedPostgres  # noqa: E402
from tidegate.vault import Vault  # noqa: E402

ROUNDS = 7
SECONDS = 0.5
CONNECTIONS = 50
CHANGES = 150
ENTRIES = 1000
NETWORK, GATEWAY, CLIENT = "172.16.0.0/24", "172.16.0.253", "172.16.0.200"
TARGETS = {"nftables": 0.9, "haproxy": 0.5}
LATENCY_TARGET = 10.0
#: Name → (request, length of its answer, requests sent at once)
LOADS = {
    "SET": (b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\nxyz\r\n", 5, 1),
    "GET": (b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", 9, 1),
    "SET, 16 at once": (b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\nxyz\r\n", 5, 16),
    "GET, 16 at once": (b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", 9, 16),
}


class NoGate:
    """Nothing between clients and server: what the gates are compared with."""

    name = "none"
    is_proxy = False

    async def install(self, spec: GateSpec) -> None:
        pass

    async def remove(self, server_id: str) -> None:
        pass

    async def allow(self, _server_id: str, _ranges: Ranges, /, **_: bool) -> Applied:
        return Applied(added=0, removed=0, milliseconds=0)

    async def cut(self, _server_id: str, /) -> int:
        return 0

    async def show(self, _server_id: str, /) -> Ranges:
        return ()

    async def list(self) -> list[str]:
        return []


class Plane:
    """A helper with a server behind each gate, and programs run where clients are."""

    def __init__(self, folder: Path, helper: HelperClient) -> None:
        self.folder = folder
        self.helper = helper
        self.rooms = NetnsRooms(helper, folder / "redis")
        self.gates: dict[str, Gate] = {
            "none": NoGate(),
            "nftables": NftablesGate(helper),
            "haproxy": HaproxyGate(self.rooms, find_haproxy("gate=haproxy")),
            "aio": AioGate(self.rooms),
        }
        self._runs = 0

    async def open(self) -> None:
        binary = find_server()
        listed = whitelist(CLIENT)
        for number, gate in enumerate(self.gates.values(), 1):
            await ProcessRedisServers(self.rooms, gate, binary).create(self.spec(gate.name, number))
            await gate.allow(f"r-{gate.name}", listed)
        await self.helper.request(
            "network.create", owner="client", switch="vsw", network=NETWORK, gateway=GATEWAY, address=CLIENT
        )

    def spec(self, name: str, number: int) -> RedisSpec:
        return RedisSpec(
            id=f"r-{name}", vswitch_id="vsw", network=NETWORK, gateway=GATEWAY, address=self.address(number)
        )

    def address(self, number: int) -> str:
        return f"172.16.0.{number}"

    async def start(self, *words: str) -> tuple[str, Path]:
        """Run this file in the clients' namespace; returns the process's name and the file of its output."""
        self._runs += 1
        name, output = f"run-{self._runs}", self.folder / f"run-{self._runs}.out"
        argv = [sys.executable, __file__, *words]
        await self.helper.request(
            "process.start",
            owner="client",
            process=name,
            argv=argv,
            directory=str(Path.cwd()),
            log=str(output),
            environment={**environment(), "PYTHONUNBUFFERED": "1"},
        )
        return name, output

    async def run(self, *words: str) -> str:
        """Run this file in the clients' namespace to its end; returns what it printed."""
        name, output = await self.start(*words)
        await self.helper.request("process.ended", owner="client", process=name)
        return output.read_text()


def whitelist(*clients: str) -> Ranges:
    """A full whitelist with these clients in it."""
    others = [(10 << 24) + 2 * n for n in range(ENTRIES - len(clients))]
    return merge([*(block(client) for client in clients), *((n, n) for n in others)])


# ---- inside the clients' namespace -----------------------------------------------------------------------------------


def generate(address: str, load: str) -> None:
    """Print how many requests a second the server at ``address`` answers to many connections at once."""
    request, length, at_once = LOADS[load]
    batch, answer = request * at_once, length * at_once
    poll = selectors.EpollSelector()
    for _ in range(CONNECTIONS):
        connection = socket.create_connection((address, 6379))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"SET k xyz\r\n")
        assert connection.recv(64) == b"+OK\r\n"
        poll.register(connection, selectors.EVENT_READ, [answer])
        connection.sendall(batch)
    answered, started = 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        for key, _ in poll.select():
            missing = key.data
            missing[0] -= len(key.fileobj.recv(65536))  # type: ignore[union-attr]
            if missing[0] == 0:
                missing[0] = answer
                answered += at_once
                key.fileobj.sendall(batch)  # type: ignore[union-attr]
    print(answered / (time.perf_counter() - started))


def probe(address: str) -> None:
    """Connect all the time; print the moment whenever an attempt goes another way than the one before.

    The moment is when that attempt began; the clock is the machine's monotonic one, common to all processes.
    """
    before: bool | None = None
    while True:
        began = time.monotonic()
        admitted = _is_admitted(address)
        if admitted != before:
            print(f"{began} {time.monotonic()} {int(admitted)}")
            before = admitted


def _is_admitted(address: str) -> bool:
    try:
        with socket.create_connection((address, 6379), timeout=5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64) == b"+PONG\r\n"
    except ConnectionError:
        return False


# ---- outside -------------------------------------------------------------------------------------------------------------


async def throughput(plane: Plane) -> dict[str, dict[str, float]]:
    """Return for each load the requests a second of each gate."""
    seen: dict[str, dict[str, list[float]]] = {load: {name: [] for name in plane.gates} for load in LOADS}
    for _ in range(ROUNDS):
        for load, rates in seen.items():
            for number, name in enumerate(plane.gates, 1):
                rates[name].append(float(await plane.run("generate", plane.address(number), load)))
    return {load: {name: statistics.median(of) for name, of in rates.items()} for load, rates in seen.items()}


async def time_changes(
    plane: Plane, address: str, admit: Callable[[bool], Awaitable[None]]
) -> dict[str, dict[str, float]]:
    """Switch the client on and off many times; return how long the command took and when the client noticed."""
    name, output = await plane.start("probe", address)
    taken, noticed = [], []
    try:
        while not output.exists() or not output.read_text():
            await asyncio.sleep(0.01)
        for turn in range(CHANGES):
            wanted = turn % 2 == 1
            lines = output.read_text().count("\n")
            before = time.monotonic()
            await admit(wanted)
            after = time.monotonic()
            while output.read_text().count("\n") == lines:
                await asyncio.sleep(0.001)
            _, ended, admitted = output.read_text().splitlines()[-1].split()
            assert bool(int(admitted)) == wanted
            taken.append((after - before) * 1000)
            noticed.append((float(ended) - before) * 1000)
    finally:
        await plane.helper.request("process.stop", owner="client", process=name, grace=0.1)
    return {"command": spread(taken), "effect": spread(noticed)}


def time_disk(folder: Path) -> dict[str, float]:
    """Time what every commit waits for: a page written and on the disk."""
    taken = []
    with (folder / "page").open("wb", buffering=0) as file:
        for _ in range(CHANGES):
            file.write(bytes(8192))
            before = time.monotonic()
            os.fdatasync(file.fileno())
            taken.append((time.monotonic() - before) * 1000)
    return spread(taken)


def spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "p50": statistics.median(ordered),
        "p99": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
        "max": ordered[-1],
    }


async def gate_latency(plane: Plane) -> dict[str, dict[str, dict[str, float]]]:
    """Time changes of a full list, as commands to the gates."""
    found = {}
    for number, (name, gate) in enumerate(plane.gates.items(), 1):
        if name == "none":
            continue
        lists = {False: whitelist(), True: whitelist(CLIENT)}

        async def admit(wanted: bool, gate: Gate = gate, lists: dict[bool, Ranges] = lists) -> None:
            await gate.allow(f"r-{gate.name}", lists[wanted])

        await gate.allow(f"r-{name}", lists[True])
        found[name] = await time_changes(plane, plane.address(number), admit)
    return found


@asynccontextmanager
async def product(folder: Path) -> AsyncIterator[Database]:
    """A PostgreSQL with its data on disk, as `tidegate up` has."""
    server = EmbeddedPostgres(folder / "database")
    database = await Database.open(await server.start())
    try:
        yield database
    finally:
        await database.close()
        await server.stop()


async def call_latency(plane: Plane, database: Database) -> dict[str, dict[str, float]]:
    """Time ModifySecurityIps on an instance with a full whitelist, behind the kernel's gate."""
    clock, ids = AdjustableClock(), Ids()
    gate = NftablesGate(plane.helper)
    servers = ProcessRedisServers(plane.rooms, gate, find_server())
    hosts = Machines()
    ecs = Ecs(database, hosts, clock, ids)
    service = Kvstore(database, servers, gate, ecs, vault=Vault(os.urandom(32)), clock=clock, ids=ids)
    controller = RedisController(database, servers, service.gatekeeper, ecs, clock)
    owner = Principal(kind="Account", account_id="1" * 16, id="1" * 16)
    call = Call(
        principal=owner, region="cn-hangzhou", request_id="R", product="kvstore", action="", version="2015-01-01"
    )
    made = await service.instances.create(call, Order(capacity=1024))
    async with database.connection() as connection:
        instance = await rows.find(connection, made.id)
    assert instance is not None
    client = str(IPv4Network(instance.network)[77])
    await Driver(database, {"redis": controller}, clock).settle()
    await plane.helper.request("network.destroy", owner="client")
    await plane.helper.request(
        "network.create",
        owner="client",
        switch=instance.vswitch_id,
        network=instance.network,
        gateway=instance.gateway,
        address=client,
    )
    full = ",".join(f"10.0.{n // 128}.{n % 128 * 2}" for n in range(ENTRIES - 1))
    await service.gatekeeper.modify(call, made.id, f"{full},{client}")

    async def admit(wanted: bool) -> None:
        await service.gatekeeper.modify(call, made.id, client, mode="Append" if wanted else "Delete")

    return await time_changes(plane, instance.private_ip, admit)


async def measure() -> dict[str, object]:
    folder = Path(tempfile.mkdtemp(prefix="tidegate-bench-"))
    helper = HelperClient(folder / "helper")
    load = os.getloadavg()[0]
    try:
        plane = Plane(folder, helper)
        await plane.open()
        rates = await throughput(plane)
        latencies = await gate_latency(plane)
        async with product(folder) as database:
            disk = time_disk(folder)
            call = await call_latency(plane, database)
        await plane.rooms.leave()
    finally:
        await helper.close(destroy=True)
        shutil.rmtree(folder)
    return {
        "machine": {
            "kernel": platform.release(),
            "processors": os.cpu_count(),
            "server": str(find_server()),
            "load before and after": [load, os.getloadavg()[0]],
            # `chrt -r 1 python bench/gate.py` keeps other work of a busy machine out of the latencies.
            "real-time priority": os.sched_getscheduler(0) == os.SCHED_RR,
        },
        "throughput": {
            load: {"requests": of, "ratio": {name: rate / of["none"] for name, rate in of.items()}}
            for load, of in rates.items()
        },
        "gate": latencies,
        "call": call,
        "disk": disk,
    }


def report(results: dict) -> None:
    print(f"share of the throughput without gate, {CONNECTIONS} connections, {ENTRIES} entries")
    for load, of in results["throughput"].items():
        shares = "  ".join(f"{name} {ratio:.2f}" for name, ratio in of["ratio"].items() if name != "none")
        print(f"  {load:16}  {shares}   ({of['requests']['none']:,.0f} requests/s without)")
    for name, target in TARGETS.items():
        share = statistics.median(of["ratio"][name] for of in results["throughput"].values())
        print(f"  {name}: median {share:.2f}, target {target}: {'met' if share >= target else 'MISSED'}")
    print(f"milliseconds from the change of one of {ENTRIES} entries, command / effect seen by a client")
    for name, of in [*results["gate"].items(), ("call", results["call"])]:
        command, effect = of["command"], of["effect"]
        met = "met" if effect["p99"] <= LATENCY_TARGET else "MISSED"
        print(
            f"  {name:9} p50 {command['p50']:5.2f} / {effect['p50']:5.2f}   p99 {command['p99']:5.2f} /"
            f" {effect['p99']:5.2f}   target {LATENCY_TARGET}: {met}"
        )
    print(f"  disk      p50 {results['disk']['p50']:5.2f}           p99 {results['disk']['p99']:5.2f}   of each call")
    before, after = results["machine"]["load before and after"]
    print(f"load of {results['machine']['processors']} processors: {before:.1f} before, {after:.1f} after")


def main() -> None:
    match sys.argv[1:]:
        case ["generate", address, load]:
            generate(address, load)
        case ["probe", address]:
            probe(address)
        case _:
            results = asyncio.run(measure())
            target = Path(__file__).parent / "results" / "gate.json"
            target.write_text(json.dumps(results, indent=2) + "\n")
            report(results)


if __name__ == "__main__":
    main()

"""What hosts are measured by (plane/hosts/base.py, ``measure``)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

import pytest

from support.hosts_world import EVERY, ISOLATED, REAL, HostWorld
from tidegate.plane.hosts.base import Usage
from tidegate.plane.hosts.memory import MEASURED_EVERY, Load, MemoryHosts

everywhere = pytest.mark.parametrize("world", EVERY, indirect=True)
really = pytest.mark.parametrize("world", REAL, indirect=True)
isolated = pytest.mark.parametrize("world", ISOLATED, indirect=True)

#: keeps one processor busy until it has used up a third of a second of it
BURN = "import time\nwhile time.process_time() < 0.33: pass"


async def measured(world: HostWorld, host_id: str = "i-1") -> Usage:
    return next(one for one in await world.hosts.measure() if one.id == host_id)


async def measured_when(world: HostWorld, is_right: Callable[[Usage], bool]) -> Usage:
    for _ in range(1000):
        seen = await measured(world)
        if is_right(seen):
            return seen
        await asyncio.sleep(0.02)
    pytest.fail(f"measured to the last: {seen}")


async def connected(world: HostWorld) -> socket.socket:
    """A connection from i-2 to the server on i-1, as soon as it listens."""
    for _ in range(1000):
        with contextlib.suppress(ConnectionRefusedError):
            return await world.hosts.connect("i-2", world.spec(1).address, 8000)
        await asyncio.sleep(0.02)
    pytest.fail("nobody listens")


@everywhere
async def test_every_host_that_runs_is_measured_and_no_other(world: HostWorld) -> None:
    for number in (1, 2, 3):
        await world.hosts.create(world.spec(number))
    await world.hosts.stop("i-2")

    first = {one.id: one.at for one in await world.hosts.measure()}
    second = {one.id: one.at for one in await world.hosts.measure()}

    assert set(first) == set(second) == {"i-1", "i-3"}
    assert all(second[host_id] > at for host_id, at in first.items())


@isolated  # nobody is left on loopback who has waited for a command: what counts there is what runs
async def test_processor_time_of_a_command_counts_for_its_host_also_when_it_has_ended(world: HostWorld) -> None:
    await world.hosts.create(world.spec(1))
    await world.hosts.create(world.spec(2))
    before, idle_before = await measured(world), await measured(world, "i-2")

    assert (await world.sh("i-1", f"exec python3 -c '{BURN}'")).exit_code == 0

    after, idle_after = await measured(world), await measured(world, "i-2")
    assert after.cpu - before.cpu >= 0.3
    assert idle_after.cpu - idle_before.cpu < 0.1


@really
async def test_what_burns_in_the_background_counts_while_it_runs_with_its_memory(world: HostWorld) -> None:
    await world.hosts.create(world.spec(1))
    before = await measured(world)
    script = "import time; kept = bytearray(32 << 20)\nwhile True: pass"
    await world.sh("i-1", f"python3 -c '{script}' >/dev/null 2>&1 &")

    after = await measured_when(world, lambda now: now.cpu - before.cpu >= 0.2 and now.loading > 0)

    assert after.memory - before.memory > 30 << 20


@isolated
async def test_traffic_and_connections_are_those_of_the_host(world: HostWorld) -> None:
    await world.hosts.create(world.spec(1))
    await world.hosts.create(world.spec(2))
    await world.sh("i-1", "python3 -m http.server 8000 >/dev/null 2>&1 &")
    opened = await connected(world)
    before = await measured(world)
    assert before.received is not None
    assert before.packets_received is not None

    with opened:
        opened.sendall(b"GET / HTTP/1.0\r\nX-Weight: " + b"w" * 20_000 + b"\r\n")
        seen = before.received
        after = await measured_when(world, lambda now: (now.received or 0) - seen >= 20_000)

    assert (after.packets_received or 0) > before.packets_received
    assert after.established == 1
    assert after.connections >= 2  # the one that listens, and this one
    assert (await measured(world, "i-2")).sent


async def test_memory_hosts_use_what_the_test_says() -> None:
    hosts = MemoryHosts()
    world = HostWorld("memory", hosts, None, "172.16.0")  # type: ignore[arg-type]
    await hosts.create(world.spec(1))
    await hosts.create(world.spec(2))
    hosts.load = Load(cpu=0.5, memory=1 << 20)
    hosts.loads["i-2"] = Load(cpu=2, received=1000)

    before = {one.id: one for one in await hosts.measure()}
    after = {one.id: one for one in await hosts.measure()}

    assert after["i-1"].at - before["i-1"].at == MEASURED_EVERY
    assert after["i-1"].cpu - before["i-1"].cpu == MEASURED_EVERY / 2
    assert after["i-1"].memory == 1 << 20
    assert after["i-2"].cpu - before["i-2"].cpu == MEASURED_EVERY * 2
    assert (after["i-2"].received or 0) - (before["i-2"].received or 0) == 1000 * MEASURED_EVERY

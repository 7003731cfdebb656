"""Hosts: milliseconds to make and to remove one, memory of one, latency of a command, and how all that grows.

    python bench/hosts.py [--sizes 10,100] [--rounds 5] [--kinds netns,loopback,memory]

All sizes are measured in turn, round after round, in one sitting; the ratio compares the cost of a host among many with
that of one among few. Writes bench/results/hosts.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from tidegate.plane.helper.client import HelperClient
from tidegate.plane.hosts.base import Command, Hosts, HostSpec
from tidegate.plane.hosts.loopback import LoopbackHosts
from tidegate.plane.hosts.memory import MemoryHosts
from tidegate.plane.hosts.netns import NetnsHosts
from tidegate.plane.probe import probe

RESULTS = Path(__file__).parent / "results" / "hosts.json"
#: hosts asked for at the same time, as many as the controller of instances does
AT_ONCE = 16


def spec(hosts: Hosts, number: int) -> HostSpec:
    network = hosts.block.removesuffix(".0.0/12")
    return HostSpec(
        id=f"i-{number}",
        vswitch_id="vsw-1",
        network=f"{network}.0.0/16",
        gateway=f"{network}.255.253",
        address=f"{network}.{number // 250}.{number % 250 + 1}",
        hostname=f"host{number}",
    )


@asynccontextmanager
async def plane(kind: str) -> AsyncIterator[tuple[Hosts, HelperClient | None]]:
    folder = Path(tempfile.mkdtemp(prefix="tidegate-bench-"))
    helper = HelperClient(folder) if kind == "netns" else None
    try:
        if helper is not None:
            yield await NetnsHosts.open(helper), helper
        else:
            hosts = LoopbackHosts(folder) if kind == "loopback" else MemoryHosts()
            yield hosts, None
            await hosts.close(destroy=True)
    finally:
        if helper is not None:
            await helper.close(destroy=True)
        shutil.rmtree(folder)


async def timed(action: Callable[[], Awaitable[object]]) -> float:
    """Return the milliseconds that an action takes."""
    begin = time.perf_counter()
    await action()
    return (time.perf_counter() - begin) * 1000


async def all_of(action: Callable[[int], Awaitable[object]], count: int) -> None:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with room:
            await action(number)

    await asyncio.gather(*(one(number) for number in range(count)))


async def batch(kind: str, size: int) -> dict[str, float]:
    """Make ``size`` hosts, run a command on each, remove them; per host."""
    async with plane(kind) as (hosts, helper):
        free = psutil.virtual_memory().available
        created = await timed(lambda: all_of(lambda n: hosts.create(spec(hosts, n)), size))
        await asyncio.sleep(0.5)  # the kernel frees what building needed
        used = (free - psutil.virtual_memory().available) / size
        ran = await timed(lambda: all_of(lambda n: hosts.run(f"i-{n}", Command(argv=["true"])), size))
        destroyed = await timed(lambda: all_of(lambda n: hosts.destroy(f"i-{n}"), size))
        found = {
            "create_ms": created / size,
            "command_ms": ran / size,
            "destroy_ms": destroyed / size,
            "memory_mib": used / (1 << 20),
        }
        if helper is not None and helper.pid is not None:
            found["helper_pss_mib"] = psutil.Process(helper.pid).memory_full_info().pss / (1 << 20)
        return found


async def alone(kind: str, rounds: int) -> dict[str, dict[str, float]]:
    """One host at a time: what a caller waits for."""
    waits: dict[str, list[float]] = {"create": [], "stop": [], "start": [], "destroy": [], "command": []}
    async with plane(kind) as (hosts, _):
        await hosts.create(spec(hosts, 0))
        for number in range(1, rounds * 4 + 1):
            name, made = f"i-{number}", spec(hosts, number)
            waits["create"].append(await timed(lambda made=made: hosts.create(made)))
            for _ in range(5):
                command = Command(argv=["true"])
                waits["command"].append(await timed(lambda name=name, c=command: hosts.run(name, c)))
            waits["stop"].append(await timed(lambda name=name: hosts.stop(name)))
            waits["start"].append(await timed(lambda name=name: hosts.start(name)))
            waits["destroy"].append(await timed(lambda name=name: hosts.destroy(name)))
    return {
        name: {"p50": statistics.median(values), "p99": sorted(values)[-1 - len(values) // 100]}
        for name, values in waits.items()
    }


async def measure(kinds: list[str], sizes: list[int], rounds: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "machine": {
            "kernel": platform.release(),
            "processors": os.cpu_count(),
            "user": os.getuid(),
            "load": os.getloadavg()[0],
        },
        "probe_ms": statistics.median([await timed(probe) for _ in range(rounds)]),
    }
    async with plane("netns") as (_, helper):
        assert helper is not None
        await helper.close(destroy=True)
        found["helper_start_ms"] = await timed(helper.open)
        again = HelperClient(helper.directory)
        found["helper_adopt_ms"] = await timed(again.open)
        await again.close()
    for kind in kinds:
        samples: dict[int, list[dict[str, float]]] = {size: [] for size in sizes}
        for _ in range(rounds):
            for size in sizes:
                samples[size].append(await batch(kind, size))
        by_size = {
            str(size): {name: statistics.median(one[name] for one in taken) for name in taken[0]}
            for size, taken in samples.items()
        }
        few, many = by_size[str(min(sizes))], by_size[str(max(sizes))]
        found[kind] = {
            "alone_ms": await alone(kind, rounds),
            "each_of": by_size,
            "ratio_many_to_few": {name: many[name] / few[name] for name in ("create_ms", "command_ms", "destroy_ms")},
        }
        print(kind, json.dumps(found[kind], indent=2), flush=True)
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--sizes", default="10,100")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--kinds", default="netns,loopback,memory")
    given = arguments.parse_args()
    sizes = [int(size) for size in given.sizes.split(",")]
    found = asyncio.run(measure(given.kinds.split(","), sizes, given.rounds))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")
    print(f"written to {RESULTS}")


if __name__ == "__main__":
    main()

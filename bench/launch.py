"""What one instance costs when it is launched and released alone, among ten and among a hundred, on real hosts.

Time from the launch to the last one Running, and from the release to the last one gone, divided by their number; processor
time is this process's alone. Needs namespaces; with ``--memory`` hosts are simulated and only ECS itself is measured.

    python bench/launch.py [--memory] [--rounds 5]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tidegate.clock import SystemClock
from tidegate.ids import Ids
from tidegate.plane.helper.client import HelperClient
from tidegate.plane.hosts.base import Hosts
from tidegate.plane.hosts.memory import MemoryHosts
from tidegate.plane.hosts.netns import NetnsHosts
from tidegate.reconcile.engine import Node
from tidegate.reconcile.instance import InstanceController
from tidegate.services.ecs.instances import KIND
from tidegate.services.ecs.service import Ecs, LaunchSpec
from tidegate.settings import Settings
from tidegate.store.database import Database
from tidegate.store.embedded import EmbeddedPostgres

TARGET_RATIO = 1.3
SIZES = (1, 10, 100)
ACCOUNT, REGION = "1234567890123456", "cn-hangzhou"
RESULTS = Path(__file__).parent / "results" / "launch.json"
SPEC = LaunchSpec(image_id="aliyun_3_x64_20G_alibase_20240528.vhd", instance_type="ecs.t6-c4m1.large")


@asynccontextmanager
async def some_hosts(folder: Path, *, memory: bool) -> AsyncIterator[Hosts]:
    """Hosts of one kind, ended at the end."""
    if memory:
        yield MemoryHosts()
        return
    helper = HelperClient(folder)
    try:
        yield await NetnsHosts.open(helper)
    finally:
        await helper.close(destroy=True)


class Round:
    """Launches and releases, and keeps the clock."""

    def __init__(self, ecs: Ecs, ids: Ids) -> None:
        self._ecs = ecs
        self._ids = ids

    async def run(self, amount: int) -> dict[str, float]:
        """Return milliseconds an instance: until Running, until gone, and of processor time."""
        processor, started = time.process_time(), time.perf_counter()
        made = await self._ecs.launch(ACCOUNT, REGION, SPEC, amount, client_token=self._ids.text(16))
        await self._until(made, amount)
        running = time.perf_counter()
        await self._ecs.release(ACCOUNT, made)
        await self._until(made, 0)
        gone = time.perf_counter()
        return {
            "running": (running - started) * 1000 / amount,
            "gone": (gone - running) * 1000 / amount,
            "processor": (time.process_time() - processor) * 1000 / amount,
        }

    async def _until(self, ids: list[str], count: int) -> None:
        while True:
            seen = [one.status for one in (await self._ecs.find(ACCOUNT, REGION, ids)).values()]
            if len(seen) == count and all(one == "Running" for one in seen):
                return
            await asyncio.sleep(0.005)


async def main(rounds: int, *, memory: bool) -> None:
    """Measure, print and write down."""
    ids, clock = Ids(), SystemClock()
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as name:
        folder = Path(name)
        settings = Settings(data_dir=folder)
        server = EmbeddedPostgres(folder / "postgres", ephemeral=True)
        database = await Database.open(await server.start())
        try:
            async with some_hosts(folder / "plane", memory=memory) as hosts:
                node = Node(database, {KIND: InstanceController(database, hosts)}, clock, settings)
                working = asyncio.create_task(node.run())
                round_ = Round(Ecs(database, hosts, clock, ids), ids)
                await round_.run(SIZES[1])
                seen = {size: [await round_.run(size) for _ in range(rounds)] for size in SIZES}
                await node.stop()
                await working
        finally:
            await database.close()
            await server.stop()
    report({size: middle(figures) for size, figures in seen.items()}, "memory" if memory else "netns")


def middle(figures: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of each figure."""
    return {name: round(statistics.median(one[name] for one in figures), 2) for name in figures[0]}


def report(figures: Mapping[int, Mapping[str, float]], hosts: str) -> None:
    """Print the figures against the target and write them down."""
    for size, one in figures.items():
        print(f"{size:4} at once on {hosts}: " + ", ".join(f"{name} {value:7.2f} ms" for name, value in one.items()))
    ratios = {name: round(figures[100][name] / figures[10][name], 2) for name in figures[100]}
    print(f"an instance among 100 against one among 10 (target {TARGET_RATIO}): {ratios}")
    RESULTS.parent.mkdir(exist_ok=True)
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    kept[hosts] = {"ms_an_instance": {str(size): one for size, one in figures.items()}, "100_against_10": ratios}
    RESULTS.write_text(json.dumps(kept, indent=2) + "\n")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--memory", action="store_true")
    given = arguments.parse_args()
    asyncio.run(main(given.rounds, memory=given.memory))

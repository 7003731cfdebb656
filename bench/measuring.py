"""What measuring costs: a round over real hosts, and writing down what it came to, each as a share of a processor.

    python bench/measuring.py [--sizes 100,1000] [--rounds 7]

Real hosts (netns): processor time of the helper and of the control plane for one round, and how long another request to the
helper waits meanwhile. Writing: processor time of the process and elapsed time with the database. A round comes every fifteen
seconds, beyond 2,000 hosts every minute. Writes bench/results/measuring.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil

from hosts import all_of, plane, spec
from tidegate.clock import AdjustableClock
from tidegate.ids import Ids
from tidegate.plane.hosts.base import Usage
from tidegate.services.cms.metering import Book, Size
from tidegate.services.cms.service import MEASURED_EVERY, Monitor
from tidegate.store.database import Database
from tidegate.store.embedded import EmbeddedPostgres

RESULTS = Path(__file__).parent / "results" / "measuring.json"
WRITTEN = (1_000, 10_000)


async def reading(sizes: list[int], rounds: int) -> dict[str, Any]:
    """Measure rounds over ever more hosts of one plane."""
    found: dict[str, Any] = {}
    async with plane("netns") as (hosts, client):
        assert client is not None
        made = 0
        for size in sorted(sizes):
            first = made
            await all_of(lambda n, first=first: hosts.create(spec(hosts, first + n)), size - made)
            made = size
            assert client.pid is not None
            helper = psutil.Process(client.pid)
            samples: dict[str, list[float]] = {"helper": [], "own": [], "elapsed": [], "waited": []}
            for _ in range(rounds):
                before, own, begin = helper.cpu_times(), time.process_time(), time.perf_counter()
                round_of = asyncio.create_task(hosts.measure())
                waited = 0.0
                while not round_of.done():
                    asked = time.perf_counter()
                    await hosts.console("i-0")
                    waited = max(waited, time.perf_counter() - asked)
                assert len(await round_of) == size
                after = helper.cpu_times()
                samples["helper"].append(after.user + after.system - before.user - before.system)
                samples["own"].append(time.process_time() - own)
                samples["elapsed"].append(time.perf_counter() - begin)
                samples["waited"].append(waited)
            middle = {name: statistics.median(values) for name, values in samples.items()}
            found[str(size)] = {
                "helper_percent_of_a_core": round(100 * middle["helper"] / MEASURED_EVERY, 2),
                "own_percent_of_a_core": round(100 * middle["own"] / MEASURED_EVERY, 2),
                "round_ms": round(1000 * middle["elapsed"], 1),
                "longest_wait_of_others_ms": round(1000 * middle["waited"], 1),
            }
    return found


async def writing(rounds: int) -> dict[str, Any]:
    """Write rounds of samples, as the meter does."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        postgres = EmbeddedPostgres(Path(folder) / "database", ephemeral=True)
        database = await Database.open(await postgres.start())
        try:
            for size in WRITTEN:
                found[str(size)] = await _write(database, size, rounds)
        finally:
            await database.close()
            await postgres.stop()
    return found


async def _write(database: Database, size: int, rounds: int) -> dict[str, float]:
    clock = AdjustableClock()
    monitor, book = Monitor(database, clock, Ids()), Book()
    sizes = {f"i-{size}-{number}": Size(cpus=2, memory=8 << 30) for number in range(size)}
    owners = dict.fromkeys(sizes, "1")
    own, elapsed = [], []
    for number in range(rounds + 2):
        now = clock.advance(timedelta(seconds=MEASURED_EVERY))
        grown = dict.fromkeys(("received", "sent", "packets_received", "packets_sent"), number)
        usages = [Usage(id=one, at=15.0 * number, cpu=5.0 * number, memory=1 << 20, **grown) for one in sizes]
        begun, began = time.process_time(), time.perf_counter()
        values = book.enter(usages, sizes)
        async with database.transaction() as tx:
            await monitor.record(tx, now, values, owners, {f"asg-{size}": list(sizes)})
        own.append(time.process_time() - begun)
        elapsed.append(time.perf_counter() - began)
    return {
        "own_ms": round(1000 * statistics.median(own[2:]), 1),
        "with_database_ms": round(1000 * statistics.median(elapsed[2:]), 1),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--sizes", default="100,1000")
    arguments.add_argument("--rounds", type=int, default=7)
    given = arguments.parse_args()
    found = {
        "processors": os.cpu_count(),
        "load": os.getloadavg()[0],
        "real_hosts": asyncio.run(reading([int(size) for size in given.sizes.split(",")], given.rounds)),
        "written_samples": asyncio.run(writing(given.rounds)),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()

"""What waiting costs: ten thousand executions that wait, an idle node, and how soon one goes on when it may.

A hundred accounts with a hundred waiting executions each, as many as the cloud lets one account run at a time.
Processor time is that of the node and of its PostgreSQL, over half a minute in which nothing happens.

    python bench/waiting.py [executions]
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import psutil
import uvloop

from runbook import REGION, Bench, bench, percentiles
from tidegate.services.oos.executions import Order
from tidegate.store.embedded import EmbeddedPostgres
from tidegate.store.oos import journal

ACCOUNTS = 100
RESUMED = 300
QUIET = 30.0
PATIENCE = 600.0
TEMPLATE = """
FormatVersion: OOS-2019-06-01
RamRole: ''
Tasks:
  - Name: look
    Action: ACS::ExecuteAPI
    Properties: {Service: tide, API: DescribeThings, Parameters: {}}
  - {Name: rest, Action: ACS::Sleep, Properties: {Duration: PT20H}}
  - Name: report
    Action: ACS::ExecuteAPI
    Properties: {Service: tide, API: ReportThing, Parameters: {}}
"""


async def start(made: Bench, count: int) -> list[tuple[str, str]]:
    """Start the executions and return them, (account, id), once all of them wait."""
    gate = asyncio.Semaphore(200)

    async def one(number: int) -> tuple[str, str]:
        account = f"{1000000000000000 + number % ACCOUNTS}"
        principal = msgspec.structs.replace(made.principal, account_id=account, id=account)
        async with gate:
            record = await made.oos.executions.start(
                Order(principal=principal, region=REGION, template_content=TEMPLATE)
            )
        return account, record.id

    started = await asyncio.gather(*map(one, range(count)))
    until = time.monotonic() + PATIENCE
    for _, execution_id in reversed(started):
        while not await _rests(made, execution_id):
            assert time.monotonic() < until, "not everything came to wait in time"
            await asyncio.sleep(0.05)
    return started


async def _rests(made: Bench, execution_id: str) -> bool:
    async with made.database.connection() as connection:
        _, tasks = await journal.load(connection, execution_id) or (None, [])
    return any(task.name == "rest" for task in tasks)


async def measure(count: int) -> dict[str, Any]:
    own = psutil.Process()
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as name:
        server = EmbeddedPostgres(Path(name) / "postgres")
        dsn = await server.start()
        try:
            async with bench(Path(name), dsn, stubbed=True) as made:
                gc.collect()
                empty = own.memory_full_info().uss
                begun = time.perf_counter()
                started = await start(made, count)
                seconds = time.perf_counter() - begun
                gc.collect()
                held = own.memory_full_info().uss - empty
                before, since = spent(own), time.perf_counter()
                await asyncio.sleep(QUIET)
                idle = shares(own, before, spent(own), time.perf_counter() - since)
                latencies = []
                for account, execution_id in random.Random(7).sample(started, min(RESUMED, count)):
                    latencies.append(await _cancelled(made, account, execution_id))
        finally:
            await server.stop()
    return {
        "waiting": count,
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "started_per_second": round(count / seconds, 1),
        "bytes_each_in_the_node": round(held / count),
        "idle_percent_of_a_core": {who: round(100 * share, 2) for who, share in idle.items()},
        "cancelled": percentiles(latencies),
    }


async def _cancelled(made: Bench, account: str, execution_id: str) -> float:
    """Cancel an execution and return the milliseconds until it has ended."""
    begun = time.perf_counter()
    ended = made.ending(execution_id)
    await made.oos.executions.cancel(account, REGION, execution_id)
    return (await asyncio.wait_for(ended, 30) - begun) * 1000


def spent(own: psutil.Process) -> dict[int, float]:
    """Return the processor seconds so far of the node and of each process of its database."""
    spent = {}
    for process in (own, *own.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            spent[process.pid] = times.user + times.system
    return spent


def shares(own: psutil.Process, before: dict[int, float], after: dict[int, float], seconds: float) -> dict[str, float]:
    """Return which share of a core the node and its database took."""
    grown = {pid: spent - before.get(pid, 0.0) for pid, spent in after.items()}
    node = grown.pop(own.pid)
    return {"node": node / seconds, "database": sum(grown.values()) / seconds}


def main() -> None:
    results = uvloop.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
    print(json.dumps(results, indent=2))
    target = Path(__file__).parent / "results" / "waiting.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

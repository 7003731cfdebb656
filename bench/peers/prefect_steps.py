"""The peer of ``durable.py``: flows of three trivial tasks with Prefect, one JSON line of what was seen.

Prefect records the states of flows and tasks in its API server, here a temporary one with SQLite, as it is shipped.

    python bench/peers/prefect_steps.py [flows]
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from prefect import flow, task
from prefect.logging import disable_run_logger
from prefect.testing.utilities import prefect_test_harness


@task
async def look(thing: str) -> list[int]:
    return [3, 5] if thing else []


@task
async def change(levels: list[int]) -> str:
    return ",".join(map(str, levels))


@task
async def report(thing: str) -> str:
    return thing


@flow
async def runbook(thing: str) -> list[int]:
    levels = await look(thing)
    await change(levels)
    await report(thing)
    return levels


async def run_one() -> float:
    """Run one flow and return how long it took, in milliseconds."""
    begun = time.perf_counter()
    await runbook("t-1")
    return (time.perf_counter() - begun) * 1000


async def burst(count: int) -> dict[str, float]:
    await asyncio.gather(*(run_one() for _ in range(5)))  # warm up
    begun = time.perf_counter()
    latencies = sorted(await asyncio.gather(*(run_one() for _ in range(count))))
    seconds = time.perf_counter() - begun
    return {
        "executions_per_second": round(count / seconds, 1),
        "p50_ms": round(latencies[len(latencies) // 2], 2),
        "p99_ms": round(latencies[int(len(latencies) * 0.99)], 2),
    }


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with prefect_test_harness(server_startup_timeout=120), disable_run_logger():
        print(json.dumps(asyncio.run(burst(count))))


if __name__ == "__main__":
    main()

"""The peer of ``durable.py``: workflows of three trivial durable steps with DBOS, one JSON line of what was seen.

A process of its own, because DBOS keeps one engine a process. All workflows are started at once, as in our burst.

    python bench/peers/dbos_steps.py postgresql://…|sqlite:///… [executions]
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from dbos import DBOS


@DBOS.step()
async def look(thing: str) -> list[int]:
    return [3, 5] if thing else []


@DBOS.step()
async def change(levels: list[int]) -> str:
    return ",".join(map(str, levels))


@DBOS.step()
async def report(thing: str) -> str:
    return thing


@DBOS.workflow()
async def runbook(thing: str) -> list[int]:
    levels = await look(thing)
    await change(levels)
    await report(thing)
    return levels


async def run_one() -> float:
    """Run one workflow and return how long it took, in milliseconds."""
    begun = time.perf_counter()
    handle = await DBOS.start_workflow_async(runbook, "t-1")
    await handle.get_result()
    return (time.perf_counter() - begun) * 1000


async def burst(count: int) -> dict[str, float]:
    await asyncio.gather(*(run_one() for _ in range(20)))  # warm up
    begun = time.perf_counter()
    latencies = sorted(await asyncio.gather(*(run_one() for _ in range(count))))
    seconds = time.perf_counter() - begun
    return {
        "executions_per_second": round(count / seconds, 1),
        "p50_ms": round(latencies[len(latencies) // 2], 2),
        "p99_ms": round(latencies[int(len(latencies) * 0.99)], 2),
    }


def main() -> None:
    url, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 200
    DBOS(config={"name": "bench", "system_database_url": url, "run_admin_server": False, "log_level": "ERROR"})
    DBOS.launch()
    try:
        print(json.dumps(asyncio.run(burst(count))))
    finally:
        DBOS.destroy()


if __name__ == "__main__":
    main()

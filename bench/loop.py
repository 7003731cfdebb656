"""What one item of a loop costs, from a hundred items to the thousand a loop may have, each a durable call.

Goal: the cost stays flat (within 1.3).

    python bench/loop.py [rounds]
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import uvloop

from runbook import Bench, bench
from tidegate.store.embedded import EmbeddedPostgres

SIZES = (100, 300, 1000)
TEMPLATE = """
FormatVersion: OOS-2019-06-01
RamRole: ''
Parameters: {things: {Type: List}}
Tasks:
  - Name: each
    Action: ACS::ExecuteAPI
    Properties: {Service: tide, API: DescribeThings, Parameters: {ThingIds: ['{{ ACS::TaskLoopItem }}']}}
    Loop: {Items: '{{ things }}', RateControl: {Mode: Concurrency, Concurrency: 50, MaxErrors: 0}}
    Outputs: {levels: {Type: List, ValueSelector: '.Things[].Level'}}
"""


async def each_ms(made: Bench, items: int) -> float:
    """Run a loop and return the milliseconds per item."""
    things = [f"t-{number}" for number in range(items)]
    return await made.run_one(template_content=TEMPLATE, parameters={"things": things}) / items


async def measure(rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as name:
        server = EmbeddedPostgres(Path(name) / "postgres")
        dsn = await server.start()
        try:
            async with bench(Path(name), dsn, stubbed=True) as made:
                seen = {size: [await each_ms(made, size) for _ in range(rounds)] for size in SIZES}
        finally:
            await server.stop()
    middle = {size: round(statistics.median(turns), 3) for size, turns in seen.items()}
    return {
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "ms_per_item": middle,
        "largest_to_smallest": round(middle[SIZES[-1]] / middle[SIZES[0]], 2),
    }


def main() -> None:
    results = uvloop.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
    print(json.dumps(results, indent=2))
    target = Path(__file__).parent / "results" / "loop.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

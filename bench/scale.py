"""Ten thousand instances: groups in ten regions scale out and back in at once, each with hooks, runbook and whitelist.

Hosts, Redis and gate are kept in memory, so that what is measured is the control plane: 999 instances a group, because
a whitelist holds 1,000 addresses and one of them is its own. Real hosts: `python bench/chain.py --sizes 100,999`.

    python bench/scale.py [--size 999] [--groups 10]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from chain import Group
from tidegate.assembly import Cloud
from tidegate.services.ecs import catalog
from tidegate.settings import Settings

RESULTS = Path(__file__).parent / "results" / "scale.json"


async def scale(groups: list[Group], size: int) -> dict[str, float]:
    """Scale every group to ``size`` and back; returns the milliseconds each instance cost."""
    begun = time.perf_counter()
    await asyncio.gather(*(group.scale_to(size) for group in groups))
    out = time.perf_counter() - begun
    for group in groups:
        assert await group.listed() == size, "an address was lost"
    begun = time.perf_counter()
    await asyncio.gather(*(group.scale_to(0) for group in groups))
    back = time.perf_counter() - begun
    for group in groups:
        assert await group.listed() == 0, "an address stayed"
    many = size * len(groups)
    return {"instances": many, "out_each_ms": 1000 * out / many, "in_each_ms": 1000 * back / many}


async def measure(size: int, count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        settings = Settings(data_dir=Path(folder), port=0, hosts="memory", gate="memory", ephemeral=True)
        async with Cloud.running(settings) as cloud, cloud.client() as client:
            groups = [Group(client, region) for region in list(catalog.REGIONS)[:count]]
            await groups[0].permit()
            for group in groups:
                await group.furnish()
            await scale(groups[:1], 10)  # warm up
            small = await scale(groups[:1], 100)
            large = await scale(groups, size)
    return {
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "small": small,
        "large": large,
        "out_large_to_small": large["out_each_ms"] / small["out_each_ms"],
        "in_large_to_small": large["in_each_ms"] / small["in_each_ms"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=999)
    parser.add_argument("--groups", type=int, default=10)
    options = parser.parse_args()
    results = uvloop.run(measure(options.size, options.groups))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()

"""How long each page of the console takes, with 1,000 instances and 10,000 executions in the database.

Over HTTP, one request at a time, as a browser that is signed in as the account; the browser's own time is not counted. The
rows are copies of ones that were really made, so every page shows what it would show.

    python bench/console.py [--looks 12]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from support.console import Browser, World, running, until  # noqa: E402 - the path comes first
from tidegate.store.embedded import EmbeddedPostgres  # noqa: E402

TARGET_MS = 50.0
TARGET_BYTES = 150_000
RESULTS = Path(__file__).parent / "results" / "console.json"
_MANY: Mapping[str, tuple[int, Mapping[str, str]]] = {
    "oos_execution": (
        10_000,
        {
            "id": "'exec-' || lpad(n::text, 16, '0')",
            "started_at": "started_at - n * interval '1 second'",
            "status": "case when n % 50 = 0 then 'Failed' else 'Success' end",
        },
    ),
    "ecs_instance": (
        1_000,
        {
            "id": "'i-' || lpad(n::text, 18, '0')",
            "address": "'10.1.' || n / 250 || '.' || n % 250",
            "host_name": "'h' || n",
            "serial_number": "'s' || n",
            "mac_address": "'m' || n",
        },
    ),
    "ess_member": (
        1_000,
        {"instance_id": "'i-' || lpad(n::text, 18, '0')", "state": "'InService'", "busy_with": "null"},
    ),
    "ess_activity": (
        2_000,
        {"id": "'asa-' || lpad(n::text, 16, '0')", "status": "'Successful'", "ended_at": "started_at"},
    ),
}


async def multiply(connection: Any) -> None:
    """Copy one row of each table many times."""
    for table, (count, changed) in _MANY.items():
        rows = await connection.fetch(
            "select column_name from information_schema.columns where table_name = $1 and is_identity = 'NO'"
            " and is_generated = 'NEVER'",
            table,
        )
        names = [row["column_name"] for row in rows]
        values = ", ".join(changed.get(name, name) for name in names)
        await connection.execute(
            f"insert into {table} ({', '.join(names)}) select {values} from (select * from {table} limit 1) one,"
            f" generate_series(1, {count}) n"
        )
    await connection.execute("analyze")


def pages(ids: Mapping[str, str]) -> list[str]:
    """Return the addresses that are measured."""
    group = ids["group"]
    return [
        "/overview",
        "/guide",
        "/timeline",
        f"/timeline?group={group}",
        f"/why?redis={ids['redis']}&instance={'i-' + '1'.rjust(18, '0')}",
        "/ess",
        *(
            f"/ess/{group}?tab={tab}"
            for tab in (
                "basics",
                "instances",
                "configurations",
                "rules",
                "tasks",
                "hooks",
                "notifications",
                "refreshes",
            )
        ),
        f"/ess/{group}?tab=activities",
        *(f"/ess/{group}?tab=monitoring&hours={hours}" for hours in (1, 168)),
        f"/ess/{group}/hook?template=ACS-ESS-LifeCycleModifyRedisIPWhitelist",
        f"/ess/{group}/alarm",
        "/ecs",
        "/ecs?page=40",
        "/slb",
        f"/slb/{ids['balancer']}",
        "/databases/polardb",
        "/mns",
        "/mns/queues/told",
        "/redis",
        f"/redis/{ids['redis']}",
        "/oos/executions",
        "/oos/executions?status=Failed",
        f"/oos/executions/{ids['execution']}",
        *(f"/oos/executions/{ids['execution']}?tab={tab}" for tab in ("advanced", "log")),
        "/oos/templates",
        "/oos/templates/biting",
        "/ram/users",
        "/ram/policies",
        "/ram/users/eve",
        "/ram/settings",
    ]


async def settled(world: World) -> bool:
    """Tell whether there is one of everything to copy."""
    async with world.cloud.database.connection() as connection:
        counts = [await connection.fetchval(f"select count(*) from {table}") for table in _MANY]
        return all(counts)


async def weigh(browser: Browser) -> int:
    """Return the bytes of the first page with everything it loads, uncompressed."""
    page = await browser.get("/overview")
    parts = set(re.findall(r'(?:src|href)="(/console/static/[^"]+)"', page.text))
    return len(page.content) + sum([len((await browser.client.get(part)).content) for part in parts])


async def measure(looks: int) -> tuple[dict[str, float], int]:
    """Return the median of each page, in milliseconds, and the bytes of the first page."""
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        postgres = EmbeddedPostgres(Path(folder) / "database", ephemeral=True)
        dsn = await postgres.start()
        try:
            async with running(Path(folder) / "cloud", dsn) as world:
                await until(lambda: settled(world))
                async with world.cloud.database.connection() as connection:
                    await multiply(connection)
                browser = await world.owner()
                medians = {}
                for page in pages(world.ids):
                    took = []
                    for _ in range(looks):
                        began = time.perf_counter()
                        answer = await browser.get(page)
                        took.append((time.perf_counter() - began) * 1000)
                        assert answer.status_code == 200, page
                    medians[page] = round(statistics.median(took), 1)
                return medians, await weigh(browser)
        finally:
            await postgres.stop()


def main() -> None:
    """Measure, print and write down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--looks", type=int, default=12)
    medians, weight = asyncio.run(measure(parser.parse_args().looks))
    for page, median in medians.items():
        print(f"{median:7.1f} ms  {page}")
    slowest = max(medians.values())
    print(f"slowest {slowest} ms, target {TARGET_MS} ms: {TARGET_MS / slowest:.1f} times as fast as asked")

    print(f"first page {weight} bytes in all, target {TARGET_BYTES}")
    told = {"target_ms": TARGET_MS, "slowest_ms": slowest, "first_page_bytes": weight, "pages": medians}
    RESULTS.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""Durable executions of three steps, ours against DBOS, in one sitting and in turn, on the same PostgreSQL and on SQLite.

Ours is the whole runbook engine (template, jq, durable task records) with calls answered by a stub; DBOS runs three
trivial Python steps. The middle one of three rounds counts. Goal: at least twice DBOS.

    python bench/durable.py [executions] [rounds]
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from runbook import bench, burst
from tidegate.store.embedded import EmbeddedPostgres

PEER = Path(__file__).parent / "peers" / "dbos_steps.py"
PATIENCE = 300  # seconds for one round of the peer


async def ours(folder: Path, dsn: str, count: int) -> dict[str, float]:
    async with bench(folder, dsn, stubbed=True) as made:
        return await burst(made, count)


async def dbos(url: str, count: int) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, PEER, url, str(count), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    if process.returncode:
        raise RuntimeError(f"the peer ended with {process.returncode}")
    return dict(json.loads(output.splitlines()[-1]))


async def measure(count: int, rounds: int) -> dict[str, Any]:
    seen: dict[str, list[dict[str, float]]] = {"ours": [], "dbos_postgresql": [], "dbos_sqlite": []}
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as name:
        folder = Path(name)
        server = EmbeddedPostgres(folder / "postgres")
        dsn = await server.start()
        try:
            connection = await asyncpg.connect(dsn)
            await connection.execute("CREATE DATABASE peer")
            await connection.close()
            for turn in range(rounds):
                seen["ours"].append(await ours(folder, dsn, count))
                seen["dbos_postgresql"].append(await dbos(_other(dsn, "peer"), count))
                seen["dbos_sqlite"].append(await dbos(f"sqlite:///{folder}/peer-{turn}.sqlite", count))
        finally:
            await server.stop()
    middle = {who: sorted(turns, key=_rate)[len(turns) // 2] for who, turns in seen.items()}
    return {
        "executions": count,
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        **middle,
        "times_dbos_postgresql": round(_rate(middle["ours"]) / _rate(middle["dbos_postgresql"]), 1),
        "times_dbos_sqlite": round(_rate(middle["ours"]) / _rate(middle["dbos_sqlite"]), 1),
        "spread": {who: round(statistics.pstdev(map(_rate, turns)), 1) for who, turns in seen.items()},
    }


def _rate(turn: dict[str, float]) -> float:
    return turn["executions_per_second"]


def _other(dsn: str, database: str) -> str:
    """Return the address of another database of the same server."""
    path, _, question = dsn.partition("?")
    return f"{path.rsplit('/', 1)[0]}/{database}?{question}"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    results = uvloop.run(measure(count, int(sys.argv[2]) if len(sys.argv) > 2 else 3))
    print(json.dumps(results, indent=2))
    target = Path(__file__).parent / "results" / "durable.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

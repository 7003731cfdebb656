"""Durable executions of three steps, ours beside DBOS and Prefect, in one sitting and in turn.

Ours is the whole runbook engine (template, jq, durable task records) with calls answered by a stub, on PostgreSQL; DBOS
runs three trivial Python steps on the same PostgreSQL and on SQLite; Prefect three trivial tasks with a temporary server
on SQLite, a tenth of the executions. All are started at once; of the rounds the middle one counts. Goal: at least
twice DBOS. The peers are installed for the run by uv and stay outside the project.

    python bench/durable.py [executions] [rounds]
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from runbook import bench, burst
from tidegate.store.embedded import EmbeddedPostgres

PEERS = Path(__file__).parent / "peers"
DBOS = ("dbos==3.4.0",)
#: Prefect 3.8 does not start with the newest version of its web framework
PREFECT = ("prefect==3.8.8", "fastapi==0.139.*")
PATIENCE = 300  # seconds for one round of a peer


async def ours(folder: Path, dsn: str, count: int) -> dict[str, float]:
    async with bench(folder, dsn, stubbed=True) as made:
        return await burst(made, count)


async def peer(script: str, packages: Sequence[str], *arguments: str) -> dict[str, float]:
    """Run a peer's script with its packages and return what it saw."""
    wanted = [word for package in packages for word in ("--with", package)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uv", "run", "--quiet", "--no-project", *wanted, "python", PEERS / script, *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    if process.returncode:
        raise RuntimeError(f"{script} ended with {process.returncode}")
    return dict(json.loads(next(line for line in output.splitlines() if line.startswith(b"{"))))


async def measure(count: int, rounds: int) -> dict[str, Any]:
    seen: dict[str, list[dict[str, float]]] = {"ours": [], "dbos_postgresql": [], "dbos_sqlite": [], "prefect": []}
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
                seen["dbos_postgresql"].append(await peer("dbos_steps.py", DBOS, _other(dsn, "peer"), str(count)))
                file = f"sqlite:///{folder}/peer-{turn}.sqlite"
                seen["dbos_sqlite"].append(await peer("dbos_steps.py", DBOS, file, str(count)))
                seen["prefect"].append(await peer("prefect_steps.py", PREFECT, str(max(count // 10, 1))))
        finally:
            await server.stop()
    middle = {who: sorted(turns, key=_rate)[len(turns) // 2] for who, turns in seen.items()}
    return {
        "executions": count,
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        **middle,
        "times": {who: round(_rate(middle["ours"]) / _rate(middle[who]), 1) for who in seen if who != "ours"},
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

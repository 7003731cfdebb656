"""A year of a scaling group in virtual time, on memory hosts: schedules, alarms, illness, shortages, hooks, refreshes, deaths.

After every step the group must be sound, and at rest every night. What is measured is how long such a year takes.

    python bench/year.py [--days 365]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the life of a group is told there

from support.year import Life
from tidegate.store.database import Database
from tidegate.store.embedded import EmbeddedPostgres

TARGET_SECONDS = 120
RESULTS = Path(__file__).parent / "results" / "year.json"


async def main(days: int) -> None:
    """Live, and write down how long it took."""
    logging.disable(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres", ephemeral=True)
        database = await Database.open(await server.start())
        try:
            life = await Life.begin(database)
            begun, processor = time.perf_counter(), time.process_time()
            await life.live(days)
            seconds, own = time.perf_counter() - begun, time.process_time() - processor
        finally:
            await database.close()
            await server.stop()
    figures = {
        "days": days,
        "seconds": round(seconds, 1),
        "processor_seconds": round(own, 1),
        "steps": life.steps,
        "ms_a_step": round(seconds * 1000 / life.steps, 2),
        "happened": dict(life.happened),
    }
    print(
        f"{days} days in {seconds:.1f} s (target for a year: {TARGET_SECONDS}), {life.steps} steps, all sound: {figures}"
    )
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--days", type=int, default=365)
    asyncio.run(main(arguments.parse_args().days))

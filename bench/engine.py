"""The durable core: runbooks per second and their latency, take-over, ten thousand open waits, start and memory.

``python bench/engine.py [--quick]`` pins itself to two cores, uses a fresh durable PostgreSQL (fsync on) in a temporary
folder, prints one line a measurement and writes ``bench/results/engine.json``.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil

from tidegate.clock import SystemClock
from tidegate.reconcile.engine import Controller, Node, Run
from tidegate.settings import Settings
from tidegate.store import work
from tidegate.store.database import Database
from tidegate.store.embedded import EmbeddedPostgres

RESULTS = Path(__file__).parent / "results" / "engine.json"
CLOCK = SystemClock()


# ---- controllers -----------------------------------------------------------------------------------------------------


async def nothing() -> int:
    return 1


async def runbook(run: Run) -> int:
    """Three durable steps that do nothing."""
    return sum([await run.step(f"step:{n}", nothing) for n in range(3)])


async def hook(run: Run) -> Any:
    """One question, open for an hour."""
    return await run.wait("answer", run.now() + timedelta(hours=1), "late")


async def slow(run: Run) -> None:
    """A step in flight when its node is killed."""
    await run.step("step", lambda: asyncio.sleep(0.2))


CONTROLLERS: Mapping[str, Controller] = {"runbook": runbook, "hook": hook, "slow": slow}


class WatchedNode(Node):
    """Tells when each look at a work was over, its last commit included."""

    ended: dict[str, float]

    async def advance(self, key: str, job: int | None = None) -> None:
        await super().advance(key, job)
        self.ended[key] = time.perf_counter()


# ---- measuring -------------------------------------------------------------------------------------------------------


class Bench:
    def __init__(self, quick: bool) -> None:
        self.quick = quick
        self.found: dict[str, Any] = {}

    def note(self, name: str, **values: float) -> None:
        self.found[name] = {key: round(value, 3) for key, value in values.items()}
        print(f"{name:28}", "  ".join(f"{key} {value:.3g}" for key, value in values.items()), flush=True)


def tails(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {"p50_ms": statistics.median(ordered) * 1e3, "p99_ms": ordered[int(len(ordered) * 0.99)] * 1e3}


async def until(condition: Callable[[], Awaitable[bool]], pause: float = 0.01) -> None:
    while not await condition():
        await asyncio.sleep(pause)


async def start(database: Database, key: str, kind: str) -> float:
    begun = time.perf_counter()
    async with database.transaction() as tx:
        await work.start(tx, key, kind, now=CLOCK.now())
    return begun


async def running_node(database: Database, folder: Path) -> tuple[WatchedNode, asyncio.Task[None]]:
    node = WatchedNode(database, CONTROLLERS, CLOCK, Settings(data_dir=folder))
    node.ended = {}
    task = asyncio.create_task(node.run())
    await start(database, "runbook/warm", "runbook")
    while "runbook/warm" not in node.ended:
        await asyncio.sleep(0.01)
    return node, task


# ---- what is measured ------------------------------------------------------------------------------------------------


async def starts(bench: Bench, folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    begun = time.perf_counter()
    await server.start()
    empty = time.perf_counter() - begun
    begun = time.perf_counter()
    database = await Database.open(server.dsn)
    schema = time.perf_counter() - begun
    await database.close()
    begun = time.perf_counter()
    await server.stop()
    stop = time.perf_counter() - begun

    begun = time.perf_counter()
    await server.start()
    again = time.perf_counter() - begun
    begun = time.perf_counter()
    database = await Database.open(server.dsn)
    reopen = time.perf_counter() - begun
    await database.close()

    killed = server.pid
    assert killed
    begun = time.perf_counter()
    os.kill(killed, signal.SIGKILL)

    async def back() -> bool:
        if server.pid in {None, killed}:
            return False
        try:
            await (await Database.open(server.dsn)).close()
        except Exception:
            return False
        return True

    await until(back)
    recovery = time.perf_counter() - begun
    await server.stop()
    bench.note(
        "start (seconds)",
        empty_folder=empty,
        schema=schema,
        existing_folder=again,
        schema_check=reopen,
        after_kill_of_server=recovery,
        stop=stop,
    )


async def baseline(bench: Bench, database: Database) -> float:
    """The rows of a three-step runbook written by hand, each commit for itself: what the disk and the driver allow."""
    count = 200 if bench.quick else 1000

    async def one(n: int) -> None:
        key = f"hand/{n}"
        async with database.connection() as connection:
            await connection.execute(
                "insert into work (key, kind, started_at) values ($1, 'hand', $2)", key, CLOCK.now()
            )
            for step in range(3):
                await connection.execute(
                    "insert into journal (work, name, result) values ($1, $2, '1')", key, str(step)
                )
            await connection.execute(
                "update work set status = 'Success', finished_at = $2 where key = $1", key, CLOCK.now()
            )

    queue = iter(range(count))

    async def worker() -> None:
        for n in queue:
            await one(n)

    begun = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(16)))
    rate = count / (time.perf_counter() - begun)
    bench.note("rows by hand", per_second=rate)
    return rate


async def throughput(bench: Bench, database: Database, node: WatchedNode, by_hand: float) -> None:
    count = 300 if bench.quick else 3000
    cpu, begun = time.process_time(), time.perf_counter()
    for first in range(0, count, 50):
        await asyncio.gather(*(start(database, f"runbook/burst-{n}", "runbook") for n in range(first, first + 50)))
    while sum(key.startswith("runbook/burst") for key in node.ended) < count:
        await asyncio.sleep(0.005)
    rate = count / (time.perf_counter() - begun)
    bench.note(
        "three durable steps, burst",
        per_second=rate,
        of_rows_by_hand=rate / by_hand,
        python_ms_each=(time.process_time() - cpu) / count * 1e3,
    )


async def latency(bench: Bench, database: Database, node: WatchedNode) -> None:
    for pace in (20, 100):
        count = pace * (2 if bench.quick else 10)
        begun: dict[str, float] = {}

        async def one(key: str, begun: dict[str, float] = begun) -> None:
            begun[key] = await start(database, key, "runbook")

        first = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for n in range(count):
                tasks.create_task(one(f"runbook/paced-{pace}-{n}"))
                await asyncio.sleep(max(0, first + (n + 1) / pace - time.perf_counter()))
        while not begun.keys() <= node.ended.keys():
            await asyncio.sleep(0.005)
        bench.note(f"start to end, {pace} a second", **tails([node.ended[key] - at for key, at in begun.items()]))


async def waiting(bench: Bench, database: Database, node: WatchedNode, server: EmbeddedPostgres) -> None:
    count = 1000 if bench.quick else 10_000
    before = memory(server)
    begun = time.perf_counter()
    for first in range(0, count, 100):
        async with database.transaction() as tx:
            for n in range(first, first + 100):
                await work.start(tx, f"hook/{n}", "hook", now=CLOCK.now())

    async def all_wait() -> bool:
        async with database.connection() as connection:
            waits = await connection.fetchval("select count(*) from wait where answered_at is null")
            return bool(waits == count and not await connection.fetchval("select count(*) from lease"))

    await until(all_wait, 0.2)
    bench.note("opening waits", count=count, per_second=count / (time.perf_counter() - begun))
    await asyncio.sleep(3 if bench.quick else 60)  # until autovacuum has been by
    seconds = 5 if bench.quick else 20
    cpu = processor(server)
    await asyncio.sleep(seconds)
    python, postgres = (after - earlier for after, earlier in zip(processor(server), cpu, strict=True))
    after = memory(server)
    bench.note(
        f"{count} waiting",
        python_percent=python / seconds * 100,
        postgres_percent=postgres / seconds * 100,
        python_mib=after[0],
        postgres_mib=after[1],
        python_bytes_each=(after[0] - before[0]) * 2**20 / count,
    )
    answered: dict[str, float] = {}
    sample = range(100 if bench.quick else 500)
    for n in sample:
        node.ended.pop(f"hook/{n}", None)
        answered[f"hook/{n}"] = time.perf_counter()
        async with database.transaction() as tx:
            assert await work.answer(tx, f"hook/{n}/answer", "CONTINUE", now=CLOCK.now())
        await asyncio.sleep(0.02)
    while not answered.keys() <= node.ended.keys():
        await asyncio.sleep(0.005)
    bench.note("answer to end", **tails([node.ended[key] - at for key, at in answered.items()]))

    begun = time.perf_counter()
    for first in range(len(sample), count, 100):
        async with database.transaction() as tx:
            for n in range(first, min(first + 100, count)):
                await work.answer(tx, f"hook/{n}/answer", "CONTINUE", now=CLOCK.now())

    async def all_ended() -> bool:
        async with database.connection() as connection:
            return not await connection.fetchval("select 1 from work where status = 'Active' limit 1")

    await until(all_ended, 0.1)
    rest = count - len(sample)
    bench.note(
        "answering the rest at once",
        seconds=time.perf_counter() - begun,
        per_second=rest / (time.perf_counter() - begun),
    )


async def take_over(bench: Bench, database: Database, *, freeze: bool) -> None:
    count = 50
    processes = [await asyncio.create_subprocess_exec(sys.executable, __file__, "--node", database.dsn) for _ in "ab"]
    try:
        await asyncio.sleep(2)
        for n in range(count):
            await start(database, f"slow/{freeze}-{n}", "slow")
        await asyncio.sleep(0.1)
        victim = processes[0]
        begun = time.perf_counter()
        victim.send_signal(signal.SIGSTOP if freeze else signal.SIGKILL)

        async def all_ended() -> bool:
            async with database.connection() as connection:
                return not await connection.fetchval("select 1 from work where status = 'Active' limit 1")

        await until(all_ended)
        bench.note(f"take-over of a {'frozen' if freeze else 'killed'} node", seconds=time.perf_counter() - begun)
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def memory(server: EmbeddedPostgres) -> tuple[float, float]:
    """Proportional memory of this process and of PostgreSQL, MiB."""
    return tuple(sum(one.memory_full_info().pss for one in group) / 2**20 for group in processes(server))  # type: ignore[return-value]


def processor(server: EmbeddedPostgres) -> tuple[float, float]:
    """Processor seconds used so far, those of ended server processes included."""
    (python,), (postmaster, *backends) = processes(server)
    return (
        sum(python.cpu_times()[:2]),
        sum(postmaster.cpu_times()[:4]) + sum(sum(one.cpu_times()[:2]) for one in backends),
    )


def processes(server: EmbeddedPostgres) -> tuple[list[psutil.Process], list[psutil.Process]]:
    postmaster = psutil.Process(server.pid)
    return [psutil.Process()], [postmaster, *postmaster.children(recursive=True)]


async def be_a_node(dsn: str) -> None:
    database = await Database.open(dsn)
    await Node(database, CONTROLLERS, CLOCK, Settings(data_dir=Path("/nonexistent"))).run()


async def main(quick: bool) -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    bench = Bench(quick)
    folder = Path(tempfile.mkdtemp(prefix="tidegate-bench-"))
    server = EmbeddedPostgres(folder / "data")
    try:
        await starts(bench, folder / "starts")
        database = await Database.open(await server.start())
        by_hand = await baseline(bench, database)
        node, task = await running_node(database, folder)
        mib = memory(server)
        bench.note("idle memory (MiB, PSS)", python=mib[0], postgres=mib[1])
        await latency(bench, database, node)
        await throughput(bench, database, node, by_hand)
        await waiting(bench, database, node, server)
        await node.stop()
        await task
        async with database.transaction() as tx:
            await tx.execute("truncate work cascade")
        await take_over(bench, database, freeze=False)
        await take_over(bench, database, freeze=True)
        await database.close()
    finally:
        await server.stop()
        shutil.rmtree(folder)
    if not quick:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps({"cores": 2, "load": os.getloadavg()[0], **bench.found}, indent=2) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--node"]:
        asyncio.run(be_a_node(sys.argv[2]))
    else:
        asyncio.run(main("--quick" in sys.argv))

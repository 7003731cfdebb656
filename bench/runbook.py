"""How fast durable runbooks run: three steps, every step forward a commit, PostgreSQL with fsync.

Two ways in one sitting: calls answered by a stub (the engine alone), and calls through the gateway's handlers with RAM
deciding each of them (as in a real cloud). ``burst``: all started at once; ``paced``: 33 a second; ``alone``: one at a
time. Latency is from StartExecution's begin to the commit of the execution's end.

    python bench/runbook.py [executions]
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from tidegate.clock import SystemClock
from tidegate.gateway.app import Gateway
from tidegate.ids import Ids
from tidegate.reconcile.engine import Node, Run
from tidegate.reconcile.execution import ExecutionController
from tidegate.services.oos.orders import Order
from tidegate.services.oos.sandbox import Sandbox
from tidegate.services.oos.service import Oos
from tidegate.services.oos.templates import TemplateFilter
from tidegate.services.operation import Answer, Call, Principal, Product, Request
from tidegate.services.ram.service import Ram
from tidegate.settings import Settings
from tidegate.store.database import Database
from tidegate.store.embedded import EmbeddedPostgres
from tidegate.store.nonces import Nonces
from tidegate.vault import Vault

REGION = "cn-hangzhou"
TEMPLATE = """
FormatVersion: OOS-2019-06-01
RamRole: ''
Parameters: {thing: {Type: String}}
Tasks:
  - Name: look
    Action: ACS::ExecuteAPI
    Properties: {Service: tide, API: DescribeThings, Parameters: {ThingIds: ['{{ thing }}']}}
    Outputs: {levels: {Type: List, ValueSelector: '.Things[].Level'}}
  - Name: change
    Action: ACS::ExecuteAPI
    Properties: {Service: tide, API: ChangeThing, Parameters: {Levels: {'Fn::Join': [',', '{{ look.levels }}']}}}
  - Name: report
    Action: ACS::ExecuteAPI
    Properties: {Service: tide, API: ReportThing, Parameters: {Thing: '{{ thing }}'}}
Outputs: {levels: {Type: List, Value: '{{ look.levels }}'}}
"""

tide = Product(name="tide", code="tide", versions=("2024-01-01",))


class ThingRequest(Request):
    thing: str = ""
    levels: str = ""


class ThingsAnswer(Answer):
    things: list[dict[str, Any]]


@tide.operation("DescribeThings")
async def describe_things(_service: Any, _call: Call, _request: ThingRequest) -> ThingsAnswer:
    return ThingsAnswer([{"Level": 3}, {"Level": 5}])


@tide.operation("ChangeThing")
async def change_thing(_service: Any, _call: Call, _request: ThingRequest) -> ThingsAnswer:
    return ThingsAnswer([])


@tide.operation("ReportThing")
async def report_thing(_service: Any, _call: Call, _request: ThingRequest) -> ThingsAnswer:
    return ThingsAnswer([])


class Stub:
    """Answers every call at once."""

    async def call(self, _product: str, action: str, _parameters: Mapping[str, Any], *, region: str) -> dict[str, Any]:
        return {"Things": [{"Level": 3}, {"Level": 5}] if action == "DescribeThings" else [], "RegionId": region}


@dataclass
class Bench:
    """OOS with a node, and when each execution ended."""

    oos: Oos
    principal: Principal
    database: Database
    ended: dict[str, asyncio.Future[float]] = field(default_factory=dict)

    async def run_one(self, **order: Any) -> float:
        """Run one execution and return how long it took, in milliseconds; without an order the stored template."""
        begun = time.perf_counter()
        execution_id = await self.start(**order or {"template_name": "bench", "parameters": {"thing": "t-1"}})
        took = (await self.ending(execution_id) - begun) * 1000
        record = await self.oos.executions.find(self.principal.account_id, REGION, execution_id)
        assert record.status == "Success", record.status_message
        return took

    async def start(self, **order: Any) -> str:
        """Start an execution and return its id."""
        return (await self.oos.executions.start(Order(principal=self.principal, region=REGION, **order))).id

    def ending(self, execution_id: str) -> asyncio.Future[float]:
        """Return what is told when an execution has ended."""
        return self.ended.setdefault(execution_id, asyncio.get_running_loop().create_future())

    def watch(self, controller: Callable[[Run], Awaitable[None]]) -> Callable[[Run], Awaitable[None]]:
        """Return a controller that notes when it returns, which is after the commit of the end."""

        async def watched(run: Run) -> None:
            await controller(run)
            ended = self.ending(run.id)
            if not ended.done():
                ended.set_result(time.perf_counter())

        return watched


@asynccontextmanager
async def bench(folder: Path, dsn: str, *, stubbed: bool) -> AsyncIterator[Bench]:
    clock, ids, programs = SystemClock(), Ids(), Sandbox()
    database = await Database.open(dsn)
    vault = Vault.in_folder(folder)
    ram = Ram(database, vault, clock, ids)
    await ram.bootstrap()
    account = await ram.account_id()
    principal = Principal(kind="Account", account_id=account, id=account)
    settings = Settings(data_dir=folder)
    oos = Oos(database, clock, ids, roles=ram, programs=programs, vault=vault, concurrent=0)
    made = Bench(oos, principal, database)
    nonces = Nonces(database)
    gateway = Gateway({tide: None}, ram=ram, nonces=nonces, clock=clock, ids=ids, settings=settings)
    controller = ExecutionController(
        database,
        clock,
        executions=oos.executions,
        library=oos.library,
        programs=programs,
        roles=ram,
        store=oos.parameter_store,
        call_as=(lambda _principal: Stub()) if stubbed else gateway.caller,
    )
    node = Node(database, {"execution": made.watch(controller)}, clock, settings)
    running = asyncio.create_task(node.run())
    try:
        if not (await oos.templates.list(account, REGION, TemplateFilter(name="bench"))):
            await oos.templates.create(principal, REGION, "bench", TEMPLATE)
        await asyncio.sleep(1.0)
        await asyncio.gather(*(made.run_one() for _ in range(50)))  # warm up
        yield made
    finally:
        await node.stop()
        await running
        await nonces.close()
        await database.close()
        await programs.close()


async def burst(made: Bench, count: int) -> dict[str, float]:
    before, spent = time.perf_counter(), _processor_time()
    latencies = await asyncio.gather(*(made.run_one() for _ in range(count)))
    seconds = time.perf_counter() - before
    return {
        "executions_per_second": round(count / seconds, 1),
        "python_ms_each": round((_processor_time() - spent) / count * 1000, 2),
        **percentiles(latencies),
    }


async def paced(made: Bench, count: int, per_second: float) -> dict[str, float]:
    tasks = []
    for _ in range(count):
        tasks.append(asyncio.create_task(made.run_one()))
        await asyncio.sleep(1 / per_second)
    return percentiles(await asyncio.gather(*tasks))


async def alone(made: Bench, count: int) -> dict[str, float]:
    return percentiles([await made.run_one() for _ in range(count)])


def percentiles(milliseconds: list[float]) -> dict[str, float]:
    ordered = sorted(milliseconds)
    return {
        "p50_ms": round(statistics.median(ordered), 2),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)], 2),
    }


def _processor_time() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def measure(count: int) -> dict[str, Any]:
    results: dict[str, Any] = {"executions": count, "cores": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres")
        dsn = await server.start()
        try:
            for name, stubbed in (("engine_alone", True), ("through_the_door", False)):
                async with bench(Path(folder), dsn, stubbed=stubbed) as made:
                    results[name] = {
                        "burst": await burst(made, count),
                        "paced_33": await paced(made, min(count, 330), 33),
                        "alone": await alone(made, min(count, 100)),
                    }
        finally:
            await server.stop()
    return results


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    results = uvloop.run(measure(count))
    print(json.dumps(results, indent=2))
    target = Path(__file__).parent / "results" / "runbook.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

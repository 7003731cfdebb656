"""CloudMonitor beside an Auto Scaling on memory hosts, for each test, on a database that tests share one after another."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from support import postgres
from support.ess import ACCOUNT, REGION, World, empty, make_world
from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.services.cms.api import cms as product
from tidegate.services.cms.times import start_of
from tidegate.services.operation import Call, Principal
from tidegate.store.database import Database
from tidegate.wire.parameters import decode, flatten


@pytest.fixture(scope="session")
def worker_dsn(postgres_server: str, database_template: str) -> Iterator[str]:
    name = f"test_cms_{uuid.uuid4().hex[:16]}"
    yield asyncio.run(postgres.create(postgres_server, name, database_template))
    asyncio.run(postgres.drop(postgres_server, name))


@pytest.fixture
async def database(worker_dsn: str) -> AsyncIterator[Database]:
    opened = await Database.open(worker_dsn, pool_size=8)
    await empty(opened)
    yield opened
    await opened.close()


@dataclass
class Watched:
    """A world whose hosts are measured."""

    world: World
    calls: int = field(default=0)

    async def call(self, action: str, *, account: str = ACCOUNT, **parameters: Any) -> dict[str, Any]:
        """Call an operation of CloudMonitor, without signature and permission."""
        operation = product.operations[action]
        request = decode(flatten(parameters), operation.request, product.missing, product.invalid)
        self.calls += 1
        call = Call(
            principal=Principal(kind="Account", account_id=account, id=account),
            region=REGION,
            request_id=f"R-{self.calls}",
            product=product.code,
            action=action,
            version=product.versions[0],
        )
        answer: dict[str, Any] = msgspec.to_builtins(await operation.handler(self.world.monitor, call, request))
        return answer

    async def refused(self, action: str, **parameters: Any) -> str:
        """Make a call that must be refused and return the code."""
        with pytest.raises(CloudError) as caught:
            await self.call(action, **parameters)
        return caught.value.code

    async def points(self, metric: str, *, action: str = "DescribeMetricList", **parameters: Any) -> list[Any]:
        """Return the data points of a metric."""
        wanted = {"Namespace": "acs_ecs_dashboard", "MetricName": metric, **parameters}
        return list(msgspec.json.decode((await self.call(action, **wanted))["Datapoints"]))

    async def pass_periods(self, count: int, seconds: int = 15) -> None:
        """Let so many periods end, one after the other."""
        for _ in range(count):
            now = self.world.clock.now()
            ahead = start_of(now, seconds).timestamp() + seconds - now.timestamp()
            await self.world.advance(seconds=ahead + 0.01)


@pytest.fixture
async def watched(database: Database, clock: AdjustableClock, ids: Ids) -> Watched:
    world = make_world(database, clock, ids)
    made = Watched(world)
    await made.pass_periods(1, 3600)  # a test that counts periods begins where all of them do
    await world.measure()
    return made

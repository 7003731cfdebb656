"""Any sequence of calls, losses, faults and crashes: instances end where the last call that was taken wanted them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from support import postgres
from support.crashing import Crash, watched_points
from support.ecs import ACCOUNT, IMAGE, REGION, TYPE, World, make_world
from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.reconcile import instance
from tidegate.reconcile.instance import adopt, notice_losses
from tidegate.services.ecs.service import LaunchSpec
from tidegate.store.database import Database

T = TypeVar("T")
WHICH = st.integers(0, 5)
#: action → statuses in which it is taken (ecs.md 4), and what it leads to
CALLS = {
    "StartInstance": ({"Stopped"}, "Running"),
    "StopInstance": ({"Running"}, "Stopped"),
    "RebootInstance": ({"Running"}, "Running"),
    "DeleteInstance": ({"Stopped"}, "gone"),
}


class Instances(RuleBasedStateMachine):
    """A few instances, and where each of them is meant to end."""

    dsn: str
    examples = itertools.count(1)

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = self.do(Database.open(self.dsn, pool_size=4))
        self.ids = Ids(seed=next(self.examples))
        self.world = self.new_world()
        self.goal: dict[str, str] = {}

    def new_world(self, world: World | None = None) -> World:
        clock = AdjustableClock() if world is None else world.clock
        return make_world(self.database, clock, self.ids, hosts=None if world is None else world.hosts)

    def do(self, what: Awaitable[T]) -> T:
        async def wait() -> T:
            return await what

        return self.runner.run(wait())

    def pick(self, number: int) -> str:
        return list(self.goal)[number % len(self.goal)]

    @initialize()
    def begin(self) -> None:
        self.do(self.clear())
        self.launch(2)

    async def clear(self) -> None:
        async with self.database.transaction() as tx:
            await tx.execute("truncate ecs_instance, ecs_address, ecs_tag, work cascade")

    @rule(amount=st.integers(1, 3))
    def launch(self, amount: int) -> None:
        if len(self.goal) < 6:
            made = self.do(
                self.world.ecs.launch(
                    ACCOUNT,
                    REGION,
                    LaunchSpec(image_id=IMAGE, instance_type=TYPE),
                    amount,
                    client_token=self.ids.text(9),
                )
            )
            self.goal |= dict.fromkeys(made, "Running")

    @rule(number=WHICH, action=st.sampled_from(sorted(CALLS)))
    def call(self, number: int, action: str) -> None:
        one = self.pick(number)
        allowed, goal = CALLS[action]
        before = self.status(one)
        refused = self.do(self.refusal(action, one))
        if before in allowed:
            assert refused is None
            self.goal[one] = goal
        else:
            expected = "InvalidInstanceId.NotFound" if before == "gone" else "IncorrectInstanceStatus"
            assert refused is not None
            assert refused.startswith(expected)

    async def refusal(self, action: str, one: str) -> str | None:
        try:
            await self.world.call(action, InstanceId=one)
        except CloudError as error:
            return error.code
        return None

    @rule(number=WHICH)
    def release(self, number: int) -> None:
        one = self.pick(number)
        self.do(self.world.ecs.release(ACCOUNT, [one]))
        self.goal[one] = "gone"

    def status(self, one: str) -> str:
        found = self.do(self.world.ecs.find(ACCOUNT, REGION, [one]))
        return found[one].status if one in found else "gone"

    @rule()
    def settle(self) -> None:
        self.do(self.world.settle())

    @rule(seconds=st.sampled_from([1, 5, 60]))
    def let_time_pass(self, seconds: int) -> None:
        self.do(self.world.driver.advance(seconds=seconds))

    @rule(broken=st.sampled_from(["create", "start", "stop", "destroy"]))
    def fail_once(self, broken: str) -> None:
        self.world.hosts.broken.add(broken)
        self.do(self.world.settle())
        self.world.hosts.broken.clear()

    @rule(point=st.integers(1, 14))
    def crash_and_start_again(self, point: int) -> None:
        with watched_points(instance) as points:
            points.crash_after = point
            try:
                self.do(self.world.settle())
            except Crash:
                self.world = self.new_world(self.world)
                self.do(adopt(self.database, self.world.hosts, self.world.clock))

    @rule(number=WHICH)
    def lose(self, number: int) -> None:
        one = self.pick(number)
        before = self.status(one)
        self.do(self.world.hosts.drop(one))
        self.do(notice_losses(self.database, self.world.hosts, self.world.clock))
        if before == "Running":
            assert self.status(one) == "Stopped"
            self.goal[one] = "Stopped"

    def teardown(self) -> None:
        try:
            for _ in range(3):
                self.do(self.world.driver.advance(seconds=60))
            self.do(self.judge())
        finally:
            self.do(self.database.close())
            self.runner.close()

    async def judge(self) -> None:
        found = await self.world.ecs.find(ACCOUNT, REGION, list(self.goal))
        assert {one: found[one].status if one in found else "gone" for one in self.goal} == self.goal
        states = await self.world.hosts.states()
        for one, goal in self.goal.items():
            assert states.get(one) in {"Running": ["Running"], "Stopped": ["Stopped", None], "gone": [None]}[goal]
        async with self.database.connection() as connection:
            rows = await connection.fetch("select owner, address from ecs_address")
        assert {row["owner"] for row in rows} == set(found)
        assert len({row["address"] for row in rows}) == len(found)


def test_instances_end_where_the_last_call_wanted_them(postgres_server: str, database_template: str) -> None:
    name = "property_instances"
    Instances.dsn = asyncio.run(postgres.create(postgres_server, name, database_template))
    try:
        run_state_machine_as_test(
            Instances,
            settings=settings(
                max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
    finally:
        asyncio.run(postgres.drop(postgres_server, name))

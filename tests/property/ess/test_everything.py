"""Every trigger at once, with faults and deaths: a group is sound at every moment, and comes to rest once it is let alone.

``TIDEGATE_EXAMPLES`` sets how many sequences are tried; the ordinary run is short.
"""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from support import postgres
from support.beside import Beside, call_of
from support.clocks import StillClock
from support.crashing import Crash, watched_points
from support.ecs import TYPE
from support.ess import ACCOUNT, World, empty, make_world
from support.soundness import unrest, wrongs
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.services.cms.reporting import MetricReport
from tidegate.services.databases.kinds import RDS
from tidegate.store.database import Database

T = TypeVar("T")
EXAMPLES = int(os.environ.get("TIDEGATE_EXAMPLES", "5"))
INDEX = st.integers(0, 9)
MAX_SIZE = 5
MOVES = ("RemoveInstances", "DetachInstances", "EnterStandby", "ExitStandby")
TURNS = ("Suspend", "Resume", "Cancel", "Rollback")
LONGEST = 30  # minutes until a group that nothing disturbs is at rest


class Everything(RuleBasedStateMachine):
    """One group, whatever can happen to it."""

    dsn: str

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = self.do(Database.open(self.dsn, pool_size=4))
        self.do(empty(self.database))
        self.world: World = make_world(self.database, StillClock(), Ids(1))
        self.group = ""
        self.rules: list[str] = []
        self.refreshes: list[str] = []
        self.outside: set[str] = set()
        self.configurations: list[str] = []
        self.crash_after: int | None = None
        self.lost_answers = 0
        self.beside: Beside | None = None
        self.balancer = self.rds = ""

    def do(self, act: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(act)

    def settle(self) -> None:
        """Let the controllers work; where the process is to die, start another one."""
        with watched_points() as points:
            points.crash_after, self.crash_after = self.crash_after, None
            try:
                self.do(self.world.settle())
            except Crash:
                self.world.restart()
                self.do(self.world.settle())

    def call(self, action: str, **parameters: Any) -> dict[str, Any]:
        """Make a call, whether it is refused or not."""
        try:
            return self.do(self.world.call(action, **parameters))
        except CloudError:
            return {}
        finally:
            self.settle()

    def on_group(self, action: str, **parameters: Any) -> dict[str, Any]:
        return self.call(action, ScalingGroupId=self.group, **parameters)

    def members(self) -> list[str]:
        return list(self.do(self.world.members(self.group)))

    # ---- the beginning ---------------------------------------------------------------------------------------------

    @initialize(
        desired=st.booleans(),
        policy=st.sampled_from(["release", "recycle"]),
        bound=st.booleans(),
        hooks=st.lists(
            st.tuples(st.sampled_from(["SCALE_OUT", "SCALE_IN"]), st.sampled_from(["CONTINUE", "ABANDON", "ROLLBACK"])),
            max_size=2,
        ),
    )
    def make_group(self, desired: bool, policy: str, bound: bool, hooks: list[tuple[str, str]]) -> None:
        wanted: dict[str, Any] = {"DesiredCapacity": 2} if desired else {}
        if bound:
            self.beside = Beside(self.world)
            self.balancer, self.rds = self.do(self.beside.balancer()), self.do(self.beside.database())
            wanted |= {"LoadBalancerIds": json.dumps([self.balancer]), "DBInstanceIds": json.dumps([self.rds])}
        self.group = self.do(
            self.world.make_group(MinSize=1, MaxSize=MAX_SIZE, ScalingPolicy=policy, DefaultCooldown=30, **wanted)
        )
        self.configurations = [self.do(self.world.make_configuration(self.group)) for _ in range(2)]
        self.rules = [self.do(self.world.make_rule(self.group, value)) for value in (2, -1)]
        self.outside = set(self.do(self.world.launch(1)))
        for transition, result in hooks:
            self.do(self.world.make_hook(self.group, transition, DefaultResult=result, HeartbeatTimeout=45))
        self.on_group(
            "CreateAlarm",
            AlarmActions=self.rules[:1],
            MetricType="custom",
            GroupId="7",
            MetricName="queue",
            Threshold=100,
            Period=60,
            EvaluationCount=1,
        )
        self.lose_answers()

    def lose_answers(self) -> None:
        """Let ECS do what it is asked and, as often as ``lost_answers`` says, not tell."""
        for name in ("launch", "start", "stop", "release"):
            act = getattr(self.world.ecs, name)

            async def acted(*args: Any, act: Any = act, **more: Any) -> Any:
                answer = await act(*args, **more)
                if self.lost_answers:
                    self.lost_answers -= 1
                    raise RuntimeError("the answer is lost")
                return answer

            setattr(self.world.ecs, name, acted)

    # ---- triggers --------------------------------------------------------------------------------------------------

    @rule(index=INDEX)
    def execute_rule(self, index: int) -> None:
        self.call("ExecuteScalingRule", ScalingRuleAri=self.rules[index % len(self.rules)])

    @rule(value=st.integers(-3, 3), sync=st.booleans())
    def adjust(self, value: int, sync: bool) -> None:
        kind = "QuantityChangeInCapacity"
        self.on_group("ScaleWithAdjustment", AdjustmentType=kind, AdjustmentValue=value, SyncActivity=sync)

    @rule(low=st.integers(0, 3), more=st.integers(0, 3), desired=st.none() | st.integers(0, 6))
    def set_bounds(self, low: int, more: int, desired: int | None) -> None:
        wanted = {} if desired is None else {"DesiredCapacity": desired}
        self.on_group("ModifyScalingGroup", MinSize=low, MaxSize=min(MAX_SIZE, low + more), **wanted)

    @rule(minutes=st.integers(1, 4), index=INDEX)
    def plan_a_task(self, minutes: int, index: int) -> None:
        moment = (self.world.clock.now() + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%MZ")
        self.call("CreateScheduledTask", LaunchTime=moment, ScheduledAction=self.rules[index % len(self.rules)])

    @rule()
    def the_queue_grows(self) -> None:
        report = MetricReport(
            group_id="7", metric_name="queue", type="0", dimensions="{}", values=json.dumps({"value": 500})
        )
        self.do(self.world.monitor.reports.put_metrics(ACCOUNT, [report]))
        self.let_time_pass(65)

    @rule(skip=st.booleans(), index=INDEX)
    def refresh(self, skip: bool, index: int) -> None:
        desired = {"ScalingConfigurationId": self.configurations[index % 2]}
        started = self.on_group("StartInstanceRefresh", SkipMatching=skip, DesiredConfiguration=desired)
        if started:
            self.refreshes.append(started["InstanceRefreshTaskId"])

    @rule(turn=st.sampled_from(TURNS))
    def turn_refresh(self, turn: str) -> None:
        if self.refreshes:
            self.on_group(f"{turn}InstanceRefresh", InstanceRefreshTaskId=self.refreshes[-1])

    # ---- instances -------------------------------------------------------------------------------------------------

    @rule(action=st.sampled_from(MOVES), index=INDEX)
    def move(self, action: str, index: int) -> None:
        if members := self.members():
            one = members[index % len(members)]
            if self.on_group(action, InstanceIds=[one]) and action == "DetachInstances":
                self.outside.add(one)

    @rule(index=INDEX, protected=st.booleans())
    def protect(self, index: int, protected: bool) -> None:
        if members := self.members():
            one = members[index % len(members)]
            self.on_group("SetInstancesProtection", InstanceIds=[one], ProtectedFromScaleIn=protected)

    @rule(index=INDEX)
    def report_ill(self, index: int) -> None:
        if members := self.members():
            self.call("SetInstanceHealth", InstanceId=members[index % len(members)], HealthStatus="Unhealthy")

    @rule(entrusted=st.booleans())
    def attach(self, entrusted: bool) -> None:
        if free := sorted(self.outside - set(self.members())):
            self.on_group("AttachInstances", InstanceIds=free[:1], Entrusted=entrusted)

    @rule(index=INDEX, result=st.sampled_from(["CONTINUE", "ABANDON", "ROLLBACK"]))
    def complete(self, index: int, result: str) -> None:
        running = [one for one in self.do(self.world.activities(self.group)) if one["StatusCode"] == "InProgress"]
        waits = [wait for one in running for wait in self.do(self.world.actions(one["ScalingActivityId"]))]
        if waits:
            wait = waits[index % len(waits)]
            token = {name: wait[name] for name in ("LifecycleHookId", "LifecycleActionToken")}
            self.call("CompleteLifecycleAction", **token, LifecycleActionResult=result)

    # ---- switches, faults and time ---------------------------------------------------------------------------------

    @rule(process=st.sampled_from(["ScaleIn", "ScaleOut", "HealthCheck", "AlarmNotification"]), off=st.booleans())
    def switch(self, process: str, off: bool) -> None:
        self.on_group("SuspendProcesses" if off else "ResumeProcesses", Processes=[process])

    @rule(on=st.booleans())
    def enable(self, on: bool) -> None:
        self.on_group("EnableScalingGroup" if on else "DisableScalingGroup")

    @rule(fault=st.sampled_from(["sold out", "create", "stop", "start"]), on=st.booleans())
    def break_something(self, fault: str, on: bool) -> None:
        faults = self.world.ecs.shortages if fault == "sold out" else self.world.hosts.broken
        (faults.add if on else faults.discard)(TYPE if fault == "sold out" else fault)

    @rule(active=st.booleans())
    def turn_balancer(self, active: bool) -> None:
        if self.beside is not None:
            self.do(self.world.slb.change(ACCOUNT, self.balancer, status="active" if active else "inactive"))
            self.settle()

    @rule(full=st.booleans())
    def fill_database(self, full: bool) -> None:
        """Leave no room in the whitelist, or give it back."""
        if self.beside is not None:
            others = ",".join(f"10.{n >> 8}.{n & 255}.0/24" for n in range(990))
            mode = "Append" if full else "Delete"
            with suppress(CloudError):  # there is no room for all of them twice
                self.do(self.beside.rds.modify_whitelist(call_of("rds"), RDS, self.rds, others, mode=mode))

    @rule(count=st.integers(1, 3))
    def answers_will_be_lost(self, count: int) -> None:
        self.lost_answers = count

    @rule(point=st.integers(1, 60))
    def the_process_will_die(self, point: int) -> None:
        self.crash_after = point

    @rule(seconds=st.sampled_from([5, 30, 65, 700]))
    def let_time_pass(self, seconds: int) -> None:
        self.world.pass_time(seconds)
        self.settle()

    # ---- what must be true -----------------------------------------------------------------------------------------

    @invariant()
    def the_group_is_sound(self) -> None:
        if self.group:
            assert self.do(wrongs(self.world, self.group)) == []

    def teardown(self) -> None:
        try:
            if self.group:
                self.come_to_rest()
                self.go_away()
        finally:
            self.do(self.database.close())
            self.runner.close()

    def come_to_rest(self) -> None:
        """Heal everything: in the end the group is within its bounds, and every machine is somebody's."""
        self.lost_answers, self.crash_after = 0, None
        self.world.ecs.shortages.clear()
        self.world.hosts.broken.clear()
        self.turn_balancer(active=True)
        self.fill_database(full=False)
        self.on_group("ResumeProcesses", Processes=["ScaleIn", "ScaleOut", "HealthCheck", "AlarmNotification"])
        self.on_group("EnableScalingGroup")
        if self.refreshes:
            self.on_group("ResumeInstanceRefresh", InstanceRefreshTaskId=self.refreshes[-1])
        # A hook that lets nothing in, or nothing out, is no fault of the group's.
        for hook in self.do(self.world.call("DescribeLifecycleHooks", ScalingGroupId=self.group))["LifecycleHooks"]:
            self.call("DeleteLifecycleHook", LifecycleHookId=hook["LifecycleHookId"])
        for _ in range(LONGEST):
            self.let_time_pass(60)
            self.the_group_is_sound()
        assert self.do(unrest(self.world, self.group, self.machines_outside())) == []
        self.what_is_beside_is_in_step()

    def what_is_beside_is_in_step(self) -> None:
        """Whoever serves is sent to and let in; nobody else is, but those that were let go without DetachOption."""
        if self.beside is None:
            return
        members = self.do(self.world.members(self.group))
        serving = {one for one, state in members.items() if state in {"InService", "Protected"}}
        sent_to = {one for one, weight in self.beside.targets(self.balancer).items() if weight}
        assert serving <= sent_to
        assert sent_to <= serving | self.machines_outside()
        assert self.do(self.beside.addresses(*serving)) <= self.do(self.beside.entries(self.rds))

    def machines_outside(self) -> set[str]:
        """Return the instances that live beside the group: those that were let go, as far as nobody has released them."""
        there = self.do(self.world.ecs.find(self.world.account, "cn-hangzhou", sorted(self.outside)))
        return set(there) - set(self.members())

    def go_away(self) -> None:
        beside = self.machines_outside()
        kept = {
            one["InstanceId"]
            for one in self.do(self.world.call("DescribeScalingInstances", ScalingGroupId=self.group))[
                "ScalingInstances"
            ]
            if one["LifecycleState"] == "Protected" or (one["CreationType"] == "Attached" and not one["Entrusted"])
        }
        self.on_group("DeleteScalingGroup", ForceDelete=True)
        for _ in range(3):
            self.let_time_pass(65)
        assert self.do(self.world.all_groups()) == []
        assert set(self.do(self.world.hosts.states())) == beside | kept


def test_a_group_stays_sound_and_comes_to_rest(postgres_server: str, database_template: str) -> None:
    name = f"property_everything_{uuid.uuid4().hex[:8]}"
    Everything.dsn = asyncio.run(postgres.create(postgres_server, name, database_template))
    try:
        run_state_machine_as_test(
            Everything,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=25,
                deadline=None,
                # Shrinking takes longer than a test may; the sequence that was found is printed as it is.
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        asyncio.run(postgres.drop(postgres_server, name))

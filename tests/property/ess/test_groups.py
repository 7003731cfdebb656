"""Any sequence of scaling, hooks, answers, time and crashes: a group is what a simple model of the reference says."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from support import postgres
from support.clocks import StillClock
from support.crashing import Crash, watched_points
from support.ess import ARN, REGION, World, empty, make_world
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.store.database import Database

T = TypeVar("T")
RESULTS = st.sampled_from(["CONTINUE", "ABANDON", "ROLLBACK"])
#: direction, timeout, default result, with or without a runbook
HOOKS = st.tuples(st.sampled_from(["SCALE_OUT", "SCALE_IN"]), st.sampled_from([30, 60, 90]), RESULTS, st.booleans())
INDEX = st.integers(0, 9)
MAX_SIZE = 4
MAX_HOOKS = 4
WAITING = {"SCALE_OUT": "Pending:Wait", "SCALE_IN": "Removing:Wait"}
BUSY = "ScalingActivityInProgress"
OVER = "LifecycleHookIdAndLifecycleActionToken.Invalid"
METADATA = '{"dbInstanceId":"r-1","modifyMode":"Append"}'


@dataclass
class Hook:
    """What the model knows of a lifecycle hook."""

    id: str
    transition: str
    timeout: int
    default: str
    told: bool


@dataclass(eq=False)
class Wait:
    """An open lifecycle action."""

    token: str
    hook: Hook
    place: int
    started: int
    deadline: int


@dataclass
class Activity:
    """The activity that runs."""

    id: str
    direction: str
    ids: list[str]
    let_go: bool = False
    without_hooks: bool = False
    missing: bool = False
    waits: list[Wait] = field(default_factory=list)


class Groups(RuleBasedStateMachine):
    """One group without desired capacity, MinSize 0, and what must be true of it."""

    dsn: str

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = self.do(Database.open(self.dsn, pool_size=4))
        self.do(empty(self.database))
        self.world: World = make_world(self.database, StillClock(), Ids(1))
        self.group = ""
        self.now = 0
        self.crash_after: int | None = None
        self.hooks: list[Hook] = []
        self.members: dict[str, str] = {}
        self.own: set[str] = set()
        self.outside: list[str] = []
        self.released: set[str] = set()
        self.running: Activity | None = None
        #: how activities ended, and every lifecycle action: hook, status, result
        self.ended: dict[str, str] = {}
        self.tokens: dict[str, tuple[str, str, str]] = {}

    def do(self, act: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(act)

    # ---- the model -------------------------------------------------------------------------------------------------

    def begin(self, activity: Activity, state: str) -> None:
        """An activity starts with these instances; hooks hold it, or it ends at once."""
        self.running = activity
        listed = self.do(self.world.actions(activity.id))
        hooks = [] if activity.without_hooks else [h for h in self.hooks if h.transition == activity.direction]
        assert [one["LifecycleHookId"] for one in listed] == [hook.id for hook in hooks]
        for place, (action, hook) in enumerate(zip(listed, hooks, strict=True)):
            assert action["InstanceIds"] == activity.ids
            token = action["LifecycleActionToken"]
            assert (token in self.world.runbooks.started) == hook.told
            activity.waits.append(Wait(token, hook, place, self.now, self.now + hook.timeout))
        for one in activity.ids:
            self.members[one] = WAITING[activity.direction] if hooks else state
        if not hooks:
            self.finish("CONTINUE")

    def end(self, wait: Wait, status: str, result: str) -> None:
        """One wait ends (ess.md 3.9)."""
        assert self.running
        waits = self.running.waits
        waits.remove(wait)
        self.tokens[wait.token] = (wait.hook.id, status, result)
        if self.running.direction == "SCALE_IN" and result != "CONTINUE":
            for other in waits:
                self.tokens[other.token] = (other.hook.id, "Completed", result)
            waits.clear()
        if not waits:
            self.finish(result)

    def finish(self, result: str) -> None:
        """What a result does (ess.md 3.8)."""
        activity, self.running = self.running, None
        assert activity
        is_out = activity.direction == "SCALE_OUT"
        stays = result == "CONTINUE" if is_out else result == "ROLLBACK"
        went_well = stays if is_out else not stays
        self.ended[activity.id] = "Failed" if not went_well else "Warning" if activity.missing else "Successful"
        for one in activity.ids:
            if stays:
                self.members[one] = "InService"
                continue
            del self.members[one]
            if one in self.own and not activity.let_go:
                self.released.add(one)
            else:
                self.outside.append(one)
            self.own.discard(one)

    # ---- making calls ----------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Let the controllers work; where the process is to die, start another one."""
        with watched_points() as points:
            points.crash_after, self.crash_after = self.crash_after, None
            try:
                self.do(self.world.settle())
            except Crash:
                self.world.restart()
                self.do(self.world.settle())

    def call(self, action: str, **parameters: Any) -> Any:
        """Make a call and settle; returns the answer, or the code of the refusal."""
        try:
            return self.do(self.world.call(action, **parameters))
        except CloudError as error:
            return error.code
        finally:
            self.settle()

    def scaled(self, change: int) -> Any:
        kind = "QuantityChangeInCapacity"
        return self.call("ScaleWithAdjustment", ScalingGroupId=self.group, AdjustmentType=kind, AdjustmentValue=change)

    def was_refused(self, answer: Any, otherwise: str | None = None) -> bool:
        """Judge whether a call that starts an activity was refused exactly when it had to be."""
        expected = BUSY if self.running else otherwise
        assert (answer if isinstance(answer, str) else None) == expected
        return expected is not None

    # ---- steps -----------------------------------------------------------------------------------------------------

    @initialize(hooks=st.lists(HOOKS, min_size=1, max_size=MAX_HOOKS), outside=st.integers(0, 2))
    def make_group(self, hooks: list[tuple[str, int, str, bool]], outside: int) -> None:
        self.group = self.do(self.world.make_group(MinSize=0, MaxSize=MAX_SIZE))
        self.scale_out(2)
        for hook in hooks:
            self.add_hook(*hook)
        self.outside += self.do(self.world.launch(outside)) if outside else []

    @rule(point=st.integers(1, 40))
    def the_process_will_die(self, point: int) -> None:
        self.crash_after = point

    @precondition(lambda self: len(self.hooks) < MAX_HOOKS)
    @rule(hook=HOOKS)
    def create_hook(self, hook: tuple[str, int, str, bool]) -> None:
        self.add_hook(*hook)

    def add_hook(self, transition: str, timeout: int, default: str, told: bool) -> None:
        target = {"NotificationArn": ARN, "NotificationMetadata": METADATA} if told else {}
        values = {"HeartbeatTimeout": timeout, "DefaultResult": default, **target}
        hook = self.do(self.world.make_hook(self.group, transition, **values))
        self.hooks.append(Hook(hook, transition, timeout, default, told))

    @precondition(lambda self: self.hooks)
    @rule(index=INDEX)
    def delete_hook(self, index: int) -> None:
        hook = self.hooks.pop(index % len(self.hooks))
        assert self.call("DeleteLifecycleHook", LifecycleHookId=hook.id) == {}
        for wait in [one for one in (self.running.waits if self.running else []) if one.hook is hook]:
            self.end(wait, "Completed", hook.default)

    @rule(amount=st.integers(1, 3))
    def scale_out(self, amount: int) -> None:
        expected = min(amount, MAX_SIZE - len(self.members))
        answer = self.scaled(amount)
        if not self.was_refused(answer, None if expected else "IncorrectCapacity.NoChange"):
            made = self.do(self.world.activity(answer["ScalingActivityId"]))["CreatedInstances"]
            assert len(made) == expected
            self.own.update(made)
            self.begin(Activity(answer["ScalingActivityId"], "SCALE_OUT", made), "InService")

    @rule(amount=st.integers(1, 3))
    def scale_in(self, amount: int) -> None:
        before = dict(self.members)
        answer = self.scaled(-amount)
        if self.was_refused(answer, None if before else "IncorrectCapacity.NoChange"):
            return
        activity = answer["ScalingActivityId"]
        free = [one for one, state in before.items() if state == "InService"]
        asked = min(amount, len(before))
        if not free:
            self.ended[activity] = "Failed"
            return
        now = self.do(self.world.members(self.group))
        actions = self.do(self.world.actions(activity))
        leaving = actions[0]["InstanceIds"] if actions else [one for one in before if one not in now]
        assert set(leaving) <= set(free)
        assert len(leaving) == min(asked, len(free))
        self.begin(Activity(activity, "SCALE_IN", leaving, missing=len(leaving) < asked), "gone")

    @precondition(lambda self: self.outside)
    @rule(index=INDEX, hooked=st.booleans())
    def attach(self, index: int, hooked: bool) -> None:
        one = self.outside[index % len(self.outside)]
        full = len(self.members) >= MAX_SIZE
        answer = self.call("AttachInstances", ScalingGroupId=self.group, InstanceIds=[one], LifecycleHook=hooked)
        if not self.was_refused(answer, "IncorrectCapacity.MaxSize" if full else None):
            self.outside.remove(one)
            activity = Activity(answer["ScalingActivityId"], "SCALE_OUT", [one], without_hooks=not hooked)
            self.begin(activity, "InService")

    @precondition(lambda self: self.members)
    @rule(index=INDEX, hooked=st.booleans())
    def detach(self, index: int, hooked: bool) -> None:
        one = list(self.members)[index % len(self.members)]
        answer = self.call("DetachInstances", ScalingGroupId=self.group, InstanceIds=[one], LifecycleHook=hooked)
        if not self.was_refused(answer):
            activity = Activity(answer["ScalingActivityId"], "SCALE_IN", [one], let_go=True, without_hooks=not hooked)
            self.begin(activity, "gone")

    @precondition(lambda self: self.members)
    @rule(index=INDEX)
    def remove(self, index: int) -> None:
        one = list(self.members)[index % len(self.members)]
        answer = self.call("RemoveInstances", ScalingGroupId=self.group, InstanceIds=[one])
        if not self.was_refused(answer):
            self.begin(Activity(answer["ScalingActivityId"], "SCALE_IN", [one]), "gone")

    @precondition(lambda self: self.members)
    @rule(index=INDEX, turn=st.sampled_from(["Protected", "Standby", "InService"]))
    def turn(self, index: int, turn: str) -> None:
        one = list(self.members)[index % len(self.members)]
        action, more, allowed = {
            "Protected": ("SetInstancesProtection", {"ProtectedFromScaleIn": True}, {"InService", "Protected"}),
            "Standby": ("EnterStandby", {}, {"InService"}),
            "InService": ("ExitStandby", {}, {"Standby"}),
        }[turn]
        answer = self.call(action, ScalingGroupId=self.group, InstanceIds=[one], **more)
        if self.members[one] in allowed:
            assert answer == {}
            self.members[one] = turn
        else:
            assert answer == "IncorrectInstanceStatus"

    @precondition(lambda self: self.running or self.tokens)
    @rule(index=INDEX, result=st.none() | RESULTS, late=st.sampled_from([0, 0, 0, 30, 70]))
    def complete(self, index: int, result: str | None, late: int) -> None:
        """Complete a wait; ``late`` seconds pass in which no timer fires."""
        wait, hook, token = self.picked(index)
        self.world.pass_time(late)
        self.pass_deadlines(late)
        given = {} if result is None else {"LifecycleActionResult": result}
        answer = self.call("CompleteLifecycleAction", LifecycleHookId=hook, LifecycleActionToken=token, **given)
        if wait is None or token in self.tokens:
            assert answer == OVER
        else:
            assert answer == {}
            self.end(wait, "Completed", result or wait.hook.default)

    @precondition(lambda self: self.running or self.tokens)
    @rule(index=INDEX, seconds=st.sampled_from([30, 120, 21600]))
    def heartbeat(self, index: int, seconds: int) -> None:
        wait, hook, token = self.picked(index)
        named = {"lifecycleHookId": hook, "lifecycleActionToken": token}
        answer = self.call("RecordLifecycleActionHeartbeat", **named, heartbeatTimeout=seconds)
        if wait is None:
            assert answer == OVER
        elif self.now + seconds > wait.started + 21600:
            assert answer == "LifecycleAction.TimeExceeded"
        else:
            assert answer == {}
            wait.deadline = self.now + seconds

    def picked(self, index: int) -> tuple[Wait | None, str, str]:
        """Pick an action among all there ever were: open ones first."""
        known: list[tuple[Wait | None, str, str]] = [
            (wait, wait.hook.id, wait.token) for wait in (self.running.waits if self.running else [])
        ]
        known += [(None, hook, token) for token, (hook, _, _) in self.tokens.items()]
        return known[index % len(known)]

    @rule(seconds=st.sampled_from([10, 30, 60, 100]))
    def let_time_pass(self, seconds: int) -> None:
        self.world.pass_time(seconds)
        self.settle()
        self.pass_deadlines(seconds)

    def pass_deadlines(self, seconds: int) -> None:
        """Let the deadlines of the next seconds decide, in their order."""
        self.now += seconds
        while self.running and (due := [one for one in self.running.waits if one.deadline <= self.now]):
            first = min(due, key=lambda one: (one.deadline, one.place))
            self.end(first, "Timeout", first.hook.default)

    # ---- what must be true -----------------------------------------------------------------------------------------

    @invariant()
    def the_group_is_what_the_model_says(self) -> None:
        if self.group:
            shown = self.do(self.world.group(self.group))
            assert self.do(self.world.members(self.group)) == self.members
            assert shown["TotalCapacity"] == len(self.members)
            assert shown["ActiveCapacity"] == list(self.members.values()).count("InService")

    @invariant()
    def machines_live_and_die_with_it(self) -> None:
        everything = [*self.members, *self.outside, *self.released]
        found = self.do(self.world.ecs.find(self.world.account, REGION, everything))
        assert set(found) == {*self.members, *self.outside}
        assert set(self.do(self.world.hosts.states())) == set(found)

    @invariant()
    def activities_ended_as_they_should(self) -> None:
        if self.group:
            expected = self.ended | ({self.running.id: "InProgress"} if self.running else {})
            shown = self.do(self.world.activities(self.group))
            assert {
                one["ScalingActivityId"]: one["StatusCode"] for one in shown if one["StatusCode"] != "Rejected"
            } == {activity: expected[activity] for activity in expected}
            assert self.do(self.world.failed_works()) == []

    @invariant()
    def waits_are_open_or_ended_as_they_should(self) -> None:
        if self.running:
            shown = self.do(self.world.actions(self.running.id))
            open_waits = {wait.token for wait in self.running.waits}
            for one in shown:
                token, status = one["LifecycleActionToken"], one["LifecycleActionStatus"]
                assert (status == "Pending") == (token in open_waits)
                if status != "Pending":
                    assert self.tokens[token] == (one["LifecycleHookId"], status, one["LifecycleActionResult"])

    def teardown(self) -> None:
        self.do(self.database.close())
        self.runner.close()


def test_groups_are_what_the_model_says(postgres_server: str, database_template: str) -> None:
    name = f"property_groups_{uuid.uuid4().hex[:8]}"
    Groups.dsn = asyncio.run(postgres.create(postgres_server, name, database_template))
    try:
        run_state_machine_as_test(
            Groups,
            settings=settings(
                max_examples=40,
                stateful_step_count=20,
                deadline=None,
                # Shrinking takes longer than a test may; the sequence that was found is printed as it is.
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        asyncio.run(postgres.drop(postgres_server, name))

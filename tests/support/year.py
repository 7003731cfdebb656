"""The life of a scaling group in virtual time: schedules, alarms, illness, shortages, hooks, refreshes, on memory hosts.

The clock jumps from one thing that is due to the next, so quiet hours cost nothing. After every step the group must be
sound; every night, when nothing disturbs it, it must be at rest.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from support.clocks import StillClock
from support.ecs import TYPE
from support.ess import ACCOUNT, REGION, World, make_world
from support.soundness import unrest, wrongs
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.services.cms.reporting import MetricReport
from tidegate.settings import Settings
from tidegate.store.database import Database

#: The checks of a group are woken by whatever happens; in between they only look this often.
CHECK = 6 * 3600.0
ZONES = [f"{REGION}-{letter}" for letter in "hij"]


@dataclass
class Life:
    """One group and what has happened to it."""

    world: World
    group: str = ""
    alarm: str = ""
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    steps: int = 0
    happened: Counter[str] = field(default_factory=Counter)
    #: the largest and the smallest total that was seen
    totals: set[int] = field(default_factory=set)
    #: waits that are left to their deadlines
    left: list[str] = field(default_factory=list)

    @classmethod
    async def begin(cls, database: Database) -> Life:
        """Make a group with a timetable, an alarm, a hook and everything that renews its members."""
        settings = Settings(data_dir=Path("/nonexistent"), group_check_interval=CHECK, health_check_interval=CHECK)
        world = make_world(database, StillClock(), Ids(1), settings=settings)
        life = cls(world)
        vswitches = [(await world.ecs.default_vswitch(ACCOUNT, REGION, zone)).id for zone in ZONES]
        life.group = await world.make_group(
            MinSize=2,
            MaxSize=12,
            DefaultCooldown=300,
            VSwitchIds=vswitches,
            MultiAZPolicy="BALANCE",
            MaxInstanceLifetime=20 * 86400,
        )
        await world.make_hook(life.group, "SCALE_OUT", HeartbeatTimeout=300, DefaultResult="ABANDON")
        await world.make_hook(life.group, "SCALE_IN", HeartbeatTimeout=120)
        await life.plan()
        return life

    async def plan(self) -> None:
        """Morning and evening, a weekly peak, a monthly night of work; an alarm on a queue that is on when it is asked for."""
        world, end = self.world, self.world.clock.now() + timedelta(days=364)
        rules = {
            "morning": await world.make_rule(self.group, 6, "TotalCapacity"),
            "evening": await world.make_rule(self.group, 3, "TotalCapacity"),
            "peak": await world.make_rule(self.group, 50, "PercentChangeInCapacity"),
            "queue": await world.make_rule(self.group, 2),
        }
        times = (
            ("morning", "08:00", "Daily", "1"),
            ("evening", "20:00", "Daily", "1"),
            ("peak", "12:00", "Weekly", "0,5"),
            ("evening", "02:00", "Monthly", "1-1"),
        )
        first = (world.clock.now() + timedelta(days=1)).date()
        for name, hour, kind, value in times:
            await world.call(
                "CreateScheduledTask",
                ScheduledAction=rules[name],
                LaunchTime=f"{first}T{hour}Z",
                RecurrenceType=kind,
                RecurrenceValue=value,
                RecurrenceEndTime=end.strftime("%Y-%m-%dT%H:%MZ"),
                LaunchExpirationTime=600,
            )
        made = await world.call(
            "CreateAlarm",
            ScalingGroupId=self.group,
            AlarmActions=[rules["queue"]],
            MetricType="custom",
            GroupId="7",
            MetricName="queue",
            Threshold=100,
            Period=300,
            EvaluationCount=1,
        )
        self.alarm = str(made["AlarmTaskId"])
        await world.call("DisableAlarm", AlarmTaskId=self.alarm)

    # ---- time ------------------------------------------------------------------------------------------------------

    async def live(self, days: int) -> None:
        """Let days pass, each with something of its own."""
        for _ in range(days):
            midnight = self.world.clock.now() + timedelta(days=1)
            await self.until(midnight - timedelta(hours=21))
            await self.rest()
            for what, often in self.surprises().items():
                if self.chance.random() < 1 / often:
                    self.happened[what.__name__] += 1
                    await what()
            await self.until(midnight)

    def surprises(self) -> dict[Callable[[], Awaitable[None]], int]:
        """Return what may happen on a day, and how many days lie between two of them."""
        return {
            self.illness: 4,
            self.shortage: 12,
            self.rush: 9,
            self.refresh: 25,
            self.manual_work: 10,
            self.death: 6,
        }

    async def until(self, moment: datetime) -> None:
        """Jump from one due work to the next, and answer the hooks that wait."""
        clock = self.world.clock
        while True:
            async with self.world.database.connection() as db:
                due = await db.fetchval(
                    "select min(due_at) from work where status = 'Active' and due_at > $1", clock.now()
                )
            if due is None or due > moment:
                break
            clock.advance(due - clock.now())
            await self.step()
        clock.advance(max(timedelta(), moment - clock.now()))
        await self.step()

    async def step(self) -> None:
        """Do what is due, answer hooks, and see that everything is sound."""
        await self.world.settle()
        await self.answer_hooks()
        self.steps += 1
        wrong = await wrongs(self.world, self.group)
        assert not wrong, f"{self.world.clock.now()}: {wrong}"
        self.totals.add((await self.world.group(self.group))["TotalCapacity"])

    async def answer_hooks(self) -> None:
        """End most waits well, some badly; a few are left to their deadlines."""
        while True:
            async with self.world.database.connection() as db:
                waits = await db.fetch(
                    "select token, hook_id from ess_action where status = 'Pending' and not token = any($1)", self.left
                )
            if not waits:
                return
            for token, hook_id in waits:
                luck = self.chance.random()
                if luck < 0.95:
                    action = {"LifecycleHookId": hook_id, "LifecycleActionToken": token}
                    await self.world.complete(action, "CONTINUE" if luck < 0.9 else "ABANDON")
                else:
                    self.left.append(token)

    async def rest(self) -> None:
        """See that the group is at rest: nobody has disturbed it for hours."""
        wrong = await unrest(self.world, self.group)
        assert not wrong, f"{self.world.clock.now()}: {wrong}"

    async def pause(self, **time: float) -> None:
        await self.until(self.world.clock.now() + timedelta(**time))

    # ---- what happens ----------------------------------------------------------------------------------------------

    async def member(self) -> str | None:
        serving = [one for one, state in (await self.world.members(self.group)).items() if state == "InService"]
        return self.chance.choice(serving) if serving else None

    async def illness(self) -> None:
        """A member is reported ill, and replaced."""
        if one := await self.member():
            await self.world.call("SetInstanceHealth", InstanceId=one, HealthStatus="Unhealthy")
            await self.step()

    async def shortage(self) -> None:
        """For some hours a type is sold out in a zone, or everywhere."""
        place = self.chance.choice([TYPE, *(f"{TYPE}@{zone}" for zone in ZONES)])
        self.world.ecs.shortages.add(place)
        await self.pause(hours=8)
        self.world.ecs.shortages.discard(place)

    async def rush(self) -> None:
        """A queue fills; its alarm is on for an hour."""
        await self.world.call("EnableAlarm", AlarmTaskId=self.alarm)
        for _ in range(6):
            values = json.dumps({"value": 500})
            report = MetricReport(group_id="7", metric_name="queue", type="0", dimensions="{}", values=values)
            await self.world.monitor.reports.put_metrics(ACCOUNT, [report])
            await self.pause(minutes=10)
        await self.world.call("DisableAlarm", AlarmTaskId=self.alarm)

    async def refresh(self) -> None:
        """Every member is replaced, with a pause in the middle."""
        checkpoints = [{"Percentage": 50}, {"Percentage": 100}]
        await self.attempt("StartInstanceRefresh", SkipMatching=False, Checkpoints=checkpoints, CheckpointPauseTime=30)
        await self.pause(hours=4)

    async def manual_work(self) -> None:
        """Somebody protects, removes, sets aside and puts back."""
        if one := await self.member():
            await self.attempt("EnterStandby", InstanceIds=[one])
            await self.pause(hours=1)
            await self.attempt("ExitStandby", InstanceIds=[one])
            await self.attempt("RemoveInstances", InstanceIds=[one])
            await self.step()

    async def death(self) -> None:
        """The process ends and another begins."""
        self.world.restart()
        await self.step()

    async def attempt(self, action: str, **parameters: Any) -> None:
        """Make a call that may be refused, as the group may be busy."""
        try:
            await self.world.call(action, ScalingGroupId=self.group, **parameters)
        except CloudError as error:
            self.happened[error.code] += 1
        await self.step()

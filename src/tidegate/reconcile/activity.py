"""Carries scaling activities out, in the order of ess.md 3.2 and 3.3.

One batch per activity: every statement and every call takes all instances at once. Each step is journaled and can be
repeated: launches carry a token, moves of members start from the states they expect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec

from tidegate.errors import CloudError
from tidegate.reconcile.lifecycle import Lifecycle
from tidegate.reconcile.run import Controller, Run, Suspend
from tidegate.services.ecs.service import InstanceView, LaunchSpec
from tidegate.services.ess import limits, placement, values, wording
from tidegate.services.ess.closing import Ending
from tidegate.services.ess.configurations import launch_spec
from tidegate.services.ess.service import Ess
from tidegate.services.ess.starting import SCALE_IN, SCALE_OUT
from tidegate.services.ess.states import DROPPABLE, ActivityStatus, MemberEvent, MemberState, Result, member_moves
from tidegate.store.ess import activities, configurations, groups, members
from tidegate.store.ess.records import Activity, Group, Member, Problem

_BOOTING = frozenset({"Pending", "Starting"})
#: A look without being woken, in case something happened to an instance behind ECS's back.
_LOOK_AGAIN = timedelta(seconds=30)


class Try(msgspec.Struct, frozen=True):
    """One call of ECS, decided before it is made so that its repeat asks for the same."""

    amount: int
    spec: LaunchSpec


class LaunchPlan(msgspec.Struct, frozen=True):
    """For each batch the tries in their order, and the configuration they come from."""

    configuration_id: str | None
    batches: list[list[Try]]


class Fate(msgspec.Struct, frozen=True):
    """What became of instances: those that are fit to go on, and the others."""

    fit: list[str]
    unfit: list[str]


class ActivityController:
    """Drives scale-outs and scale-ins."""

    def __init__(self, ess: Ess) -> None:
        self._ess = ess
        self._around = ess.around
        self._lifecycle = Lifecycle(ess)

    @property
    def controllers(self) -> Mapping[str, Controller]:
        """The kinds of work that this drives."""
        return {SCALE_OUT: self.scale_out, SCALE_IN: self.scale_in}

    async def scale_out(self, run: Run) -> None:
        """Make, start or take in instances, pass the hooks, put them into service (ess.md 3.2)."""
        scene = await self._scene(run)
        if scene is None:
            return
        group, activity = scene
        made, problems = await self._make(run, group, activity)
        known = [*made, *activity.instance_ids]
        if activity.instance_ids:
            await run.step("start", partial(self._start, run, group, activity))
        booted = await self._booted(run, group, activity, known)
        if booted.unfit:
            await self._discard(run, "discard", group, activity, booted.unfit)
            problems.append(Problem("InstanceNotRunning", wording.NOT_RUNNING, booted.unfit))
        outcome = await self._lifecycle.pass_hooks(run, activity, booted.fit) if booted.fit else None
        if outcome in (None, Result.CONTINUE):
            joined = msgspec.convert(
                await run.step("join", partial(self._join, run, group, activity, booted.fit)), Fate
            )
            if joined.unfit:
                await self._discard(run, "discard-late", group, activity, joined.unfit)
                problems.append(Problem("InstanceNotRunning", wording.NOT_RUNNING, joined.unfit))
        else:
            await self._discard(run, "abandon", group, activity, booted.fit)
            joined = Fate([], booted.fit)
            problems.append(Problem("LifecycleHookAbandoned", wording.ABANDONED, booted.fit))
        restarted = [] if activity.kind == "attach" else activity.instance_ids
        ending = Ending(
            done=joined.fit,
            problems=problems,
            destroyed=[one for one in known if one not in joined.fit] if activity.kind != "attach" else [],
            started=[one for one in restarted if one in joined.fit],
        )
        await run.step("close", partial(self._close, run, activity, ending))

    async def scale_in(self, run: Run) -> None:
        """Pass the hooks, stop, release or let go (ess.md 3.3)."""
        scene = await self._scene(run)
        if scene is None:
            return
        group, activity = scene
        leaving = activity.instance_ids
        outcome = await self._lifecycle.pass_hooks(run, activity, leaving)
        if outcome is Result.ROLLBACK:
            await run.step("restore", partial(self._restore, run, leaving))
            problems = [Problem("LifecycleHookRollback", wording.ROLLED_BACK, leaving)]
            await run.step("close", partial(self._close, run, activity, Ending(done=[], problems=problems)))
            return
        owned = await run.step("resume", partial(self._resume, run, activity))
        problems = []
        stopped = Fate(owned, [])
        if owned:
            asked_at = await run.step("stop", partial(self._stop, run, group, activity, owned))
            stopped = await self._stopped(run, group, activity, owned, datetime.fromisoformat(asked_at))
        if stopped.unfit:
            await run.step("restore", partial(self._restore, run, stopped.unfit))
            problems.append(Problem("InstanceNotStopped", wording.NOT_STOPPED, stopped.unfit))
        parked = stopped.fit if activity.plan.park else []
        if parked:
            await run.step("park", partial(self._park, run, parked))
        released = [] if parked else stopped.fit
        if released:
            await run.step("release", partial(self._release, run, group, released))
            await self._gone(run, "released", group, released)
        let_go = [one for one in leaving if one not in owned]
        if released or let_go:
            await run.step("leave", partial(self._drop, run, [*released, *let_go]))
        lines = [(wording.released, released), (wording.stopped, parked), (wording.let_go, let_go)]
        ending = Ending(
            done=[*stopped.fit, *let_go],
            problems=problems,
            destroyed=released,
            stopped=parked,
            detail="".join(write(ids) for write, ids in lines if ids),
        )
        await run.step("close", partial(self._close, run, activity, ending))

    async def _scene(self, run: Run) -> tuple[Group, Activity] | None:
        """Return the activity and its group; None when it has ended or its group is gone."""
        async with self._around.database.connection() as db:
            activity = await activities.find(db, run.id)
            group = await groups.find_any(db, activity.group_id) if activity else None
        if activity is None or group is None or activity.status != ActivityStatus.IN_PROGRESS:
            return None
        return group, activity

    # ---- scale-out: instances come to be ---------------------------------------------------------------------------

    async def _make(self, run: Run, group: Group, activity: Activity) -> tuple[list[str], list[Problem]]:
        """Make what is ordered and enrol it; returns the ids, and why some could not be made."""
        if activity.kind == "attach" or activity.amount == len(activity.instance_ids):
            return [], []
        plan = msgspec.convert(await run.step("plan", partial(self._plan, group, activity)), LaunchPlan)
        made: list[str] = []
        problems: list[Problem] = []
        for number, tries in enumerate(plan.batches):
            ids, problem = await self._launch_batch(run, group, number, tries)
            made += ids
            if problem is not None:
                problems.append(problem)
        if plan.configuration_id is None:
            problems.append(Problem("MissingActiveScalingConfiguration", wording.NO_CONFIGURATION, []))
        await run.step("enrol", partial(self._enrol, run, group, activity, made, plan.configuration_id))
        return made, problems

    async def _plan(self, group: Group, activity: Activity) -> LaunchPlan:
        async with self._around.database.connection() as db:
            configuration = await configurations.find(db, group.active_configuration_id or "")
            present: dict[str, int] = {}
            for member in await members.of_group(db, group.id):
                present[member.vswitch_id] = present.get(member.vswitch_id, 0) + 1
        if configuration is None:
            return LaunchPlan(None, [])
        batches = placement.batches(
            activity.amount - len(activity.instance_ids),
            multi_az_policy=group.multi_az_policy,
            vswitch_ids=group.vswitch_ids,
            instance_types=values.instance_types_of(configuration.fields),
            present=present,
        )
        return LaunchPlan(
            configuration.id,
            [
                [
                    Try(batch.amount, launch_spec(group, configuration, choice.instance_type, choice.vswitch_id))
                    for choice in batch.choices
                ]
                for batch in batches
            ],
        )

    async def _launch_batch(
        self, run: Run, group: Group, number: int, tries: Sequence[Try]
    ) -> tuple[list[str], Problem | None]:
        problem: Problem | None = None
        for attempt, one in enumerate(tries):
            # Each try is journaled by itself: one that failed is not made again after a crash.
            tried = await run.step(
                f"launch:{number}.{attempt}", partial(self._launch, run, group, one, number, attempt)
            )
            if tried["ids"]:
                return tried["ids"], None
            problem = Problem(tried["code"], tried["message"], [])
        return [], problem

    async def _launch(self, run: Run, group: Group, one: Try, number: int, attempt: int) -> dict[str, object]:
        try:
            ids = await self._around.machines.launch(
                group.account_id,
                group.region,
                one.spec,
                one.amount,
                client_token=f"{run.id}:{number}.{attempt}",
                watcher=run.key,
            )
        except CloudError as error:
            return {"ids": [], "code": error.code, "message": error.message}
        return {"ids": ids}

    async def _enrol(
        self, run: Run, group: Group, activity: Activity, made: Sequence[str], configuration_id: str | None
    ) -> None:
        views = await self._around.machines.find(group.account_id, group.region, made)
        weight = limits.DEFAULT_LOAD_BALANCER_WEIGHT
        async with run.transaction() as tx:
            configuration = await configurations.find(tx, configuration_id) if configuration_id else None
            if configuration is not None:
                weight = configuration.fields.get("LoadBalancerWeight", weight)
            newcomers = [
                _newcomer(views[one], group, activity, configuration_id, weight) for one in made if one in views
            ]
            if newcomers:
                await members.table.add(tx, *newcomers, unless_there=True)
            await activities.enrol(tx, activity.id, made)
            if made:
                await activities.tell(tx, activity.id, wording.created(made))

    async def _start(self, run: Run, group: Group, activity: Activity) -> None:
        """Start Stopped members; attached instances run already."""
        attached = activity.kind == "attach"
        await self._around.machines.start(group.account_id, activity.instance_ids, watcher=run.key)
        line = (wording.attached if attached else wording.started)(activity.instance_ids)
        async with run.transaction() as tx:
            await activities.tell(tx, activity.id, line)

    async def _booted(self, run: Run, group: Group, activity: Activity, instance_ids: Sequence[str]) -> Fate:
        """Wait until no instance is on its way up any more, or has taken too long."""
        deadline = activity.started_at + limits.BOOT

        async def look() -> Fate:
            views = await self._around.machines.find(group.account_id, group.region, instance_ids)
            if run.now() < deadline and any(view.status in _BOOTING for view in views.values()):
                raise Suspend(min(deadline, run.now() + _LOOK_AGAIN))
            return _sorted_out(instance_ids, views)

        return msgspec.convert(await run.step("boot", look), Fate)

    async def _join(self, run: Run, group: Group, activity: Activity, instance_ids: Sequence[str]) -> Fate:
        """Put instances into service; those that stopped or vanished while they were held are left out."""
        views = await self._around.machines.find(group.account_id, group.region, instance_ids)
        fate = _sorted_out(instance_ids, views)
        async with run.transaction() as tx:
            await members.move(tx, fate.fit, member_moves(MemberEvent.RESUME), busy_with=activity.id)
            await members.move(tx, fate.fit, member_moves(MemberEvent.JOIN), busy_with=None, joined_at=run.now())
        return fate

    async def _discard(
        self, run: Run, name: str, group: Group, activity: Activity, instance_ids: Sequence[str]
    ) -> None:
        """Take instances back out of the group: made ones are released, attached ones only let go (ess.md 3.8)."""
        if activity.kind != "attach":
            await run.step(name, partial(self._release, run, group, instance_ids))
            await self._gone(run, f"{name}-gone", group, instance_ids)
        await run.step(f"{name}-drop", partial(self._drop, run, instance_ids))

    # ---- scale-in: instances leave ---------------------------------------------------------------------------------

    async def _resume(self, run: Run, activity: Activity) -> list[str]:
        """End the wait and return the members whose life cycle the group owns; the others are only let go."""
        async with run.transaction() as tx:
            await members.move(tx, activity.instance_ids, member_moves(MemberEvent.RESUME), busy_with=activity.id)
            leaving = await members.handled_by(tx, activity.id)
        if activity.plan.let_go:
            return []
        return [one.instance_id for one in leaving if one.creation_type == "AutoCreated" or one.entrusted]

    async def _stop(self, run: Run, group: Group, activity: Activity, instance_ids: Sequence[str]) -> str:
        await self._around.machines.stop(
            group.account_id, instance_ids, stop_charging=activity.plan.park, watcher=run.key
        )
        return run.now().isoformat()

    async def _stopped(
        self, run: Run, group: Group, activity: Activity, instance_ids: Sequence[str], asked_at: datetime
    ) -> Fate:
        """Wait until nothing runs any more; with StopInstanceTimeout no longer than that (ess.md 2.2, 3.3)."""
        patience, insisted = activity.plan.stop_timeout, activity.plan.force
        deadline = asked_at + timedelta(seconds=patience) if patience is not None else None

        async def look() -> Fate:
            views = await self._around.machines.find(group.account_id, group.region, instance_ids)
            if insisted or (deadline is not None and run.now() >= deadline):
                return Fate(list(instance_ids), [])
            if any(view.status == "Stopping" for view in views.values()):
                raise Suspend(min(filter(None, [deadline, run.now() + _LOOK_AGAIN])))
            # Without a timeout a stop that fails fails the scale-in, and the instance stays.
            stuck = [one for one in instance_ids if one in views and views[one].status != "Stopped"]
            if deadline is not None and stuck:
                raise Suspend(deadline)
            return Fate([one for one in instance_ids if one not in stuck], stuck)

        return msgspec.convert(await run.step("stopped", look), Fate)

    async def _restore(self, run: Run, instance_ids: Sequence[str]) -> None:
        async with run.transaction() as tx:
            await members.move(tx, instance_ids, member_moves(MemberEvent.RESTORE), busy_with=None)

    async def _park(self, run: Run, instance_ids: Sequence[str]) -> None:
        async with run.transaction() as tx:
            await members.move(tx, instance_ids, member_moves(MemberEvent.PARK), busy_with=None)

    # ---- both ------------------------------------------------------------------------------------------------------

    async def _release(self, run: Run, group: Group, instance_ids: Sequence[str]) -> None:
        await self._around.machines.release(group.account_id, instance_ids, force=True, watcher=run.key)

    async def _gone(self, run: Run, name: str, group: Group, instance_ids: Sequence[str]) -> None:
        """Wait until released instances are gone: only then does the capacity fall."""

        async def look() -> None:
            if await self._around.machines.find(group.account_id, group.region, instance_ids):
                raise Suspend(run.now() + _LOOK_AGAIN)

        await run.step(name, look)

    async def _drop(self, run: Run, instance_ids: Sequence[str]) -> None:
        async with run.transaction() as tx:
            await members.drop(tx, instance_ids, DROPPABLE)

    async def _close(self, run: Run, activity: Activity, ending: Ending) -> None:
        async with run.transaction() as tx:
            await self._ess.closer.close(tx, activity.id, ending)


def _sorted_out(instance_ids: Sequence[str], views: Mapping[str, InstanceView]) -> Fate:
    fit = [one for one in instance_ids if one in views and views[one].status == "Running"]
    return Fate(fit, [one for one in instance_ids if one not in fit])


def _newcomer(
    view: InstanceView, group: Group, activity: Activity, configuration_id: str | None, weight: int
) -> Member:
    return Member(
        instance_id=view.id,
        group_id=group.id,
        state=MemberState.PENDING,
        creation_type="AutoCreated",
        weight=weight,
        configuration_id=configuration_id,
        instance_type=view.instance_type,
        zone=view.zone,
        vswitch_id=view.vswitch_id,
        address=view.private_address,
        activity_id=activity.id,
        busy_with=activity.id,
        created_at=view.created_at,
    )

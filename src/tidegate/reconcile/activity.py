"""Carries scaling activities out, in the order of ess.md 3.2 and 3.3.

One batch per activity: every statement and every call takes all instances at once. Each step is journaled and can be
repeated: launches carry a token, moves of members start from the states they expect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import msgspec

from tidegate.errors import CloudError
from tidegate.reconcile.beside import Beside
from tidegate.reconcile.lifecycle import Lifecycle
from tidegate.reconcile.run import Controller, Run, Suspend
from tidegate.services.ecs.service import InstanceView, LaunchSpec
from tidegate.services.ess import limits, placement, wording
from tidegate.services.ess.closing import Ending
from tidegate.services.ess.placement import Choice, Share
from tidegate.services.ess.service import Ess
from tidegate.services.ess.sources import chosen, launch_spec, mix_of, overridden, present_in, source_of
from tidegate.services.ess.starting import SCALE_IN, SCALE_OUT
from tidegate.services.ess.states import DROPPABLE, ActivityStatus, MemberEvent, MemberState, Result, member_moves
from tidegate.store.ess import activities, groups, members
from tidegate.store.ess.records import Activity, Group, Member, Problem

_BOOTING = frozenset({"Pending", "Starting"})
#: A look without being woken, in case something happened to an instance behind ECS's back.
_LOOK_AGAIN = timedelta(seconds=30)


class LaunchPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is made, where, and from what; decided before anything is made, so that a repeat asks for the same."""

    spec: LaunchSpec
    shares: list[Share]
    configuration_id: str | None = None
    template_id: str | None = None
    template_version: int | None = None
    weight: int = limits.DEFAULT_LOAD_BALANCER_WEIGHT


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What one call of ECS made, and why it made nothing."""

    ids: list[str] = []
    problem: Problem | None = None


class Batch(msgspec.Struct, frozen=True):
    """Instances that were made in one call, all of one choice."""

    choice: Choice
    ids: list[str]


@dataclass
class Making:
    """What has been made so far, why the rest was not, and by how much it is too much."""

    batches: list[Batch] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    surplus: int = 0


class Leavers(msgspec.Struct, frozen=True):
    """Those whose life cycle the group owns, and which of them a recycle group may keep as Stopped."""

    owned: list[str]
    keepable: list[str]


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
        self._beside = Beside(ess)

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
        back = await self._started(run, group, activity)
        made, problems = await self._make(run, group, activity)
        known = [*made, *back]
        shut_out = await self._beside.let_in(run, group, known)
        if shut_out is not None:
            await self._discard(run, "discard-shut-out", group, activity, known)
            problems.append(shut_out)
            known = []
        booted = await self._booted(run, group, activity, known)
        if booted.unfit:
            await self._discard(run, "discard", group, activity, booted.unfit)
            problems.append(Problem("InstanceNotRunning", wording.NOT_RUNNING, booted.unfit))
        decided = await self._lifecycle.pass_hooks(run, activity, booted.fit) if booted.fit else {}
        joined = Fate([], [])
        if wanted := decided.pop(Result.CONTINUE, []):
            joined = await self._serve(run, group, activity, wanted, problems)
        if abandoned := [one for instance_ids in decided.values() for one in instance_ids]:
            await self._discard(run, "abandon", group, activity, abandoned)
            problems.append(Problem("LifecycleHookAbandoned", wording.ABANDONED, abandoned))
        is_attach = activity.kind == "attach"
        handled = [*made, *activity.instance_ids]
        ending = Ending(
            done=joined.fit,
            problems=problems,
            destroyed=[] if is_attach else [one for one in handled if one not in joined.fit],
            started=[] if is_attach else [one for one in back if one in joined.fit],
        )
        await run.step("close", partial(self._close, run, activity, ending))

    async def scale_in(self, run: Run) -> None:
        """Pass the hooks, stop, release or let go (ess.md 3.3)."""
        scene = await self._scene(run)
        if scene is None:
            return
        group, activity = scene
        leaving = activity.instance_ids
        problems = []
        await self._beside.leave(run, group, activity)
        decided = await self._lifecycle.pass_hooks(run, activity, leaving)
        if kept := decided.get(Result.ROLLBACK):
            await self._beside.back(run, "roll-back", group, activity, kept)
            await run.step("roll-back", partial(self._restore, run, kept))
            problems.append(Problem("LifecycleHookRollback", wording.ROLLED_BACK, kept))
            leaving = [one for one in leaving if one not in kept]
        leavers = msgspec.convert(await run.step("resume", partial(self._resume, run, activity, leaving)), Leavers)
        owned = leavers.owned
        stopped = Fate(owned, [])
        if owned:
            asked_at = await run.step("stop", partial(self._stop, run, group, activity, owned))
            stopped = await self._stopped(run, group, activity, owned, datetime.fromisoformat(asked_at))
        if stopped.unfit:
            await self._beside.back(run, "restore", group, activity, stopped.unfit)
            await run.step("restore", partial(self._restore, run, stopped.unfit))
            problems.append(Problem("InstanceNotStopped", wording.NOT_STOPPED, stopped.unfit))
        let_go = [one for one in leaving if one not in owned]
        await self._beside.keep_out(run, group, activity, [*stopped.fit, *let_go])
        parked = [one for one in stopped.fit if one in leavers.keepable]
        if parked:
            await run.step("park", partial(self._park, run, parked))
        released = [one for one in stopped.fit if one not in parked]
        if released:
            await run.step("release", partial(self._release, run, group, released))
            await self._gone(run, "released", group, released)
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

    async def _started(self, run: Run, group: Group, activity: Activity) -> list[str]:
        """Start Stopped members and return those that came up; attached instances run already, or are waited for later.

        A member that does not start is released, and a new instance made in its place (ess.md 8.4).
        """
        if not activity.instance_ids:
            return []
        await run.step("start", partial(self._start, run, group, activity))
        if activity.kind == "attach":
            return activity.instance_ids
        restarted = await self._up(run, "restart", group, activity, activity.instance_ids)
        if restarted.unfit:
            await run.step("discard-stopped", partial(self._release, run, group, restarted.unfit))
            await self._gone(run, "discard-stopped-gone", group, restarted.unfit)
            await run.step("replace", partial(self._replace, run, activity, restarted.unfit))
        return restarted.fit

    async def _replace(self, run: Run, activity: Activity, unfit: Sequence[str]) -> None:
        """Take members out that did not start; what they counted for is ordered anew."""
        async with run.transaction() as tx:
            capacity = sum(one.capacity for one in (await members.by_id(tx, unfit)).values())
            await members.drop(tx, unfit, DROPPABLE)
            await activities.order(tx, activity.id, activity.ordered + capacity)

    async def _make(self, run: Run, group: Group, activity: Activity) -> tuple[list[str], list[Problem]]:
        """Make what is ordered and enrol it; returns the ids, and why some could not be made."""
        if activity.kind == "attach":
            return [], []
        planned = await run.step("plan", partial(self._plan, group, activity))
        if planned is None:
            return [], []
        making = Making()
        if "code" in planned:
            making.problems.append(msgspec.convert(planned, Problem))
            await run.step("enrol", partial(self._enrol, run, group, activity, None, []))
            return [], making.problems
        plan = msgspec.convert(planned, LaunchPlan)
        for number in range(len(plan.shares)):
            await self._make_share(run, group, plan, number, making)
        await run.step("enrol", partial(self._enrol, run, group, activity, plan, making.batches))
        return [one for batch in making.batches for one in batch.ids], making.problems

    async def _plan(self, group: Group, activity: Activity) -> LaunchPlan | Problem | None:
        """Decide what to make now, None where nothing is ordered.

        What the group is made from may have changed since the activity began.
        """
        async with self._around.database.connection() as db:
            now = await activities.find(db, activity.id)
            staying = [
                one for one in await members.of_group(db, group.id) if one.instance_id not in activity.plan.replaces
            ]
        if now is None or not now.ordered:
            return None
        try:
            source = await source_of(self._around, group, activity.plan.desired)
        except CloudError as error:
            return Problem(error.code, error.message, [])
        if source is None:
            return Problem("MissingActiveScalingConfiguration", wording.NO_CONFIGURATION, [])
        if activity.plan.overrides:
            source = overridden(source, activity.plan.overrides)
        return LaunchPlan(
            spec=launch_spec(group, source.fields),
            shares=placement.shares(now.ordered, mix_of(group, source), present_in(staying)),
            configuration_id=source.configuration_id,
            template_id=source.template_id,
            template_version=source.template_version,
            weight=source.fields.get("LoadBalancerWeight", limits.DEFAULT_LOAD_BALANCER_WEIGHT),
        )

    async def _make_share(self, run: Run, group: Group, plan: LaunchPlan, number: int, making: Making) -> None:
        """Make one share, less what the shares before it made too much."""
        share = plan.shares[number]
        left, attempt = share.capacity - making.surplus, 0
        problem: Problem | None = None
        for choice in share.choices:
            while left > 0:
                amount = placement.machines(left, choice.offer.weight)
                # Each try is journaled by itself: one that failed is not made again after a crash.
                launch = partial(self._launch, run, group, chosen(plan.spec, choice), amount, f"{number}.{attempt}")
                tried = msgspec.convert(await run.step(f"launch:{number}.{attempt}", launch), Made)
                attempt += 1
                problem = tried.problem or problem
                if not tried.ids:
                    break
                making.batches.append(Batch(choice, tried.ids))
                left -= len(tried.ids) * choice.offer.weight
        if left > 0 and problem is not None:
            making.problems.append(problem)
        making.surplus = max(0, -left)

    async def _launch(self, run: Run, group: Group, spec: LaunchSpec, amount: int, attempt: str) -> Made:
        try:
            ids = await self._around.machines.launch(
                group.account_id,
                group.region,
                spec,
                amount,
                client_token=f"{run.id}:{attempt}",
                watcher=run.key,
            )
        except CloudError as error:
            return Made(problem=Problem(error.code, error.message, []))
        return Made(ids=ids)

    async def _enrol(
        self, run: Run, group: Group, activity: Activity, plan: LaunchPlan | None, batches: Sequence[Batch]
    ) -> None:
        made = [one for batch in batches for one in batch.ids]
        views = await self._around.machines.find(group.account_id, group.region, made)
        async with run.transaction() as tx:
            newcomers = [
                _newcomer(views[one], group, activity, plan, batch.choice)
                for batch in batches
                for one in batch.ids
                if plan is not None and one in views
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
        return await self._up(run, "boot", group, activity, instance_ids)

    async def _up(self, run: Run, name: str, group: Group, activity: Activity, instance_ids: Sequence[str]) -> Fate:
        """Wait until no instance is on its way up any more, or has taken too long."""
        deadline = activity.started_at + limits.BOOT

        async def look() -> Fate:
            views = await self._around.machines.find(group.account_id, group.region, instance_ids)
            if run.now() < deadline and any(view.status in _BOOTING for view in views.values()):
                raise Suspend(min(deadline, run.now() + _LOOK_AGAIN))
            return _sorted_out(instance_ids, views)

        return msgspec.convert(await run.step(name, look), Fate)

    async def _serve(
        self, run: Run, group: Group, activity: Activity, wanted: list[str], problems: list[Problem]
    ) -> Fate:
        """Join what stands beside the group, then the group; those that stopped while they were held are given up."""
        fit = wanted
        if group.bindings:
            ready = msgspec.convert(await run.step("ready", partial(self._ready, group, wanted)), Fate)
            fit, refused = ready.fit, await self._beside.join(run, group, ready.fit)
            if refused is not None:
                await self._discard(run, "discard-unbalanced", group, activity, fit)
                problems.append(refused)
                fit = []
            wanted = [*fit, *ready.unfit]
        joined = msgspec.convert(await run.step("join", partial(self._join, run, group, activity, wanted)), Fate)
        if joined.unfit:
            await self._discard(run, "discard-late", group, activity, joined.unfit)
            problems.append(Problem("InstanceNotRunning", wording.NOT_RUNNING, joined.unfit))
        return joined

    async def _ready(self, group: Group, instance_ids: Sequence[str]) -> Fate:
        views = await self._around.machines.find(group.account_id, group.region, instance_ids)
        return _sorted_out(instance_ids, views)

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
        await self._beside.undo(run, name, group, instance_ids)
        if activity.kind != "attach":
            await run.step(name, partial(self._release, run, group, instance_ids))
            await self._gone(run, f"{name}-gone", group, instance_ids)
        await run.step(f"{name}-drop", partial(self._drop, run, instance_ids))

    # ---- scale-in: instances leave ---------------------------------------------------------------------------------

    async def _resume(self, run: Run, activity: Activity, instance_ids: Sequence[str]) -> Leavers:
        """End the wait and return the members whose life cycle the group owns; the others are only let go."""
        async with run.transaction() as tx:
            await members.move(tx, instance_ids, member_moves(MemberEvent.RESUME), busy_with=activity.id)
            leaving = await members.handled_by(tx, activity.id)
        if activity.plan.let_go:
            return Leavers([], [])
        owned = [one for one in leaving if one.creation_type == "AutoCreated" or one.entrusted]
        # Spot instances cannot stop economically: they are released (ess.md 8.4; that it is these, ASSUMPTION).
        keepable = [one.instance_id for one in owned if activity.plan.park and one.spot_strategy == "NoSpot"]
        return Leavers([one.instance_id for one in owned], keepable)

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
            if await self._ess.closer.close(tx, activity.id, ending) and activity.plan.replaces:
                await self._ess.renewal.let_go_of_replaced(tx, activity, ending.done)


def _sorted_out(instance_ids: Sequence[str], views: Mapping[str, InstanceView]) -> Fate:
    fit = [one for one in instance_ids if one in views and views[one].status == "Running"]
    return Fate(fit, [one for one in instance_ids if one not in fit])


def _newcomer(view: InstanceView, group: Group, activity: Activity, plan: LaunchPlan, choice: Choice) -> Member:
    return Member(
        instance_id=view.id,
        group_id=group.id,
        state=MemberState.PENDING,
        creation_type="AutoCreated",
        weight=plan.weight,
        configuration_id=plan.configuration_id,
        launch_template_id=plan.template_id,
        launch_template_version=plan.template_version,
        instance_type=view.instance_type,
        capacity=choice.offer.weight,
        spot_strategy=chosen(plan.spec, choice).options.spot_strategy,
        zone=view.zone,
        vswitch_id=view.vswitch_id,
        address=view.private_address,
        activity_id=activity.id,
        busy_with=activity.id,
        created_at=view.created_at,
        warmup=activity.plan.warmup,
    )

"""Starting activities: may it, whom does it take, and the rows with which it begins.

The transaction that decides holds the group's lock. What is refused after validation leaves a Rejected activity with
the error's message (A15), written once the refused transaction is undone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from tidegate.errors import CloudError
from tidegate.services.ess import limits, refusals, removal, wording
from tidegate.services.ess.announcer import Announcer
from tidegate.services.ess.companions import Companions
from tidegate.services.ess.placement import price_per_cpu
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.states import ActivityStatus, GroupState, MemberEvent, MemberState, member_moves
from tidegate.services.ess.survey import Survey
from tidegate.store import work
from tidegate.store.ess import activities, configurations, groups, members
from tidegate.store.ess.records import Activity, Direction, Group, Kind, Member, Plan, Problem

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: The kinds of work that carry activities out; the key is ``activity/<activity id>``.
SCALE_OUT, SCALE_IN = "scale-out", "scale-in"
#: The kind of work that keeps a group as it should be; the key is ``group/<group id>``.
GROUP = "group"


def activity_key(activity_id: str) -> str:
    """Return the key of the work that carries an activity out."""
    return f"activity/{activity_id}"


def refresh_key(refresh_id: str) -> str:
    """Return the key of the work that refreshes instances."""
    return f"refresh/{refresh_id}"


def group_key(group_id: str) -> str:
    """Return the key of the work that keeps a group."""
    return f"group/{group_id}"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks for an activity, why, and how it is to be carried out."""

    kind: Kind
    #: the beginning of the Cause
    reason: str
    request_id: str
    trigger_type: str = "APIs"
    trigger_id: str = ""
    parallel: bool = True
    metadata: str | None = None
    refresh_id: str | None = None
    plan: Plan = Plan()


class RefusedError(Exception):
    """A request that passed validation and is refused all the same."""

    def __init__(self, error: CloudError, group: Group, order: Order, before: int, change: int) -> None:
        super().__init__(error)
        self.error = error
        self.group = group
        self.order = order
        self.before = before
        self.change = change


class Starter:
    """Starts activities."""

    def __init__(self, around: Surroundings, announcer: Announcer, companions: Companions) -> None:
        self._around = around
        self._announcer = announcer
        self._companions = companions

    @asynccontextmanager
    async def deciding(self) -> AsyncIterator[Connection]:
        """A transaction in which RefusedError may be raised; its CloudError comes out."""
        try:
            async with self._around.database.transaction() as tx:
                yield tx
        except RefusedError as refused:
            async with self._around.database.transaction() as tx:
                if await groups.lock(tx, refused.group.id):  # it may be gone by now
                    await self.reject(tx, refused)
            raise refused.error from None

    async def reject(self, tx: Connection, refused: RefusedError) -> None:
        """Leave a Rejected activity."""
        await self._note(tx, refused.group, self._rejected(refused))

    def admit(self, group: Group, survey: Survey, order: Order, change: int, *, before: int | None = None) -> None:
        """Raise RefusedError unless the group lets the activity start now (ess.md 5.6, rows 5 and 6)."""
        error = self.objection(group, survey, change, parallel=order.parallel)
        if error is not None:
            raise RefusedError(error, group, order, survey.census.total if before is None else before, change)

    def objection(self, group: Group, survey: Survey, change: int, *, parallel: bool) -> CloudError | None:
        """Return why an activity cannot start now, None when it can."""
        if group.state != GroupState.ACTIVE:
            return refusals.group_status()
        if ("ScaleOut" if change > 0 else "ScaleIn") in group.suspended_processes:
            return refusals.operation_denied()
        if not survey.lets_start(group, parallel=parallel):
            return refusals.activity_in_progress()
        return None

    async def scale(self, tx: Connection, group: Group, survey: Survey, order: Order, change: int) -> Activity:
        """Begin a scale-out (``change`` > 0) or a scale-in by the removal policies."""
        if change > 0:
            return await self._scale_out(tx, group, survey, order, change)
        return await self._scale_in(tx, group, survey, order, -change)

    async def _scale_out(self, tx: Connection, group: Group, survey: Survey, order: Order, amount: int) -> Activity:
        await self._check_companions(tx, group, survey, order, amount)
        await self._check_quota(tx, group, survey, order, amount)
        # A recycle group starts its Stopped members before it makes new ones (ess.md 3.2, step 3).
        ordered, restarted = amount, []
        for one in await members.of_group(tx, group.id):
            if one.state == MemberState.STOPPED and one.capacity <= ordered:
                restarted.append(one.instance_id)
                ordered -= one.capacity
        activity = self._new(group, survey, order, amount, amount, instance_ids=restarted, ordered=ordered)
        await self._begin(tx, group, activity)
        await self._take(tx, activity, restarted, MemberEvent.UNPARK)
        return activity

    async def _scale_in(self, tx: Connection, group: Group, survey: Survey, order: Order, amount: int) -> Activity:
        await self._check_companions(tx, group, survey, order, -amount)
        serving = [one for one in await members.of_group(tx, group.id) if one.state == MemberState.IN_SERVICE]
        leavers = await self.choose(tx, group, serving, amount)
        chosen = [one.instance_id for one in leavers]
        # What is left because an instance counts for more is no failure, only rounding.
        left = amount - sum(one.capacity for one in leavers)
        ignored = left if len(leavers) == len(serving) else 0
        if serving and not chosen:
            raise RefusedError(refusals.no_change(), group, order, survey.census.total, -amount)
        if chosen:
            activity = self._new(
                group, survey, order, len(chosen) + ignored, left - ignored - amount, instance_ids=chosen
            )
            if ignored:
                reason = f'Ignore to remove {ignored} instances("{wording.STANDBY_OR_PROTECTED}")'
                activity = msgspec.structs.replace(activity, errors=[Problem("IncorrectInstanceStatus", reason, [])])
            await self._begin(tx, group, activity)
            await self._take(tx, activity, chosen, MemberEvent.LEAVE)
            return activity
        now = self._around.now()
        message = wording.nothing_removable(amount)
        failed = msgspec.structs.replace(
            self._new(group, survey, order, amount, -amount, instance_ids=[]),
            status=ActivityStatus.FAILED,
            status_message=message,
            detail=message,
            ended_at=now,
        )
        await self._note(tx, group, failed)
        return failed

    async def bind(
        self, tx: Connection, group: Group, survey: Survey, order: Order, kind: str, goal: msgspec.Struct
    ) -> str:
        """Begin to change what stands beside all members; returns the activity."""
        amount = survey.capacities.machines
        activity = self._new(group, survey, order, amount, 0, instance_ids=[], direction="SCALE_OUT")
        activity = msgspec.structs.replace(activity, cause=f"{order.reason}.", description=f"{order.reason}.")
        await self._note(tx, group, activity)
        await work.start(tx, activity_key(activity.id), kind, msgspec.to_builtins(goal), now=self._around.now())
        return activity.id

    async def remove(
        self, tx: Connection, group: Group, survey: Survey, order: Order, leavers: Sequence[Member]
    ) -> Activity:
        """Begin a scale-in of these members, whose states allow it."""
        ids = [one.instance_id for one in leavers]
        change = -sum(one.capacity for one in leavers if one.state != MemberState.STOPPED)
        activity = self._new(group, survey, order, len(ids), change, instance_ids=ids, direction="SCALE_IN")
        await self._begin(tx, group, activity)
        await self._take(tx, activity, ids, MemberEvent.LEAVE)
        return activity

    async def replace(
        self, tx: Connection, group: Group, survey: Survey, order: Order, leavers: Sequence[Member]
    ) -> Activity:
        """Begin to make as much as these members count for; they leave when it is in service."""
        capacity = sum(one.capacity for one in leavers)
        plan = msgspec.structs.replace(order.plan, replaces=[one.instance_id for one in leavers])
        order = msgspec.structs.replace(order, plan=plan)
        return await self.make(tx, group, survey, order, capacity)

    async def make(self, tx: Connection, group: Group, survey: Survey, order: Order, capacity: int) -> Activity:
        """Begin to make new instances, whatever Stopped members there are."""
        await self._check_companions(tx, group, survey, order, capacity)
        await self._check_quota(tx, group, survey, order, capacity)
        activity = self._new(group, survey, order, capacity, capacity, instance_ids=[], ordered=capacity)
        await self._begin(tx, group, activity)
        return activity

    async def attach(
        self,
        tx: Connection,
        group: Group,
        survey: Survey,
        order: Order,
        newcomers: Sequence[Member],
        back: Sequence[str],
    ) -> Activity:
        """Begin to take in instances that exist: ``newcomers``, and Stopped members that come ``back``."""
        await self._check_companions(tx, group, survey, order, len(newcomers) + len(back))
        await self._check_quota(tx, group, survey, order, len(newcomers))
        ids = [*(one.instance_id for one in newcomers), *back]
        activity = self._new(group, survey, order, len(ids), len(ids), instance_ids=ids)
        await self._begin(tx, group, activity)
        enrolled = [msgspec.structs.replace(one, activity_id=activity.id, busy_with=activity.id) for one in newcomers]
        if await members.table.add(tx, *enrolled, unless_there=True) < len(enrolled):
            # Another group, under its own lock, was faster.
            raise RefusedError(refusals.instance_in_other_group(ids[0]), group, order, survey.census.total, len(ids))
        await self._take(tx, activity, back, MemberEvent.UNPARK)
        return activity

    async def choose(self, tx: Connection, group: Group, serving: Sequence[Member], amount: int) -> list[Member]:
        """Return those of the members in service that leave by the group's policies, at most ``amount`` (ess.md 7)."""
        order = {one.id: one.position for one in await configurations.of_group(tx, group.id)}
        by_id = {one.instance_id: one for one in serving}
        candidates = [
            removal.Candidate(
                instance_id=one.instance_id,
                zone=one.zone,
                since=one.created_at if one.creation_type == "AutoCreated" else one.joined_at or one.created_at,
                configuration=_generation(one, order),
                price=price_per_cpu(one.instance_type),
                weight=one.capacity,
            )
            for one in serving
        ]
        chosen = removal.choose(
            candidates,
            amount,
            policies=group.removal_policies,
            multi_az_policy=group.multi_az_policy,
            az_balance=bool(group.options.get("AzBalance")),
            chance=self._around.chance,
        )
        return [by_id[one] for one in chosen]

    async def _check_companions(self, tx: Connection, group: Group, survey: Survey, order: Order, change: int) -> None:
        """Refuse what load balancers and databases do not let start; members leave by hand all the same (ess.md 3.4)."""
        error = await self._companions.objection(tx, group, max(change, 0))
        if error is not None:
            raise RefusedError(error, group, order, survey.census.total, change)

    async def _check_quota(self, tx: Connection, group: Group, survey: Survey, order: Order, amount: int) -> None:
        held = await members.total_in_region(tx, group.account_id, group.region)
        if held + amount > limits.INSTANCES_PER_REGION:
            raise RefusedError(refusals.instance_quota(), group, order, survey.census.total, amount)

    async def _note(self, tx: Connection, group: Group, activity: Activity) -> None:
        await activities.table.add(tx, activity)
        await self._announcer.activity(tx, group, activity)

    async def _begin(self, tx: Connection, group: Group, activity: Activity) -> None:
        await self._note(tx, group, activity)
        kind = SCALE_OUT if activity.direction == "SCALE_OUT" else SCALE_IN
        await work.start(tx, activity_key(activity.id), kind, now=self._around.now())

    async def _take(self, tx: Connection, activity: Activity, instance_ids: Sequence[str], event: MemberEvent) -> None:
        if not instance_ids:
            return
        moved = await members.move(tx, instance_ids, member_moves(event), busy_with=activity.id)
        assert len(moved) == len(instance_ids), "members are checked under the group's lock"

    def _new(
        self,
        group: Group,
        survey: Survey,
        order: Order,
        amount: int,
        change: int,
        *,
        instance_ids: Sequence[str],
        ordered: int = 0,
        direction: Direction | None = None,
    ) -> Activity:
        """Return a new activity on ``amount`` instances that changes the capacity by ``change``."""
        before = survey.census.total
        direction = direction or ("SCALE_OUT" if change > 0 else "SCALE_IN")
        return Activity(
            id=self._around.ids.resource("asa", group.region),
            group_id=group.id,
            kind=order.kind,
            direction=direction,
            parallel=order.parallel,
            status=ActivityStatus.IN_PROGRESS,
            cause=wording.cause(order.reason, before, before + change),
            description=wording.added(amount) if direction == "SCALE_OUT" else wording.removed(amount),
            request_id=order.request_id,
            trigger_type=order.trigger_type,
            trigger_id=order.trigger_id,
            metadata=order.metadata,
            refresh_id=order.refresh_id,
            amount=amount,
            ordered=ordered,
            plan=order.plan,
            instance_ids=list(instance_ids),
            total_capacity=survey.capacities.total,
            auto_capacity=survey.capacities.auto_created,
            attached_capacity=survey.capacities.attached,
            started_at=self._around.now(),
        )

    def _rejected(self, refused: RefusedError) -> Activity:
        now, amount = self._around.now(), abs(refused.change)
        group, order = refused.group, refused.order
        return Activity(
            id=self._around.ids.resource("asa", group.region),
            group_id=group.id,
            kind=order.kind,
            direction="SCALE_IN" if refused.change < 0 else "SCALE_OUT",
            parallel=order.parallel,
            status=ActivityStatus.REJECTED,
            cause=wording.cause(order.reason, refused.before, refused.before + refused.change),
            description=wording.removed(amount) if refused.change < 0 else wording.added(amount),
            status_message=refused.error.message,
            request_id=order.request_id,
            trigger_type=order.trigger_type,
            trigger_id=order.trigger_id,
            metadata=order.metadata,
            amount=amount,
            plan=order.plan,
            instance_ids=[],
            total_capacity=refused.before,
            auto_capacity=0,
            attached_capacity=0,
            started_at=now,
            ended_at=now,
        )


def _generation(member: Member, order: Mapping[str, int]) -> int | None:
    """Return how early the configuration, or the version of the launch template, came to the group; None: neither."""
    if member.launch_template_version is not None:
        # Configurations came before the template that wins over them (ASSUMPTION).
        return 2**32 + member.launch_template_version
    return order.get(member.configuration_id or "")

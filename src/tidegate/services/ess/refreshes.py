"""Instance refreshes: members are replaced batch by batch by ones made from what is desired (ess.md 12.9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.services.ess import limits, refusals, repeats, scope, values, wording
from tidegate.services.ess.paging import offset_of, token_after
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.refreshing import Move, Progress, next_move
from tidegate.services.ess.requests.refreshes import (
    DescribeInstanceRefreshes,
    DesiredConfiguration,
    OnRefresh,
    StartInstanceRefresh,
)
from tidegate.services.ess.scaling import plan_of
from tidegate.services.ess.sources import Source, source_of
from tidegate.services.ess.starting import Order, RefusedError, Starter, group_key, refresh_key
from tidegate.services.ess.states import (
    REFRESH,
    REFRESH_ENDED,
    REFRESHING,
    ActivityStatus,
    GroupState,
    MemberState,
    RefreshEvent,
    RefreshState,
)
from tidegate.services.ess.survey import Survey, survey
from tidegate.services.operation import Call
from tidegate.store import work
from tidegate.store.ess import activities, configurations, groups, members
from tidegate.store.ess import refreshes as rows
from tidegate.store.ess.records import Activity, Desired, Group, Kind, Member, Override, Refresh

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: The kind of work that refreshes instances; the key is ``refresh/<refresh id>``.
REFRESH_WORK = "refresh"
#: A look without being woken, for what nobody tells: a suspended process that is resumed, a group that is enabled.
_LOOK_AGAIN = timedelta(seconds=60)
_MOVING = ("Default", "Latest")


class Refreshes:
    """The instance refreshes of groups."""

    def __init__(self, around: Surroundings, starter: Starter) -> None:
        self._around = around
        self._starter = starter

    # ---- what callers do -------------------------------------------------------------------------------------------

    async def start(self, call: Call, request: StartInstanceRefresh) -> str:
        """Begin to refresh a group and return the task."""
        _check(request)
        desired = _desired(request.desired_configuration)
        async with self._around.database.connection() as db:
            group = await scope.group(db, call, request.scaling_group_id, request.region_id)
        await self._check_image(group, desired)
        source = await source_of(self._around, group, desired)
        async with self._around.database.transaction() as tx:
            group = await scope.locked_group(tx, call, group.id, None)
            known = await repeats.recall(tx, call, self._around.now())
            if known is not None:
                return str(known[0])
            await self._check_group(tx, group, desired, source)
            now = self._around.now()
            refresh = Refresh(
                id=self._around.ids.resource("ir", group.region),
                group_id=group.id,
                status=RefreshState.PENDING,
                desired=desired,
                previous=_own_source(group),
                min_healthy=request.min_healthy_percentage,
                max_healthy=request.max_healthy_percentage,
                skip_matching=request.skip_matching,
                checkpoints=[one.percentage for one in request.checkpoints],
                pause_minutes=request.checkpoint_pause_time,
                strategy=request.strategy,
                total=0,
                started_at=now,
            )
            outdated = await self._outdated(tx, group, refresh, source)
            if not outdated:
                raise refusals.nothing_to_refresh()
            await rows.table.add(tx, msgspec.structs.replace(refresh, total=len(outdated)))
            await self._drive(tx, refresh)
            await repeats.remember(tx, call, refresh.id, now)
        return refresh.id

    async def suspend(self, call: Call, request: OnRefresh) -> None:
        """Start no further batch; the running one goes on."""
        await self._turn(call, request, RefreshEvent.SUSPEND)

    async def resume(self, call: Call, request: OnRefresh) -> None:
        """Go on with a refresh that is suspended, or that pauses at a checkpoint."""
        await self._turn(call, request, RefreshEvent.RESUME)

    async def cancel(self, call: Call, request: OnRefresh) -> None:
        """End a refresh after its running batch; what it has replaced stays."""
        await self._turn(call, request, RefreshEvent.CANCEL)

    async def roll_back(self, call: Call, request: OnRefresh) -> None:
        """Replace what the refresh has made by what the group was made from before."""
        async with self._around.database.transaction() as tx:
            group, refresh = await self._locked(tx, call, request)
            if await repeats.recall(tx, call, self._around.now()) is not None:
                return
            desired = refresh.desired
            if desired is not None and desired.template_id and desired.template_version in _MOVING:
                raise refusals.operation_denied()
            other = await rows.unended(tx, group.id)
            if refresh.ended_at is not None and other is not None:
                raise refusals.refresh_status()
            made = await self._made(tx, group, refresh)
            await self._moved(
                tx,
                group,
                refresh,
                RefreshEvent.ROLL_BACK,
                checkpoints=[],
                passed=0,
                total=len(made) + refresh.owed,
                finished=0,
                detail="",
                ended_at=None,
            )
            await self._drive(tx, refresh)
            await repeats.remember(tx, call, refresh.id, self._around.now())

    async def describe(self, call: Call, request: DescribeInstanceRefreshes) -> tuple[int, list[Refresh], str]:
        """Return how many refreshes match, a page of them, newest first, and the next token."""
        if not 1 <= request.max_results <= limits.PAGE:
            raise refusals.invalid("MaxResults")
        offset = offset_of(request.next_token)
        query = rows.Query(
            account_id=call.account_id,
            region=request.region_id,
            group_id=request.scaling_group_id,
            ids=request.instance_refresh_task_ids or None,
        )
        async with self._around.database.connection() as db:
            total = await rows.count(db, query)
            found = await rows.page(db, query, limit=request.max_results, offset=offset)
        return total, found, token_after(offset, len(found), total)

    async def _turn(self, call: Call, request: OnRefresh, event: RefreshEvent) -> None:
        async with self._around.database.transaction() as tx:
            group, refresh = await self._locked(tx, call, request)
            if await repeats.recall(tx, call, self._around.now()) is not None:
                return
            await self._moved(tx, group, refresh, event, paused_until=None)
            await self._drive(tx, refresh)
            await repeats.remember(tx, call, refresh.id, self._around.now())

    async def _locked(self, tx: Connection, call: Call, request: OnRefresh) -> tuple[Group, Refresh]:
        group = await scope.locked_group(tx, call, request.scaling_group_id, request.region_id)
        refresh = await rows.find(tx, request.instance_refresh_task_id)
        if refresh is None or refresh.group_id != group.id:
            raise refusals.refresh_not_found()
        return group, refresh

    async def _check_image(self, group: Group, desired: Desired | None) -> None:
        if desired is None or desired.image_id is None:
            return
        if group.launch_template_id is not None:
            raise refusals.invalid("DesiredConfiguration.ImageId")
        if not await self._around.machines.has_image(group.account_id, group.region, desired.image_id):
            raise refusals.image_not_found()

    async def _check_group(self, tx: Connection, group: Group, desired: Desired | None, source: Source | None) -> None:
        if group.state != GroupState.ACTIVE:
            raise refusals.group_status()
        if desired is not None and desired.configuration_id is not None:
            found = await configurations.find(tx, desired.configuration_id)
            if found is None or found.group_id != group.id:
                raise refusals.configuration_not_found()
        if source is None:
            raise refusals.no_source()
        # Not for recycle and weighted groups.
        weighted = any(offer.weight != 1 for offer in source.offers)
        if weighted or group.scaling_policy in {"recycle", "forcerecycle"}:
            raise refusals.operation_denied()
        if await rows.unended(tx, group.id):
            raise refusals.refresh_in_progress()

    async def _drive(self, tx: Connection, refresh: Refresh) -> None:
        await work.drive(tx, refresh_key(refresh.id), REFRESH_WORK, now=self._around.now())

    # ---- one look, for the controller ------------------------------------------------------------------------------

    async def target(self, refresh_id: str) -> Source | None:
        """Return what instances are to be made from, None when there is none any more. ECS is asked before ``look``."""
        async with self._around.database.connection() as db:
            refresh = await rows.find(db, refresh_id)
            group = await groups.find_any(db, refresh.group_id) if refresh else None
        if refresh is None or group is None:
            return None
        return await source_of(self._around, group, _wanted(refresh))

    async def look(self, tx: Connection, refresh_id: str, target: Source | None) -> datetime | None:
        """Do what the refresh needs now; returns when to look again without being woken, None when it has ended."""
        found = await rows.find(tx, refresh_id)
        group = await groups.lock(tx, found.group_id) if found else None
        refresh = await rows.find(tx, refresh_id)
        if refresh is None or group is None or refresh.ended_at or group.state == GroupState.DELETING:
            return None
        now = self._around.now()
        seen = await survey(tx, group.id)
        if seen.running:
            return now + _LOOK_AGAIN  # woken when it ends
        refresh = await self._settled(tx, refresh)
        match RefreshState(refresh.status):
            case RefreshState.PENDING:
                group, refresh = await self._moved(tx, group, refresh, RefreshEvent.BEGIN)
            case RefreshState.CANCELLING:
                await self._moved(tx, group, refresh, RefreshEvent.STOP)
                return None
            case RefreshState.PAUSED:
                return now + _LOOK_AGAIN
            case RefreshState.CHECKPOINT_PAUSE:
                if refresh.paused_until is not None and now < refresh.paused_until:
                    return refresh.paused_until
                group, refresh = await self._moved(tx, group, refresh, RefreshEvent.RESUME, paused_until=None)
        failed = await self._failure(tx, refresh)
        if failed is not None:
            await self._moved(tx, group, refresh, RefreshEvent.FAIL, detail=failed)
            return None
        return await self._go_on(tx, group, seen, refresh, target)

    async def _settled(self, tx: Connection, refresh: Refresh) -> Refresh:
        """Return the refresh with what the batch that has ended took out or made."""
        ended = await activities.find(tx, refresh.activity_id) if refresh.activity_id else None
        if ended is None:
            return refresh
        owed = refresh.owed
        if ended.direction == "SCALE_IN":
            owed += len(ended.destroyed_ids)
        elif not ended.plan.replaces:
            owed -= len(set(ended.created_ids) - set(ended.destroyed_ids))
        refresh = msgspec.structs.replace(refresh, owed=max(0, owed), activity_id=None)
        await rows.table.write(tx, refresh)
        return refresh

    async def _failure(self, tx: Connection, refresh: Refresh) -> str | None:
        """Return why a batch of this direction failed altogether; None when none did."""
        for one in await activities.of_refresh(tx, refresh.id):
            if one.kind == _kind(refresh) and one.status == ActivityStatus.FAILED:
                return one.status_message
        return None

    async def _go_on(
        self, tx: Connection, group: Group, seen: Survey, refresh: Refresh, target: Source | None
    ) -> datetime | None:
        if refresh.status == RefreshState.ROLLBACK_IN_PROGRESS:
            outdated = await self._made(tx, group, refresh)
        else:
            outdated = await self._outdated(tx, group, refresh, target)
        renewed = await self._made(tx, group, refresh, _kind(refresh))
        progress = Progress(
            # More than at the start when others have made members in a pause.
            total=max(refresh.total, len(renewed) + len(outdated) + refresh.owed),
            outdated=len(outdated),
            owed=refresh.owed,
            serving=len(await self._serving(tx, group)),
            min_healthy=refresh.min_healthy,
            max_healthy=refresh.max_healthy,
            checkpoints=refresh.checkpoints[refresh.passed :],
        )
        refresh = msgspec.structs.replace(refresh, total=progress.total, finished=progress.finished)
        await rows.table.write(tx, refresh)
        move = next_move(progress)
        now = self._around.now()
        if move.kind == "end":
            await self._finish(tx, group, refresh)
            return None
        if move.kind == "pause":
            until = now + timedelta(minutes=refresh.pause_minutes)
            await self._moved(tx, group, refresh, RefreshEvent.REACH, passed=refresh.passed + 1, paused_until=until)
            return until
        # A group that is not Active, or whose scaling is suspended, is waited for.
        if group.state == GroupState.ACTIVE and {"ScaleIn", "ScaleOut"}.isdisjoint(group.suspended_processes):
            try:
                started = await self._begin(tx, group, seen, refresh, move, outdated)
            except RefusedError as refused:
                await self._moved(tx, group, refresh, RefreshEvent.FAIL, detail=refused.error.message)
                return None
            await rows.table.write(tx, msgspec.structs.replace(refresh, activity_id=started.id))
        return now + _LOOK_AGAIN

    async def _begin(
        self, tx: Connection, group: Group, seen: Survey, refresh: Refresh, move: Move, outdated: Sequence[Member]
    ) -> Activity:
        order = Order(
            kind=_kind(refresh),
            reason=wording.refreshing(refresh.id, back=_kind(refresh) == "rollback"),
            request_id=self._around.ids.uuid(),
            trigger_type="Ess",
            trigger_id=refresh.id,
            parallel=False,
            refresh_id=refresh.id,
            plan=msgspec.structs.replace(plan_of(group), desired=_wanted(refresh)),
        )
        match move.kind:
            case "replace":
                return await self._starter.replace(tx, group, seen, order, outdated[: move.amount])
            case "remove":
                return await self._starter.remove(tx, group, seen, order, outdated[: move.amount])
            case _:
                return await self._starter.make(tx, group, seen, order, move.amount)

    async def _finish(self, tx: Connection, group: Group, refresh: Refresh) -> None:
        """Make what was desired the group's own; after a rollback the group has kept its own."""
        if refresh.status == RefreshState.IN_PROGRESS and refresh.desired is not None:
            group = await self._adopted(tx, group, refresh.desired)
        await self._moved(tx, group, refresh, RefreshEvent.FINISH)

    async def _adopted(self, tx: Connection, group: Group, desired: Desired) -> Group:
        if desired.image_id is not None:
            found = await configurations.find(tx, group.active_configuration_id or "")
            if found is not None:
                gone = {"ImageName", "ImageFamily"}
                fields = {name: value for name, value in found.fields.items() if name not in gone}
                fields["ImageId"] = desired.image_id
                await configurations.table.write(tx, msgspec.structs.replace(found, fields=fields))
            return group
        return msgspec.structs.replace(
            group,
            active_configuration_id=desired.configuration_id,
            launch_template_id=desired.template_id,
            launch_template_version=desired.template_version,
            launch_template_overrides=desired.template_overrides,
        )

    async def _moved(
        self, tx: Connection, group: Group, refresh: Refresh, event: RefreshEvent, **changes: Any
    ) -> tuple[Group, Refresh]:
        """Let an event happen to a refresh, and let the group know whether others may start activities."""
        state = REFRESH[RefreshState(refresh.status)].get(event)
        if state is None:
            raise refusals.refresh_status()
        if state in REFRESH_ENDED:
            changes["ended_at"] = self._around.now()
        refresh = msgspec.structs.replace(refresh, status=state, **changes)
        group = msgspec.structs.replace(group, refreshing=refresh.id if state in REFRESHING else None)
        await rows.table.write(tx, refresh)
        await groups.table.write(tx, group)
        await work.wake(tx, group_key(group.id), now=self._around.now())
        return group, refresh

    # ---- members ---------------------------------------------------------------------------------------------------

    async def _serving(self, tx: Connection, group: Group) -> list[Member]:
        serving = {MemberState.IN_SERVICE, MemberState.PROTECTED}
        return [one for one in await members.of_group(tx, group.id) if one.state in serving]

    async def _refreshable(self, tx: Connection, group: Group) -> list[Member]:
        """Return the members that a refresh may replace: not attached ones, nor Standby or Protected ones."""
        return [
            one
            for one in await members.of_group(tx, group.id)
            if one.state == MemberState.IN_SERVICE and one.creation_type == "AutoCreated"
        ]

    async def _made(self, tx: Connection, group: Group, refresh: Refresh, kind: Kind = "refresh") -> list[Member]:
        """Return the members in service that the refresh, or its rollback, has made."""
        made_by = {one.id for one in await activities.of_refresh(tx, refresh.id) if one.kind == kind}
        return [one for one in await self._refreshable(tx, group) if one.activity_id in made_by]

    async def _outdated(self, tx: Connection, group: Group, refresh: Refresh, target: Source | None) -> list[Member]:
        made = {one.instance_id for one in await self._made(tx, group, refresh)}
        return [
            one
            for one in await self._refreshable(tx, group)
            if one.instance_id not in made and not (refresh.skip_matching and _matches(one, refresh.desired, target))
        ]


def _matches(member: Member, desired: Desired | None, target: Source | None) -> bool:
    """Tell whether a member was made from what is desired, by the id of its source and not by what that says."""
    if target is None or (desired is not None and desired.image_id is not None):
        return False  # which image a member was made from is not known
    if target.template_id is not None:
        return (member.launch_template_id, member.launch_template_version) == (
            target.template_id,
            target.template_version,
        )
    return member.configuration_id == target.configuration_id


def _wanted(refresh: Refresh) -> Desired | None:
    return refresh.previous if _kind(refresh) == "rollback" else refresh.desired


def _kind(refresh: Refresh) -> Kind:
    return "rollback" if refresh.status == RefreshState.ROLLBACK_IN_PROGRESS else "refresh"


def _own_source(group: Group) -> Desired:
    return Desired(
        configuration_id=group.active_configuration_id,
        template_id=group.launch_template_id,
        template_version=group.launch_template_version,
        template_overrides=group.launch_template_overrides,
    )


def _desired(wanted: DesiredConfiguration | None) -> Desired | None:
    """Return what is desired, None when nothing is named: then it is what the group says."""
    if wanted is None:
        return None
    named = [wanted.image_id, wanted.scaling_configuration_id, wanted.launch_template_id]
    if len([one for one in named if one is not None]) > 1:
        raise refusals.invalid("DesiredConfiguration")
    values.check_template(wanted.launch_template_version, wanted.launch_template_overrides)
    if not any(named):
        return None
    version = wanted.launch_template_version or ("Default" if wanted.launch_template_id else None)
    return Desired(
        configuration_id=wanted.scaling_configuration_id,
        image_id=wanted.image_id,
        template_id=wanted.launch_template_id,
        template_version=version.capitalize() if version else None,
        template_overrides=[
            Override(instance_type=one.instance_type) for one in wanted.launch_template_overrides or ()
        ],
    )


def _check(request: StartInstanceRefresh) -> None:
    for name, value, (low, high) in (
        ("MinHealthyPercentage", request.min_healthy_percentage, limits.MIN_HEALTHY),
        ("MaxHealthyPercentage", request.max_healthy_percentage, limits.MAX_HEALTHY),
        ("CheckpointPauseTime", request.checkpoint_pause_time, limits.CHECKPOINT_PAUSE),
    ):
        if not low <= value <= high:
            raise refusals.invalid(name)
    percentages = [one.percentage for one in request.checkpoints]
    ascending = sorted(set(percentages)) == percentages
    if percentages and not (ascending and percentages[0] >= 1 and percentages[-1] == 100):
        raise refusals.invalid("Checkpoints")

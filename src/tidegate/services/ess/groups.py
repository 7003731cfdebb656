"""Scaling groups: from creation to deletion (ess.md 2, 12.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.errors import CloudError
from tidegate.services.ess import limits, refusals, removal, repeats, scope, values, wording
from tidegate.services.ess.bindings import Bindings, of_new_group
from tidegate.services.ess.hooks import Hooks
from tidegate.services.ess.members import Members, checked_ids, checked_weights
from tidegate.services.ess.paging import checked_page
from tidegate.services.ess.ports import SERVICE, Surroundings
from tidegate.services.ess.requests.groups import (
    CreateScalingGroup,
    DeleteScalingGroup,
    DescribeScalingGroups,
    EnableScalingGroup,
    GroupOptions,
    GroupValues,
    ModifyScalingGroup,
    Processes,
    SetGroupDeletionProtection,
)
from tidegate.services.ess.requests.shape import OnGroup, given
from tidegate.services.ess.scaling import plan_of
from tidegate.services.ess.sources import source_of
from tidegate.services.ess.starting import GROUP, Order, Starter, group_key
from tidegate.services.ess.states import GROUP as TABLE
from tidegate.services.ess.states import GroupEvent, GroupState
from tidegate.services.ess.survey import Capacities, capacities, survey
from tidegate.services.operation import Call
from tidegate.store import work
from tidegate.store.ecs.networks import VSwitch
from tidegate.store.ess import configurations
from tidegate.store.ess import groups as rows
from tidegate.store.ess import members as member_rows
from tidegate.store.ess.records import Configuration, Group, Override

if TYPE_CHECKING:
    from tidegate.store.database import Connection

PROCESSES = ("ScaleIn", "ScaleOut", "HealthCheck", "AlarmNotification", "ScheduledAction")


class Groups:
    """The scaling groups of accounts."""

    def __init__(
        self, around: Surroundings, starter: Starter, members: Members, hooks: Hooks, bindings: Bindings
    ) -> None:
        self._around = around
        self._starter = starter
        self._members = members
        self._hooks = hooks
        self._bindings = bindings

    # ---- creating and changing -------------------------------------------------------------------------------------

    async def create(self, call: Call, request: CreateScalingGroup) -> str:
        """Create an Inactive group with its hooks."""
        self._check_region(request.region_id)
        values.check_group(request)
        values.check_type(request)
        group = self._new(call, request)
        values.check_bounds(group.min_size, group.max_size, group.desired_capacity)
        wanted = request.vswitch_ids or ([request.vswitch_id] if request.vswitch_id else [])
        vswitches = await self._vswitches(call.account_id, request.region_id, wanted)
        group = msgspec.structs.replace(group, vpc_id=vswitches[0].vpc_id, vswitch_ids=[one.id for one in vswitches])
        configuration = await self._configuration_like(group, request)
        if configuration is not None:
            group = msgspec.structs.replace(group, active_configuration_id=configuration.id)
        await source_of(self._around, group)  # raises for a template that cannot be used
        hooks = [self._hooks.checked(group, one) for one in request.lifecycle_hooks]
        if len({hook.name for hook in hooks}) < len(hooks):
            raise refusals.duplicate_hook_name()
        if len(hooks) > limits.HOOKS_PER_GROUP:
            raise refusals.hook_quota()
        for hook in hooks:
            await self._hooks.check_target(group, hook)
        await self._around.roles.ensure_service_linked_role(call.account_id, SERVICE)
        async with self._around.database.transaction() as tx:
            known = await repeats.recall(tx, call, self._around.now())
            if known is not None:
                return str(known[0])
            await rows.lock_names(tx, group.account_id, group.region)
            if await rows.has_name(tx, group.account_id, group.region, group.name):
                raise refusals.duplicate_group_name()
            mine = rows.Query(account_id=group.account_id, region=group.region)
            if await rows.count(tx, mine) >= limits.GROUPS_PER_REGION:
                raise refusals.group_quota()
            await self._bindings.check(tx, group)
            await rows.table.add(tx, group)
            if configuration is not None:
                await configurations.table.add(tx, configuration)
            if hooks:
                await self._hooks.add(tx, group, *hooks)
            await repeats.remember(tx, call, group.id, self._around.now())
        return group.id

    def _new(self, call: Call, request: CreateScalingGroup) -> Group:
        if request.min_size is None or request.max_size is None:
            raise refusals.missing("MinSize" if request.min_size is None else "MaxSize")
        group_id = self._around.ids.resource("asg", request.region_id)
        now = self._around.now()
        options = given(request, GroupOptions) | {"GroupType": "ECS"}
        if request.resource_group_id is not None:
            options["ResourceGroupId"] = request.resource_group_id
        return Group(
            id=group_id,
            account_id=call.account_id,
            region=request.region_id,
            name=request.scaling_group_name or group_id,
            state=GroupState.INACTIVE,
            min_size=request.min_size,
            max_size=request.max_size,
            desired_capacity=request.desired_capacity,
            default_cooldown=limits.DEFAULT_COOLDOWN if request.default_cooldown is None else request.default_cooldown,
            launch_template_id=request.launch_template_id,
            launch_template_version=_version(request),
            launch_template_overrides=_overrides(request),
            health_check_type=values.effective_health_check(request) or "ECS",
            multi_az_policy=request.multi_az_policy or "PRIORITY",
            scaling_policy=request.scaling_policy or "release",
            removal_policies=request.removal_policies or list(removal.DEFAULT_POLICIES),
            vpc_id="",
            vswitch_ids=[],
            stop_instance_timeout=request.stop_instance_timeout or None,
            deletion_protection=bool(request.group_deletion_protection),
            suspended_processes=[],
            options=options,
            bindings=of_new_group(request),
            tags=values.checked_tags(request.tags),
            created_at=now,
            modified_at=now,
        )

    async def _configuration_like(self, group: Group, request: CreateScalingGroup) -> Configuration | None:
        """Return a configuration that describes the instance InstanceId names; a template that is given wins over it."""
        if request.instance_id is None or group.launch_template_id is not None:
            return None
        fields = await self._around.machines.fields_of(group.account_id, group.region, request.instance_id)
        if fields is None:
            raise refusals.instance_not_found(request.instance_id)
        configuration_id = self._around.ids.resource("asc", group.region)
        return Configuration(
            id=configuration_id,
            group_id=group.id,
            name=configuration_id,
            fields=dict(fields),
            created_at=group.created_at,
        )

    async def _vswitches(self, account_id: str, region: str, vswitch_ids: Sequence[str]) -> list[VSwitch]:
        """Return vSwitches of one VPC in their order; without any, the default one (there is no classic network here)."""
        if len(vswitch_ids) > limits.VSWITCHES_PER_GROUP:
            raise refusals.invalid("VSwitchIds")
        if not vswitch_ids:
            return [await self._around.machines.default_vswitch(account_id, region)]
        try:
            found = [await self._around.machines.vswitch(account_id, region, one) for one in dict.fromkeys(vswitch_ids)]
        except CloudError as error:
            raise refusals.vswitch_not_found() from error
        if len({one.vpc_id for one in found}) > 1:
            raise refusals.invalid("VSwitchIds")
        return found

    async def modify(self, call: Call, request: ModifyScalingGroup) -> None:
        """Change a group; what is absent stays, and the group's checks follow at once."""
        values.check_group(request)
        vswitches = await self._new_vswitches(call, request)
        await self._check_source(call, request)
        async with self._around.database.transaction() as tx:
            group = await scope.changeable_group(tx, call, request.scaling_group_id, request.region_id)
            changed = self._changed(group, request)
            if vswitches is not None:
                changed = msgspec.structs.replace(changed, vswitch_ids=vswitches)
            values.check_bounds(changed.min_size, changed.max_size, changed.desired_capacity)
            await self._check_change(tx, group, changed)
            await rows.table.write(tx, changed)
            await self._tend(tx, changed)

    def _changed(self, group: Group, request: ModifyScalingGroup) -> Group:
        desired = group.desired_capacity if request.desired_capacity is None else request.desired_capacity
        timeout = request.stop_instance_timeout
        changes = {
            field: value
            for field, value in {
                "name": request.scaling_group_name,
                "min_size": request.min_size,
                "max_size": request.max_size,
                "default_cooldown": request.default_cooldown,
                "active_configuration_id": request.active_scaling_configuration_id,
                "health_check_type": values.effective_health_check(request),
                "multi_az_policy": request.multi_az_policy,
                "scaling_policy": request.scaling_policy,
                "removal_policies": request.removal_policies,
                "deletion_protection": request.group_deletion_protection,
            }.items()
            if value is not None
        }
        return msgspec.structs.replace(
            sourced(group, request),
            **changes,
            desired_capacity=None if request.disable_desired_capacity else desired,
            # 0 clears it (ess.md 2.2).
            stop_instance_timeout=group.stop_instance_timeout if timeout is None else timeout or None,
            options=group.options | given(request, GroupOptions),
            modified_at=self._around.now(),
            paused_until=None,
            failing_since=None,
        )

    async def _check_source(self, call: Call, request: ModifyScalingGroup | EnableScalingGroup) -> None:
        """Raise for a launch template that cannot be used; asked before the transaction, as ECS is."""
        if request.launch_template_id is None and request.launch_template_version is None:
            return
        async with self._around.database.connection() as db:
            group = await scope.group(db, call, request.scaling_group_id, request.region_id)
        await source_of(self._around, sourced(group, request))

    async def _check_change(self, tx: Connection, group: Group, changed: Group) -> None:
        if changed.name != group.name:
            await rows.lock_names(tx, group.account_id, group.region)
            if await rows.has_name(tx, group.account_id, group.region, changed.name, but=group.id):
                raise refusals.duplicate_group_name()
        if changed.active_configuration_id not in (None, group.active_configuration_id):
            await self._check_configuration(tx, group, changed.active_configuration_id)
        turned_off = group.desired_capacity is not None and changed.desired_capacity is None
        if turned_off and (await survey(tx, group.id)).running:
            raise refusals.activity_in_progress()

    async def _check_configuration(self, tx: Connection, group: Group, configuration_id: str | None) -> None:
        found = await configurations.find(tx, configuration_id) if configuration_id else None
        if found is None or found.group_id != group.id:
            raise refusals.configuration_not_found()

    async def _new_vswitches(self, call: Call, request: ModifyScalingGroup) -> list[str] | None:
        if request.vswitch_ids is None:
            return None
        async with self._around.database.connection() as db:
            group = await scope.group(db, call, request.scaling_group_id, request.region_id)
        found = await self._vswitches(group.account_id, group.region, request.vswitch_ids)
        if found[0].vpc_id != group.vpc_id:
            raise refusals.invalid("VSwitchIds")
        return [one.id for one in found]

    # ---- states ----------------------------------------------------------------------------------------------------

    async def enable(self, call: Call, request: EnableScalingGroup) -> None:
        """Let a group scale: from now on its checks keep it as it should be."""
        values.check_template(request.launch_template_version, request.launch_template_overrides)
        await self._check_source(call, request)
        ids = checked_ids(request.instance_ids)
        weights = checked_weights(request.load_balancer_weights, len(ids))
        group_id = request.scaling_group_id
        views = await self._members.look_up(call, group_id, request.region_id, ids) if ids else {}
        async with self._starter.deciding() as tx:
            group = await scope.locked_group(tx, call, group_id, request.region_id)
            target = TABLE[GroupState(group.state)].get(GroupEvent.ENABLE)
            if target is None:
                raise refusals.group_status()
            if request.active_scaling_configuration_id is not None:
                await self._check_configuration(tx, group, request.active_scaling_configuration_id)
            group = sourced(group, request)
            source = request.active_scaling_configuration_id or group.active_configuration_id
            if source is None and group.launch_template_id is None and not ids:
                raise refusals.no_source()
            group = msgspec.structs.replace(
                group, state=target, active_configuration_id=source, paused_until=None, failing_since=None
            )
            await rows.table.write(tx, group)
            if ids:
                order = Order(
                    kind="attach",
                    reason=wording.instances_requested("attach", ids),
                    request_id=call.request_id,
                    trigger_id=call.principal.id,
                    # Counts as an attach: no hooks (ess.md 3.12, ASSUMPTION).
                    plan=msgspec.structs.replace(plan_of(group), hooks_disabled=True),
                )
                await self._members.take_in(
                    tx,
                    group,
                    order,
                    dict(zip(ids, weights, strict=True)),
                    views,
                    above_max=refusals.above_max_on_enable(),
                )
            await self._tend(tx, group)

    async def disable(self, call: Call, request: OnGroup) -> None:
        """Let running activities end and start no other; a running cooldown is forgotten."""
        async with self._around.database.transaction() as tx:
            group = await scope.locked_group(tx, call, request.scaling_group_id, request.region_id)
            target = TABLE[GroupState(group.state)].get(GroupEvent.DISABLE)
            if target is None:
                raise refusals.group_status()
            await rows.table.write(
                tx, msgspec.structs.replace(group, state=target, cooldown_until=None, paused_until=None)
            )
            await self._tend(tx, group)

    async def delete(self, call: Call, request: DeleteScalingGroup) -> None:
        """Delete a group: at once when it is empty, by its controller when ``ForceDelete`` says so."""
        async with self._around.database.transaction() as tx:
            group = await scope.locked_group(tx, call, request.scaling_group_id, request.region_id)
            if group.deletion_protection:
                raise refusals.deletion_protected()
            if request.force_delete:
                target = TABLE[GroupState(group.state)][GroupEvent.DELETE]
                await rows.table.write(tx, msgspec.structs.replace(group, state=target))
                await self._tend(tx, group)
                return
            seen = await survey(tx, group.id)
            if seen.running:
                raise refusals.activity_in_progress()
            if seen.capacities.machines:
                raise refusals.instance_in_use()
            await rows.remove(tx, group.id)
            await work.wake(tx, group_key(group.id), now=self._around.now())

    async def _tend(self, tx: Connection, group: Group) -> None:
        """Have the group's controller look at it, from now on."""
        await work.drive(tx, group_key(group.id), GROUP, now=self._around.now())

    # ---- switches --------------------------------------------------------------------------------------------------

    async def protect(self, call: Call, request: SetGroupDeletionProtection) -> None:
        """Protect a group against deletion, or give it up again."""
        async with self._around.database.transaction() as tx:
            group = await scope.changeable_group(tx, call, request.scaling_group_id, request.region_id)
            await rows.table.write(
                tx, msgspec.structs.replace(group, deletion_protection=request.group_deletion_protection)
            )

    async def suspend(self, call: Call, request: Processes) -> None:
        """Suspend processes; those that are suspended already stay so (ess.md 2.6)."""
        await self._switch(call, request, suspend=True)

    async def resume(self, call: Call, request: Processes) -> None:
        """Resume processes; the group's checks follow at once."""
        await self._switch(call, request, suspend=False)

    async def _switch(self, call: Call, request: Processes, *, suspend: bool) -> None:
        if not set(request.processes) <= set(PROCESSES):
            raise refusals.invalid("Process")
        async with self._around.database.transaction() as tx:
            group = await scope.changeable_group(tx, call, request.scaling_group_id, request.region_id)
            before, named = set(group.suspended_processes), set(request.processes)
            after = before | named if suspend else before - named
            suspended = [process for process in PROCESSES if process in after]
            # Resuming by hand also ends the suspension that the service itself has made (ess.md 2.3, ASSUMPTION).
            failing_since = group.failing_since if suspend else None
            changed = msgspec.structs.replace(group, suspended_processes=suspended, failing_since=failing_since)
            await rows.table.write(tx, changed)
            await self._tend(tx, changed)

    # ---- reading ---------------------------------------------------------------------------------------------------

    async def describe(self, call: Call, request: DescribeScalingGroups) -> tuple[int, list[tuple[Group, Capacities]]]:
        """Return how many groups match and a page of them with their counters, newest first."""
        self._check_region(request.region_id)
        limit, offset = checked_page(request.page_number, request.page_size, limits.PAGE)
        if len(request.scaling_group_ids) > limits.NAMED_OBJECTS:
            raise refusals.invalid("ScalingGroupId")
        query = rows.Query(
            account_id=call.account_id,
            region=request.region_id,
            ids=request.scaling_group_ids or None,
            names=request.scaling_group_names or None,
            like=request.scaling_group_name,
            group_type=request.group_type,
            resource_group_id=request.resource_group_id,
            tags=[{"key": tag.key} | ({"value": tag.value} if tag.value else {}) for tag in request.tags],
        )
        async with self._around.database.connection() as db:
            total = await rows.count(db, query)
            found = await rows.page(db, query, limit=limit, offset=offset)
            counted = await member_rows.counts(db, [group.id for group in found])
        return total, [(group, capacities(count for count in counted if count.group_id == group.id)) for group in found]

    async def one(self, call: Call, request: OnGroup) -> tuple[Group, Capacities]:
        """Return one group with its counters; raises InvalidScalingGroupId.NotFound."""
        async with self._around.database.connection() as db:
            group = await scope.group(db, call, request.scaling_group_id, request.region_id)
            return group, capacities(await member_rows.counts(db, [group.id]))

    def _check_region(self, region: str) -> None:
        if region not in self._around.regions:
            raise refusals.region_not_found()


def sourced(group: Group, request: GroupValues | EnableScalingGroup) -> Group:
    """Return the group with the launch template that a request names, or without one when it names a configuration.

    ASSUMPTION: the source that was chosen last counts; a template wins where both are named at once.
    """
    if request.launch_template_id is None:
        if getattr(request, "active_scaling_configuration_id", None) is not None:
            return msgspec.structs.replace(
                group, launch_template_id=None, launch_template_version=None, launch_template_overrides=[]
            )
        changes: dict[str, Any] = {}
        if group.launch_template_id is not None:
            changes = {
                "launch_template_version": request.launch_template_version or group.launch_template_version,
                "launch_template_overrides": _overrides(request, group.launch_template_overrides),
            }
        return msgspec.structs.replace(group, **changes)
    return msgspec.structs.replace(
        group,
        launch_template_id=request.launch_template_id,
        launch_template_version=_version(request),
        launch_template_overrides=_overrides(request),
        active_configuration_id=None,
    )


def _version(request: GroupValues | EnableScalingGroup) -> str | None:
    """Return the version of a template as it is shown; absent is Default."""
    if request.launch_template_id is None:
        return None
    version = request.launch_template_version or "Default"
    return version if version.isdecimal() else version.capitalize()


def _overrides(request: GroupValues | EnableScalingGroup, before: Sequence[Override] = ()) -> list[Override]:
    if request.launch_template_overrides is None:
        return list(before)
    return [
        Override(instance_type=one.instance_type, weight=one.weighted_capacity, spot_price_limit=one.spot_price_limit)
        for one in request.launch_template_overrides
    ]

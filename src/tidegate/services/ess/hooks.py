"""Lifecycle hooks: creating, changing, deleting, listing (ess.md 3.6, 12.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from tidegate.errors import CloudError
from tidegate.services.ess import limits, naming, notices, receivers, refusals, scope
from tidegate.services.ess.actions import Actions
from tidegate.services.ess.announcer import Announcer
from tidegate.services.ess.paging import checked_page
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.requests.hooks import (
    CreateLifecycleHook,
    DeleteLifecycleHook,
    DescribeLifecycleHooks,
    HookOfGroup,
    ModifyLifecycleHook,
)
from tidegate.services.ess.states import Result, Transition
from tidegate.services.operation import Call
from tidegate.store.ess import hooks as rows
from tidegate.store.ess.records import Group, Hook

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_STATUSES = ("Active", "InActive")


class Hooks:
    """The lifecycle hooks of groups."""

    def __init__(self, around: Surroundings, actions: Actions, announcer: Announcer) -> None:
        self._around = around
        self._actions = actions
        self._announcer = announcer

    async def create(self, call: Call, request: CreateLifecycleHook) -> str:
        """Create a hook; it applies to activities that reach their wait point from now on."""
        async with self._around.database.connection() as db:
            group = await scope.group(db, call, request.scaling_group_id, request.region_id)
        hook = self.checked(group, request)
        await self.check_target(group, hook)
        async with self._around.database.transaction() as tx:
            await scope.changeable_group(tx, call, group.id, None)
            existing = await rows.of_group(tx, group.id)
            if any(one.name == hook.name for one in existing):
                raise refusals.duplicate_hook_name()
            if len(existing) >= limits.HOOKS_PER_GROUP:
                raise refusals.hook_quota()
            await self.add(tx, group, hook)
        return hook.id

    async def add(self, tx: Connection, group: Group, *made: Hook) -> None:
        """Write new hooks of a group."""
        await rows.table.add(tx, *made)
        for hook in made:
            target = notices.parse_arn(hook.notification_arn, group.region, group.account_id)
            if target is not None and target.kind == "eventbus":
                await self._announcer.try_bus(tx, group, hook)

    def checked(self, group: Group, request: HookOfGroup) -> Hook:
        """Return the hook that a request describes; raises InvalidParamter for values out of range."""
        hook_id = self._around.ids.resource("ash", group.region)
        hook = Hook(
            id=hook_id,
            group_id=group.id,
            name=request.lifecycle_hook_name or hook_id,
            transition=request.lifecycle_transition,
            default_result=request.default_result or Result.CONTINUE,
            heartbeat_timeout=_seconds(request.heartbeat_timeout, limits.DEFAULT_HEARTBEAT_TIMEOUT),
            notification_arn=request.notification_arn,
            notification_metadata=request.notification_metadata,
            status="Active",
            created_at=self._around.now(),
        )
        _check_values(hook)
        return hook

    async def check_target(self, group: Group, hook: Hook) -> None:
        """Raise unless the receiver of the hook's message exists and can be reached from here (ess.md 4.1).

        Called outside of transactions: OOS needs a connection of its own.
        """
        target = notices.parse_arn(hook.notification_arn, group.region, group.account_id)
        if target is None:
            raise refusals.notification_arn()
        match target.kind:
            case "template":
                if notices.parse_metadata(hook.notification_metadata) is None:
                    raise refusals.hook_parameter()
                declared = await self._around.runbooks.template_defaults(group.account_id, group.region, target.name)
                if declared is None:
                    raise refusals.notification_arn()  # ASSUMPTION (ess.md 4.1)
            case "queue" | "topic":
                if not await receivers.exists(self._around, group, target):
                    raise refusals.queue_not_found() if target.kind == "queue" else refusals.topic_not_found()
            case "eventbus" | "none":  # every region has its default bus
                pass
            case "cloudmonitor":
                raise refusals.notification_arn()

    async def modify(self, call: Call, request: ModifyLifecycleHook) -> None:
        """Change a hook; what is absent stays, waits that are under way are not reached (A21)."""
        async with self._around.database.connection() as db:
            hook, group = await self._named(
                db,
                call,
                request,
                neither=refusals.hook_parameter(),
                no_id=refusals.hook_id_not_found_to_modify(),
                no_name=refusals.hook_name_not_found_to_modify(),
            )
        await self.check_target(group, _changed(hook, request))
        async with self._around.database.transaction() as tx:
            await scope.changeable_group(tx, call, group.id, None)
            current = await rows.find(tx, hook.id)
            if current is None:
                raise refusals.hook_id_not_found_to_modify()
            await rows.table.write(tx, _changed(current, request))

    async def delete(self, call: Call, request: DeleteLifecycleHook) -> None:
        """Delete a hook; waits on it end at once with its DefaultResult."""
        async with self._around.database.transaction() as tx:
            hook, group = await self._named(
                tx,
                call,
                request,
                neither=refusals.hook_parameter_of_end(),
                no_id=refusals.hook_id_not_found_to_delete(),
                no_name=refusals.hook_name_not_found_to_delete(),
            )
            await scope.changeable_group(tx, call, group.id, None)
            await self._actions.end_all(tx, hook)
            await rows.remove(tx, hook.id)

    async def describe(self, call: Call, request: DescribeLifecycleHooks) -> tuple[int, Sequence[tuple[Hook, Group]]]:
        """Return how many hooks match and a page of them with their groups, oldest first."""
        if not request.lifecycle_hook_ids and not request.scaling_group_id:
            raise refusals.hook_parameter()
        limit, offset = checked_page(
            request.page_number, request.page_size, limits.PAGE, error=refusals.hook_parameter()
        )
        if len(request.lifecycle_hook_ids) > limits.PAGE:
            raise refusals.hook_parameter()
        async with self._around.database.connection() as db:
            total, found = await rows.page(
                db,
                call.account_id,
                request.region_id,
                ids=request.lifecycle_hook_ids or None,
                group_id=None if request.lifecycle_hook_ids else request.scaling_group_id,
                name=None if request.lifecycle_hook_ids else request.lifecycle_hook_name,
                limit=limit,
                offset=offset,
            )
            owners = {
                group_id: await scope.group(db, call, group_id, None)
                for group_id in sorted({hook.group_id for hook in found})
            }
        return total, [(hook, owners[hook.group_id]) for hook in found]

    async def _named(
        self,
        tx: Connection,
        call: Call,
        request: ModifyLifecycleHook | DeleteLifecycleHook,
        *,
        neither: CloudError,
        no_id: CloudError,
        no_name: CloudError,
    ) -> tuple[Hook, Group]:
        """Find a hook by its id, or else by its group and name."""
        if request.lifecycle_hook_id:
            found = await scope.hook(tx, call, request.lifecycle_hook_id, request.region_id)
            if found is None:
                raise no_id
            return found
        if not request.scaling_group_id or not request.lifecycle_hook_name:
            raise neither
        group = await scope.group(tx, call, request.scaling_group_id, request.region_id)
        named = await rows.named(tx, group.id, request.lifecycle_hook_name)
        if named is None:
            raise no_name
        return named, group


def _changed(hook: Hook, request: ModifyLifecycleHook) -> Hook:
    changed = msgspec.structs.replace(
        hook,
        transition=request.lifecycle_transition or hook.transition,
        default_result=request.default_result or hook.default_result,
        heartbeat_timeout=_seconds(request.heartbeat_timeout, hook.heartbeat_timeout),
        notification_arn=request.notification_arn or hook.notification_arn,
        notification_metadata=(
            # an empty text clears it (ess.md 13.1)
            hook.notification_metadata
            if request.notification_metadata is None
            else request.notification_metadata or None
        ),
        status=request.lifecycle_hook_status or hook.status,
    )
    _check_values(changed)
    return changed


def _seconds(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise refusals.hook_parameter()
    return int(text)


def _check_values(hook: Hook) -> None:
    low, high = limits.HEARTBEAT_TIMEOUT
    metadata = hook.notification_metadata or ""
    if (
        hook.transition not in set(Transition)
        or hook.default_result not in set(Result)
        or not low <= hook.heartbeat_timeout <= high
        or not naming.is_name(hook.name)
        or len(metadata) > limits.METADATA
        or hook.status not in _STATUSES
    ):
        raise refusals.hook_parameter()

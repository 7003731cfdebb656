"""Lifecycle hooks and their actions (ess.md 12.1)."""

from __future__ import annotations

import msgspec

from tidegate.services.ess import notices
from tidegate.services.ess.api.product import Page, ess, on, on_group
from tidegate.services.ess.requests.hooks import (
    CompleteLifecycleAction,
    CreateLifecycleHook,
    DeleteLifecycleHook,
    DescribeLifecycleActions,
    DescribeLifecycleHooks,
    ModifyLifecycleHook,
    RecordLifecycleActionHeartbeat,
)
from tidegate.services.ess.service import Ess
from tidegate.services.operation import Answer, Call, Done
from tidegate.store.ess.records import Action, Group, Hook

_ON_HOOK = on(hook_id="lifecycle_hook_id")
_ON_HOOK_OR_GROUP = on(hook_id="lifecycle_hook_id", group_id="scaling_group_id")


class HookCreated(Answer):
    """The new hook."""

    lifecycle_hook_id: str


class HookView(Answer, kw_only=True):
    """A hook."""

    lifecycle_hook_id: str
    lifecycle_hook_name: str
    lifecycle_transition: str
    heartbeat_timeout: int
    default_result: str
    lifecycle_hook_status: str
    scaling_group_id: str
    notification_arn: str
    notification_metadata: str | msgspec.UnsetType


class HookPage(Page, kw_only=True):
    """A page of hooks."""

    lifecycle_hooks: list[HookView]


class ActionView(Answer, kw_only=True):
    """A lifecycle action."""

    lifecycle_hook_id: str
    lifecycle_action_token: str
    lifecycle_action_status: str
    lifecycle_action_result: str
    instance_ids: list[str]


class ActionPage(Answer, kw_only=True):
    """A page of lifecycle actions."""

    max_results: int
    next_token: str
    total_count: int
    lifecycle_actions: list[ActionView]


def _shown_hook(hook: Hook, group: Group) -> HookView:
    metadata = hook.notification_metadata
    return HookView(
        lifecycle_hook_id=hook.id,
        lifecycle_hook_name=hook.name,
        lifecycle_transition=hook.transition,
        heartbeat_timeout=hook.heartbeat_timeout,
        default_result=hook.default_result,
        lifecycle_hook_status=hook.status,
        scaling_group_id=hook.group_id,
        notification_arn=notices.shown_arn(hook.notification_arn, group.region, group.account_id),
        notification_metadata=msgspec.UNSET if metadata is None else metadata,
    )


def _shown_action(action: Action) -> ActionView:
    return ActionView(
        lifecycle_hook_id=action.hook_id,
        lifecycle_action_token=action.token,
        lifecycle_action_status=action.status,
        # While Pending the hook's DefaultResult (ess.md 3.7, ASSUMPTION).
        lifecycle_action_result=action.result or action.default_result,
        instance_ids=action.instance_ids,
    )


@ess.operation("CreateLifecycleHook", on=on_group)
async def create_lifecycle_hook(service: Ess, call: Call, request: CreateLifecycleHook) -> HookCreated:
    """Create a hook."""
    return HookCreated(await service.hooks.create(call, request))


@ess.operation("ModifyLifecycleHook", on=_ON_HOOK_OR_GROUP)
async def modify_lifecycle_hook(service: Ess, call: Call, request: ModifyLifecycleHook) -> Done:
    """Change a hook."""
    await service.hooks.modify(call, request)
    return Done()


@ess.operation("DeleteLifecycleHook", on=_ON_HOOK_OR_GROUP)
async def delete_lifecycle_hook(service: Ess, call: Call, request: DeleteLifecycleHook) -> Done:
    """Delete a hook; waits on it end."""
    await service.hooks.delete(call, request)
    return Done()


@ess.operation("DescribeLifecycleHooks")
async def describe_lifecycle_hooks(service: Ess, call: Call, request: DescribeLifecycleHooks) -> HookPage:
    """List hooks."""
    total, found = await service.hooks.describe(call, request)
    return HookPage(
        page_number=request.page_number,
        page_size=request.page_size,
        total_count=total,
        lifecycle_hooks=[_shown_hook(hook, group) for hook, group in found],
    )


@ess.operation("DescribeLifecycleActions", on=on(activity_id="scaling_activity_id"))
async def describe_lifecycle_actions(service: Ess, call: Call, request: DescribeLifecycleActions) -> ActionPage:
    """List the waits of an activity."""
    total, found, token = await service.actions.describe(call, request)
    return ActionPage(
        max_results=request.max_results,
        next_token=token,
        total_count=total,
        lifecycle_actions=[_shown_action(action) for action in found],
    )


@ess.operation("CompleteLifecycleAction", on=_ON_HOOK)
async def complete_lifecycle_action(service: Ess, call: Call, request: CompleteLifecycleAction) -> Done:
    """End a wait."""
    await service.actions.complete(call, request)
    return Done()


@ess.operation("RecordLifecycleActionHeartbeat", on=_ON_HOOK)
async def record_lifecycle_action_heartbeat(service: Ess, call: Call, request: RecordLifecycleActionHeartbeat) -> Done:
    """Prolong a wait."""
    await service.actions.heartbeat(call, request)
    return Done()

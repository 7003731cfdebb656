"""Lifecycle hooks and actions (ess.md 12.1)."""

from __future__ import annotations

import msgspec

from tidegate.services.operation import Request
from tidegate.wire.shapes import ClearableText


class HookOfGroup(Request, kw_only=True):
    """A hook that is created with its group."""

    lifecycle_transition: str
    lifecycle_hook_name: str | None = None
    default_result: str | None = None
    heartbeat_timeout: str | None = None
    notification_arn: str | None = None
    notification_metadata: str | None = None


class CreateLifecycleHook(HookOfGroup, kw_only=True):
    """CreateLifecycleHook."""

    scaling_group_id: str
    region_id: str | None = None


class ModifyLifecycleHook(Request, kw_only=True):
    """ModifyLifecycleHook."""

    lifecycle_hook_id: str | None = None
    scaling_group_id: str | None = None
    lifecycle_hook_name: str | None = None
    lifecycle_transition: str | None = None
    default_result: str | None = None
    heartbeat_timeout: str | None = None
    notification_arn: str | None = None
    notification_metadata: ClearableText | None = None
    lifecycle_hook_status: str | None = None
    region_id: str | None = None


class DeleteLifecycleHook(Request, kw_only=True):
    """DeleteLifecycleHook."""

    lifecycle_hook_id: str | None = None
    scaling_group_id: str | None = None
    lifecycle_hook_name: str | None = None
    region_id: str | None = None


class DescribeLifecycleHooks(Request, kw_only=True):
    """DescribeLifecycleHooks."""

    lifecycle_hook_ids: tuple[str, ...] = ()
    scaling_group_id: str | None = None
    lifecycle_hook_name: str | None = None
    page_number: int = 1
    page_size: int = 50
    region_id: str | None = None


class DescribeLifecycleActions(Request, kw_only=True):
    """DescribeLifecycleActions."""

    scaling_activity_id: str
    lifecycle_action_status: str | None = None
    max_results: int = 10
    next_token: str | None = None
    region_id: str | None = None


class CompleteLifecycleAction(Request, kw_only=True):
    """CompleteLifecycleAction."""

    lifecycle_hook_id: str
    lifecycle_action_token: str
    lifecycle_action_result: str | None = None
    region_id: str | None = None


class RecordLifecycleActionHeartbeat(Request, kw_only=True):
    """RecordLifecycleActionHeartbeat, whose names are lower-camel on the wire."""

    lifecycle_hook_id: str = msgspec.field(name="lifecycleHookId")
    lifecycle_action_token: str = msgspec.field(name="lifecycleActionToken")
    heartbeat_timeout: str | None = msgspec.field(name="heartbeatTimeout", default=None)
    region_id: str | None = None

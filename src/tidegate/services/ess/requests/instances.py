"""Instances (ess.md 12.6)."""

from __future__ import annotations

from tidegate.services.ess.requests.shape import HookContext, OnGroup, Page
from tidegate.services.operation import Request
from tidegate.wire.parameters import JsonText


class OnInstances(OnGroup, kw_only=True):
    """Names instances of one group."""

    instance_ids: list[str]
    ignore_invalid_instance: bool = False


class AttachInstances(OnInstances, kw_only=True):
    """AttachInstances."""

    load_balancer_weights: tuple[int, ...] = ()
    entrusted: bool = False
    lifecycle_hook: bool = False


class DetachInstances(OnInstances, kw_only=True):
    """DetachInstances."""

    decrease_desired_capacity: bool = True
    detach_option: str | None = None
    lifecycle_hook: bool = False


class RemoveInstances(OnInstances, kw_only=True):
    """RemoveInstances."""

    decrease_desired_capacity: bool = True
    remove_policy: str = "release"
    lifecycle_hook_context: JsonText[HookContext] | None = None
    stop_instance_timeout: int | None = None


class SetInstancesProtection(OnInstances, kw_only=True):
    """SetInstancesProtection."""

    protected_from_scale_in: bool


class SetInstanceHealth(Request, kw_only=True):
    """SetInstanceHealth."""

    instance_id: str
    health_status: str
    region_id: str | None = None


class ModifyInstanceAttribute(OnGroup, kw_only=True):
    """ModifyInstanceAttribute."""

    instance_id: str | None = None
    instance_ids: tuple[str, ...] = ()
    entrusted: bool


class DescribeScalingInstances(Page, kw_only=True):
    """DescribeScalingInstances."""

    region_id: str
    scaling_group_id: str | None = None
    scaling_configuration_id: str | None = None
    scaling_activity_id: str | None = None
    instance_ids: tuple[str, ...] = ()
    health_status: str | None = None
    lifecycle_state: str | None = None
    lifecycle_states: tuple[str, ...] = ()
    creation_type: str | None = None
    creation_types: tuple[str, ...] = ()

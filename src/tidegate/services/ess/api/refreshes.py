"""Instance refreshes (ess.md 12.9)."""

from __future__ import annotations

from typing import Any

import msgspec

from tidegate.clock import to_minutes
from tidegate.services.ess.api.product import ess, on_group
from tidegate.services.ess.requests.refreshes import DescribeInstanceRefreshes, OnRefresh, StartInstanceRefresh
from tidegate.services.ess.service import Ess
from tidegate.services.operation import Answer, Call, Done
from tidegate.store.ess.records import Desired, Refresh


class RefreshStarted(Answer):
    """The new task."""

    instance_refresh_task_id: str


class CheckpointView(Answer):
    """A percentage at which the refresh pauses."""

    percentage: int


class RefreshView(Answer, kw_only=True):
    """An instance refresh."""

    instance_refresh_task_id: str
    scaling_group_id: str
    region_id: str
    status: str
    desired_configuration: dict[str, Any] | msgspec.UnsetType
    min_healthy_percentage: int
    max_healthy_percentage: int
    skip_matching: bool
    checkpoints: list[CheckpointView]
    checkpoint_pause_time: int
    strategy: str | msgspec.UnsetType
    total_need_update_capacity: int
    finished_update_capacity: int
    detail: str
    start_time: str
    end_time: str | msgspec.UnsetType


class RefreshPage(Answer, kw_only=True):
    """A page of refreshes."""

    max_results: int
    next_token: str
    total_count: int
    instance_refresh_tasks: list[RefreshView]


def _shown(refresh: Refresh, region: str) -> RefreshView:
    return RefreshView(
        instance_refresh_task_id=refresh.id,
        scaling_group_id=refresh.group_id,
        region_id=region,
        status=refresh.status,
        desired_configuration=msgspec.UNSET if refresh.desired is None else _shown_desired(refresh.desired),
        min_healthy_percentage=refresh.min_healthy,
        max_healthy_percentage=refresh.max_healthy,
        skip_matching=refresh.skip_matching,
        checkpoints=[CheckpointView(one) for one in refresh.checkpoints],
        checkpoint_pause_time=refresh.pause_minutes,
        strategy=msgspec.UNSET if refresh.strategy is None else refresh.strategy,
        total_need_update_capacity=refresh.total,
        finished_update_capacity=refresh.finished,
        detail=refresh.detail,
        start_time=to_minutes(refresh.started_at),
        end_time=msgspec.UNSET if refresh.ended_at is None else to_minutes(refresh.ended_at),
    )


def _shown_desired(desired: Desired) -> dict[str, Any]:
    shown = {
        "ImageId": desired.image_id,
        "ScalingConfigurationId": desired.configuration_id,
        "LaunchTemplateId": desired.template_id,
        "LaunchTemplateVersion": desired.template_version,
        "LaunchTemplateOverrides": [{"InstanceType": one.instance_type} for one in desired.template_overrides] or None,
    }
    return {name: value for name, value in shown.items() if value is not None}


@ess.operation("StartInstanceRefresh", on=on_group)
async def start_instance_refresh(service: Ess, call: Call, request: StartInstanceRefresh) -> RefreshStarted:
    """Replace the instances of a group, batch by batch."""
    return RefreshStarted(await service.refreshes.start(call, request))


@ess.operation("SuspendInstanceRefresh", on=on_group)
async def suspend_instance_refresh(service: Ess, call: Call, request: OnRefresh) -> Done:
    """Begin no further batch for now."""
    await service.refreshes.suspend(call, request)
    return Done()


@ess.operation("ResumeInstanceRefresh", on=on_group)
async def resume_instance_refresh(service: Ess, call: Call, request: OnRefresh) -> Done:
    """Go on with a refresh that is suspended or pauses at a checkpoint."""
    await service.refreshes.resume(call, request)
    return Done()


@ess.operation("CancelInstanceRefresh", on=on_group)
async def cancel_instance_refresh(service: Ess, call: Call, request: OnRefresh) -> Done:
    """End a refresh after its running batch."""
    await service.refreshes.cancel(call, request)
    return Done()


@ess.operation("RollbackInstanceRefresh", on=on_group)
async def rollback_instance_refresh(service: Ess, call: Call, request: OnRefresh) -> Done:
    """Replace what a refresh has made by what the group was made from before."""
    await service.refreshes.roll_back(call, request)
    return Done()


@ess.operation("DescribeInstanceRefreshes", on=on_group)
async def describe_instance_refreshes(service: Ess, call: Call, request: DescribeInstanceRefreshes) -> RefreshPage:
    """List the refreshes of groups."""
    total, found, token = await service.refreshes.describe(call, request)
    return RefreshPage(
        max_results=request.max_results,
        next_token=token,
        total_count=total,
        instance_refresh_tasks=[_shown(one, request.region_id) for one in found],
    )

"""Scaling activities (ess.md 6.2, 12.7)."""

from __future__ import annotations

import msgspec

from tidegate.clock import to_minutes
from tidegate.services.ess.api.product import Page, ess, on, unless_none
from tidegate.services.ess.requests.activities import DescribeScalingActivities, DescribeScalingActivityDetail
from tidegate.services.ess.service import Ess
from tidegate.services.ess.states import ActivityStatus
from tidegate.services.operation import Answer, Call
from tidegate.store.ess.records import Activity


class ErrorMessage(Answer, kw_only=True):
    """Why some instances did not get where they should."""

    code: str
    description: str
    message: str
    failed_instance_ids: list[str]


class HookContextView(Answer):
    """Which hooks an activity did not run."""

    disable_lifecycle_hook: bool
    ignored_lifecycle_hook_ids: list[str]


class ActivityView(Answer, kw_only=True):
    """An activity in the fields of 2022-02-22; the older version shows fewer (``dialect``)."""

    scaling_activity_id: str
    scaling_group_id: str
    status_code: str
    status_message: str
    progress: int
    cause: str
    description: str
    start_time: str
    end_time: str | msgspec.UnsetType
    total_capacity: str
    auto_created_capacity: str
    attached_capacity: str
    scaling_instance_number: int
    created_instances: list[str]
    created_capacity: int
    destroyed_instances: list[str]
    destroyed_capacity: int
    started_instances: list[str]
    started_capacity: int
    stopped_instances: list[str]
    stopped_capacity: int
    detail: str
    error_code: str | msgspec.UnsetType
    error_message: str | msgspec.UnsetType
    error_messages: list[ErrorMessage]
    trigger_source_type: str
    trigger_source_id: str
    activity_metadata: str | msgspec.UnsetType
    instance_refresh_task_id: str | msgspec.UnsetType
    lifecycle_hook_context: HookContextView


class ActivityPage(Page, kw_only=True):
    """A page of activities."""

    scaling_activities: list[ActivityView]


class ActivityDetail(Answer):
    """What an activity did, in words."""

    scaling_activity_id: str
    detail: str


def _shown(activity: Activity) -> ActivityView:
    first = activity.errors[0] if activity.errors else None
    return ActivityView(
        scaling_activity_id=activity.id,
        scaling_group_id=activity.group_id,
        status_code=activity.status,
        status_message=activity.status_message,
        progress=_progress(activity),
        cause=activity.cause,
        description=activity.description,
        start_time=to_minutes(activity.started_at),
        end_time=msgspec.UNSET if activity.ended_at is None else to_minutes(activity.ended_at),
        total_capacity=str(activity.total_capacity),
        auto_created_capacity=str(activity.auto_capacity),
        attached_capacity=str(activity.attached_capacity),
        scaling_instance_number=activity.amount,
        created_instances=activity.created_ids,
        created_capacity=len(activity.created_ids),
        destroyed_instances=activity.destroyed_ids,
        destroyed_capacity=len(activity.destroyed_ids),
        started_instances=activity.started_ids,
        started_capacity=len(activity.started_ids),
        stopped_instances=activity.stopped_ids,
        stopped_capacity=len(activity.stopped_ids),
        detail=activity.detail,
        error_code=first.code if first else msgspec.UNSET,
        error_message=first.message if first else msgspec.UNSET,
        error_messages=[
            ErrorMessage(
                code=one.code, description=one.message, message=one.message, failed_instance_ids=one.instance_ids
            )
            for one in activity.errors
        ],
        trigger_source_type=activity.trigger_type,
        trigger_source_id=activity.trigger_id,
        activity_metadata=unless_none(activity.metadata),
        instance_refresh_task_id=unless_none(activity.refresh_id),
        lifecycle_hook_context=HookContextView(activity.plan.hooks_disabled, activity.plan.ignored_hook_ids),
    )


def _progress(activity: Activity) -> int:
    """Return the percentage done: ASSUMPTION, half of it once instances have been made or chosen."""
    if activity.status != ActivityStatus.IN_PROGRESS:
        return 100
    return 50 if activity.created_ids or activity.instance_ids else 0


@ess.operation("DescribeScalingActivities", on=on(group_id="scaling_group_id"))
async def describe_scaling_activities(service: Ess, call: Call, request: DescribeScalingActivities) -> ActivityPage:
    """List activities."""
    total, found = await service.history.describe(call, request)
    return ActivityPage(
        page_number=request.page_number,
        page_size=request.page_size,
        total_count=total,
        scaling_activities=[_shown(activity) for activity in found],
    )


@ess.operation("DescribeScalingActivityDetail", on=on(activity_id="scaling_activity_id"))
async def describe_scaling_activity_detail(
    service: Ess, call: Call, request: DescribeScalingActivityDetail
) -> ActivityDetail:
    """Tell what an activity did."""
    return ActivityDetail(request.scaling_activity_id, await service.history.detail(call, request))

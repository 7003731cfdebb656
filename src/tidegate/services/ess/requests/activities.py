"""Activities, regions and limits (ess.md 12.7, 12.9)."""

from __future__ import annotations

from tidegate.services.ess.requests.shape import Page
from tidegate.services.operation import Request


class DescribeScalingActivities(Page, kw_only=True):
    """DescribeScalingActivities."""

    region_id: str
    scaling_group_id: str | None = None
    scaling_activity_ids: tuple[str, ...] = ()
    instance_refresh_task_id: str | None = None
    status_code: str | None = None


class DescribeScalingActivityDetail(Request, kw_only=True):
    """DescribeScalingActivityDetail."""

    scaling_activity_id: str
    region_id: str | None = None


class Nothing(Request):
    """An operation without parameters of its own."""

"""Reading scaling activities (ess.md 6, 12.7)."""

from __future__ import annotations

from tidegate.services.ess import limits, refusals
from tidegate.services.ess.paging import checked_page
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.requests.activities import DescribeScalingActivities, DescribeScalingActivityDetail
from tidegate.services.ess.states import ActivityStatus
from tidegate.services.operation import Call
from tidegate.store.ess import activities, groups
from tidegate.store.ess.records import Activity


class History:
    """What happened to groups."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def describe(self, call: Call, request: DescribeScalingActivities) -> tuple[int, list[Activity]]:
        """Return how many activities match and a page of them, newest first."""
        limit, offset = checked_page(request.page_number, request.page_size, limits.PAGE)
        ids, group_id = request.scaling_activity_ids, request.scaling_group_id
        if not ids and group_id is None and request.instance_refresh_task_id is None:
            raise refusals.missing("ScalingGroupId")
        if len(ids) > limits.NAMED_OBJECTS:
            raise refusals.invalid("ScalingActivityId")
        if request.status_code not in (None, *ActivityStatus):
            raise refusals.invalid("StatusCode")
        query = activities.Query(
            account_id=call.account_id,
            region=request.region_id,
            group_id=group_id,
            ids=ids or None,
            status=request.status_code,
            refresh_id=request.instance_refresh_task_id,
        )
        async with self._around.database.connection() as db:
            return await activities.count(db, query), await activities.page(db, query, limit=limit, offset=offset)

    async def detail(self, call: Call, request: DescribeScalingActivityDetail) -> str:
        """Return the Detail of an activity."""
        async with self._around.database.connection() as db:
            activity = await activities.find(db, request.scaling_activity_id)
            group = await groups.find(db, call.account_id, activity.group_id) if activity else None
        if activity is None or group is None or request.region_id not in (None, group.region):
            raise refusals.invalid("ScalingActivityId")
        return activity.detail

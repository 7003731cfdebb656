"""A scheduled task starts the whole chain, end to end, through the official SDKs."""

from __future__ import annotations

from datetime import datetime, timedelta

from alibabacloud_ess20220222 import models as ess

from support.running import RunningCloud
from support.sdks import REGION, Sdks, eventually
from tidegate.clock import to_minutes

from .conftest import Furniture, grant, revoke


def test_a_task_on_a_timetable_brings_an_instance_whitelisted_and_in_service(cloud: RunningCloud, sdks: Sdks) -> None:
    grant(sdks)
    try:
        furniture = Furniture(sdks)
        groups = ess.DescribeScalingGroupsRequest(region_id=REGION, scaling_group_ids=[furniture.group_id])
        [group] = sdks.ess.describe_scaling_groups(groups).body.scaling_groups
        launch = to_minutes(datetime.fromisoformat(group.creation_time) + timedelta(minutes=5))
        sdks.ess.create_scheduled_task(
            ess.CreateScheduledTaskRequest(
                region_id=REGION, scheduled_action=furniture.add1, launch_time=launch, launch_expiration_time=600
            )
        )

        cloud.advance(360)

        members = eventually(
            furniture.members,
            lambda found: [one.lifecycle_state for one in found] == ["InService"],
            "the instance to serve",
        )
        assert furniture.address(members[0].instance_id) in furniture.whitelist()
    finally:
        revoke(sdks)

"""An alarm on the real load of a real host starts the whole chain, end to end, through the official SDKs."""

from __future__ import annotations

import json
from typing import Any

from alibabacloud_cms20190101 import models as cms
from alibabacloud_ecs20140526 import models as ecs
from alibabacloud_ess20220222 import models as ess

from support.running import RunningCloud
from support.sdks import REGION, Sdks, eventually

from .conftest import Furniture, grant, revoke

#: keeps both processors of the host busy until it is stopped
BURN = "for i in 1 2; do (while :; do :; done) >/dev/null 2>&1 & done"


def load_of(sdks: Sdks, instance_id: str) -> float:
    """The last processor load of an instance that CloudMonitor has, 0 when there is none yet."""
    request = cms.DescribeMetricLastRequest(
        namespace="acs_ecs_dashboard",
        metric_name="CPUUtilization",
        period="15",
        dimensions=json.dumps([{"instanceId": instance_id}]),
    )
    points = json.loads(sdks.cms.describe_metric_last(request).body.datapoints)
    return float(points[0]["Average"]) if points else 0.0


def test_the_load_of_a_host_brings_a_second_one_whitelisted_and_in_service(cloud: RunningCloud, sdks: Sdks) -> None:
    grant(sdks)
    try:
        furniture = Furniture(sdks)
        furniture.ended(furniture.execute(furniture.add1))
        (first,) = furniture.members()
        burn = ecs.RunCommandRequest(
            region_id=REGION, type="RunShellScript", command_content=BURN, instance_id=[first.instance_id]
        )
        sdks.ecs.run_command(burn)

        # No hook waits, so that the cloud's time may run ahead; the processor's cannot.
        def look() -> float:
            cloud.advance(15)
            return load_of(sdks, first.instance_id)

        eventually(look, lambda load: load > 15, "the load to show")
        alarm = ess.CreateAlarmRequest(
            region_id=REGION,
            scaling_group_id=furniture.group_id,
            metric_name="CpuUtilization",
            threshold=10.0,
            period=15,
            evaluation_count=1,
            alarm_actions=[furniture.add1],
        )
        task = sdks.ess.create_alarm(alarm).body.alarm_task_id
        cloud.advance(15)
        cloud.advance(4)

        alarmed = eventually(lambda: _by_alarm(furniture, task), lambda found: found, "the alarm to fire")[0]
        sdks.ess.disable_alarm(ess.DisableAlarmRequest(region_id=REGION, alarm_task_id=task))

        ended = furniture.ended(alarmed.scaling_activity_id)
        assert (ended.status_code, ended.trigger_source_type) == ("Successful", "Cms")
        assert ended.cause.startswith("An alarm task execute scaling rule")
        members = furniture.members()
        assert [one.lifecycle_state for one in members] == ["InService"] * len(members)
        assert len(members) >= 2
        assert {furniture.address(one.instance_id) for one in members} <= set(furniture.whitelist())
    finally:
        revoke(sdks)


def _by_alarm(furniture: Furniture, task: str) -> list[Any]:
    request = ess.DescribeScalingActivitiesRequest(region_id=REGION, scaling_group_id=furniture.group_id)
    found = furniture.sdks.ess.describe_scaling_activities(request).body.scaling_activities
    return [one for one in reversed(found) if one.trigger_source_id == task and one.status_code != "Rejected"]

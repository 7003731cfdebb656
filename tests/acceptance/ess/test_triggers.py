"""Scheduled tasks and step rules through the official SDKs of both versions."""

from __future__ import annotations

from datetime import datetime, timedelta

from alibabacloud_ess20140828 import models as v14
from alibabacloud_ess20220222 import models as v22

from support.running import RunningCloud
from support.sdks import REGION, Sdks, eventually, make_group
from tidegate.clock import to_minutes


def cloud_time(sdks: Sdks, group: str) -> datetime:
    """Return the minute on the cloud's clock in which a group was made."""
    request = v22.DescribeScalingGroupsRequest(region_id=REGION, scaling_group_ids=[group])
    [shown] = sdks.ess.describe_scaling_groups(request).body.scaling_groups
    return datetime.fromisoformat(shown.creation_time)


def total(sdks: Sdks, group: str) -> int:
    request = v22.DescribeScalingInstancesRequest(region_id=REGION, scaling_group_id=group)
    count: int = sdks.ess.describe_scaling_instances(request).body.total_count
    return count


def test_a_task_of_the_old_sdk_runs_a_rule_when_it_is_due(sdks: Sdks, cloud: RunningCloud) -> None:
    group = make_group(sdks)
    rule = sdks.ess.create_scaling_rule(
        v22.CreateScalingRuleRequest(
            region_id=REGION, scaling_group_id=group, adjustment_type="TotalCapacity", adjustment_value=2
        )
    ).body.scaling_rule_ari
    launch = to_minutes(cloud_time(sdks, group) + timedelta(minutes=5))
    task = sdks.ess2014.create_scheduled_task(
        v14.CreateScheduledTaskRequest(region_id=REGION, scheduled_action=rule, launch_time=launch)
    ).body.scheduled_task_id
    request = v14.DescribeScheduledTasksRequest(region_id=REGION, scheduled_task_id=[task])
    [shown] = sdks.ess2014.describe_scheduled_tasks(request).body.scheduled_tasks.scheduled_task

    cloud.advance(300)

    eventually(lambda: total(sdks, group), lambda count: count == 2, "two members")
    assert (shown.scheduled_action, shown.launch_time, shown.task_enabled) == (rule, launch, True)


def test_a_step_rule_of_the_new_sdk_follows_the_metric(sdks: Sdks) -> None:
    group = make_group(sdks)
    rule = sdks.ess.create_scaling_rule(
        v22.CreateScalingRuleRequest(
            region_id=REGION,
            scaling_group_id=group,
            scaling_rule_type="StepScalingRule",
            adjustment_type="QuantityChangeInCapacity",
            step_adjustments=[
                v22.CreateScalingRuleRequestStepAdjustments(
                    metric_interval_lower_bound=0, metric_interval_upper_bound=10, scaling_adjustment=1
                ),
                v22.CreateScalingRuleRequestStepAdjustments(metric_interval_lower_bound=10, scaling_adjustment=3),
            ],
        )
    ).body.scaling_rule_ari

    sdks.ess.execute_scaling_rule(
        v22.ExecuteScalingRuleRequest(region_id=REGION, scaling_rule_ari=rule, metric_value=90.5, breach_threshold=80.0)
    )

    eventually(lambda: total(sdks, group), lambda count: count == 3, "three members")

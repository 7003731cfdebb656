"""Launch templates, groups made from them, refreshes and dry runs through the official SDKs."""

from __future__ import annotations

import json
import shlex
from string import Template
from typing import Any

import pytest
from alibabacloud_ecs20140526 import models as ecs
from alibabacloud_ess20140828 import models as v14
from alibabacloud_ess20220222 import models as v22
from typer.testing import CliRunner

from support.running import ROOT, RunningCloud
from support.sdks import REGION, Sdks, eventually
from tidegate.cli.app import app

from .test_sdks import make_group

IMAGE = "aliyun_3_x64_20G_alibase_20240528.vhd"
TYPE, BIG = "ecs.g6.large", "ecs.g6.xlarge"


@pytest.fixture(scope="module")
def template(sdks: Sdks) -> str:
    """A launch template with two versions."""
    [group] = sdks.ecs.describe_security_groups(
        ecs.DescribeSecurityGroupsRequest(region_id=REGION)
    ).body.security_groups.security_group[:1]
    common = {"region_id": REGION, "image_id": IMAGE, "security_group_id": group.security_group_id}
    made = sdks.ecs.create_launch_template(
        ecs.CreateLaunchTemplateRequest(
            launch_template_name="fleet",
            instance_type=TYPE,
            system_disk=ecs.CreateLaunchTemplateRequestSystemDisk(category="cloud_efficiency", size="40"),
            tag=[ecs.CreateLaunchTemplateRequestTag(key="team", value="sea")],
            **common,
        )
    ).body.launch_template_id
    sdks.ecs.create_launch_template_version(
        ecs.CreateLaunchTemplateVersionRequest(launch_template_id=made, instance_type=BIG, **common)
    )
    return str(made)


def members(sdks: Sdks, group: str) -> list[Any]:
    request = v22.DescribeScalingInstancesRequest(region_id=REGION, scaling_group_id=group)
    return list(sdks.ess.describe_scaling_instances(request).body.scaling_instances or [])


def test_the_sdk_reads_the_versions_of_a_launch_template_back(sdks: Sdks, template: str) -> None:
    request = ecs.DescribeLaunchTemplateVersionsRequest(region_id=REGION, launch_template_id=template)
    latest, first = sdks.ecs.describe_launch_template_versions(
        request
    ).body.launch_template_version_sets.launch_template_version_set

    assert (latest.version_number, latest.default_version) == (2, False)
    assert first.launch_template_data.system_disk.size == 40
    assert first.launch_template_data.tags.instance_tag[0].key == "team"


def test_a_group_of_a_template_is_refreshed_to_its_next_version(cloud: RunningCloud, sdks: Sdks, template: str) -> None:
    group = sdks.ess.create_scaling_group(
        v22.CreateScalingGroupRequest(
            region_id=REGION,
            min_size=2,
            max_size=4,
            launch_template_id=template,
            launch_template_version="1",
            lifecycle_hooks=[v22.CreateScalingGroupRequestLifecycleHooks(lifecycle_transition="SCALE_OUT")],
        )
    ).body.scaling_group_id
    sdks.ess2014.enable_scaling_group(v14.EnableScalingGroupRequest(scaling_group_id=group))
    complete_until(sdks, group, lambda found: [one.lifecycle_state for one in found] == ["InService"] * 2)

    task = sdks.ess.start_instance_refresh(
        v22.StartInstanceRefreshRequest(
            region_id=REGION,
            scaling_group_id=group,
            max_healthy_percentage=200,
            desired_configuration=v22.StartInstanceRefreshRequestDesiredConfiguration(
                launch_template_id=template, launch_template_version="2"
            ),
            checkpoints=[v22.StartInstanceRefreshRequestCheckpoints(percentage=100)],
        )
    ).body.instance_refresh_task_id
    complete_until(sdks, group, lambda found: [one.launch_template_version for one in found] == ["2", "2"])

    request = v22.DescribeInstanceRefreshesRequest(
        region_id=REGION, scaling_group_id=group, instance_refresh_task_ids=[task]
    )
    done = eventually(
        lambda: sdks.ess.describe_instance_refreshes(request).body.instance_refresh_tasks[0],
        lambda found: found.status == "Successful",
        "the end of the refresh",
    )
    assert (done.total_need_update_capacity, done.finished_update_capacity) == (2, 2)
    assert done.desired_configuration.launch_template_version == "2"
    [shown] = sdks.ess.describe_scaling_groups(
        v22.DescribeScalingGroupsRequest(region_id=REGION, scaling_group_ids=[group])
    ).body.scaling_groups
    assert (shown.launch_template_id, shown.launch_template_version) == (template, "2")
    planned = sdks.ess.scale_with_adjustment(
        v22.ScaleWithAdjustmentRequest(
            scaling_group_id=group,
            adjustment_type="QuantityChangeInCapacity",
            adjustment_value=2,
            execution_mode="PlanOnly",
        )
    ).body.plan_result.resource_allocations
    assert [(one.instance_type, one.amount) for one in planned] == [(BIG, 2)]


def complete_until(sdks: Sdks, group: str, is_there: Any) -> None:
    """Complete every hook that waits, until the members are as wanted."""

    def look() -> list[Any]:
        request = v22.DescribeScalingActivitiesRequest(
            region_id=REGION, scaling_group_id=group, status_code="InProgress"
        )
        for activity in sdks.ess.describe_scaling_activities(request).body.scaling_activities or []:
            waits = v22.DescribeLifecycleActionsRequest(
                scaling_activity_id=activity.scaling_activity_id, lifecycle_action_status="Pending"
            )
            for action in sdks.ess.describe_lifecycle_actions(waits).body.lifecycle_actions or []:
                sdks.ess.complete_lifecycle_action(
                    v22.CompleteLifecycleActionRequest(
                        lifecycle_hook_id=action.lifecycle_hook_id,
                        lifecycle_action_token=action.lifecycle_action_token,
                        lifecycle_action_result="CONTINUE",
                    )
                )
        return members(sdks, group)

    eventually(look, is_there, "the members that were wanted")


def commands(page: str) -> list[str]:
    lines = (ROOT / "docs" / "how-to" / page).read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def test_the_commands_of_the_page_run_as_they_stand_there(sdks: Sdks, cloud: RunningCloud) -> None:
    [security] = sdks.ecs.describe_security_groups(
        ecs.DescribeSecurityGroupsRequest(region_id=REGION)
    ).body.security_groups.security_group[:1]
    group = make_group(sdks, min_size=2)
    eventually(lambda: members(sdks, group), lambda found: len(found) == 2, "two members")
    known = {"GROUP": group, "SECURITY": security.security_group_id}
    page = commands("renew-instances.md")

    for command in page:
        program, *words = shlex.split(Template(command).substitute(known))
        assert program == "tidegate"
        done = CliRunner().invoke(app, [*words, "--data-dir", str(cloud.folder)])
        assert done.exit_code == 0, (command, done.output)
        answer = json.loads(done.output)
        known |= {"TEMPLATE": answer["LaunchTemplateId"]} if "LaunchTemplateId" in answer else {}
        known |= {"TASK": answer["InstanceRefreshTaskId"]} if "InstanceRefreshTaskId" in answer else {}

    assert len(page) == 10
    assert page == commands("renew-instances.zh-CN.md")

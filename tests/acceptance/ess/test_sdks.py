"""Auto Scaling through the official SDKs of both versions: what they write is understood, what they read is whole."""

from __future__ import annotations

from typing import Any

import pytest
from alibabacloud_ess20140828 import models as v14
from alibabacloud_ess20220222 import models as v22
from Tea.exceptions import TeaException

from support.running import RunningCloud
from support.sdks import REGION, Sdks, eventually

IMAGE = "aliyun_3_x64_20G_alibase_20240528.vhd"
TYPE = "ecs.g6.large"


def make_group(sdks: Sdks, **values: Any) -> str:
    """Create an enabled group with a configuration through the 2022 SDK."""
    wanted = {"region_id": REGION, "min_size": 0, "max_size": 5, **values}
    group: str = sdks.ess.create_scaling_group(v22.CreateScalingGroupRequest(**wanted)).body.scaling_group_id
    configuration = sdks.ess.create_scaling_configuration(
        v22.CreateScalingConfigurationRequest(scaling_group_id=group, image_id=IMAGE, instance_type=TYPE)
    ).body.scaling_configuration_id
    sdks.ess.enable_scaling_group(
        v22.EnableScalingGroupRequest(scaling_group_id=group, active_scaling_configuration_id=configuration)
    )
    return group


def members(sdks: Sdks, group: str) -> list[Any]:
    request = v22.DescribeScalingInstancesRequest(region_id=REGION, scaling_group_id=group)
    return list(sdks.ess.describe_scaling_instances(request).body.scaling_instances or [])


def ended(sdks: Sdks, activity: str) -> Any:
    request = v22.DescribeScalingActivitiesRequest(region_id=REGION, scaling_activity_ids=[activity])
    return eventually(
        lambda: sdks.ess.describe_scaling_activities(request).body.scaling_activities[0],
        lambda found: found.status_code != "InProgress",
        f"the end of {activity}",
    )


def scale(sdks: Sdks, group: str, change: int) -> str:
    request = v22.ScaleWithAdjustmentRequest(
        scaling_group_id=group, adjustment_type="QuantityChangeInCapacity", adjustment_value=change
    )
    activity: str = sdks.ess.scale_with_adjustment(request).body.scaling_activity_id
    return activity


def waiting(sdks: Sdks, activity: str) -> Any:
    """Return the first open lifecycle action of an activity."""
    request = v22.DescribeLifecycleActionsRequest(scaling_activity_id=activity, lifecycle_action_status="Pending")
    return eventually(
        lambda: sdks.ess.describe_lifecycle_actions(request).body.lifecycle_actions, bool, "a waiting action"
    )[0]


def test_the_new_sdk_scales_out_holds_completes_and_scales_in(sdks: Sdks) -> None:
    group = make_group(
        sdks,
        scaling_group_name="new-sdk",
        removal_policies=["NewestInstance"],
        tags=[v22.CreateScalingGroupRequestTags(key="env", value="test", propagate=True)],
        lifecycle_hooks=[
            v22.CreateScalingGroupRequestLifecycleHooks(lifecycle_transition="SCALE_OUT", lifecycle_hook_name="warm-up")
        ],
    )

    activity = scale(sdks, group, 2)
    action = waiting(sdks, activity)
    sdks.ess.record_lifecycle_action_heartbeat(
        v22.RecordLifecycleActionHeartbeatRequest(
            region_id=REGION,
            lifecycle_hook_id=action.lifecycle_hook_id,
            lifecycle_action_token=action.lifecycle_action_token,
            heartbeat_timeout=1200,
        )
    )
    sdks.ess.complete_lifecycle_action(
        v22.CompleteLifecycleActionRequest(
            region_id=REGION,
            lifecycle_hook_id=action.lifecycle_hook_id,
            lifecycle_action_token=action.lifecycle_action_token,
            lifecycle_action_result="CONTINUE",
        )
    )
    out = ended(sdks, activity)
    there = members(sdks, group)
    inside = ended(sdks, scale(sdks, group, -1))

    assert (out.status_code, out.progress, out.total_capacity) == ("Successful", 100, "2")
    assert out.created_instances == action.instance_ids == [one.instance_id for one in there]
    assert {one.lifecycle_state for one in there} == {"InService"}
    assert inside.destroyed_instances == [there[1].instance_id] or len(inside.destroyed_instances) == 1
    shown = sdks.ess.describe_scaling_groups(
        v22.DescribeScalingGroupsRequest(region_id=REGION, scaling_group_names=["new-sdk"])
    ).body.scaling_groups[0]
    assert (shown.scaling_group_id, shown.active_capacity, shown.removal_policies) == (group, 1, ["NewestInstance"])
    assert [(tag.tag_key, tag.tag_value, tag.propagate) for tag in shown.tags] == [("env", "test", True)]


def test_the_old_sdk_drives_the_same_objects(sdks: Sdks) -> None:
    old = sdks.ess2014
    group = old.create_scaling_group(
        v14.CreateScalingGroupRequest(
            region_id=REGION,
            min_size=0,
            max_size=3,
            removal_policy=["OldestInstance"],
            lifecycle_hook=[
                v14.CreateScalingGroupRequestLifecycleHook(lifecycle_transition="SCALE_OUT", heartbeat_timeout=60)
            ],
            tag=[v14.CreateScalingGroupRequestTag(key="k", value="v")],
        )
    ).body.scaling_group_id
    configuration = old.create_scaling_configuration(
        v14.CreateScalingConfigurationRequest(
            scaling_group_id=group,
            image_id=IMAGE,
            instance_types=[TYPE],
            tags='{"team":"blue"}',
            system_disk=v14.CreateScalingConfigurationRequestSystemDisk(size=50),
        )
    ).body.scaling_configuration_id
    old.enable_scaling_group(
        v14.EnableScalingGroupRequest(scaling_group_id=group, active_scaling_configuration_id=configuration)
    )
    rule = old.create_scaling_rule(
        v14.CreateScalingRuleRequest(
            scaling_group_id=group, adjustment_type="QuantityChangeInCapacity", adjustment_value=1
        )
    ).body
    activity = old.execute_scaling_rule(
        v14.ExecuteScalingRuleRequest(scaling_rule_ari=rule.scaling_rule_ari)
    ).body.scaling_activity_id
    action = waiting(sdks, activity)
    seen = old.describe_lifecycle_actions(
        v14.DescribeLifecycleActionsRequest(scaling_activity_id=activity)
    ).body.lifecycle_actions.lifecycle_action[0]
    old.complete_lifecycle_action(
        v14.CompleteLifecycleActionRequest(
            lifecycle_hook_id=seen.lifecycle_hook_id,
            lifecycle_action_token=seen.lifecycle_action_token,
            lifecycle_action_result="CONTINUE",
        )
    )
    ended(sdks, activity)

    assert seen.instance_ids.instance_id == action.instance_ids
    member = old.describe_scaling_instances(
        v14.DescribeScalingInstancesRequest(region_id=REGION, scaling_group_id=group)
    ).body.scaling_instances.scaling_instance[0]
    assert (member.lifecycle_state, member.scaling_configuration_id) == ("InService", configuration)
    shown = old.describe_scaling_activities(
        v14.DescribeScalingActivitiesRequest(region_id=REGION, scaling_activity_id=[activity])
    ).body.scaling_activities.scaling_activity[0]
    assert shown.status_message == '"1" ECS instances are added'
    detail = old.describe_scaling_activity_detail(
        v14.DescribeScalingActivityDetailRequest(scaling_activity_id=activity)
    ).body.detail
    assert detail.startswith(f'new ECS instances "{member.instance_id}" are created.')
    listed = old.describe_scaling_configurations(
        v14.DescribeScalingConfigurationsRequest(region_id=REGION, scaling_configuration_id=[configuration])
    ).body.scaling_configurations.scaling_configuration[0]
    assert (listed.system_disk_size, listed.instance_types.instance_type) == (50, [TYPE])
    assert [(tag.key, tag.value) for tag in listed.tags.tag] == [("team", "blue")]
    rules = old.describe_scaling_rules(
        v14.DescribeScalingRulesRequest(region_id=REGION, scaling_rule_id=[rule.scaling_rule_id])
    ).body.scaling_rules.scaling_rule
    assert [one.adjustment_value for one in rules] == [1]
    hooks = old.describe_lifecycle_hooks(
        v14.DescribeLifecycleHooksRequest(scaling_group_id=group)
    ).body.lifecycle_hooks.lifecycle_hook
    assert [one.heartbeat_timeout for one in hooks] == [60]


def test_instances_are_attached_protected_put_aside_and_removed(sdks: Sdks) -> None:
    group, other = make_group(sdks), make_group(sdks)
    ended(sdks, scale(sdks, other, 1))
    [guest] = [one.instance_id for one in members(sdks, other)]
    detached = sdks.ess.detach_instances(v22.DetachInstancesRequest(scaling_group_id=other, instance_ids=[guest]))
    ended(sdks, detached.body.scaling_activity_id)
    named = {"scaling_group_id": group, "instance_ids": [guest]}

    attached = sdks.ess.attach_instances(v22.AttachInstancesRequest(**named, region_id=REGION, entrusted=True))
    ended(sdks, attached.body.scaling_activity_id)
    sdks.ess.set_instances_protection(v22.SetInstancesProtectionRequest(**named, protected_from_scale_in=True))
    protected = members(sdks, group)[0].lifecycle_state
    sdks.ess.set_instances_protection(v22.SetInstancesProtectionRequest(**named, protected_from_scale_in=False))
    sdks.ess.enter_standby(v22.EnterStandbyRequest(**named))
    aside = members(sdks, group)[0].lifecycle_state
    sdks.ess.exit_standby(v22.ExitStandbyRequest(**named, region_id=REGION))
    context = v22.RemoveInstancesRequestLifecycleHookContext(disable_lifecycle_hook=True)
    removed = sdks.ess.remove_instances(
        v22.RemoveInstancesRequest(**named, region_id=REGION, lifecycle_hook_context=context)
    )
    done = ended(sdks, removed.body.scaling_activity_id)

    assert (protected, aside) == ("Protected", "Standby")
    assert (done.status_code, done.destroyed_instances) == ("Successful", [guest])
    assert done.lifecycle_hook_context.disable_lifecycle_hook is True
    assert members(sdks, group) == []


def test_a_six_hour_wait_takes_no_time(cloud: RunningCloud, sdks: Sdks) -> None:
    group = make_group(sdks)
    sdks.ess.create_lifecycle_hook(
        v22.CreateLifecycleHookRequest(
            scaling_group_id=group, lifecycle_transition="SCALE_OUT", heartbeat_timeout=21600, default_result="ABANDON"
        )
    )
    activity = scale(sdks, group, 1)
    waiting(sdks, activity)

    cloud.advance(21600)

    assert ended(sdks, activity).status_code == "Failed"
    assert members(sdks, group) == []


@pytest.mark.parametrize(
    ("operation", "request_type", "values", "code", "status"),
    [
        (
            "describe_lifecycle_hooks",
            v22.DescribeLifecycleHooksRequest,
            {"region_id": REGION},
            "InvalidParamter",
            400,
        ),
        (
            "enable_scaling_group",
            v22.EnableScalingGroupRequest,
            {"scaling_group_id": "asg-x"},
            "InvalidScalingGroupId.NotFound",
            404,
        ),
        (
            "complete_lifecycle_action",
            v22.CompleteLifecycleActionRequest,
            {"lifecycle_hook_id": "ash-x", "lifecycle_action_token": "x"},
            "LifecycleHookIdAndLifecycleActionToken.Invalid",
            400,
        ),
        (
            "create_scaling_group",
            v22.CreateScalingGroupRequest,
            {"region_id": REGION, "min_size": 2, "max_size": 1},
            "InvalidParameter.Conflict",
            400,
        ),
    ],
)
def test_refusals_arrive_with_code_and_status(
    sdks: Sdks, operation: str, request_type: Any, values: dict[str, Any], code: str, status: int
) -> None:
    with pytest.raises(TeaException) as caught:
        getattr(sdks.ess, operation)(request_type(**values))

    assert (caught.value.code, caught.value.statusCode) == (code, status)


def test_a_caller_without_the_right_is_told_so_about_the_group_of_the_hook(sdks: Sdks) -> None:
    from alibabacloud_ram20150501 import models as ram

    group = make_group(sdks)
    hook = sdks.ess.create_lifecycle_hook(
        v22.CreateLifecycleHookRequest(scaling_group_id=group, lifecycle_transition="SCALE_OUT")
    ).body.lifecycle_hook_id
    account = sdks.sts.get_caller_identity().body.account_id
    sdks.ram.create_user(ram.CreateUserRequest(user_name="scaler"))
    key = sdks.ram.create_access_key(ram.CreateAccessKeyRequest(user_name="scaler")).body.access_key
    user = Sdks(sdks.endpoint, key.access_key_id, key.access_key_secret)
    complete = v22.CompleteLifecycleActionRequest(lifecycle_hook_id=hook, lifecycle_action_token="x")
    allowed = (
        '{"Version":"1","Statement":[{"Effect":"Allow","Action":"ess:CompleteLifecycleAction",'
        f'"Resource":"acs:ess:{REGION}:{account}:scalinggroup/{group}"}}]}}'
    )

    with pytest.raises(TeaException) as denied:
        user.ess.complete_lifecycle_action(complete)
    sdks.ram.create_policy(ram.CreatePolicyRequest(policy_name="scaler", policy_document=allowed))
    sdks.ram.attach_policy_to_user(
        ram.AttachPolicyToUserRequest(policy_type="Custom", policy_name="scaler", user_name="scaler")
    )
    with pytest.raises(TeaException) as refused:
        user.ess.complete_lifecycle_action(complete)

    assert (denied.value.code, denied.value.statusCode) == ("Forbidden.Unauthorized", 403)
    assert "A required authorization for the specified action is not supplied." in denied.value.message
    assert refused.value.code == "LifecycleHookIdAndLifecycleActionToken.Invalid"


def test_the_oldest_sdk_reads_groups(sdks: Sdks) -> None:
    group = make_group(sdks)

    tree = sdks.call("2014-08-28", "DescribeScalingGroups", RegionId=REGION, **{"ScalingGroupId.1": group})

    [shown] = tree["ScalingGroups"]["ScalingGroup"]
    assert (shown["ScalingGroupId"], shown["LifecycleState"]) == (group, "Active")
    assert shown["SuspendedProcesses"] == {"SuspendedProcess": []}

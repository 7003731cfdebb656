"""The whole tutorial through the official SDKs, and its three failures, against a cloud started by ``tidegate up``."""

from __future__ import annotations

import pytest

from support.running import RunningCloud
from support.sdks import REGION, Sdks, eventually

from .conftest import ACTIONS, Furniture, grant, revoke


@pytest.fixture
def granted(sdks: Sdks) -> object:
    grant(sdks)
    yield
    revoke(sdks)


@pytest.mark.usefixtures("granted")
def test_a_new_instance_is_whitelisted_before_it_serves_and_unlisted_when_it_leaves(sdks: Sdks) -> None:
    furniture = Furniture(sdks)

    out = furniture.ended(furniture.execute(furniture.add1))

    assert out.status_code == "Successful"
    assert out.description == 'Add "1" ECS instance'
    (member,) = furniture.members()
    assert member.lifecycle_state == "InService"
    address = furniture.address(member.instance_id)
    assert furniture.whitelist() == ["127.0.0.1", address]
    execution = furniture.execution_ended()
    assert (execution.status, execution.template_name) == ("Success", "ACS-ESS-LifeCycleModifyRedisIPWhitelist")
    assert set(furniture.tasks(execution.execution_id)) == {
        "getInstanceIpAddress",
        "modifySecurityIps",
        "CompleteLifecycleActionForContinue",
    }

    gone = furniture.ended(furniture.execute(furniture.remove1))

    assert gone.status_code == "Successful"
    assert furniture.members() == []
    assert furniture.whitelist() == ["127.0.0.1"]


@pytest.mark.usefixtures("granted")
def test_the_older_api_version_sees_and_drives_the_same_group(sdks: Sdks) -> None:
    from alibabacloud_ess20140828 import models as old

    furniture = Furniture(sdks)

    sdks.ess2014.execute_scaling_rule(old.ExecuteScalingRuleRequest(scaling_rule_ari=furniture.add1))
    eventually(
        lambda: sdks.call("2014-08-28", "DescribeScalingInstances", RegionId=REGION, ScalingGroupId=furniture.group_id),
        lambda seen: [one["LifecycleState"] for one in seen["ScalingInstances"]["ScalingInstance"]] == ["InService"],
        "a member in service",
    )
    hooks = sdks.call("2014-08-28", "DescribeLifecycleHooks", RegionId=REGION, ScalingGroupId=furniture.group_id)

    assert {hook["LifecycleHookId"] for hook in hooks["LifecycleHooks"]["LifecycleHook"]} == set(
        furniture.hooks.values()
    )


def test_without_the_policy_the_runbook_is_denied_and_the_instance_released(sdks: Sdks) -> None:
    furniture = Furniture(sdks)

    activity = furniture.execute(furniture.add1)
    execution = furniture.execution_ended()

    # Nothing is allowed, so the runbook cannot even complete the hook: the deadline decides, and says CONTINUE.
    assert execution.status == "Failed"
    assert "Forbidden.RAM" in execution.status_message
    assert "User not authorized to operate on the specified resource" in execution.status_message
    tasks = furniture.tasks(execution.execution_id)
    assert "Forbidden.RAM" in tasks["getInstanceIpAddress"].status_message
    assert "Forbidden.Unauthorized" in tasks["CompleteLifecycleActionForAbandon"].status_message
    assert furniture.activity(activity).status_code == "InProgress"
    assert furniture.whitelist() == ["127.0.0.1"]


@pytest.mark.parametrize("missing", ["ecs:DescribeInstances", "kvstore:ModifySecurityIps"])
def test_one_missing_action_is_forbidden_and_the_instance_is_given_up(sdks: Sdks, missing: str) -> None:
    furniture = Furniture(sdks)
    name = "Without-" + missing.replace(":", "-")
    grant(sdks, [action for action in ACTIONS if action != missing], name)

    try:
        activity = furniture.ended(furniture.execute(furniture.add1))
        execution = furniture.execution_ended()
    finally:
        revoke(sdks, name)

    assert execution.status == "Failed"
    assert execution.status_message.startswith("Forbidden.RAM")
    assert activity.status_code == "Failed"
    assert "Abandon lifecycleActionResult parameter caused the instance to rollback." in activity.detail
    assert furniture.members() == []
    assert furniture.whitelist() == ["127.0.0.1"]


@pytest.mark.usefixtures("granted")
def test_a_runbook_that_answers_after_the_deadline_is_told_that_its_token_is_over(
    cloud: RunningCloud, sdks: Sdks
) -> None:
    from alibabacloud_oos20190601 import models as oos

    template = "slow-hook"
    sdks.oos.create_template(oos.CreateTemplateRequest(region_id=REGION, template_name=template, content=SLOW))
    furniture = Furniture(sdks, timeout=30, default="ABANDON", template=template)

    activity = furniture.execute(furniture.add1)
    eventually(
        furniture.members, lambda found: found and found[0].lifecycle_state == "Pending:Wait", "a suspended instance"
    )
    cloud.advance(31)
    outcome = furniture.ended(activity)
    cloud.advance(60)
    execution = furniture.execution_ended()

    assert outcome.status_code == "Failed"
    assert furniture.members() == []
    assert execution.status == "Failed"
    assert "LifecycleHookIdAndLifecycleActionToken.Invalid" in execution.status_message
    assert "does not match any in process lifecycle action" in execution.status_message
    assert furniture.whitelist() == ["127.0.0.1"]


SLOW = """
FormatVersion: OOS-2019-06-01
Description: answers too late
Parameters:
  dbInstanceId: {Type: String}
  modifyMode: {Type: String}
  regionId: {Type: String, Default: '${regionId}'}
  lifecycleHookId: {Type: String, Default: '${lifecycleHookId}'}
  lifecycleActionToken: {Type: String, Default: '${lifecycleActionToken}'}
  OOSAssumeRole: {Type: String, Default: OOSServiceRole}
RamRole: '{{ OOSAssumeRole }}'
Tasks:
  - Name: sleep
    Action: ACS::Sleep
    Properties: {Duration: PT60S}
  - Name: complete
    Action: ACS::ExecuteAPI
    Properties:
      Service: ESS
      API: CompleteLifecycleAction
      Parameters:
        RegionId: '{{ regionId }}'
        LifecycleHookId: '{{ lifecycleHookId }}'
        LifecycleActionToken: '{{ lifecycleActionToken }}'
        LifecycleActionResult: CONTINUE
"""

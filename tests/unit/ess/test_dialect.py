"""The two API versions over one model (ess.md 14)."""

from __future__ import annotations

import pytest

from tidegate.services.ess.dialect import NEW, OLD, enter, leave


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("InstanceId.1", "InstanceIds.1"),
        ("InstanceId", "InstanceId"),
        ("InstanceIds.2", "InstanceIds.2"),
        ("ScalingGroupName", "ScalingGroupName"),
        ("ScalingGroupName.3", "ScalingGroupNames.3"),
        ("LifecycleHook.1.LifecycleTransition", "LifecycleHooks.1.LifecycleTransition"),
        ("VServerGroup.1.VServerGroupAttribute.2.Port", "VServerGroups.1.VServerGroupAttributes.2.Port"),
        ("RemovalPolicy.1", "RemovalPolicies.1"),
        ("Process.1", "Processes.1"),
        ("VSwitchIds.1", "VSwitchIds.1"),
        ("SystemDisk.Category", "SystemDisk.Category"),
        ("SpotPriceLimit.1.PriceLimit", "SpotPriceLimits.1.PriceLimit"),
        ("Tags", "Tags"),
        ("Tag.1.Key", "Tags.1.Key"),
    ],
)
def test_singular_request_lists_become_plural(old: str, new: str) -> None:
    assert enter(OLD, {old: "x"}) == {new: "x"}
    assert enter(NEW, {old: "x"}) == {old: "x"}


def test_plain_lists_are_wrapped_for_the_old_version_only() -> None:
    tree = {"LifecycleActions": [{"LifecycleHookId": "ash-1", "InstanceIds": ["i-1"]}], "TotalCount": 1}

    assert leave(NEW, "DescribeLifecycleActions", tree) == tree
    assert leave(OLD, "DescribeLifecycleActions", tree) == {
        "LifecycleActions": {"LifecycleAction": [{"LifecycleHookId": "ash-1", "InstanceIds": {"InstanceId": ["i-1"]}}]},
        "TotalCount": 1,
    }


def test_an_empty_list_is_wrapped_too() -> None:
    assert leave(OLD, "DescribeLifecycleHooks", {"LifecycleHooks": []}) == {"LifecycleHooks": {"LifecycleHook": []}}


def test_spot_price_limits_have_names_of_their_own_in_the_old_version() -> None:
    tree = {"SpotPriceLimits": [{"InstanceType": "ecs.g6.large", "PriceLimit": 1.0}]}

    assert leave(OLD, "DescribeScalingConfigurations", tree) == {
        "SpotPriceLimit": {"SpotPriceModel": [{"InstanceType": "ecs.g6.large", "PriceLimit": 1.0}]}
    }


def test_activities_have_fewer_fields_in_the_old_version() -> None:
    tree = {"ScalingActivities": [{"ScalingActivityId": "asa-1", "Detail": "x", "CreatedInstances": ["i-1"]}]}

    assert leave(OLD, "DescribeScalingActivities", tree) == {
        "ScalingActivities": {"ScalingActivity": [{"ScalingActivityId": "asa-1"}]}
    }

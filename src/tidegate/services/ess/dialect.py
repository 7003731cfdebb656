"""The two API versions over one model (ess.md 14).

Inside, everything is spelled as 2022-02-22 spells it: lists have plural names and stand directly under them.
``enter`` turns the singular request names of 2014-08-28 into plural ones; ``leave`` wraps plain lists for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OLD, NEW = "2014-08-28", "2022-02-22"

#: Request lists whose 2014 name is not the plural one without its last letter.
_IRREGULAR_PLURALS = {
    "RemovalPolicy": "RemovalPolicies",
    "Process": "Processes",
    "ScaleStatus": "ScaleStatuses",
    "SystemDiskCategory": "SystemDiskCategories",
    "CustomPriority": "CustomPriorities",
}
_REGULAR_PLURALS = (
    "InstanceId ScalingGroupId ScalingGroupName ScalingConfigurationId ScalingConfigurationName ScalingRuleId "
    "ScalingRuleName ScalingRuleAri ScalingActivityId LifecycleHookId LifecycleHook LifecycleState CreationType Tag "
    "TagKey ResourceId VServerGroup VServerGroupAttribute LoadBalancer LoadBalancerConfig LoadBalancerWeight "
    "DBInstance AlbServerGroup ServerGroup NotificationType AlarmAction Dimension AlarmDimension Expression "
    "HybridMetric StepAdjustment DataDisk LaunchTemplateOverride SpotPriceLimit InstanceTypeOverride "
    "InstanceRefreshTaskId Checkpoint InstancePatternInfo NetworkInterface ScheduledTaskId ScheduledTaskName ScheduledAction"
)
_PLURALS = _IRREGULAR_PLURALS | {name: f"{name}s" for name in _REGULAR_PLURALS.split()}

#: Answer lists: plain name → name of one element in the wrapped form.
_ELEMENTS = {
    "AlbServerGroups": "AlbServerGroup",
    "AlarmActions": "AlarmAction",
    "AlarmDimensions": "AlarmDimension",
    "AlarmList": "Alarm",
    "Alarms": "Alarm",
    "Categories": "Category",
    "Checkpoints": "Checkpoint",
    "PatternTypes": "PatternType",
    "ResourcePools": "ResourcePool",
    "ElasticStrengthModels": "ElasticStrengthModel",
    "ScaleStatuses": "ScaleStatus",
    "ResourceAllocations": "ResourceAllocation",
    "DBInstanceIds": "DBInstanceId",
    "DBInstances": "DBInstance",
    "DataDisks": "DataDisk",
    "Dimensions": "Dimension",
    "Expressions": "Expression",
    "HealthCheckTypes": "HealthCheckType",
    "InstanceIds": "InstanceId",
    "InstancePatternInfos": "InstancePatternInfo",
    "InstanceRefreshTasks": "InstanceRefreshTask",
    "InstanceTypes": "InstanceType",
    "Keys": "Key",
    "LaunchTemplateOverrides": "LaunchTemplateOverride",
    "LifecycleActions": "LifecycleAction",
    "LifecycleHooks": "LifecycleHook",
    "LoadBalancerConfigs": "LoadBalancerConfig",
    "NotificationConfigurationModels": "NotificationConfigurationModel",
    "NotificationTypes": "NotificationType",
    "LoadBalancerIds": "LoadBalancerId",
    "Regions": "Region",
    "RemovalPolicies": "RemovalPolicy",
    "ScalingActivities": "ScalingActivity",
    "ScalingConfigurations": "ScalingConfiguration",
    "ScalingGroups": "ScalingGroup",
    "ScalingInstances": "ScalingInstance",
    "ScalingRules": "ScalingRule",
    "ScheduledTasks": "ScheduledTask",
    "SecurityGroupIds": "SecurityGroupId",
    "ServerGroups": "ServerGroup",
    "SpotPriceLimits": "SpotPriceModel",
    "StepAdjustments": "StepAdjustment",
    "SuspendedProcesses": "SuspendedProcess",
    "SystemDiskCategories": "SystemDiskCategory",
    "TagResources": "TagResource",
    "Tags": "Tag",
    "VServerGroupAttributes": "VServerGroupAttribute",
    "VServerGroups": "VServerGroup",
    "VSwitchIds": "VSwitchId",
    "Values": "Value",
    "WeightedCapacities": "WeightedCapacity",
}
#: Answer lists whose own name differs too.
_OLD_NAMES = {"SpotPriceLimits": "SpotPriceLimit"}
#: Activity fields that only the newer version has (ess.md 6.2).
_NEW_ACTIVITY_FIELDS = frozenset(
    [
        "CreatedInstances",
        "CreatedCapacity",
        "DestroyedInstances",
        "DestroyedCapacity",
        "StartedInstances",
        "StartedCapacity",
        "StoppedInstances",
        "StoppedCapacity",
        "Detail",
        "ErrorCode",
        "ErrorMessage",
        "ErrorMessages",
        "TriggerSourceType",
        "TriggerSourceId",
        "ActivityMetadata",
        "InstanceRefreshTaskId",
        "LifecycleHookContext",
    ]
)


def enter(version: str, parameters: Mapping[str, str]) -> Mapping[str, str]:
    """Rewrite the request names of ``version`` to the plural spelling.

    Only a name that is followed by a number is a list: ``InstanceId.1`` becomes ``InstanceIds.1``, the ``InstanceId``
    of SetInstanceHealth stays. Plural names pass in both versions, as old SDK setters spell them so.
    """
    if version != OLD:
        return parameters
    return {_plural(name): value for name, value in parameters.items()}


def _plural(name: str) -> str:
    parts = name.split(".")
    for index, part in enumerate(parts[:-1]):
        if parts[index + 1].isdecimal():
            parts[index] = _PLURALS.get(part, part)
    return ".".join(parts)


def leave(version: str, operation: str, tree: Any) -> Any:
    """Rewrite the answer of ``operation`` for ``version``: wrapped lists and fewer activity fields for the old one."""
    if version != OLD:
        return tree
    if operation == "DescribeScalingActivities":
        tree["ScalingActivities"] = [
            {name: value for name, value in activity.items() if name not in _NEW_ACTIVITY_FIELDS}
            for activity in tree["ScalingActivities"]
        ]
    if operation == "RemoveInstances":
        tree.pop("IgnoredInstances", None)
    return _wrapped(tree)


def _wrapped(tree: Any) -> Any:
    if isinstance(tree, list):
        return [_wrapped(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    plain: dict[str, Any] = tree
    result: dict[str, Any] = {}
    for name, value in plain.items():
        inner = _wrapped(value)
        if name in _ELEMENTS and isinstance(inner, list):
            inner = {_ELEMENTS[name]: inner}
        result[_OLD_NAMES.get(name, name)] = inner
    return result

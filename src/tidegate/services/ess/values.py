"""Checks of the values of groups and configurations, before anything is looked up (ess.md 2.2, 12.4)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tidegate.services.ecs import catalog
from tidegate.services.ecs.catalog import InstanceType
from tidegate.services.ess import limits, naming, refusals, removal
from tidegate.services.ess.requests.groups import (
    CapacityOptions,
    CreateScalingGroup,
    GroupValues,
    LaunchTemplateOverride,
)
from tidegate.services.ess.requests.shape import Tag
from tidegate.store.ess.records import GroupTag

_CHOICES: Mapping[str, tuple[str, Sequence[str]]] = {
    "multi_az_policy": ("MultiAZPolicy", ("PRIORITY", "COST_OPTIMIZED", "BALANCE", "COMPOSABLE")),
    "health_check_type": ("HealthCheckType", ("ECS", "NONE", "LOAD_BALANCER")),
    "scaling_policy": ("ScalingPolicy", ("release", "recycle", "forcerelease", "forcerecycle")),
    "allocation_strategy": ("AllocationStrategy", ("priority", "lowestPrice")),
    "spot_allocation_strategy": ("SpotAllocationStrategy", ("priority", "lowestPrice")),
    "balance_mode": ("BalanceMode", ("BalancedBestEffort", "BalancedOnly")),
}
_GENERATION = re.compile(r"ecs\.([a-z]+)\d+(.*)")
_RANGES: Mapping[str, tuple[str, tuple[int, int]]] = {
    "min_size": ("MinSize", (0, limits.SIZE_OF_GROUP)),
    "max_size": ("MaxSize", (0, limits.SIZE_OF_GROUP)),
    "desired_capacity": ("DesiredCapacity", (0, limits.SIZE_OF_GROUP)),
    "default_cooldown": ("DefaultCooldown", (0, limits.COOLDOWN)),
    "on_demand_base_capacity": ("OnDemandBaseCapacity", (0, 1000)),
    "on_demand_percentage_above_base_capacity": ("OnDemandPercentageAboveBaseCapacity", (0, 100)),
    "spot_instance_pools": ("SpotInstancePools", (1, 10)),
}


def check_group(values: GroupValues) -> None:
    """Raise for a value that no group can have, or that names a product this cloud does not have yet."""
    for field, (name, choices) in _CHOICES.items():
        if getattr(values, field) not in (None, *choices):
            raise refusals.invalid(name)
    for field, (name, (low, high)) in _RANGES.items():
        value = getattr(values, field)
        if value is not None and not low <= value <= high:
            raise refusals.invalid(name)
    if values.scaling_group_name is not None and not naming.is_name(values.scaling_group_name):
        raise refusals.invalid("ScalingGroupName")
    if values.max_instance_lifetime and values.max_instance_lifetime < limits.SHORTEST_LIFETIME:
        raise refusals.invalid("MaxInstanceLifetime")
    low, high = limits.STOP_TIMEOUT
    if values.stop_instance_timeout and not low <= values.stop_instance_timeout <= high:
        raise refusals.invalid("StopInstanceTimeout")
    if values.removal_policies is not None:
        _check_policies(values.removal_policies, values.custom_policy_arn)
    _check_health_checks(values)
    _check_capacity_options(values.capacity_options)
    check_template(values.launch_template_version, values.launch_template_overrides)


def effective_health_check(values: GroupValues) -> str | None:
    """Return the health check that the parameters come to; HealthCheckTypes counts only alone (ess.md 2.2)."""
    if values.health_check_type is not None or values.health_check_types is None:
        return values.health_check_type
    # The balancer's verdict comes on top of the status in ECS (ess.md 8.1).
    return next((one for one in ("LOAD_BALANCER", "ECS") if one in values.health_check_types), "NONE")


def _check_health_checks(values: GroupValues) -> None:
    types = values.health_check_types
    if types is not None and (not types or not set(types) <= set(_CHOICES["health_check_type"][1])):
        raise refusals.invalid("HealthCheckTypes")


def _check_capacity_options(options: CapacityOptions | None) -> None:
    if options is None:
        return
    for field in ("on_demand_base_capacity", "on_demand_percentage_above_base_capacity"):
        name, (low, high) = _RANGES[field]
        value = getattr(options, field)
        if value is not None and not low <= value <= high:
            raise refusals.invalid(f"CapacityOptions.{name}")
    if options.price_comparison_mode not in (None, "PricePerUnit", "PricePerVCpu"):
        raise refusals.invalid("CapacityOptions.PriceComparisonMode")


def check_template(version: str | None, overrides: Sequence[LaunchTemplateOverride] | None) -> None:
    """Raise for a version that is no version, and for overrides that no template can have."""
    if version is not None and version.capitalize() not in {"Default", "Latest"} and not version.isdecimal():
        raise refusals.template_version_number()
    if overrides is None:
        return
    low, high = limits.OVERRIDE_WEIGHT
    types = [one.instance_type for one in overrides]
    if len(types) > limits.OVERRIDES or len(set(types)) < len(types) or not set(types) <= set(catalog.INSTANCE_TYPES):
        raise refusals.invalid("LaunchTemplateOverride")
    for one in overrides:
        if one.weighted_capacity is not None and not low <= one.weighted_capacity <= high:
            raise refusals.invalid("LaunchTemplateOverride.WeightedCapacity")
        if one.spot_price_limit is not None and one.spot_price_limit <= 0:
            raise refusals.invalid("LaunchTemplateOverride.SpotPriceLimit")


def _check_policies(policies: Sequence[str], custom_policy_arn: str | None) -> None:
    if not 1 <= len(policies) <= limits.REMOVAL_POLICIES or not set(removal.POLICIES).issuperset(policies):
        raise refusals.invalid("RemovalPolicy")
    if len(set(policies)) < len(policies) or "CustomPolicy" in policies[1:]:
        raise refusals.invalid("RemovalPolicy")
    if policies[0] == "CustomPolicy":
        if custom_policy_arn is None:
            raise refusals.missing("CustomPolicyARN")
        # It names a function of the account (acs:fc:…), and this cloud has no functions.
        raise refusals.invalid("CustomPolicyARN")


def check_type(request: CreateScalingGroup) -> None:
    """Raise for groups of containers: none exist here."""
    if request.group_type not in (None, "ECS"):
        raise refusals.invalid("GroupType")


def check_bounds(min_size: int, max_size: int, desired: int | None) -> None:
    """Raise InvalidParameter.Conflict for bounds that contradict each other (ess.md 2.4, ASSUMPTION on the code)."""
    if min_size > max_size:
        raise refusals.conflict("MinSize", "MaxSize")
    if desired is not None and desired < min_size:
        raise refusals.conflict("DesiredCapacity", "MinSize")
    if desired is not None and desired > max_size:
        raise refusals.conflict("DesiredCapacity", "MaxSize")


def checked_tags(tags: Sequence[Tag]) -> list[GroupTag]:
    """Return the tags of a request; a later one of the same key wins."""
    if any(not tag.key or len(tag.key) > 128 or len(tag.value) > 128 for tag in tags):
        raise refusals.empty_tag()
    unique = {tag.key: GroupTag(tag.key, tag.value, tag.propagate) for tag in tags}
    if len(unique) > limits.TAGS_PER_GROUP:
        raise refusals.too_many_tags()
    return list(unique.values())


def check_configuration(fields: Mapping[str, Any], own_images: Collection[str] = ()) -> None:
    """Raise for fields, under their wire names, from which no instance could be made.

    ``own_images`` are those of the account's own that are known to be there.
    """
    if "ImageId" in fields and fields["ImageId"] not in {*catalog.IMAGES, *own_images}:
        raise refusals.image_not_found()
    if image_of(fields) is None:
        raise refusals.missing("ImageId") if not _names_image(fields) else refusals.image_not_found()
    types = instance_types_of(fields)
    if not types:
        raise refusals.missing("InstanceType")
    if len(types) > limits.INSTANCE_TYPES_PER_CONFIGURATION or not set(types) <= set(catalog.INSTANCE_TYPES):
        raise refusals.invalid("InstanceType")
    low, high = limits.LOAD_BALANCER_WEIGHT
    if not low <= fields.get("LoadBalancerWeight", low) <= high:
        raise refusals.invalid("LoadBalancerWeight")
    if "KeyPairName" in fields:
        raise refusals.key_pair_not_found()
    check_user_data(fields.get("UserData"))
    tags = fields.get("Tags", {})
    if len(tags) > limits.TAGS_PER_CONFIGURATION:
        raise refusals.too_many_tags()
    if not all(tags):
        raise refusals.empty_tag()


def _names_image(fields: Mapping[str, Any]) -> bool:
    return any(name in fields for name in ("ImageId", "ImageName", "ImageFamily"))


def image_of(fields: Mapping[str, Any]) -> str | None:
    """Return the image that a configuration names by id, name or family."""
    if "ImageId" in fields:
        return str(fields["ImageId"])
    if "ImageName" in fields:
        return next((one.id for one in catalog.IMAGES.values() if one.name == fields["ImageName"]), None)
    if "ImageFamily" in fields:
        newest = catalog.newest_of_family(fields["ImageFamily"])
        return newest.id if newest else None
    return None


def instance_types_of(fields: Mapping[str, Any]) -> list[str]:
    """Return the instance types of a configuration in their order: as listed, or the cheapest with that size."""
    overrides = [one["InstanceType"] for one in fields.get("InstanceTypeOverrides", []) if "InstanceType" in one]
    listed = [*fields.get("InstanceTypes", []), *overrides]
    if listed:
        return list(dict.fromkeys(listed))
    if "InstanceType" in fields:
        return [fields["InstanceType"]]
    if "Cpu" in fields and "Memory" in fields:
        return types_of_size(fields)[:1]
    fitting = [one for pattern in fields.get("InstancePatternInfos", []) for one in types_like(pattern)]
    return list(dict.fromkeys(fitting))[: limits.INSTANCE_TYPES_PER_CONFIGURATION]


def types_like(pattern: Mapping[str, Any]) -> list[str]:
    """Return the instance types that are as an InstancePatternInfo wants them, the cheapest first."""
    return [one.id for one in catalog.INSTANCE_TYPES.values() if is_like(one, pattern)]


def is_like(one: InstanceType, pattern: Mapping[str, Any]) -> bool:
    """Tell whether an instance type is as a pattern wants it; what the pattern does not say, does not matter."""
    burstable = level_of(one) == "CreditEntryLevel"
    wanted = pattern.get("BurstablePerformance", "Include")
    return (
        pattern.get("Cores") in (None, one.cpu)
        and pattern.get("Memory") in (None, one.memory)
        and pattern.get("MinimumCpuCoreCount", 0) <= one.cpu <= pattern.get("MaximumCpuCoreCount", one.cpu)
        and pattern.get("MinimumMemorySize", 0) <= one.memory <= pattern.get("MaximumMemorySize", one.memory)
        and one.price <= pattern.get("MaxPrice", one.price)
        and pattern.get("InstanceFamilyLevel") in (None, level_of(one))
        and one.family in pattern.get("InstanceTypeFamilies", [one.family])
        and one.id not in pattern.get("ExcludedInstanceTypes", [])
        and wanted in ("Include", "Required" if burstable else "Exclude")
        and "x86" in [name.lower() for name in pattern.get("CpuArchitectures", ["x86"])]
        and "X86" in pattern.get("Architectures", ["X86"])
    )


def stands_in(one: InstanceType, wanted: InstanceType, *, generations: bool) -> bool:
    """Tell whether a type can stand in for another: the same one or, where that is allowed, of another generation."""
    mine, other = _GENERATION.fullmatch(one.id), _GENERATION.fullmatch(wanted.id)
    is_kin = mine is not None and other is not None and mine.groups() == other.groups()
    return one.id == wanted.id or (generations and is_kin)


def level_of(instance_type: InstanceType) -> str:
    """Return the level of a type's family: burstable, shared or dedicated."""
    if instance_type.family == "ecs.t6":
        return "CreditEntryLevel"
    return "EntryLevel" if instance_type.family in {"ecs.s6", "ecs.n4"} else "EnterpriseLevel"


def types_of_size(fields: Mapping[str, Any]) -> list[str]:
    """Return the instance types with the given Cpu and Memory (GiB), the cheapest first; absent: any."""
    return [
        one.id
        for one in catalog.INSTANCE_TYPES.values()
        if fields.get("Cpu") in (None, one.cpu) and fields.get("Memory") in (None, one.memory)
    ]


def security_groups_of(fields: Mapping[str, Any]) -> list[str]:
    """Return the security groups of a configuration, in whichever way they were given."""
    return list(fields.get("SecurityGroupIds") or filter(None, [fields.get("SecurityGroupId")]))


def check_user_data(text: str | None) -> None:
    """Raise for user data that is not Base64, or is too big."""
    if text is None:
        return
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise refusals.user_data_encoding() from error
    if len(raw) > limits.USER_DATA_BYTES:
        raise refusals.user_data_size()

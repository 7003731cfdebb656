"""What a group makes its instances from: a configuration, or a version of a launch template, which wins (ess.md 2.2)."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tidegate.errors import CloudError
from tidegate.services.ecs import catalog
from tidegate.services.ecs.service import DataDiskSpec, LaunchSpec
from tidegate.services.ess import refusals, values
from tidegate.services.ess.placement import Choice, Mix, Offer, Present
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.states import MemberState
from tidegate.store.ecs.instances import Options
from tidegate.store.ess import configurations
from tidegate.store.ess.records import Desired, Group, Member

GROUP_TAG = "acs:autoscaling:scalingGroupId"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where instances come from; ``fields`` are spelled as in a configuration."""

    configuration_id: str | None = None
    template_id: str | None = None
    template_version: int | None = None
    fields: Mapping[str, Any]
    offers: list[Offer]


async def source_of(around: Surroundings, group: Group, desired: Desired | None = None) -> Source | None:
    """Return the source of a group's instances as it is now, None when there is none; ``desired`` replaces the group's.

    Raises what CreateScalingGroup answers to a template that cannot be used. Asked outside of transactions, as ECS is.
    """
    group = as_desired(group, desired)
    if group.launch_template_id is not None:
        return await _from_template(around, group, group.launch_template_id)
    async with around.database.connection() as db:
        found = await configurations.find(db, group.active_configuration_id or "")
    if found is None:
        return None
    fields = found.fields
    if desired is not None and desired.image_id is not None:
        fields = _with_image(fields, desired.image_id)
    return Source(configuration_id=found.id, fields=fields, offers=offers_of(fields))


def as_desired(group: Group, desired: Desired | None) -> Group:
    """Return the group as if the desired source were its own; an image changes only what its configuration says."""
    if desired is None or (desired.configuration_id is None and desired.template_id is None):
        return group
    return msgspec.structs.replace(
        group,
        active_configuration_id=desired.configuration_id,
        launch_template_id=desired.template_id,
        launch_template_version=desired.template_version,
        launch_template_overrides=desired.template_overrides,
    )


def _with_image(fields: Mapping[str, Any], image_id: str) -> dict[str, Any]:
    """Return the fields of a configuration with another image, in whichever way it names one."""
    return {name: value for name, value in fields.items() if name not in {"ImageName", "ImageFamily"}} | {
        "ImageId": image_id
    }


async def _from_template(around: Surroundings, group: Group, template_id: str) -> Source:
    try:
        found = await around.machines.template(
            group.account_id, group.region, template_id, group.launch_template_version
        )
    except CloudError as error:
        raise refusals.template_not_found() from error
    if found is None:
        raise refusals.template_version_not_found()
    number, written = found
    fields = _as_configuration(written)
    offers = [
        Offer(instance_type=one.instance_type, weight=one.weight or 1, spot_price_limit=one.spot_price_limit)
        for one in group.launch_template_overrides
    ] or offers_of(fields)
    if values.image_of(fields) is None:
        raise refusals.template_lacks("ImageId")
    if not offers:
        raise refusals.template_lacks("InstanceTypes")
    if not values.security_groups_of(fields):
        raise refusals.template_lacks("SecurityGroup")
    return Source(template_id=template_id, template_version=number, fields=fields, offers=offers)


def _as_configuration(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a template as a configuration spells them; where it is made is the group's business."""
    fields = {name: value for name, value in written.items() if name not in {"VSwitchId", "VpcId", "ZoneId", "Tag"}}
    fields["Tags"] = {tag["Key"]: tag.get("Value", "") for tag in written.get("Tag", [])}
    if "Description" in written:
        fields["InstanceDescription"] = written["Description"]
    return fields


def offers_of(fields: Mapping[str, Any]) -> list[Offer]:
    """Return the instance types of a configuration with their weights and price limits."""
    weights = {one.get("InstanceType"): one.get("WeightedCapacity") for one in fields.get("InstanceTypeOverrides", [])}
    limits = {one.get("InstanceType"): one.get("PriceLimit") for one in fields.get("SpotPriceLimits", [])}
    named = values.instance_types_of(fields)
    return [
        Offer(instance_type=one, weight=weights.get(one) or 1, spot_price_limit=limits.get(one))
        for one in [*named, *_candidates(fields, named)]
    ]


def _candidates(fields: Mapping[str, Any], named: Sequence[str]) -> list[str]:
    """Return the types that are tried after those that are named (InstanceTypeCandidateOptions)."""
    options = fields.get("InstanceTypeCandidateOptions", {})
    if not options.get("Enabled") or not options.get("AllowDifferentGeneration"):
        return []
    known = [catalog.INSTANCE_TYPES[one] for one in named if one in catalog.INSTANCE_TYPES]
    return [
        one.id
        for one in catalog.INSTANCE_TYPES.values()
        if one.id not in named
        and one.price <= options.get("MaxPrice", one.price)
        and any(values.stands_in(one, wanted, generations=True) for wanted in known)
    ]


def overridden(source: Source, overrides: Mapping[str, Any]) -> Source:
    """Return the source as one activity wants it (ScaleWithAdjustment, Overrides)."""
    fields = {**source.fields, **overrides}
    if "Cpu" not in overrides and "Memory" not in overrides:
        return msgspec.structs.replace(source, fields=fields)
    return msgspec.structs.replace(
        source, fields=fields, offers=[Offer(instance_type=one) for one in values.types_of_size(overrides)]
    )


def mix_of(group: Group, source: Source) -> Mix:
    """Return how a group chooses among zones, types and ways to pay; CapacityOptions win over the older parameters."""
    options = {**group.options, **group.options.get("CapacityOptions", {})}
    percentage = options.get("OnDemandPercentageAboveBaseCapacity")
    composable = group.multi_az_policy == "COMPOSABLE"
    weighed = any(offer.weight != 1 for offer in source.offers)
    mixed = composable or group.multi_az_policy == "COST_OPTIMIZED"
    return Mix(
        policy=group.multi_az_policy,
        vswitch_ids=group.vswitch_ids,
        offers=source.offers,
        priorities=[
            (one.get("InstanceType", ""), one.get("VswitchId", "")) for one in source.fields.get("CustomPriorities", [])
        ],
        spot=is_spot(source.fields),
        az_balance=bool(options.get("AzBalance")),
        balanced_only=options.get("BalanceMode") == "BalancedOnly",
        on_demand_base=options.get("OnDemandBaseCapacity", 0) if mixed else 0,
        # The default of COMPOSABLE; elsewhere the source says whether instances are spot ones (ASSUMPTION).
        on_demand_percentage=(100 if percentage is None and composable else percentage) if mixed else None,
        compensates=options.get("CompensateWithOnDemand", True),
        cheapest_first=options.get("AllocationStrategy") == "lowestPrice",
        cheapest_spot_first=options.get("SpotAllocationStrategy") == "lowestPrice",
        # ASSUMPTION: unless the group says it, units are compared where its types have weights, as the old text has vCPUs.
        price_per_unit=options.get("PriceComparisonMode", "PricePerUnit" if weighed else "") == "PricePerUnit",
        spot_pools=options.get("SpotInstancePools", 1) if mixed else 1,
    )


def present_in(found: Sequence[Member]) -> Present:
    """Return the capacity that a group has already, Stopped members left out."""
    counted = [one for one in found if one.state != MemberState.STOPPED]
    by_vswitch: Counter[str] = Counter()
    for one in counted:
        by_vswitch[one.vswitch_id] += one.capacity
    return Present(
        by_vswitch=dict(by_vswitch),
        on_demand=sum(one.capacity for one in counted if one.spot_strategy == "NoSpot"),
        total=by_vswitch.total(),
    )


def is_spot(fields: Mapping[str, Any]) -> bool:
    """Tell whether a configuration or template asks for spot instances."""
    return bool(fields.get("SpotStrategy", "NoSpot") != "NoSpot")


def launch_spec(group: Group, fields: Mapping[str, Any]) -> LaunchSpec:
    """Return what ECS is to make for a group, where and of which type left open (see ``chosen``).

    The tags of the source and the propagated ones of the group go along.
    """
    propagated = {tag.key: tag.value for tag in group.tags if tag.propagate}
    return LaunchSpec(
        image_id=values.image_of(fields) or "",
        instance_type="",
        security_group_ids=tuple(values.security_groups_of(fields)),
        # ASSUMPTION: the name the console shows for machines of a group whose source names none.
        instance_name=fields.get("InstanceName") or f"ESS-asg-{group.name}"[:128],
        host_name=fields.get("HostName", ""),
        description=fields.get("InstanceDescription") or "ESS",
        user_data=base64.b64decode(fields.get("UserData", "")),
        tags=propagated | fields.get("Tags", {}),
        system_tags={GROUP_TAG: group.id},
        deletion_protection=fields.get("DeletionProtection", False),
        resource_group_id=fields.get("ResourceGroupId", ""),
        data_disks=tuple(_data_disk(one) for one in fields.get("DataDisks", [])),
        options=_options(fields),
    )


def _data_disk(one: Mapping[str, Any]) -> DataDiskSpec:
    return DataDiskSpec(
        size=one.get("Size", 40),  # ASSUMPTION: what the console offers
        category=one.get("Category", "cloud_efficiency"),
        name=one.get("DiskName", ""),
        description=one.get("Description", ""),
        snapshot_id=one.get("SnapshotId", ""),
        delete_with_instance=one.get("DeleteWithInstance", True),
    )


def _options(fields: Mapping[str, Any]) -> Options:
    disk, plain = fields.get("SystemDisk", {}), Options()
    return Options(
        spot_strategy=fields.get("SpotStrategy", plain.spot_strategy),
        internet_charge_type=fields.get("InternetChargeType", plain.internet_charge_type),
        bandwidth_in=fields.get("InternetMaxBandwidthIn", plain.bandwidth_in),
        bandwidth_out=fields.get("InternetMaxBandwidthOut", plain.bandwidth_out),
        disk_category=disk.get("Category", "cloud_efficiency"),
        disk_size=max(40, disk.get("Size", 0)),  # ess.md 12.4
        disk_name=disk.get("DiskName", ""),
        ram_role_name=fields.get("RamRoleName", ""),
        credit_specification=fields.get("CreditSpecification", ""),
        deployment_set_id=fields.get("DeploymentSetId", ""),
    )


def chosen(spec: LaunchSpec, choice: Choice) -> LaunchSpec:
    """Return the specification with the type, the place and the way to pay of a choice."""
    limit = choice.offer.spot_price_limit
    strategy = "NoSpot"
    if choice.spot:
        asked = spec.options.spot_strategy
        strategy = asked if asked != "NoSpot" else "SpotAsPriceGo" if limit is None else "SpotWithPriceLimit"
    return msgspec.structs.replace(
        spec,
        instance_type=choice.offer.instance_type,
        vswitch_id=choice.vswitch_id,
        options=msgspec.structs.replace(
            spec.options, spot_strategy=strategy, spot_price_limit=(limit or 0.0) if choice.spot else 0.0
        ),
    )

"""RunInstances, and CreateInstance, which is older (ecs.md 3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zlib import crc32

import msgspec

from tidegate.services.ecs import catalog, faults, limits
from tidegate.services.ecs.api.product import ecs, region_of
from tidegate.services.ecs.api.wanted import DataDisk, LaunchFields, Wanted
from tidegate.services.ecs.contracts import PERIOD_UNITS, expiry
from tidegate.services.ecs.disks import CATEGORIES
from tidegate.services.ecs.model import DataDiskSpec, LaunchSpec, check_password, decode_user_data
from tidegate.services.ecs.service import Ecs
from tidegate.services.ecs.tags import check_tags
from tidegate.services.operation import Answer, Call, given, invalid_parameter
from tidegate.store.ecs.instances import Options

_CHARGE_TYPES = ("PostPaid", "PrePaid")
_SPOT_STRATEGIES = ("NoSpot", "SpotWithPriceLimit", "SpotAsPriceGo")
_INTERNET_CHARGE_TYPES = ("PayByTraffic", "PayByBandwidth")
#: Parameters that say the same thing in two ways.
_SAME = (("ImageId", "ImageFamily"), ("SecurityGroupId", "SecurityGroupIds"), ("VSwitchId", "ZoneId"))


class CreateInstanceRequest(LaunchFields, kw_only=True):
    """The instance wanted."""

    password: str | None = None
    launch_template_id: str | None = None
    launch_template_name: str | None = None
    launch_template_version: str | None = None
    dry_run: bool = False


class RunInstancesRequest(CreateInstanceRequest, kw_only=True):
    """The instances wanted."""

    amount: int = 1
    min_amount: int | None = None
    unique_suffix: bool = False


class InstanceIdSet(Answer):
    """Ids of instances."""

    instance_id_set: list[str]


class RunInstancesAnswer(Answer):
    """The instances that were made; they become Running by themselves."""

    instance_id_sets: InstanceIdSet
    order_id: str | msgspec.UnsetType = msgspec.UNSET


def _touched(_service: Ecs, call: Call, request: CreateInstanceRequest) -> Sequence[str]:
    """Name what a launch touches (ram.md 11)."""
    groups = [*filter(None, [request.security_group_id]), *(request.security_group_ids or ())]
    touched = ["instance/*", f"image/{request.image_id or '*'}"]
    touched += [f"securitygroup/{one}" for one in groups] or ["securitygroup/*"]
    if request.launch_template_id is not None:
        touched.append(f"launchtemplate/{request.launch_template_id}")
    if request.vswitch_id is not None:
        touched.append(f"acs:vpc:{call.region}:{call.account_id}:vswitch/{request.vswitch_id}")
    return touched


@ecs.operation("RunInstances", on=_touched)
async def run_instances(service: Ecs, call: Call, request: RunInstancesRequest) -> RunInstancesAnswer:
    """Make instances."""
    region_of(call)
    if request.min_amount is not None and not 1 <= request.min_amount <= request.amount:
        raise faults.bad("InvalidMinAmount.Malformed")
    spec = msgspec.structs.replace(await _spec(service, call, request), unique_suffix=request.unique_suffix)
    ids = await service.run_instances(call, spec, request.amount, at_least=request.min_amount, dry_run=request.dry_run)
    order_id = order_of(ids[0]) if spec.charge_type == "PrePaid" else msgspec.UNSET
    return RunInstancesAnswer(InstanceIdSet(ids), order_id)


class CreateInstanceAnswer(Answer):
    """The instance that was made; it is Stopped."""

    instance_id: str
    order_id: str | msgspec.UnsetType = msgspec.UNSET


@ecs.operation("CreateInstance", on=_touched)
async def create_instance(service: Ecs, call: Call, request: CreateInstanceRequest) -> CreateInstanceAnswer:
    """Make one instance and leave it Stopped."""
    region_of(call)
    spec = msgspec.structs.replace(await _spec(service, call, request), boots=False)
    [made] = await service.run_instances(call, spec, 1, dry_run=request.dry_run)
    return CreateInstanceAnswer(made, order_of(made) if spec.charge_type == "PrePaid" else msgspec.UNSET)


def order_of(instance_id: str) -> str:
    """Return the number of the order that a subscription is: the same for every repeat of the call."""
    return str(crc32(instance_id.encode()) + 10**14)


async def _spec(service: Ecs, call: Call, request: CreateInstanceRequest) -> LaunchSpec:
    """Return what the request asks for; raises for what no launch could be."""
    wanted = await _wanted(service, call, request)
    check_password(request.password)
    if wanted.instance_type is None:
        raise faults.missing_parameter("InstanceType")
    _check_choices(wanted)
    return LaunchSpec(
        image_id=_image_id(wanted),
        instance_type=wanted.instance_type,
        vswitch_id=wanted.vswitch_id,
        zone=wanted.zone_id,
        security_group_ids=(*filter(None, [wanted.security_group_id]), *wanted.security_group_ids),
        instance_name=wanted.instance_name,
        host_name=wanted.host_name,
        description=wanted.description,
        user_data=decode_user_data(wanted.user_data),
        tags=check_tags([(tag.key, tag.value) for tag in wanted.tag]),
        private_address=wanted.private_ip_address,
        charge_type=wanted.instance_charge_type,
        deletion_protection=wanted.deletion_protection,
        resource_group_id=wanted.resource_group_id,
        key_pair_name=wanted.key_pair_name,
        data_disks=tuple(_data_disk(one) for one in wanted.data_disk),
        options=_options(wanted, service.now()),
    )


def _data_disk(one: DataDisk) -> DataDiskSpec:
    if one.category not in (None, *CATEGORIES):
        raise invalid_parameter("DataDisk.N.Category")
    return DataDiskSpec(
        # ASSUMPTION: 40 GiB, what the console offers; a disk of a snapshot says nothing of its size here either.
        size=40 if one.size is None else one.size,
        category=one.category or CATEGORIES[3],
        name=one.disk_name or "",
        description=one.description or "",
        snapshot_id=one.snapshot_id or "",
        delete_with_instance=one.delete_with_instance is not False,
    )


async def _wanted(service: Ecs, call: Call, request: CreateInstanceRequest) -> Wanted:
    """Return what is said in the request over what the launch template says."""
    said = given(request, LaunchFields)
    if request.launch_template_id is None and request.launch_template_name is None:
        return msgspec.convert(said, Wanted)
    version = await service.templates.version(
        call.account_id,
        call.region,
        template_id=request.launch_template_id,
        name=request.launch_template_name,
        version=request.launch_template_version,
    )
    if version is None:
        raise faults.not_found("InvalidLaunchTemplateVersion")
    # One thing said in two ways: what the request says replaces either.
    replaced = {name for pair in _SAME for name in pair if not said.keys().isdisjoint(pair)}
    fields = {name: value for name, value in version.fields.items() if name not in replaced}
    disk = fields.get("SystemDisk", {}) | said.get("SystemDisk", {})
    return msgspec.convert(fields | said | ({"SystemDisk": disk} if disk else {}), Wanted)


def _image_id(wanted: Wanted) -> str:
    if wanted.image_id is not None:
        return wanted.image_id
    if wanted.image_family is None:
        raise faults.missing_parameter("ImageId")
    image = catalog.newest_of_family(wanted.image_family)
    if image is None:
        raise faults.not_found("InvalidImageId")
    return image.id


def _check_choices(wanted: Wanted) -> None:
    for value, allowed, name in (
        (wanted.instance_charge_type, _CHARGE_TYPES, "InstanceChargeType"),
        (wanted.spot_strategy, _SPOT_STRATEGIES, "SpotStrategy"),
        (wanted.internet_charge_type, _INTERNET_CHARGE_TYPES, "InternetChargeType"),
        (wanted.period_unit, tuple(PERIOD_UNITS), "PeriodUnit"),
    ):
        if value not in allowed:
            raise invalid_parameter(name)
    if not 1 <= wanted.period <= limits.PERIOD_MAX:
        raise invalid_parameter("Period")
    if not 0 <= wanted.internet_max_bandwidth_out <= limits.BANDWIDTH_MAX:
        raise invalid_parameter("InternetMaxBandwidthOut")


def _options(wanted: Wanted, now: datetime) -> Options:
    options = Options(
        auto_release_at=wanted.auto_release_time,
        spot_strategy=wanted.spot_strategy,
        spot_price_limit=wanted.spot_price_limit,
        internet_charge_type=wanted.internet_charge_type,
        bandwidth_in=wanted.internet_max_bandwidth_in,
        bandwidth_out=wanted.internet_max_bandwidth_out,
        disk_category=wanted.system_disk.category,
        disk_size=wanted.system_disk.size or Options().disk_size,
        disk_name=wanted.system_disk.disk_name,
        ram_role_name=wanted.ram_role_name,
        credit_specification=wanted.credit_specification,
        deployment_set_id=wanted.deployment_set_id,
    )
    if wanted.instance_charge_type != "PrePaid":
        return options
    return msgspec.structs.replace(options, expired_at=expiry(now, wanted.period, wanted.period_unit))

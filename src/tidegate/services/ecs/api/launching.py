"""RunInstances, and CreateInstance, which is older (ecs.md 3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zlib import crc32

import msgspec

from tidegate.services.ecs import catalog, faults, limits
from tidegate.services.ecs.api.product import Tag, ecs, region_of
from tidegate.services.ecs.model import LaunchSpec, check_password, decode_user_data
from tidegate.services.ecs.service import Ecs
from tidegate.services.ecs.tags import check_tags
from tidegate.services.operation import Answer, Call, Request, invalid_parameter
from tidegate.store.ecs.instances import Options

_CHARGE_TYPES = ("PostPaid", "PrePaid")
_SPOT_STRATEGIES = ("NoSpot", "SpotWithPriceLimit", "SpotAsPriceGo")
_INTERNET_CHARGE_TYPES = ("PayByTraffic", "PayByBandwidth")
#: PeriodUnit → days
_PERIOD_UNITS = {"Week": 7, "Month": 30, "Year": 365}


class SystemDisk(Request):
    """The system disk wanted."""

    category: str = "cloud_essd"
    size: int = 0
    disk_name: str = ""


class CreateInstanceRequest(Request):
    """The instance wanted."""

    image_id: str | None = None
    image_family: str | None = None
    instance_type: str | None = None
    security_group_id: str | None = None
    security_group_ids: list[str] = msgspec.field(default_factory=list)
    vswitch_id: str | None = None
    zone_id: str | None = None
    private_ip_address: str | None = None
    instance_name: str = ""
    host_name: str = ""
    description: str = ""
    instance_charge_type: str = "PostPaid"
    period: int = 1
    period_unit: str = "Month"
    auto_release_time: str = ""
    spot_strategy: str = "NoSpot"
    spot_price_limit: float = 0.0
    internet_charge_type: str = "PayByTraffic"
    internet_max_bandwidth_in: int = 10
    internet_max_bandwidth_out: int = 0
    system_disk: SystemDisk = msgspec.field(default_factory=SystemDisk)
    key_pair_name: str = ""
    password: str | None = None
    ram_role_name: str = ""
    user_data: str | None = None
    tag: list[Tag] = msgspec.field(default_factory=list)
    resource_group_id: str = ""
    deletion_protection: bool = False
    deployment_set_id: str = ""
    credit_specification: str = ""
    launch_template_id: str | None = None
    launch_template_name: str | None = None
    dry_run: bool = False


class RunInstancesRequest(CreateInstanceRequest):
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
    groups = [*filter(None, [request.security_group_id]), *request.security_group_ids]
    touched = ["instance/*", f"image/{request.image_id or '*'}"]
    touched += [f"securitygroup/{one}" for one in groups] or ["securitygroup/*"]
    if request.vswitch_id is not None:
        touched.append(f"acs:vpc:{call.region}:{call.account_id}:vswitch/{request.vswitch_id}")
    return touched


@ecs.operation("RunInstances", on=_touched)
async def run_instances(service: Ecs, call: Call, request: RunInstancesRequest) -> RunInstancesAnswer:
    """Make instances."""
    region_of(call)
    if request.min_amount is not None and not 1 <= request.min_amount <= request.amount:
        raise faults.bad("InvalidMinAmount.Malformed")
    spec = msgspec.structs.replace(_spec(request, service.now()), unique_suffix=request.unique_suffix)
    ids = await service.run_instances(call, spec, request.amount, at_least=request.min_amount, dry_run=request.dry_run)
    order_id = _order_of(ids[0]) if spec.charge_type == "PrePaid" else msgspec.UNSET
    return RunInstancesAnswer(InstanceIdSet(ids), order_id)


class CreateInstanceAnswer(Answer):
    """The instance that was made; it is Stopped."""

    instance_id: str
    order_id: str | msgspec.UnsetType = msgspec.UNSET


@ecs.operation("CreateInstance", on=_touched)
async def create_instance(service: Ecs, call: Call, request: CreateInstanceRequest) -> CreateInstanceAnswer:
    """Make one instance and leave it Stopped."""
    region_of(call)
    spec = msgspec.structs.replace(_spec(request, service.now()), boots=False)
    [made] = await service.run_instances(call, spec, 1, dry_run=request.dry_run)
    return CreateInstanceAnswer(made, _order_of(made) if spec.charge_type == "PrePaid" else msgspec.UNSET)


def _order_of(instance_id: str) -> str:
    """Return the number of the order that a subscription is: the same for every repeat of the call."""
    return str(crc32(instance_id.encode()) + 10**14)


def _spec(request: CreateInstanceRequest, now: datetime) -> LaunchSpec:
    """Return what the request asks for; raises for what no launch could be."""
    if request.launch_template_id is not None or request.launch_template_name is not None:
        raise faults.not_found("InvalidLaunchTemplate")
    check_password(request.password)
    if request.instance_type is None:
        raise faults.missing_parameter("InstanceType")
    _check_choices(request)
    return LaunchSpec(
        image_id=_image_id(request),
        instance_type=request.instance_type,
        vswitch_id=request.vswitch_id,
        zone=request.zone_id,
        security_group_ids=(*filter(None, [request.security_group_id]), *request.security_group_ids),
        instance_name=request.instance_name,
        host_name=request.host_name,
        description=request.description,
        user_data=decode_user_data(request.user_data),
        tags=check_tags([(tag.key, tag.value) for tag in request.tag]),
        private_address=request.private_ip_address,
        charge_type=request.instance_charge_type,
        deletion_protection=request.deletion_protection,
        resource_group_id=request.resource_group_id,
        key_pair_name=request.key_pair_name,
        options=_options(request, now),
    )


def _image_id(request: CreateInstanceRequest) -> str:
    if request.image_id is not None:
        return request.image_id
    if request.image_family is None:
        raise faults.missing_parameter("ImageId")
    image = catalog.newest_of_family(request.image_family)
    if image is None:
        raise faults.not_found("InvalidImageId")
    return image.id


def _check_choices(request: CreateInstanceRequest) -> None:
    for value, allowed, name in (
        (request.instance_charge_type, _CHARGE_TYPES, "InstanceChargeType"),
        (request.spot_strategy, _SPOT_STRATEGIES, "SpotStrategy"),
        (request.internet_charge_type, _INTERNET_CHARGE_TYPES, "InternetChargeType"),
        (request.period_unit, tuple(_PERIOD_UNITS), "PeriodUnit"),
    ):
        if value not in allowed:
            raise invalid_parameter(name)
    if not 1 <= request.period <= limits.PERIOD_MAX:
        raise invalid_parameter("Period")
    if not 0 <= request.internet_max_bandwidth_out <= limits.BANDWIDTH_MAX:
        raise invalid_parameter("InternetMaxBandwidthOut")


def _options(request: CreateInstanceRequest, now: datetime) -> Options:
    options = Options(
        auto_release_at=request.auto_release_time,
        spot_strategy=request.spot_strategy,
        spot_price_limit=request.spot_price_limit,
        internet_charge_type=request.internet_charge_type,
        bandwidth_in=request.internet_max_bandwidth_in,
        bandwidth_out=request.internet_max_bandwidth_out,
        disk_category=request.system_disk.category,
        disk_size=request.system_disk.size or Options().disk_size,
        disk_name=request.system_disk.disk_name,
        ram_role_name=request.ram_role_name,
        credit_specification=request.credit_specification,
        deployment_set_id=request.deployment_set_id,
    )
    if request.instance_charge_type != "PrePaid":
        return options
    # Production ends a subscription at midnight in China, which is 16:00 UTC.
    end = (now + timedelta(days=request.period * _PERIOD_UNITS[request.period_unit] + 1)).strftime("%Y-%m-%dT16:00Z")
    return msgspec.structs.replace(options, expired_at=end)

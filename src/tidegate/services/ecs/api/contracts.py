"""Operations about what an instance is paid for and by, its type and its RAM role (ecs.md 11). Nothing is charged."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tidegate.services.ecs import limits
from tidegate.services.ecs.api.describing import OneInstance
from tidegate.services.ecs.api.launching import order_of
from tidegate.services.ecs.api.product import comma_separated, ecs, region_of
from tidegate.services.ecs.instances import check_ids
from tidegate.services.ecs.service import Ecs
from tidegate.services.operation import Answer, Call, Done, Request, missing_parameter
from tidegate.wire.shapes import JsonText


def _one(_service: Ecs, _call: Call, request: OneInstance) -> Sequence[str]:
    return [f"instance/{request.instance_id}"]


class OrderAnswer(Answer):
    """The order that a change is."""

    order_id: str


class ManyInstances(Request):
    """A request about instances."""

    instance_ids: JsonText[list[str]]


def _many(_service: Ecs, _call: Call, request: ManyInstances) -> Sequence[str]:
    return [f"instance/{one}" for one in request.instance_ids]


class ModifyInstanceChargeTypeRequest(ManyInstances, kw_only=True):
    """How instances are to be paid for."""

    instance_charge_type: str = "PrePaid"
    period: int = 1
    period_unit: str = "Month"
    include_data_disks: bool = True
    dry_run: bool = False


class Fee(Answer):
    """What a change costs: nothing, here."""

    instance_id: str
    fee: str = "0"
    currency: str = "CNY"


class Fees(Answer):
    """What changes cost."""

    fee_of_instance: list[Fee]


class ModifyInstanceChargeTypeAnswer(Answer):
    """The order that the change is."""

    order_id: str
    fee_of_instances: Fees


@ecs.operation("ModifyInstanceChargeType", on=_many)
async def modify_instance_charge_type(
    service: Ecs, call: Call, request: ModifyInstanceChargeTypeRequest
) -> ModifyInstanceChargeTypeAnswer:
    """Let instances be paid for in advance or by use, all or none."""
    region_of(call)
    check_ids(request.instance_ids)
    wanted = request.instance_charge_type
    await service.contracts.charge(call, request.instance_ids, wanted, request.period, request.period_unit)
    return ModifyInstanceChargeTypeAnswer(
        order_of(request.instance_ids[0]), Fees([Fee(one) for one in request.instance_ids])
    )


class ModifyInstanceNetworkSpecRequest(OneInstance, kw_only=True):
    """The public bandwidth wanted, in Mbit/s."""

    internet_max_bandwidth_out: int | None = None
    internet_max_bandwidth_in: int | None = None
    network_charge_type: str | None = None


@ecs.operation("ModifyInstanceNetworkSpec", on=_one)
async def modify_instance_network_spec(
    service: Ecs, call: Call, request: ModifyInstanceNetworkSpecRequest
) -> OrderAnswer:
    """Change the public bandwidth of an instance."""
    region_of(call)
    await service.contracts.bandwidth(
        call,
        request.instance_id,
        outward=request.internet_max_bandwidth_out,
        inward=request.internet_max_bandwidth_in,
        charge_type=request.network_charge_type,
    )
    return OrderAnswer(order_of(request.instance_id))


class ModifyInstanceAutoRenewAttributeRequest(Request):
    """Whether subscriptions shall renew themselves."""

    instance_id: str
    auto_renew: bool | None = None
    renewal_status: str | None = None
    duration: int = 1
    period_unit: str = "Month"


@ecs.operation("ModifyInstanceAutoRenewAttribute", on=lambda _service, _call, _request: ["instance/*"])
async def modify_instance_auto_renew_attribute(
    service: Ecs, call: Call, request: ModifyInstanceAutoRenewAttributeRequest
) -> Done:
    """Say whether subscriptions renew themselves."""
    region_of(call)
    if request.auto_renew is None and request.renewal_status is None:
        raise missing_parameter("RenewalStatus")
    status = request.renewal_status or ("AutoRenewal" if request.auto_renew else "Normal")
    ids = comma_separated(request.instance_id) or []
    check_ids(ids)
    await service.contracts.renewal(call, ids, status, request.duration, request.period_unit)
    return Done()


class DescribeInstanceAutoRenewAttributeRequest(Request):
    """Whose renewal is wanted."""

    instance_id: str | None = None
    renewal_status: str | None = None
    page_number: str = "1"
    page_size: str = str(limits.PAGE_DEFAULT)


class RenewAttribute(Answer):
    """How a subscription renews itself."""

    instance_id: str
    auto_renew_enabled: bool
    renewal_status: str
    duration: int
    period_unit: str


class RenewAttributes(Answer):
    """How subscriptions renew themselves."""

    instance_renew_attribute: list[RenewAttribute]


class DescribeInstanceAutoRenewAttributeAnswer(Answer):
    """How subscriptions renew themselves."""

    instance_renew_attributes: RenewAttributes
    total_count: int
    page_number: int
    page_size: int


@ecs.operation("DescribeInstanceAutoRenewAttribute", on=lambda _service, _call, _request: ["instance/*"])
async def describe_instance_auto_renew_attribute(
    service: Ecs, call: Call, request: DescribeInstanceAutoRenewAttributeRequest
) -> DescribeInstanceAutoRenewAttributeAnswer:
    """Show how the subscriptions of named instances renew themselves."""
    ids = comma_separated(request.instance_id) or []
    check_ids(ids)
    known = await service.instances.known(call.account_id, region_of(call), ids)
    rows = [
        RenewAttribute(
            instance_id=one.id,
            auto_renew_enabled=one.options.renewal_status == "AutoRenewal",
            renewal_status=one.options.renewal_status,
            duration=one.options.renewal_duration,
            period_unit=one.options.renewal_unit,
        )
        for one in (known[each] for each in ids if each in known)
        if one.charge_type == "PrePaid" and request.renewal_status in (None, one.options.renewal_status)
    ]
    return DescribeInstanceAutoRenewAttributeAnswer(RenewAttributes(rows), len(rows), 1, max(len(rows), 1))


class RenewInstanceRequest(OneInstance, kw_only=True):
    """How much longer a subscription shall be."""

    period: int = 1
    period_unit: str = "Month"


@ecs.operation("RenewInstance", on=_one)
async def renew_instance(service: Ecs, call: Call, request: RenewInstanceRequest) -> OrderAnswer:
    """Make a subscription longer."""
    region_of(call)
    await service.contracts.renew(call, request.instance_id, request.period, request.period_unit)
    return OrderAnswer(order_of(request.instance_id))


class ModifyInstanceSpecRequest(OneInstance, kw_only=True):
    """The type wanted."""

    instance_type: str | None = None
    internet_max_bandwidth_out: int | None = None
    internet_max_bandwidth_in: int | None = None


@ecs.operation("ModifyInstanceSpec", on=_one)
async def modify_instance_spec(service: Ecs, call: Call, request: ModifyInstanceSpecRequest) -> Done:
    """Give a stopped pay-as-you-go instance another type, or an instance another bandwidth."""
    region_of(call)
    if request.instance_type is not None:
        await service.contracts.resize(call, request.instance_id, request.instance_type, prepaid=False)
    if request.internet_max_bandwidth_out is not None or request.internet_max_bandwidth_in is not None:
        await service.contracts.bandwidth(
            call,
            request.instance_id,
            outward=request.internet_max_bandwidth_out,
            inward=request.internet_max_bandwidth_in,
            charge_type=None,
        )
    return Done()


class ModifyPrepayInstanceSpecRequest(OneInstance, kw_only=True):
    """The type wanted."""

    instance_type: str


@ecs.operation("ModifyPrepayInstanceSpec", on=_one)
async def modify_prepay_instance_spec(
    service: Ecs, call: Call, request: ModifyPrepayInstanceSpecRequest
) -> OrderAnswer:
    """Give a stopped subscription instance another type."""
    region_of(call)
    await service.contracts.resize(call, request.instance_id, request.instance_type, prepaid=True)
    return OrderAnswer(order_of(request.instance_id))


# ---- RAM roles -----------------------------------------------------------------------------------------------------------


class RoleRequest(ManyInstances, kw_only=True):
    """Instances and a RAM role."""

    ram_role_name: str


class RoleResult(Answer):
    """What became of one instance."""

    instance_id: str
    success: bool = True
    code: str = "200"
    message: str = "success"


class AttachRoleResults(Answer):
    """What became of the instances."""

    attach_instance_ram_role_result: list[RoleResult]


class AttachInstanceRamRoleAnswer(Answer):
    """What became of the instances, all or none."""

    ram_role_name: str
    total_count: int
    fail_count: int
    attach_instance_ram_role_results: AttachRoleResults


@ecs.operation("AttachInstanceRamRole", on=_many)
async def attach_instance_ram_role(service: Ecs, call: Call, request: RoleRequest) -> AttachInstanceRamRoleAnswer:
    """Let instances show a RAM role. Nothing gives them its credentials."""
    region_of(call)
    check_ids(request.instance_ids)
    await service.contracts.role(call, request.instance_ids, request.ram_role_name, bound=True)
    results = AttachRoleResults([RoleResult(one) for one in request.instance_ids])
    return AttachInstanceRamRoleAnswer(request.ram_role_name, len(request.instance_ids), 0, results)


class DetachRoleResults(Answer):
    """What became of the instances."""

    detach_instance_ram_role_result: list[RoleResult]


class DetachInstanceRamRoleAnswer(Answer):
    """What became of the instances, all or none."""

    ram_role_name: str
    total_count: int
    fail_count: int
    detach_instance_ram_role_results: DetachRoleResults


class DetachRoleRequest(ManyInstances, kw_only=True):
    """Instances whose RAM role goes."""

    ram_role_name: str = ""


@ecs.operation("DetachInstanceRamRole", on=_many)
async def detach_instance_ram_role(service: Ecs, call: Call, request: DetachRoleRequest) -> DetachInstanceRamRoleAnswer:
    """Let instances show no RAM role."""
    region_of(call)
    check_ids(request.instance_ids)
    await service.contracts.role(call, request.instance_ids, "", bound=False)
    results = DetachRoleResults([RoleResult(one) for one in request.instance_ids])
    return DetachInstanceRamRoleAnswer(request.ram_role_name, len(request.instance_ids), 0, results)


class DescribeInstanceRamRoleRequest(Request):
    """Whose roles are wanted."""

    instance_ids: JsonText[list[str]] = msgspec.field(default_factory=list)
    ram_role_name: str | None = None
    page_number: int = 1
    page_size: int = limits.PAGE_DEFAULT


class RoleOfInstance(Answer):
    """The RAM role of an instance."""

    instance_id: str
    ram_role_name: str


class RolesOfInstances(Answer):
    """RAM roles of instances."""

    instance_ram_role_set: list[RoleOfInstance]


class DescribeInstanceRamRoleAnswer(Answer):
    """RAM roles of instances."""

    instance_ram_role_sets: RolesOfInstances
    region_id: str
    total_count: int


@ecs.operation("DescribeInstanceRamRole", on=lambda _service, _call, _request: ["instance/*"])
async def describe_instance_ram_role(
    service: Ecs, call: Call, request: DescribeInstanceRamRoleRequest
) -> DescribeInstanceRamRoleAnswer:
    """Show the RAM roles of named instances."""
    region = region_of(call)
    check_ids(request.instance_ids)
    known = await service.instances.known(call.account_id, region, request.instance_ids)
    rows = [
        RoleOfInstance(one.id, one.options.ram_role_name)
        for one in known.values()
        if request.ram_role_name in (None, one.options.ram_role_name)
    ]
    return DescribeInstanceRamRoleAnswer(RolesOfInstances(rows), region, len(rows))

"""Operations about elastic IP addresses, of ECS (older) and of VPC alike (ecs.md 11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.ecs.api.product import (
    OperationLocks,
    Paged,
    both,
    check_page,
    comma_separated,
    region_of,
)
from tidegate.services.ecs.service import Ecs
from tidegate.services.operation import Answer, Call, Done, Request, invalid_parameter
from tidegate.services.tagging import TagFilter, TagItem, TagItems
from tidegate.store.ecs.attachments import Eip
from tidegate.store.ecs.shelf import Wanted


class EipRequest(Request):
    """A request about one elastic address."""

    allocation_id: str


def _one(_service: Ecs, _call: Call, request: EipRequest) -> Sequence[str]:
    return [f"eip/{request.allocation_id}"]


class AllocateEipAddressRequest(Request):
    """The address wanted. ``bandwidth`` is Mbit/s."""

    bandwidth: int = 5
    internet_charge_type: str = "PayByTraffic"
    isp: str = msgspec.field(name="ISP", default="BGP")
    name: str = ""
    description: str = ""


class AllocateEipAddressAnswer(Answer):
    """The address that was allocated."""

    allocation_id: str
    eip_address: str


@both("AllocateEipAddress", lambda _service, _call, _request: ["eip/*"])
async def allocate_eip_address(
    service: Ecs, call: Call, request: AllocateEipAddressRequest
) -> AllocateEipAddressAnswer:
    """Allocate an elastic address."""
    region_of(call)
    made = await service.eips.allocate(
        call,
        bandwidth=request.bandwidth,
        charge_type=request.internet_charge_type,
        isp=request.isp,
        name=request.name,
        description=request.description,
    )
    return AllocateEipAddressAnswer(made["id"], made["address"])


class DescribeEipAddressesRequest(Paged):
    """Which addresses are wanted."""

    allocation_id: str | None = None
    eip_address: str | None = None
    eip_name: str | None = None
    status: str | None = None
    associated_instance_type: str | None = None
    associated_instance_id: str | None = None
    isp: str | None = msgspec.field(name="ISP", default=None)
    charge_type: str | None = None
    tag: list[TagFilter] = msgspec.field(default_factory=list)


class EipAnswer(Answer):
    """An elastic address. ``Descritpion`` is how the cloud spells it."""

    allocation_id: str
    ip_address: str
    name: str
    description: str = msgspec.field(name="Descritpion")
    status: str
    instance_id: str
    instance_type: str
    instance_region_id: str
    bandwidth: str
    eip_bandwidth: str
    internet_charge_type: str
    isp: str = msgspec.field(name="ISP")
    region_id: str
    allocation_time: str
    tags: TagItems
    charge_type: str = "PostPaid"
    bandwidth_package_id: str = ""
    private_ip_address: str = ""
    resource_group_id: str = ""
    netmode: str = "public"
    operation_locks: OperationLocks = msgspec.field(default_factory=OperationLocks)


class EipList(Answer):
    """Elastic addresses."""

    eip_address: list[EipAnswer]


class DescribeEipAddressesAnswer(Answer):
    """One page of elastic addresses."""

    eip_addresses: EipList
    total_count: int
    page_number: int
    page_size: int


@both("DescribeEipAddresses", lambda _service, _call, _request: ["eip/*"])
async def describe_eip_addresses(
    service: Ecs, call: Call, request: DescribeEipAddressesRequest
) -> DescribeEipAddressesAnswer:
    """List elastic addresses, newest first."""
    check_page(request)
    if request.associated_instance_type not in (None, "EcsInstance", "NetworkInterface", "SlbInstance", "Nat", "HaVip"):
        raise invalid_parameter("AssociatedInstanceType")
    wanted = Wanted(
        account_id=call.account_id,
        region=region_of(call),
        equal={
            "id": comma_separated(request.allocation_id),
            "address": comma_separated(request.eip_address),
            "shown": request.status,
            "instance_type": request.associated_instance_type,
            "instance_id": request.associated_instance_id,
            "isp": request.isp,
            "name": request.eip_name,
        },
        tagged="eip",
        tags=[(tag.key, tag.value) for tag in request.tag],
    )
    found, total, tags = await service.eips.page(wanted, number=request.page_number, size=request.page_size)
    rows = [_eip(service, one, tags.get(one.id, {})) for one in found]
    return DescribeEipAddressesAnswer(EipList(rows), total, request.page_number, request.page_size)


def _eip(service: Ecs, one: Eip, tags: Mapping[str, str]) -> EipAnswer:
    return EipAnswer(
        allocation_id=one.id,
        ip_address=one.address,
        name=one.name,
        description=one.description,
        status=service.eips.status(one),
        instance_id=one.instance_id,
        instance_type=one.instance_type,
        instance_region_id=one.region if one.instance_id else "",
        bandwidth=str(one.bandwidth),
        eip_bandwidth=str(one.bandwidth),
        internet_charge_type=one.charge_type,
        isp=one.isp,
        region_id=one.region,
        allocation_time=to_seconds(one.created_at),
        tags=TagItems([TagItem(key, value) for key, value in tags.items()]),
    )


class AssociateEipAddressRequest(EipRequest, kw_only=True):
    """What an address is to be bound to."""

    instance_id: str
    instance_type: str = "EcsInstance"


@both("AssociateEipAddress", lambda _service, _call, request: [f"eip/{request.allocation_id}"])
async def associate_eip_address(service: Ecs, call: Call, request: AssociateEipAddressRequest) -> Done:
    """Bind an elastic address to an instance or a network interface."""
    region_of(call)
    await service.eips.bind(call, request.allocation_id, request.instance_id, request.instance_type)
    return Done()


class UnassociateEipAddressRequest(EipRequest, kw_only=True):
    """What an address is to be taken off."""

    instance_id: str | None = None
    instance_type: str | None = None


@both("UnassociateEipAddress", lambda _service, _call, request: [f"eip/{request.allocation_id}"])
async def unassociate_eip_address(service: Ecs, call: Call, request: UnassociateEipAddressRequest) -> Done:
    """Take an elastic address off what it is bound to."""
    region_of(call)
    await service.eips.unbind(call, request.allocation_id, request.instance_id)
    return Done()


@both("ReleaseEipAddress", _one)
async def release_eip_address(service: Ecs, call: Call, request: EipRequest) -> Done:
    """Give an elastic address back."""
    region_of(call)
    await service.eips.release(call, request.allocation_id)
    return Done()


class ModifyEipAddressAttributeRequest(EipRequest, kw_only=True):
    """What of an address is to change."""

    bandwidth: int | None = None
    name: str | None = None
    description: str | None = None


@both("ModifyEipAddressAttribute", _one)
async def modify_eip_address_attribute(service: Ecs, call: Call, request: ModifyEipAddressAttributeRequest) -> Done:
    """Change an elastic address."""
    region_of(call)
    given = {"bandwidth": request.bandwidth, "name": request.name, "description": request.description}
    changes = {name: value for name, value in given.items() if value is not None}
    await service.eips.modify(call, request.allocation_id, changes)
    return Done()

"""Operations about VPCs, vSwitches and security groups. The first two exist in ECS (older) and in VPC alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from tidegate.clock import to_minutes
from tidegate.services.ecs.api.product import Paged, TagPairs, both, check_page, comma_separated, ecs, region_of
from tidegate.services.ecs.network import Landscape
from tidegate.services.ecs.service import Ecs
from tidegate.services.operation import Answer, Call, Done, Request
from tidegate.store.ecs.networks import SecurityGroup, Vpc, VSwitch
from tidegate.wire.shapes import JsonText

T = TypeVar("T")


def _page(found: Sequence[T], request: Paged) -> Sequence[T]:
    check_page(request)
    first = (request.page_number - 1) * request.page_size
    return found[first : first + request.page_size]


class DescribeVpcsRequest(Paged):
    """Which VPCs are wanted."""

    vpc_id: str | None = None
    vpc_name: str | None = None
    is_default: bool | None = None


class VSwitchIds(Answer):
    """Ids of vSwitches."""

    vswitch_id: list[str]


class VpcAnswer(Answer):
    """A VPC."""

    vpc_id: str
    vpc_name: str
    description: str
    cidr_block: str
    region_id: str
    is_default: bool
    creation_time: str
    vswitch_ids: VSwitchIds
    status: str = "Available"
    resource_group_id: str = ""


class VpcList(Answer):
    """VPCs."""

    vpc: list[VpcAnswer]


class DescribeVpcsAnswer(Answer):
    """One page of VPCs."""

    vpcs: VpcList
    total_count: int
    page_number: int
    page_size: int


@both("DescribeVpcs", lambda _service, _call, _request: ["vpc/*"])
async def describe_vpcs(service: Ecs, call: Call, request: DescribeVpcsRequest) -> DescribeVpcsAnswer:
    """List the account's VPCs in the region."""
    land = await service.networks.landscape(call.account_id, region_of(call))
    ids = comma_separated(request.vpc_id)
    found = [
        one
        for one in land.vpcs
        if (ids is None or one.id in ids)
        and request.vpc_name in (None, one.name)
        and request.is_default in (None, one.is_default)
    ]
    return DescribeVpcsAnswer(
        vpcs=VpcList([_vpc(one, land) for one in _page(found, request)]),
        total_count=len(found),
        page_number=request.page_number,
        page_size=request.page_size,
    )


def _vpc(one: Vpc, land: Landscape) -> VpcAnswer:
    return VpcAnswer(
        vpc_id=one.id,
        vpc_name=one.name,
        description=one.description,
        cidr_block=str(one.block),
        region_id=one.region,
        is_default=one.is_default,
        creation_time=to_minutes(one.created_at),
        vswitch_ids=VSwitchIds([each.id for each in land.vswitches if each.vpc_id == one.id]),
    )


class DescribeVSwitchesRequest(Paged):
    """Which vSwitches are wanted."""

    vswitch_id: str | None = None
    vswitch_name: str | None = None
    vpc_id: str | None = None
    zone_id: str | None = None
    is_default: bool | None = None


class VSwitchAnswer(Answer):
    """A vSwitch."""

    vswitch_id: str
    vswitch_name: str
    description: str
    vpc_id: str
    zone_id: str
    cidr_block: str
    available_ip_address_count: int
    is_default: bool
    creation_time: str
    status: str = "Available"
    resource_group_id: str = ""


class VSwitchList(Answer):
    """vSwitches."""

    vswitch: list[VSwitchAnswer]


class DescribeVSwitchesAnswer(Answer):
    """One page of vSwitches."""

    vswitches: VSwitchList = msgspec.field(name="VSwitches")
    total_count: int
    page_number: int
    page_size: int


@both("DescribeVSwitches", lambda _service, _call, _request: ["vswitch/*"])
async def describe_vswitches(service: Ecs, call: Call, request: DescribeVSwitchesRequest) -> DescribeVSwitchesAnswer:
    """List the account's vSwitches in the region."""
    land = await service.networks.landscape(call.account_id, region_of(call))
    ids = comma_separated(request.vswitch_id)
    found = [
        one
        for one in land.vswitches
        if (ids is None or one.id in ids)
        and request.vswitch_name in (None, one.name)
        and request.vpc_id in (None, one.vpc_id)
        and request.zone_id in (None, one.zone)
        and request.is_default in (None, one.is_default)
    ]
    return DescribeVSwitchesAnswer(
        vswitches=VSwitchList([_vswitch(one, land.free[one.id]) for one in _page(found, request)]),
        total_count=len(found),
        page_number=request.page_number,
        page_size=request.page_size,
    )


def _vswitch(one: VSwitch, free: int) -> VSwitchAnswer:
    return VSwitchAnswer(
        vswitch_id=one.id,
        vswitch_name=one.name,
        description=one.description,
        vpc_id=one.vpc_id,
        zone_id=one.zone,
        cidr_block=str(one.block),
        available_ip_address_count=free,
        is_default=one.is_default,
        creation_time=to_minutes(one.created_at),
    )


class CreateVpcRequest(Request):
    """A VPC to be made."""

    cidr_block: str | None = None
    vpc_name: str = ""
    description: str = ""


class CreateVpcAnswer(Answer):
    """The VPC that was made."""

    vpc_id: str


@both("CreateVpc", lambda _service, _call, _request: ["vpc/*"])
async def create_vpc(service: Ecs, call: Call, request: CreateVpcRequest) -> CreateVpcAnswer:
    """Make a VPC."""
    made = await service.networks.create_vpc(
        call.account_id,
        region_of(call),
        name=request.vpc_name,
        description=request.description,
        block=request.cidr_block,
    )
    return CreateVpcAnswer(made.id)


class CreateVSwitchRequest(Request):
    """A vSwitch to be made."""

    zone_id: str
    vpc_id: str
    cidr_block: str
    vswitch_name: str = ""
    description: str = ""


class CreateVSwitchAnswer(Answer):
    """The vSwitch that was made."""

    vswitch_id: str


@both("CreateVSwitch", lambda _service, _call, request: [f"vpc/{request.vpc_id}", "vswitch/*"])
async def create_vswitch(service: Ecs, call: Call, request: CreateVSwitchRequest) -> CreateVSwitchAnswer:
    """Make a vSwitch."""
    made = await service.networks.create_vswitch(
        call.account_id,
        region_of(call),
        vpc_id=request.vpc_id,
        zone=request.zone_id,
        block=request.cidr_block,
        name=request.vswitch_name,
        description=request.description,
    )
    return CreateVSwitchAnswer(made.id)


class DescribeSecurityGroupsRequest(Paged):
    """Which security groups are wanted."""

    security_group_id: str | None = None
    security_group_ids: JsonText[list[str]] | None = None
    security_group_name: str | None = None
    security_group_type: str | None = None
    vpc_id: str | None = None


class SecurityGroupAnswer(Answer):
    """A security group."""

    security_group_id: str
    security_group_name: str
    description: str
    vpc_id: str
    security_group_type: str
    creation_time: str
    ecs_count: int
    available_instance_amount: int
    resource_group_id: str = ""
    tags: TagPairs = msgspec.field(default_factory=TagPairs)


class SecurityGroupList(Answer):
    """Security groups."""

    security_group: list[SecurityGroupAnswer]


class DescribeSecurityGroupsAnswer(Answer):
    """One page of security groups."""

    security_groups: SecurityGroupList
    region_id: str
    total_count: int
    page_number: int
    page_size: int


#: ASSUMPTION: what a normal security group may hold; it is shown, not enforced.
_GROUP_CAPACITY = 2000


@ecs.operation("DescribeSecurityGroups", on=lambda _service, _call, _request: ["securitygroup/*"])
async def describe_security_groups(
    service: Ecs, call: Call, request: DescribeSecurityGroupsRequest
) -> DescribeSecurityGroupsAnswer:
    """List the account's security groups in the region."""
    region = region_of(call)
    groups, members = await service.networks.security_groups(call.account_id, region)
    found = [
        one
        for one in groups
        if request.security_group_id in (None, one.id)
        and (request.security_group_ids is None or one.id in request.security_group_ids)
        and request.security_group_name in (None, one.name)
        and request.security_group_type in (None, one.type)
        and request.vpc_id in (None, one.vpc_id)
    ]
    return DescribeSecurityGroupsAnswer(
        security_groups=SecurityGroupList([_group(one, members.get(one.id, 0)) for one in _page(found, request)]),
        region_id=region,
        total_count=len(found),
        page_number=request.page_number,
        page_size=request.page_size,
    )


def _group(one: SecurityGroup, members: int) -> SecurityGroupAnswer:
    return SecurityGroupAnswer(
        security_group_id=one.id,
        security_group_name=one.name,
        description=one.description,
        vpc_id=one.vpc_id,
        security_group_type=one.type,
        creation_time=to_minutes(one.created_at),
        ecs_count=members,
        available_instance_amount=max(0, _GROUP_CAPACITY - members),
    )


class CreateSecurityGroupRequest(Request):
    """A security group to be made."""

    vpc_id: str | None = None
    security_group_name: str = ""
    security_group_type: str = "normal"
    description: str = ""


class CreateSecurityGroupAnswer(Answer):
    """The security group that was made."""

    security_group_id: str


@ecs.operation("CreateSecurityGroup", on=lambda _service, _call, _request: ["securitygroup/*"])
async def create_security_group(
    service: Ecs, call: Call, request: CreateSecurityGroupRequest
) -> CreateSecurityGroupAnswer:
    """Make a security group. Its rules are not enforced."""
    made = await service.networks.create_security_group(
        call.account_id,
        region_of(call),
        vpc_id=request.vpc_id,
        name=request.security_group_name,
        description=request.description,
        kind=request.security_group_type,
    )
    return CreateSecurityGroupAnswer(made.id)


class DeleteVSwitchRequest(Request):
    """A vSwitch to be removed."""

    vswitch_id: str


@both("DeleteVSwitch", lambda _service, _call, request: [f"vswitch/{request.vswitch_id}"])
async def delete_vswitch(service: Ecs, call: Call, request: DeleteVSwitchRequest) -> Done:
    """Remove a vSwitch that nobody holds an address of."""
    await service.networks.delete_vswitch(call.account_id, region_of(call), request.vswitch_id)
    return Done()


class DeleteVpcRequest(Request):
    """A VPC to be removed."""

    vpc_id: str


@both("DeleteVpc", lambda _service, _call, request: [f"vpc/{request.vpc_id}"])
async def delete_vpc(service: Ecs, call: Call, request: DeleteVpcRequest) -> Done:
    """Remove a VPC without vSwitches and security groups."""
    await service.networks.delete_vpc(call.account_id, region_of(call), request.vpc_id)
    return Done()

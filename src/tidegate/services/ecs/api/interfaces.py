"""Operations about network interfaces (ecs.md 11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.ecs.api.product import (
    Paged,
    TagPairs,
    check_page,
    ecs,
    region_of,
    tag_pairs,
)
from tidegate.services.ecs.model import mac_of
from tidegate.services.ecs.rendering import Ipv6Sets, SecurityGroupIds
from tidegate.services.ecs.service import Ecs
from tidegate.services.ecs.tags import check_tags
from tidegate.services.operation import Answer, Call, Done, Request
from tidegate.services.tagging import Tag, TagFilter
from tidegate.store.ecs.attachments import Eip, Interface
from tidegate.store.ecs.shelf import Wanted


class AssociatedPublicIp(Answer):
    """The elastic address of a network interface."""

    public_ip_address: str = ""
    allocation_id: str = ""


class PrivateIpSet(Answer):
    """The private address of a network interface."""

    private_ip_address: str
    associated_public_ip: AssociatedPublicIp
    primary: bool = True


class PrivateIpSets(Answer):
    """The private addresses of a network interface."""

    private_ip_set: list[PrivateIpSet]


class Attachment(Answer):
    """What a network interface is bound to."""

    instance_id: str = ""
    trunk_network_interface_id: str = ""


class InterfaceAnswer(Answer):
    """A network interface."""

    network_interface_id: str
    network_interface_name: str
    description: str
    status: str
    type: str
    instance_id: str
    private_ip_address: str
    private_ip_sets: PrivateIpSets
    mac_address: str
    vpc_id: str
    vswitch_id: str
    zone_id: str
    security_group_ids: SecurityGroupIds
    creation_time: str
    owner_id: str
    delete_on_release: bool
    attachment: Attachment
    associated_public_ip: AssociatedPublicIp
    tags: TagPairs
    ipv6_sets: Ipv6Sets = msgspec.field(default_factory=Ipv6Sets)
    resource_group_id: str = ""
    service_managed: bool = False
    queue_number: int = 0


def _interface(service: Ecs, one: Interface, eip: Eip | None, tags: Mapping[str, str]) -> InterfaceAnswer:
    public = AssociatedPublicIp() if eip is None else AssociatedPublicIp(eip.address, eip.id)
    return InterfaceAnswer(
        network_interface_id=one.id,
        network_interface_name=one.name,
        description=one.description,
        status=service.interfaces.status(one),
        type=one.type,
        instance_id=one.instance_id,
        private_ip_address=one.address,
        private_ip_sets=PrivateIpSets([PrivateIpSet(one.address, public)]),
        mac_address=mac_of(one.address),
        vpc_id=one.vpc_id,
        vswitch_id=one.vswitch_id,
        zone_id=one.zone,
        security_group_ids=SecurityGroupIds(list(one.security_group_ids)),
        creation_time=to_seconds(one.created_at),
        owner_id=one.account_id,
        delete_on_release=one.delete_on_release,
        attachment=Attachment(one.instance_id),
        associated_public_ip=public,
        tags=tag_pairs(tags),
    )


class CreateNetworkInterfaceRequest(Request):
    """The network interface wanted."""

    vswitch_id: str
    security_group_id: str | None = None
    security_group_ids: list[str] = msgspec.field(default_factory=list)
    primary_ip_address: str | None = None
    network_interface_name: str = ""
    description: str = ""
    delete_on_release: bool = True
    tag: list[Tag] = msgspec.field(default_factory=list)


def _touched(_service: Ecs, call: Call, request: CreateNetworkInterfaceRequest) -> Sequence[str]:
    return ["eni/*", f"acs:vpc:{call.region}:{call.account_id}:vswitch/{request.vswitch_id}"]


@ecs.operation("CreateNetworkInterface", on=_touched)
async def create_network_interface(service: Ecs, call: Call, request: CreateNetworkInterfaceRequest) -> InterfaceAnswer:
    """Make a network interface."""
    region_of(call)
    tags = check_tags([(tag.key, tag.value) for tag in request.tag])
    made = await service.interfaces.create(
        call,
        vswitch_id=request.vswitch_id,
        group_ids=[*filter(None, [request.security_group_id]), *request.security_group_ids],
        address=request.primary_ip_address,
        name=request.network_interface_name,
        description=request.description,
        delete_on_release=request.delete_on_release,
        tags=tags,
    )
    return _interface(service, made, None, tags)


class DescribeNetworkInterfacesRequest(Paged):
    """Which network interfaces are wanted."""

    network_interface_id: list[str] = msgspec.field(default_factory=list)
    network_interface_name: str | None = None
    instance_id: str | None = None
    type: str | None = None
    status: str | None = None
    vpc_id: str | None = None
    vswitch_id: str | None = None
    security_group_id: str | None = None
    primary_ip_address: str | None = None
    private_ip_address: list[str] = msgspec.field(default_factory=list)
    tag: list[TagFilter] = msgspec.field(default_factory=list)


class InterfaceList(Answer):
    """Network interfaces."""

    network_interface_set: list[InterfaceAnswer]


class DescribeNetworkInterfacesAnswer(Answer):
    """One page of network interfaces."""

    network_interface_sets: InterfaceList
    total_count: int
    page_number: int
    page_size: int


@ecs.operation("DescribeNetworkInterfaces", on=lambda _service, _call, _request: ["eni/*"])
async def describe_network_interfaces(
    service: Ecs, call: Call, request: DescribeNetworkInterfacesRequest
) -> DescribeNetworkInterfacesAnswer:
    """List network interfaces, primary ones included, newest first."""
    check_page(request)
    wanted = Wanted(
        account_id=call.account_id,
        region=region_of(call),
        equal={
            "id": request.network_interface_id or None,
            "name": request.network_interface_name,
            "instance_id": request.instance_id,
            "type": request.type,
            "shown": request.status,
            "vpc_id": request.vpc_id,
            "vswitch_id": request.vswitch_id,
            "address": [*filter(None, [request.primary_ip_address]), *request.private_ip_address] or None,
        },
        within={"security_group_ids": request.security_group_id},
        tagged="eni",
        tags=[(tag.key, tag.value) for tag in request.tag],
    )
    seen = await service.interfaces.page(wanted, number=request.page_number, size=request.page_size)
    rows = [_interface(service, one, seen.eips.get(one.id), seen.tags.get(one.id, {})) for one in seen.interfaces]
    return DescribeNetworkInterfacesAnswer(InterfaceList(rows), seen.total, request.page_number, request.page_size)


class InterfaceRequest(Request):
    """A request about one network interface."""

    network_interface_id: str


def _one(_service: Ecs, _call: Call, request: InterfaceRequest) -> Sequence[str]:
    return [f"eni/{request.network_interface_id}"]


class BindInterfaceRequest(InterfaceRequest, kw_only=True):
    """A network interface and its instance."""

    instance_id: str


def _pair(_service: Ecs, _call: Call, request: BindInterfaceRequest) -> Sequence[str]:
    return [f"eni/{request.network_interface_id}", f"instance/{request.instance_id}"]


@ecs.operation("AttachNetworkInterface", on=_pair)
async def attach_network_interface(service: Ecs, call: Call, request: BindInterfaceRequest) -> Done:
    """Bind a network interface to an instance."""
    region_of(call)
    await service.interfaces.attach(call, request.network_interface_id, request.instance_id)
    return Done()


@ecs.operation("DetachNetworkInterface", on=_pair)
async def detach_network_interface(service: Ecs, call: Call, request: BindInterfaceRequest) -> Done:
    """Take a network interface off its instance."""
    region_of(call)
    await service.interfaces.detach(call, request.network_interface_id, request.instance_id)
    return Done()


@ecs.operation("DeleteNetworkInterface", on=_one)
async def delete_network_interface(service: Ecs, call: Call, request: InterfaceRequest) -> Done:
    """Remove a network interface."""
    region_of(call)
    await service.interfaces.delete(call, request.network_interface_id)
    return Done()


class ModifyNetworkInterfaceAttributeRequest(InterfaceRequest, kw_only=True):
    """What of a network interface is to change."""

    network_interface_name: str | None = None
    description: str | None = None
    security_group_id: list[str] = msgspec.field(default_factory=list)
    delete_on_release: bool | None = None


@ecs.operation("ModifyNetworkInterfaceAttribute", on=_one)
async def modify_network_interface_attribute(
    service: Ecs, call: Call, request: ModifyNetworkInterfaceAttributeRequest
) -> Done:
    """Change a network interface."""
    region_of(call)
    given = {
        "name": request.network_interface_name,
        "description": request.description,
        "security_group_ids": request.security_group_id or None,
        "delete_on_release": request.delete_on_release,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    await service.interfaces.modify(call, request.network_interface_id, changes)
    return Done()

"""Operations on load balancers as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from tidegate.clock import to_minutes
from tidegate.services.operation import Answer, Call, Done, Request, invalid_parameter
from tidegate.services.slb import limits, model
from tidegate.services.slb.api.product import BalancerRequest, ServerItems, on_balancer, on_balancers, server_items, slb
from tidegate.services.slb.service import Order, Slb
from tidegate.store.slb import Balancer


class Tag(Request):
    """A tag as requests spell it."""

    key: str = ""
    value: str = ""


class CreateLoadBalancerRequest(Request, kw_only=True):
    """The load balancer wanted. What asks for more than a name and a place is kept and shown."""

    region_id: str
    load_balancer_name: str | None = None
    address_type: str | None = None
    address: str | None = None
    vpc_id: str | None = None
    vswitch_id: str | None = None
    master_zone_id: str | None = None
    load_balancer_spec: str = "slb.s1.small"
    internet_charge_type: str = "paybytraffic"
    bandwidth: int = 5120
    delete_protection: Literal["on", "off"] = "off"
    resource_group_id: str = ""
    tag: list[Tag] = msgspec.field(default_factory=list)


class CreateLoadBalancerAnswer(Answer, kw_only=True):
    """The load balancer that was made."""

    load_balancer_id: str
    load_balancer_name: str
    address: str
    address_ip_version: str = msgspec.field(name="AddressIPVersion", default="ipv4")
    network_type: str
    vpc_id: str
    vswitch_id: str
    resource_group_id: str


@slb.operation("CreateLoadBalancer", on=on_balancers)
async def create_load_balancer(
    service: Slb, call: Call, request: CreateLoadBalancerRequest
) -> CreateLoadBalancerAnswer:
    """Make a load balancer: active at once, listening as soon as it has a running listener."""
    made = await service.create(
        call,
        Order(
            name=request.load_balancer_name,
            address_type=request.address_type,
            address=request.address,
            vswitch_id=request.vswitch_id,
            zone=request.master_zone_id,
            spec=request.load_balancer_spec,
            charge_type=request.internet_charge_type,
            bandwidth=request.bandwidth,
            delete_protection=request.delete_protection == "on",
            resource_group_id=request.resource_group_id,
            tags={tag.key: tag.value for tag in request.tag if tag.key},
        ),
    )
    return CreateLoadBalancerAnswer(
        load_balancer_id=made.id,
        load_balancer_name=made.name,
        address=made.address,
        network_type=_network(made),
        vpc_id=made.vpc_id,
        vswitch_id=made.vswitch_id,
        resource_group_id=made.resource_group_id,
    )


class TagItem(Answer):
    """A tag of a load balancer."""

    tag_key: str
    tag_value: str


class TagItems(Answer):
    """The tags of a load balancer."""

    tag: Sequence[TagItem]


class BalancerItem(Answer, kw_only=True):
    """A load balancer."""

    load_balancer_id: str
    load_balancer_name: str
    load_balancer_status: str
    load_balancer_spec: str
    address: str
    address_type: str
    address_ip_version: str = msgspec.field(name="AddressIPVersion", default="ipv4")
    network_type: str
    vpc_id: str
    vswitch_id: str
    region_id: str
    region_id_alias: str
    master_zone_id: str
    slave_zone_id: str
    internet_charge_type: str
    bandwidth: int
    pay_type: str = "PayOnDemand"
    instance_charge_type: str = "PayBySpec"
    create_time: str
    create_time_stamp: int
    delete_protection: str
    resource_group_id: str
    tags: TagItems


class BalancerItems(Answer):
    """Load balancers."""

    load_balancer: Sequence[BalancerItem]


class DescribeLoadBalancersRequest(Request, kw_only=True):
    """Which load balancers; ids and names are comma-separated."""

    region_id: str
    load_balancer_id: str | None = None
    load_balancer_name: str | None = None
    load_balancer_status: str | None = None
    address: str | None = None
    address_type: str | None = None
    vpc_id: str | None = None
    vswitch_id: str | None = None
    server_id: str | None = None
    tag: list[Tag] = msgspec.field(default_factory=list)
    page_number: int = 1
    page_size: int = limits.PAGE_SIZE


class DescribeLoadBalancersAnswer(Answer):
    """One page of load balancers."""

    load_balancers: BalancerItems
    page_number: int
    page_size: int
    total_count: int


@slb.operation("DescribeLoadBalancers", on=on_balancers)
async def describe_load_balancers(
    service: Slb, call: Call, request: DescribeLoadBalancersRequest
) -> DescribeLoadBalancersAnswer:
    """List load balancers, newest first."""
    if request.page_number < 1:
        raise invalid_parameter("PageNumber")
    if not 1 <= request.page_size <= limits.MAX_PAGE_SIZE:
        raise invalid_parameter("PageSize")
    found = [one for one in await service.of_account(call.account_id, request.region_id) if _matches(one, request)]
    start = (request.page_number - 1) * request.page_size
    page = [_item(one) for one in found[start : start + request.page_size]]
    return DescribeLoadBalancersAnswer(BalancerItems(page), request.page_number, request.page_size, len(found))


def _matches(balancer: Balancer, request: DescribeLoadBalancersRequest) -> bool:
    wanted = {
        balancer.id: request.load_balancer_id,
        balancer.name: request.load_balancer_name,
        balancer.status: request.load_balancer_status,
        balancer.address: request.address,
        balancer.address_type: request.address_type,
        balancer.vpc_id: request.vpc_id,
        balancer.vswitch_id: request.vswitch_id,
    }
    return (
        all(text is None or value in text.split(",") for value, text in wanted.items())
        and (request.server_id is None or request.server_id in {one.id for one in model.present(balancer.servers)})
        and all(tag.key in balancer.tags and tag.value in ("", balancer.tags[tag.key]) for tag in request.tag)
    )


class ListenerPorts(Answer):
    """The ports that have listeners."""

    listener_port: Sequence[int]


class PortAndProtocol(Answer):
    """A port and what is spoken there."""

    listener_port: int
    listener_protocol: str


class PortsAndProtocols(Answer):
    """Ports and what is spoken there."""

    listener_port_and_protocol: Sequence[PortAndProtocol]


class DescribeLoadBalancerAttributeAnswer(BalancerItem, kw_only=True):
    """One load balancer with its listeners and its default servers."""

    listener_ports: ListenerPorts
    listener_ports_and_protocol: PortsAndProtocols
    backend_servers: ServerItems


@slb.operation("DescribeLoadBalancerAttribute", on=on_balancer)
async def describe_load_balancer_attribute(
    service: Slb, call: Call, request: BalancerRequest
) -> DescribeLoadBalancerAttributeAnswer:
    """Describe one load balancer."""
    found = await service.find(call.account_id, request.load_balancer_id)
    listeners = sorted(found.listeners, key=lambda one: one.port)
    return DescribeLoadBalancerAttributeAnswer(
        **msgspec.structs.asdict(_item(found)),
        listener_ports=ListenerPorts([one.port for one in listeners]),
        listener_ports_and_protocol=PortsAndProtocols([PortAndProtocol(one.port, one.protocol) for one in listeners]),
        backend_servers=server_items(model.present(found.servers)),
    )


class SetStatusRequest(BalancerRequest, kw_only=True):
    """The status wanted."""

    load_balancer_status: Literal["active", "inactive"]


@slb.operation("SetLoadBalancerStatus", on=on_balancer)
async def set_load_balancer_status(service: Slb, call: Call, request: SetStatusRequest) -> Done:
    """Let a load balancer listen, or not."""
    await service.change(call.account_id, request.load_balancer_id, status=request.load_balancer_status)
    return Done()


class SetNameRequest(BalancerRequest, kw_only=True):
    """The name wanted."""

    load_balancer_name: str


@slb.operation("SetLoadBalancerName", on=on_balancer)
async def set_load_balancer_name(service: Slb, call: Call, request: SetNameRequest) -> Done:
    """Name a load balancer."""
    if not 1 <= len(request.load_balancer_name) <= 80:
        raise invalid_parameter("LoadBalancerName")
    await service.change(call.account_id, request.load_balancer_id, name=request.load_balancer_name)
    return Done()


class SetDeleteProtectionRequest(BalancerRequest, kw_only=True):
    """Whether deletion is refused."""

    delete_protection: Literal["on", "off"]


@slb.operation("SetLoadBalancerDeleteProtection", on=on_balancer)
async def set_load_balancer_delete_protection(service: Slb, call: Call, request: SetDeleteProtectionRequest) -> Done:
    """Protect a load balancer against deletion, or give it up again."""
    protected = request.delete_protection == "on"
    await service.change(call.account_id, request.load_balancer_id, delete_protection=protected)
    return Done()


@slb.operation("DeleteLoadBalancer", on=on_balancer)
async def delete_load_balancer(service: Slb, call: Call, request: BalancerRequest) -> Done:
    """Give a load balancer back, with its listeners and vServer groups."""
    await service.delete(call.account_id, request.load_balancer_id)
    return Done()


def _item(balancer: Balancer) -> BalancerItem:
    return BalancerItem(
        load_balancer_id=balancer.id,
        load_balancer_name=balancer.name,
        load_balancer_status=balancer.status,
        load_balancer_spec=balancer.spec,
        address=balancer.address,
        address_type=balancer.address_type,
        network_type=_network(balancer),
        vpc_id=balancer.vpc_id,
        vswitch_id=balancer.vswitch_id,
        region_id=balancer.region,
        region_id_alias=balancer.region,
        master_zone_id=balancer.zone,
        slave_zone_id=balancer.zone,
        internet_charge_type=balancer.charge_type,
        bandwidth=balancer.bandwidth,
        create_time=to_minutes(balancer.created_at),
        create_time_stamp=int(balancer.created_at.timestamp() * 1000),
        delete_protection="on" if balancer.delete_protection else "off",
        resource_group_id=balancer.resource_group_id,
        tags=TagItems([TagItem(key, value) for key, value in balancer.tags.items()]),
    )


def _network(balancer: Balancer) -> str:
    return "vpc" if balancer.vpc_id else "classic"

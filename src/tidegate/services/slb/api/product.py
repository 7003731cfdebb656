"""The product SLB, and what its operations have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from tidegate.services.operation import Answer, Call, Product, Request
from tidegate.services.slb.service import Slb
from tidegate.store.slb import Server

slb = Product(name="slb", code="slb", versions=("2014-05-15",))


class BalancerRequest(Request):
    """The load balancer meant."""

    load_balancer_id: str


class GroupRequest(Request):
    """The vServer group meant."""

    group_id: str = msgspec.field(name="VServerGroupId")


class _NamesBalancer(Protocol):
    load_balancer_id: str


class _NamesGroup(Protocol):
    group_id: str


def on_balancer(_service: Slb, _call: Call, request: _NamesBalancer) -> Sequence[str]:
    """Name the load balancer of the request."""
    return [f"loadbalancer/{request.load_balancer_id}"]


def on_balancers(_service: Slb, _call: Call, _request: Request) -> Sequence[str]:
    """Name all load balancers: creating and listing."""
    return ["loadbalancer/*"]


async def on_group(service: Slb, call: Call, request: _NamesGroup) -> Sequence[str]:
    """Name the load balancer that the group of the request belongs to."""
    return [f"loadbalancer/{(await service.group(call.account_id, request.group_id)).balancer_id}"]


class ServerItem(Answer, kw_only=True):
    """A backend server; the default group's have no port."""

    server_id: str
    port: int | msgspec.UnsetType = msgspec.UNSET
    weight: int
    type: str
    server_ip: str
    description: str


class ServerItems(Answer):
    """The servers of a group, all of them."""

    backend_server: Sequence[ServerItem]


def server_items(servers: Sequence[Server]) -> ServerItems:
    """Return servers as answers show them."""
    return ServerItems(
        [
            ServerItem(
                server_id=one.id,
                port=one.port or msgspec.UNSET,
                weight=one.weight,
                type=one.type,
                server_ip=one.address,
                description=one.description,
            )
            for one in servers
        ]
    )

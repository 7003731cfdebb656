"""Operations on the default servers of a load balancer, and on the health of all of them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tidegate.services.operation import Answer, Call
from tidegate.services.slb import model
from tidegate.services.slb.api.product import BalancerRequest, ServerItems, on_balancer, server_items, slb
from tidegate.services.slb.service import Slb, listener_at


class ServersRequest(BalancerRequest, kw_only=True):
    """A load balancer and servers, as JSON text."""

    backend_servers: str


class ServersAnswer(Answer):
    """The whole set of default servers afterwards."""

    load_balancer_id: str
    backend_servers: ServerItems


@slb.operation("AddBackendServers", on=on_balancer)
async def add_backend_servers(service: Slb, call: Call, request: ServersRequest) -> ServersAnswer:
    """Add running instances; one that is there already gets the new weight."""
    entries = _without_ports(model.read_entries(request.backend_servers))
    servers = await service.add_servers(call.account_id, request.load_balancer_id, entries)
    return ServersAnswer(request.load_balancer_id, server_items(servers))


@slb.operation("SetBackendServers", on=on_balancer)
async def set_backend_servers(service: Slb, call: Call, request: ServersRequest) -> ServersAnswer:
    """Set the weights of servers that are there."""
    entries = _without_ports(model.read_entries(request.backend_servers))
    servers = await service.set_servers(call.account_id, request.load_balancer_id, entries)
    return ServersAnswer(request.load_balancer_id, server_items(servers))


@slb.operation("RemoveBackendServers", on=on_balancer)
async def remove_backend_servers(service: Slb, call: Call, request: ServersRequest) -> ServersAnswer:
    """Take servers out; those that are not there are fine."""
    entries = _without_ports(model.read_entries(request.backend_servers))
    servers = await service.remove_servers(call.account_id, request.load_balancer_id, entries)
    return ServersAnswer(request.load_balancer_id, server_items(servers))


class DescribeHealthStatusRequest(BalancerRequest, kw_only=True):
    """Of which listener; without one of all."""

    listener_port: int | None = None
    listener_protocol: str | None = None


class HealthItem(Answer):
    """What a listener knows of a server."""

    server_id: str
    server_ip: str
    port: int
    listener_port: int
    protocol: str
    server_health_status: str


class HealthItems(Answer):
    """What listeners know of servers."""

    backend_server: Sequence[HealthItem]


class DescribeHealthStatusAnswer(Answer):
    """What the load balancer knows of its servers."""

    backend_servers: HealthItems


@slb.operation("DescribeHealthStatus", on=on_balancer)
async def describe_health_status(
    service: Slb, call: Call, request: DescribeHealthStatusRequest
) -> DescribeHealthStatusAnswer:
    """Tell of every server whether it serves, as the load balancer itself sees it now."""
    if request.listener_port is not None:
        balancer = await service.find(call.account_id, request.load_balancer_id)
        listener_at(balancer, request.listener_port, request.listener_protocol)
    found = await service.health(call.account_id, request.load_balancer_id)
    return DescribeHealthStatusAnswer(
        HealthItems(
            [
                HealthItem(
                    one.server.id,
                    one.server.address,
                    one.port,
                    one.listener.port,
                    one.listener.protocol,
                    one.status,
                )
                for one in found
                if request.listener_port in (None, one.listener.port)
            ]
        )
    )


def _without_ports(entries: Sequence[model.Entry]) -> list[model.Entry]:
    # The default group has no ports of its own: each listener says which one it means.
    return [msgspec.structs.replace(one, port=None) for one in entries]

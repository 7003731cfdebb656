"""The operations of ALB 2020-06-16 on server groups. Its lists stand plainly under their names; there is no job to ask about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol, TypeVar

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.alb import service as alb_service
from tidegate.services.alb.service import Alb, Entry, Order
from tidegate.services.operation import Answer, Call, Product, Request, invalid_parameter
from tidegate.store.alb import Server, ServerGroup

T = TypeVar("T")

alb = Product(name="alb", code="alb", versions=("2020-06-16",))

_PAGE, _LARGEST_PAGE = 20, 100


class GroupRequest(Request):
    """The server group meant."""

    server_group_id: str


class _NamesGroup(Protocol):
    server_group_id: str


def on_group(_service: Alb, _call: Call, request: _NamesGroup) -> Sequence[str]:
    """Name the server group of the request."""
    return [f"servergroup/{request.server_group_id}"]


def on_groups(_service: Alb, _call: Call, _request: Request) -> Sequence[str]:
    """Name all server groups: creating and listing."""
    return ["servergroup/*"]


class JobAnswer(Answer):
    """The job of the change, which is done already."""

    job_id: str


def _job(call: Call) -> str:
    return call.request_id.lower()


class HealthCheck(Request, kw_only=True):
    """How a group's servers would be checked. Kept and shown: nothing listens behind this product here."""

    health_check_enabled: bool = True
    health_check_connect_port: int = 0
    health_check_host: str = "$SERVER_IP"
    health_check_http_version: str = "HTTP1.1"
    health_check_codes: list[str] = msgspec.field(default_factory=lambda: ["http_2xx", "http_3xx"])
    health_check_interval: int = 2
    health_check_method: str = "HEAD"
    health_check_path: str = "/"
    health_check_protocol: str = "HTTP"
    health_check_timeout: int = 5
    healthy_threshold: int = 3
    unhealthy_threshold: int = 3


class Tag(Request):
    """A tag as requests spell it."""

    key: str = ""
    value: str = ""


class CreateServerGroupRequest(Request, kw_only=True):
    """The server group wanted."""

    server_group_name: str
    protocol: Literal["HTTP", "HTTPS", "gRPC"] = "HTTP"
    scheduler: Literal["Wrr", "Wlc", "Sch"] = "Wrr"
    server_group_type: str = "Instance"
    vpc_id: str | None = None
    resource_group_id: str = ""
    health_check_config: HealthCheck = msgspec.field(default_factory=HealthCheck)
    tag: list[Tag] = msgspec.field(default_factory=list)


class CreateServerGroupAnswer(JobAnswer):
    """The server group that was made."""

    server_group_id: str


@alb.operation("CreateServerGroup", on=on_groups)
async def create_server_group(service: Alb, call: Call, request: CreateServerGroupRequest) -> CreateServerGroupAnswer:
    """Make a server group: a record that nothing listens for."""
    made = await service.create(
        call,
        Order(
            name=request.server_group_name,
            protocol=request.protocol,
            scheduler=request.scheduler,
            type=request.server_group_type,
            vpc_id=request.vpc_id,
            resource_group_id=request.resource_group_id,
            health_check=msgspec.to_builtins(request.health_check_config),
            tags={tag.key: tag.value for tag in request.tag if tag.key},
        ),
    )
    return CreateServerGroupAnswer(_job(call), made.id)


class Listing(Request, kw_only=True):
    """Which part of a list is wanted."""

    next_token: str | None = None
    max_results: int = _PAGE


class ListServerGroupsRequest(Listing, kw_only=True):
    """Which server groups."""

    server_group_ids: list[str] = msgspec.field(default_factory=list)
    server_group_names: list[str] = msgspec.field(default_factory=list)
    vpc_id: str | None = None


class TagItem(Answer):
    """A tag of a server group."""

    key: str
    value: str


class GroupItem(Answer, kw_only=True):
    """A server group."""

    server_group_id: str
    server_group_name: str
    server_group_status: str = "Available"
    server_group_type: str
    protocol: str
    scheduler: str
    vpc_id: str
    resource_group_id: str
    server_count: int
    health_check_config: dict[str, Any]
    tags: list[TagItem]
    create_time: str


class ListServerGroupsAnswer(Answer):
    """A part of the server groups."""

    server_groups: Sequence[GroupItem]
    total_count: int
    max_results: int
    next_token: str | msgspec.UnsetType


@alb.operation("ListServerGroups", on=on_groups)
async def list_server_groups(service: Alb, call: Call, request: ListServerGroupsRequest) -> ListServerGroupsAnswer:
    """List server groups, newest first."""
    found = [
        one
        for one in await service.of_account(call.account_id, call.region)
        if (not request.server_group_ids or one.id in request.server_group_ids)
        and (not request.server_group_names or one.name in request.server_group_names)
        and request.vpc_id in (None, one.vpc_id)
    ]
    page, following = _part(request, found)
    return ListServerGroupsAnswer([_item(one) for one in page], len(found), request.max_results, following)


class ListServersRequest(Listing, kw_only=True):
    """Which servers of a group."""

    server_group_id: str
    server_ids: list[str] = msgspec.field(default_factory=list)


class ServerItem(Answer):
    """A server of a group."""

    server_id: str
    server_ip: str
    server_type: str
    server_group_id: str
    port: int
    weight: int
    description: str
    status: str = "Available"


class ListServersAnswer(Answer):
    """A part of the servers."""

    servers: Sequence[ServerItem]
    total_count: int
    max_results: int
    next_token: str | msgspec.UnsetType


@alb.operation("ListServerGroupServers", on=on_group)
async def list_server_group_servers(service: Alb, call: Call, request: ListServersRequest) -> ListServersAnswer:
    """List the servers of a group."""
    group = await service.find(call.account_id, request.server_group_id)
    found = [one for one in group.servers if not request.server_ids or one.id in request.server_ids]
    page, following = _part(request, found)
    return ListServersAnswer([_server(group, one) for one in page], len(found), request.max_results, following)


class ServerOfRequest(Request, kw_only=True):
    """A server as requests spell it."""

    server_id: str
    server_type: str = "Ecs"
    port: int
    weight: int | None = None
    description: str = ""


class ServersRequest(GroupRequest, kw_only=True):
    """A server group and servers."""

    servers: list[ServerOfRequest]


@alb.operation("AddServersToServerGroup", on=on_group)
async def add_servers(service: Alb, call: Call, request: ServersRequest) -> JobAnswer:
    """Add running instances to a group."""
    await service.add(call.account_id, request.server_group_id, _entries(request))
    return JobAnswer(_job(call))


@alb.operation("UpdateServerGroupServersAttribute", on=on_group)
async def update_servers(service: Alb, call: Call, request: ServersRequest) -> JobAnswer:
    """Set the weights of servers of a group."""
    await service.weigh(call.account_id, request.server_group_id, _entries(request))
    return JobAnswer(_job(call))


@alb.operation("RemoveServersFromServerGroup", on=on_group)
async def remove_servers(service: Alb, call: Call, request: ServersRequest) -> JobAnswer:
    """Take servers out of a group."""
    await service.remove(call.account_id, request.server_group_id, _entries(request))
    return JobAnswer(_job(call))


@alb.operation("DeleteServerGroup", on=on_group)
async def delete_server_group(service: Alb, call: Call, request: GroupRequest) -> JobAnswer:
    """Forget a server group."""
    await service.delete(call.account_id, request.server_group_id)
    return JobAnswer(_job(call))


def _entries(request: ServersRequest) -> list[Entry]:
    if not 1 <= len(request.servers) <= alb_service.SERVERS_PER_CALL:
        raise invalid_parameter("Servers")
    for one in request.servers:
        if one.server_type != "Ecs":
            raise invalid_parameter("ServerType")
        if not 1 <= one.port <= 65535:
            raise invalid_parameter("Port")
        if one.weight is not None and not 0 <= one.weight <= 100:
            raise invalid_parameter("Weight")
    return [
        Entry(id=one.server_id, port=one.port, weight=one.weight, type=one.server_type, description=one.description)
        for one in request.servers
    ]


def _part(request: Listing, found: Sequence[T]) -> tuple[Sequence[T], str | msgspec.UnsetType]:
    """Return the part of a list that is wanted, and the token of the next one."""
    token = request.next_token or "0"
    if not token.isdecimal() or len(token) > 9:
        raise invalid_parameter("NextToken")
    if not 1 <= request.max_results <= _LARGEST_PAGE:
        raise invalid_parameter("MaxResults")
    end = int(token) + request.max_results
    return found[int(token) : end], str(end) if end < len(found) else msgspec.UNSET


def _item(group: ServerGroup) -> GroupItem:
    return GroupItem(
        server_group_id=group.id,
        server_group_name=group.name,
        server_group_type=group.type,
        protocol=group.protocol,
        scheduler=group.scheduler,
        vpc_id=group.vpc_id,
        resource_group_id=group.resource_group_id,
        server_count=len(group.servers),
        health_check_config=dict(group.health_check),
        tags=[TagItem(key, value) for key, value in group.tags.items()],
        create_time=to_seconds(group.created_at),
    )


def _server(group: ServerGroup, server: Server) -> ServerItem:
    return ServerItem(server.id, server.address, server.type, group.id, server.port, server.weight, server.description)

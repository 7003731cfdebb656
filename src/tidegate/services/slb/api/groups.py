"""Operations on vServer groups."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.operation import Answer, Call, Done
from tidegate.services.slb import model
from tidegate.services.slb.api.product import (
    BalancerRequest,
    GroupRequest,
    ServerItems,
    on_balancer,
    on_group,
    server_items,
    slb,
)
from tidegate.services.slb.service import Slb
from tidegate.store.slb import ServerGroup


class CreateVServerGroupRequest(BalancerRequest, kw_only=True):
    """The group wanted; servers are JSON text."""

    name: str | None = msgspec.field(name="VServerGroupName", default=None)
    backend_servers: str | None = None


class GroupAnswer(Answer):
    """The group, with the whole set of its servers."""

    group_id: str = msgspec.field(name="VServerGroupId")
    backend_servers: ServerItems


@slb.operation("CreateVServerGroup", on=on_balancer)
async def create_vserver_group(service: Slb, call: Call, request: CreateVServerGroupRequest) -> GroupAnswer:
    """Make a vServer group."""
    entries = model.read_entries(request.backend_servers, with_port=True) if request.backend_servers else []
    return _shown(await service.create_group(call.account_id, request.load_balancer_id, request.name, entries))


class GroupServersRequest(GroupRequest, kw_only=True):
    """A group and servers with their ports, as JSON text."""

    backend_servers: str


@slb.operation("AddVServerGroupBackendServers", on=on_group)
async def add_vserver_group_servers(service: Slb, call: Call, request: GroupServersRequest) -> GroupAnswer:
    """Add running instances; one that is there at the same port gets the new weight."""
    entries = model.read_entries(request.backend_servers, with_port=True)
    return _shown(await service.edit_group(call.account_id, request.group_id, add=entries))


@slb.operation("RemoveVServerGroupBackendServers", on=on_group)
async def remove_vserver_group_servers(service: Slb, call: Call, request: GroupServersRequest) -> GroupAnswer:
    """Take servers out; those that are not there are fine."""
    entries = model.read_entries(request.backend_servers, with_port=True)
    return _shown(await service.edit_group(call.account_id, request.group_id, remove=entries))


class ModifyServersRequest(GroupRequest, kw_only=True):
    """Servers that go and servers that come in their place, as JSON text."""

    old_backend_servers: str
    new_backend_servers: str


@slb.operation("ModifyVServerGroupBackendServers", on=on_group)
async def modify_vserver_group_servers(service: Slb, call: Call, request: ModifyServersRequest) -> GroupAnswer:
    """Put servers in the place of others."""
    old = model.read_entries(request.old_backend_servers, with_port=True)
    new = model.read_entries(request.new_backend_servers, with_port=True)
    return _shown(await service.edit_group(call.account_id, request.group_id, remove=old, add=new))


class SetGroupRequest(GroupRequest, kw_only=True):
    """A name, and weights of servers that are there."""

    name: str | None = msgspec.field(name="VServerGroupName", default=None)
    backend_servers: str | None = None


class NamedGroupAnswer(Answer):
    """The group with its name and the whole set of its servers."""

    group_id: str = msgspec.field(name="VServerGroupId")
    name: str = msgspec.field(name="VServerGroupName")
    backend_servers: ServerItems


@slb.operation("SetVServerGroupAttribute", on=on_group)
async def set_vserver_group_attribute(service: Slb, call: Call, request: SetGroupRequest) -> NamedGroupAnswer:
    """Name a group, and set weights of its servers."""
    entries = model.read_entries(request.backend_servers, with_port=True) if request.backend_servers else []
    group = await service.edit_group(call.account_id, request.group_id, name=request.name, weigh=entries)
    return NamedGroupAnswer(group.id, group.name, server_items(model.present(group.servers)))


class GroupItem(Answer):
    """A group in a list."""

    group_id: str = msgspec.field(name="VServerGroupId")
    name: str = msgspec.field(name="VServerGroupName")
    server_count: int
    create_time: str


class GroupItems(Answer):
    """Groups."""

    groups: Sequence[GroupItem] = msgspec.field(name="VServerGroup")


class DescribeVServerGroupsAnswer(Answer):
    """The groups of a load balancer."""

    groups: GroupItems = msgspec.field(name="VServerGroups")


@slb.operation("DescribeVServerGroups", on=on_balancer)
async def describe_vserver_groups(service: Slb, call: Call, request: BalancerRequest) -> DescribeVServerGroupsAnswer:
    """List the vServer groups of a load balancer, oldest first."""
    found = await service.groups(call.account_id, request.load_balancer_id)
    items = [GroupItem(one.id, one.name, len(model.present(one.servers)), to_seconds(one.created_at)) for one in found]
    return DescribeVServerGroupsAnswer(GroupItems(items))


class DescribeVServerGroupAnswer(Answer):
    """A group with its servers."""

    group_id: str = msgspec.field(name="VServerGroupId")
    name: str = msgspec.field(name="VServerGroupName")
    load_balancer_id: str
    create_time: str
    backend_servers: ServerItems


@slb.operation("DescribeVServerGroupAttribute", on=on_group)
async def describe_vserver_group_attribute(
    service: Slb, call: Call, request: GroupRequest
) -> DescribeVServerGroupAnswer:
    """Describe a vServer group."""
    group = await service.group(call.account_id, request.group_id)
    servers = server_items(model.present(group.servers))
    return DescribeVServerGroupAnswer(group.id, group.name, group.balancer_id, to_seconds(group.created_at), servers)


@slb.operation("DeleteVServerGroup", on=on_group)
async def delete_vserver_group(service: Slb, call: Call, request: GroupRequest) -> Done:
    """Take a vServer group away that no listener forwards to."""
    await service.delete_group(call.account_id, request.group_id)
    return Done()


def _shown(group: ServerGroup) -> GroupAnswer:
    return GroupAnswer(group.id, server_items(model.present(group.servers)))

"""Load balancers, server groups and databases of groups (ess.md 12.9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tidegate.services.ess import bindings, refusals
from tidegate.services.ess.api.product import Started, ess, on_group, unless_none
from tidegate.services.ess.requests.bindings import (
    OnAlbServerGroups,
    OnDatabases,
    OnLoadBalancers,
    OnServerGroups,
    OnVServerGroups,
)
from tidegate.services.ess.service import Ess
from tidegate.services.operation import Call, Done
from tidegate.store.ess.records import Binding


def shown(found: Sequence[Binding]) -> dict[str, Any]:
    """Return what a group is bound to, as DescribeScalingGroups shows it: always lists, never absent."""

    def of(*kinds: str) -> list[Binding]:
        return [one for one in found if one.kind in kinds]

    balancer_ids = dict.fromkeys(one.balancer_id for one in of("VServerGroup"))
    return {
        "LoadBalancerIds": [one.id for one in of("LoadBalancer", "LoadBalancerConfig")],
        "LoadBalancerConfigs": [
            {"LoadBalancerId": one.id, **({} if one.weight is None else {"Weight": one.weight})}
            for one in of("LoadBalancerConfig")
        ],
        "VServerGroups": [
            {
                "LoadBalancerId": balancer_id,
                "VServerGroupAttributes": [
                    {"VServerGroupId": one.id, "Port": one.port, "Weight": one.weight}
                    for one in of("VServerGroup")
                    if one.balancer_id == balancer_id
                ],
            }
            for balancer_id in balancer_ids
        ],
        "AlbServerGroups": [
            {"AlbServerGroupId": one.id, "Port": one.port, "Weight": one.weight} for one in of("AlbServerGroup")
        ],
        "ServerGroups": [
            {"ServerGroupId": one.id, "Type": one.type, "Port": one.port, "Weight": one.weight}
            for one in of("ServerGroup")
        ],
        "DBInstanceIds": [one.id for one in of("DBInstance")],
        "DBInstances": [{"DBInstanceId": one.id, "Type": "RDS"} for one in of("DBInstance")],
    }


def _load_balancers(request: OnLoadBalancers) -> list[Binding]:
    found = bindings.of_load_balancers(request.load_balancers, request.load_balancer_configs)
    if not found:
        raise refusals.missing("LoadBalancer")
    return found


def _databases(request: OnDatabases) -> list[Binding]:
    if request.type != "RDS":
        raise refusals.invalid("Type")
    if request.attach_mode != "SecurityIp":
        raise refusals.invalid("AttachMode")
    return bindings.of_databases(request.db_instances)


def _started(activity_id: str | None, *, told: bool = True) -> Started:
    return Started(unless_none(activity_id) if told else msgspec.UNSET)


@ess.operation("AttachLoadBalancers", on=on_group)
async def attach_load_balancers(service: Ess, call: Call, request: OnLoadBalancers) -> Started:
    """Bind load balancers to a group; with ForceAttach members become their servers at once."""
    found = await service.bindings.attach(call, request, _load_balancers(request), force=request.force_attach)
    return _started(found, told=request.is_async)


@ess.operation("DetachLoadBalancers", on=on_group)
async def detach_load_balancers(service: Ess, call: Call, request: OnLoadBalancers) -> Started:
    """Let go of load balancers; with ForceDetach members leave them."""
    found = await service.bindings.detach(call, request, _load_balancers(request), force=request.force_detach)
    return _started(found, told=request.is_async)


@ess.operation("AttachVServerGroups", on=on_group)
async def attach_vserver_groups(service: Ess, call: Call, request: OnVServerGroups) -> Started:
    """Bind vServer groups to a group."""
    wanted = bindings.of_vserver_groups(request.vserver_groups)
    return _started(
        await service.bindings.attach(call, request, wanted, force=request.force_attach), told=request.is_async
    )


@ess.operation("DetachVServerGroups", on=on_group)
async def detach_vserver_groups(service: Ess, call: Call, request: OnVServerGroups) -> Started:
    """Let go of vServer groups."""
    wanted = bindings.of_vserver_groups(request.vserver_groups)
    return _started(
        await service.bindings.detach(call, request, wanted, force=request.force_detach), told=request.is_async
    )


@ess.operation("AttachAlbServerGroups", on=on_group)
async def attach_alb_server_groups(service: Ess, call: Call, request: OnAlbServerGroups) -> Started:
    """Bind server groups of application load balancers to a group."""
    wanted = bindings.of_alb_server_groups(request.alb_server_groups)
    return _started(await service.bindings.attach(call, request, wanted, force=request.force_attach))


@ess.operation("DetachAlbServerGroups", on=on_group)
async def detach_alb_server_groups(service: Ess, call: Call, request: OnAlbServerGroups) -> Started:
    """Let go of server groups of application load balancers."""
    wanted = bindings.of_alb_server_groups(request.alb_server_groups)
    return _started(await service.bindings.detach(call, request, wanted, force=request.force_detach))


@ess.operation("AttachServerGroups", on=on_group)
async def attach_server_groups(service: Ess, call: Call, request: OnServerGroups) -> Started:
    """Bind server groups to a group; those of NLB and GWLB do not exist here."""
    wanted = bindings.of_server_groups(request.server_groups)
    return _started(await service.bindings.attach(call, request, wanted, force=request.force_attach))


@ess.operation("DetachServerGroups", on=on_group)
async def detach_server_groups(service: Ess, call: Call, request: OnServerGroups) -> Started:
    """Let go of server groups."""
    wanted = bindings.of_server_groups(request.server_groups)
    return _started(await service.bindings.detach(call, request, wanted, force=request.force_detach))


@ess.operation("AttachDBInstances", on=on_group)
async def attach_db_instances(service: Ess, call: Call, request: OnDatabases) -> Done:
    """Bind RDS instances to a group; with ForceAttach they let its members in at once."""
    await service.bindings.attach(call, request, _databases(request), force=request.force_attach)
    return Done()


@ess.operation("DetachDBInstances", on=on_group)
async def detach_db_instances(service: Ess, call: Call, request: OnDatabases) -> Done:
    """Let go of RDS instances; with ForceDetach they keep its members out."""
    await service.bindings.detach(call, request, _databases(request), force=request.force_detach)
    return Done()

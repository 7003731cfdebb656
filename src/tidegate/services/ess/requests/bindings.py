"""Load balancers, server groups and databases of groups (ess.md 12.9)."""

from __future__ import annotations

import msgspec

from tidegate.services.ess.requests.shape import OnGroup
from tidegate.services.operation import Request


class LoadBalancerConfig(Request, kw_only=True):
    """A load balancer and the weight that members get there."""

    load_balancer_id: str
    weight: int | None = None


class VServerGroupAttribute(Request, kw_only=True):
    """A vServer group; members get the weight at the port."""

    group_id: str = msgspec.field(name="VServerGroupId")
    port: int
    weight: int | None = None


class VServerGroups(Request, kw_only=True):
    """vServer groups of one load balancer."""

    load_balancer_id: str
    attributes: list[VServerGroupAttribute] = msgspec.field(name="VServerGroupAttributes", default_factory=list)


class AlbServerGroup(Request, kw_only=True):
    """A server group of an application load balancer; members get the weight at the port."""

    alb_server_group_id: str
    port: int
    weight: int | None = None


class ServerGroup(Request, kw_only=True):
    """A server group of a load balancer of the newer kinds; only ALB's exist here."""

    server_group_id: str
    type: str
    port: int | None = None
    weight: int | None = None


class Database(Request, kw_only=True):
    """A database as CreateScalingGroup names it in its newer form."""

    db_instance_id: str | None = None
    type: str = "RDS"
    attach_mode: str = "SecurityIp"


class OnLoadBalancers(OnGroup, kw_only=True):
    """AttachLoadBalancers, DetachLoadBalancers."""

    load_balancers: tuple[str, ...] = ()
    load_balancer_configs: tuple[LoadBalancerConfig, ...] = ()
    force_attach: bool = False
    force_detach: bool = False
    is_async: bool = msgspec.field(name="Async", default=False)


class OnVServerGroups(OnGroup, kw_only=True):
    """AttachVServerGroups, DetachVServerGroups."""

    vserver_groups: list[VServerGroups] = msgspec.field(name="VServerGroups")
    force_attach: bool = False
    force_detach: bool = False
    is_async: bool = msgspec.field(name="Async", default=False)


class OnAlbServerGroups(OnGroup, kw_only=True):
    """AttachAlbServerGroups, DetachAlbServerGroups."""

    alb_server_groups: list[AlbServerGroup]
    force_attach: bool = False
    force_detach: bool = False


class OnServerGroups(OnGroup, kw_only=True):
    """AttachServerGroups, DetachServerGroups."""

    server_groups: list[ServerGroup]
    force_attach: bool = False
    force_detach: bool = False


class OnDatabases(OnGroup, kw_only=True):
    """AttachDBInstances, DetachDBInstances."""

    db_instances: list[str]
    force_attach: bool = False
    force_detach: bool = False
    attach_mode: str = "SecurityIp"
    type: str = "RDS"

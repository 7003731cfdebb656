"""Binding load balancers, server groups and databases to groups, and letting go of them (ess.md 12.9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from tidegate.services.ess import limits, refusals, repeats, scope, wording
from tidegate.services.ess.companions import Companions, merged
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.requests import bindings as asked
from tidegate.services.ess.requests.groups import CreateScalingGroup
from tidegate.services.ess.requests.shape import OnGroup
from tidegate.services.ess.starting import Order, Starter
from tidegate.services.ess.states import GroupState
from tidegate.services.ess.survey import survey
from tidegate.services.operation import Call
from tidegate.store.ess import groups
from tidegate.store.ess.records import Binding, Group, Plan

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: The kind of work that carries a forced change to the members; the key is ``activity/<activity id>``.
BIND = "bind"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a forced change does to the members of a group."""

    attach: list[Binding] = []
    detach: list[Binding] = []


class Bindings:
    """What stands beside groups, as callers change it."""

    def __init__(self, around: Surroundings, starter: Starter, companions: Companions) -> None:
        self._around = around
        self._starter = starter
        self._companions = companions

    async def check(self, tx: Connection, group: Group) -> None:
        """Raise for what a new group may not be bound to."""
        for binding in merged(group, group.bindings):
            await self._companions.check(tx, group, binding)

    async def attach(self, call: Call, request: OnGroup, bindings: Sequence[Binding], *, force: bool) -> str | None:
        """Bind a group; with ``force`` its members too, by an activity whose id is returned."""
        async with self._starter.deciding() as tx:
            group = await self._group(tx, call, request)
            known = await repeats.recall(tx, call, self._around.now())
            if known is not None:
                return _activity_of(known)
            wanted = merged(group, [*group.bindings, *bindings])
            for binding in bindings:
                await self._companions.check(tx, group, binding)
            await groups.bind(tx, group.id, wanted)
            started = await self._force(tx, call, group, Wish(attach=list(bindings))) if force else None
            await repeats.remember(tx, call, started, self._around.now())
            return started

    async def detach(self, call: Call, request: OnGroup, bindings: Sequence[Binding], *, force: bool) -> str | None:
        """Let go of what a group is bound to; with ``force`` its members too, by an activity whose id is returned."""
        async with self._starter.deciding() as tx:
            group = await self._group(tx, call, request)
            known = await repeats.recall(tx, call, self._around.now())
            if known is not None:
                return _activity_of(known)
            named = {(one.id, one.port) for one in bindings}
            # A load balancer, or a server group without its port, is named by its id alone.
            gone = [one for one in group.bindings if one.key in named or (one.id, 0) in named]
            for binding in bindings:
                if not any(binding.id == one.id for one in gone):
                    raise _unbound(binding)
            await groups.bind(tx, group.id, [one for one in group.bindings if one not in gone])
            started = await self._force(tx, call, group, Wish(detach=gone)) if force else None
            await repeats.remember(tx, call, started, self._around.now())
            return started

    async def _group(self, tx: Connection, call: Call, request: OnGroup) -> Group:
        return await scope.changeable_group(tx, call, request.scaling_group_id, request.region_id)

    async def _force(self, tx: Connection, call: Call, group: Group, wish: Wish) -> str:
        """Begin the activity that changes the members; while another one runs it is refused."""
        seen = await survey(tx, group.id)
        bindings = wish.attach or wish.detach
        order = Order(
            kind="bind",
            reason=wording.bound("attach" if wish.attach else "detach", [one.id for one in bindings]),
            request_id=call.request_id,
            trigger_id=call.principal.id,
            plan=Plan(),
        )
        if group.state == GroupState.ACTIVE or seen.running:
            self._starter.admit(group, seen, order, 1)
        return await self._starter.bind(tx, group, seen, order, BIND, wish)


def _activity_of(known: list[str | None]) -> str | None:
    return known[0]


def of_new_group(request: CreateScalingGroup) -> list[Binding]:
    """Return what CreateScalingGroup binds."""
    databases = [*request.db_instance_ids]
    for one in request.db_instances:
        if one.type != "RDS" or one.attach_mode != "SecurityIp":
            # Security groups of databases are not enforced here, and Redis has hooks of its own (ess.md 2.2).
            raise refusals.invalid("DBInstance")
        databases.append(one.db_instance_id or "")
    return [
        *of_load_balancers(request.load_balancer_ids, request.load_balancer_configs),
        *of_vserver_groups(request.vserver_groups),
        *of_alb_server_groups(request.alb_server_groups),
        *of_server_groups(request.server_groups),
        *of_databases(databases),
    ]


def of_load_balancers(ids: Iterable[str], configs: Iterable[asked.LoadBalancerConfig]) -> list[Binding]:
    """Return load balancers, whose default servers the members become."""
    plain = [Binding(kind="LoadBalancer", id=one, balancer_id=one) for one in ids]
    weighed = [
        Binding(
            kind="LoadBalancerConfig",
            id=one.load_balancer_id,
            balancer_id=one.load_balancer_id,
            weight=_weight(one.weight, "LoadBalancerConfig"),
        )
        for one in configs
    ]
    return [*plain, *weighed]


def of_vserver_groups(given: Iterable[asked.VServerGroups]) -> list[Binding]:
    """Return vServer groups; members get 50 there unless another weight is said (ess.md 3.4)."""
    return [
        Binding(
            kind="VServerGroup",
            id=one.group_id,
            balancer_id=each.load_balancer_id,
            port=_port(one.port, "VServerGroup"),
            weight=_weight(one.weight, "VServerGroup") or limits.DEFAULT_LOAD_BALANCER_WEIGHT,
        )
        for each in given
        for one in each.attributes
    ]


def of_alb_server_groups(given: Iterable[asked.AlbServerGroup]) -> list[Binding]:
    """Return server groups of application load balancers."""
    return [
        Binding(
            kind="AlbServerGroup",
            id=one.alb_server_group_id,
            port=_port(one.port, "AlbServerGroup"),
            weight=_weight(one.weight, "AlbServerGroup") or limits.DEFAULT_LOAD_BALANCER_WEIGHT,
            type="ALB",
        )
        for one in given
    ]


def of_server_groups(given: Iterable[asked.ServerGroup]) -> list[Binding]:
    """Return server groups by the name that ALB, NLB and GWLB share."""
    found = []
    for one in given:
        if one.type not in {"ALB", "NLB", "GWLB"}:
            raise refusals.invalid("ServerGroup.Type")
        if one.port is None:
            raise refusals.missing("ServerGroup.Port")
        found.append(
            Binding(
                kind="ServerGroup",
                id=one.server_group_id,
                port=_port(one.port, "ServerGroup"),
                weight=_weight(one.weight, "ServerGroup") or limits.DEFAULT_LOAD_BALANCER_WEIGHT,
                type=one.type,
            )
        )
    return found


def of_databases(ids: Iterable[str]) -> list[Binding]:
    """Return RDS instances."""
    return [Binding(kind="DBInstance", id=one) for one in ids]


def _port(port: int, name: str) -> int:
    if not 1 <= port <= 65535:
        raise refusals.invalid(f"{name}.Port")
    return port


def _weight(weight: int | None, name: str) -> int | None:
    if weight is not None and not 0 <= weight <= 100:
        raise refusals.invalid(f"{name}.Weight")
    return weight


def _unbound(binding: Binding) -> Exception:
    match binding.kind:
        case "DBInstance":
            return refusals.database_not_found(binding.id)
        case "AlbServerGroup" | "ServerGroup":
            return refusals.server_group_not_found(binding.id)
        case "VServerGroup":
            return refusals.vserver_group_not_found(binding.id)
        case _:
            return refusals.load_balancer_not_found()

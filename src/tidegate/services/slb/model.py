"""Pure values of SLB: lists of servers as callers write them, and what a load balancer is to be in the real world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from tidegate.plane.balancer import base as plane
from tidegate.services.slb import faults, limits
from tidegate.store.slb import Balancer, Listener, Server, ServerGroup


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A server as a caller names it; None: not said."""

    id: str
    port: int | None = None
    weight: int | None = None
    type: str = "ecs"
    description: str = ""


def read_entries(text: str, *, with_port: bool = False) -> list[Entry]:
    """Read ``BackendServers``: objects, numbers often as text, or bare ids (the old form; ecs.md 13)."""
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise faults.malformed_servers() from error
    if not isinstance(found, list) or not found:
        raise faults.malformed_servers()
    if len(found) > limits.SERVERS_PER_CALL:
        raise faults.too_many_servers()
    entries = [_entry(one) for one in found]
    if with_port and any(one.port is None for one in entries):
        raise faults.malformed_servers()
    return entries


def _entry(given: object) -> Entry:
    if isinstance(given, str) and given:
        return Entry(id=given)
    if not isinstance(given, Mapping) or not isinstance(given.get("ServerId"), str) or not given["ServerId"]:
        raise faults.malformed_servers()
    kind = str(given.get("Type") or "ecs")
    if kind != "ecs":
        raise faults.unsupported("Only servers of the type ecs exist here.")
    return Entry(
        id=given["ServerId"],
        port=_number(given, "Port", 1, 65535),
        weight=_number(given, "Weight", 0, 100),
        type=kind,
        description=str(given.get("Description") or ""),
    )


def _number(given: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    value = given.get(name)
    if value is None or value == "":
        return None
    try:
        number = int(value)
    except (TypeError, ValueError) as error:
        raise faults.malformed_servers() from error
    if not low <= number <= high:
        raise faults.malformed_servers()
    return number


# ---- changes of a list of servers ---------------------------------------------------------------------------------------


def present(servers: Sequence[Server]) -> list[Server]:
    """Return the servers that are shown: not those that only finish what they have begun."""
    return [one for one in servers if one.until is None]


def with_added(servers: Sequence[Server], entries: Sequence[Entry], addresses: Mapping[str, str]) -> list[Server]:
    """Add servers; one that is there gets the new weight (ASSUMPTION of ecs.md 13), one that is leaving stays."""
    there = {(one.id, one.port): one for one in servers}
    for entry in entries:
        if entry.id not in addresses:
            raise faults.bad_servers()
        there[entry.id, entry.port or 0] = Server(
            id=entry.id,
            address=addresses[entry.id],
            port=entry.port or 0,
            weight=100 if entry.weight is None else entry.weight,
            type=entry.type,
            description=entry.description,
        )
    if len(present(list(there.values()))) > limits.SERVERS:
        raise faults.too_many_servers()
    return list(there.values())


def with_weights(servers: Sequence[Server], entries: Sequence[Entry], *, lenient: bool = False) -> list[Server]:
    """Set the weights of servers that are there; only a ``lenient`` caller may name others."""
    wanted = {(one.id, one.port or 0): one for one in entries}
    if not lenient and not wanted.keys() <= {(one.id, one.port) for one in present(servers)}:
        raise faults.inconsistent_servers()
    return [
        one
        if (entry := wanted.get((one.id, one.port))) is None or one.until is not None
        else msgspec.structs.replace(
            one,
            weight=100 if entry.weight is None else entry.weight,
            description=entry.description or one.description,
        )
        for one in servers
    ]


def without(servers: Sequence[Server], entries: Sequence[Entry], until: datetime | None) -> list[Server]:
    """Take servers out; with ``until`` they may finish. One that is not there is fine (ASSUMPTION of ecs.md 13)."""
    named = {(one.id, one.port) for one in entries}

    def goes(server: Server) -> bool:
        return server.until is None and ((server.id, server.port) in named or (server.id, None) in named)

    if until is None:
        return [one for one in servers if not goes(one)]
    return [msgspec.structs.replace(one, until=until) if goes(one) else one for one in servers]


# ---- what is to be in the real world ------------------------------------------------------------------------------------


def servers_of(listener: Listener, balancer: Balancer, groups: Mapping[str, ServerGroup]) -> Sequence[Server]:
    """Return the servers a listener forwards to: those of its vServer group, else the default ones."""
    group_id = listener.settings.get("VServerGroupId")
    if group_id is None:
        return balancer.servers
    return groups[group_id].servers if group_id in groups else ()


def port_of(listener: Listener, server: Server) -> int:
    """Return at which port a server is asked by a listener."""
    return server.port or int(listener.settings.get("BackendServerPort") or listener.port)


def target_id(listener: Listener, server: Server) -> str:
    """Return the name a server has behind a listener."""
    return f"{server.id}:{port_of(listener, server)}"


def spec_of(balancer: Balancer, groups: Mapping[str, ServerGroup]) -> plane.BalancerSpec:
    """Return what the load balancer is to be: an inactive one listens nowhere."""
    return plane.BalancerSpec(
        id=balancer.id,
        vswitch_id=balancer.place_vswitch_id,
        network=balancer.network,
        gateway=balancer.gateway,
        address=balancer.address,
        listeners=[_listener(one, servers_of(one, balancer, groups)) for one in listening(balancer)],
    )


def _listener(listener: Listener, servers: Sequence[Server]) -> plane.Listener:
    said = listener.settings
    http = listener.protocol == "http"
    # A server that is leaving behind one that was added again at the same port is the same target.
    targets = {
        target_id(listener, one): plane.Target(
            id=target_id(listener, one),
            address=one.address,
            port=port_of(listener, one),
            weight=0 if one.until is not None else one.weight,
        )
        for one in sorted(servers, key=lambda one: one.until is None)
    }
    return plane.Listener(
        port=listener.port,
        mode=listener.protocol,
        scheduler=said["Scheduler"],
        check=_check(listener) if said["HealthCheck"] == "on" else None,
        forwarded=said.get("XForwardedFor") == "on",
        idle=float(said["IdleTimeout" if http else "EstablishedTimeout"]),
        request=float(said["RequestTimeout" if http else "EstablishedTimeout"]),
        targets=list(targets.values()),
    )


def _check(listener: Listener) -> plane.Check:
    said = listener.settings
    http = listener.protocol == "http"
    return plane.Check(
        kind="http" if http else said["HealthCheckType"],
        interval=float(said["HealthCheckInterval"]),
        timeout=float(said["HealthCheckTimeout" if http else "HealthCheckConnectTimeout"]),
        rise=said["HealthyThreshold"],
        fall=said["UnhealthyThreshold"],
        port=said.get("HealthCheckConnectPort"),
        method="GET" if said.get("HealthCheckMethod") == "get" else "HEAD",
        path=said.get("HealthCheckURI") or "/",
        # ``$_ip`` stands for the server's own address, which is what a request without a name means.
        domain="" if (domain := said.get("HealthCheckDomain") or "") == "$_ip" else domain,
        statuses=_statuses(said.get("HealthCheckHttpCode") or "http_2xx"),
    )


def _statuses(codes: str) -> str:
    return ",".join(f"{one[5]}00-{one[5]}99" for one in codes.split(","))


def grace_of(balancer: Balancer, group_id: str | None) -> timedelta:
    """Return how long servers that are taken out of a group (None: the default one) may finish what they have begun."""
    graces = [timedelta()]
    for listener in listening(balancer):
        if listener.settings.get("VServerGroupId") != group_id:
            continue
        if listener.protocol == "http":
            graces.append(limits.HTTP_GRACE)
        elif listener.settings.get("ConnectionDrain") == "on":
            graces.append(timedelta(seconds=listener.settings["ConnectionDrainTimeout"]))
    return max(graces)


def listening(balancer: Balancer) -> list[Listener]:
    """Return the listeners that listen."""
    return [one for one in balancer.listeners if one.status == "running" and balancer.status == "active"]


def finished(
    servers: Sequence[Server],
    group_id: str | None,
    balancer: Balancer,
    seen: Sequence[plane.TargetState],
    now: datetime,
) -> list[Server]:
    """Return the servers without those that have finished, or have had their time."""
    busy = {(one.listener, one.target) for one in seen if one.connections}
    behind = [one for one in listening(balancer) if one.settings.get("VServerGroupId") == group_id]
    return [
        one
        for one in servers
        if one.until is None or (one.until > now and any((each.port, target_id(each, one)) in busy for each in behind))
    ]

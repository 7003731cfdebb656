"""Operations on listeners. TCP and HTTP ones listen; UDP and HTTPS ones are refused with the reason."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tidegate.services.operation import Answer, Call, Done
from tidegate.services.slb import faults, listeners
from tidegate.services.slb.api.product import BalancerRequest, on_balancer, slb
from tidegate.services.slb.service import Slb, listener_at
from tidegate.store.slb import Listener


class ListenerRequest(BalancerRequest, kw_only=True):
    """The listener meant."""

    listener_port: int
    listener_protocol: str | None = None


class Settings(BalancerRequest, kw_only=True):
    """A listener and what TCP and HTTP listeners have in common."""

    listener_port: int
    backend_server_port: int | None = None
    group_id: str | None = msgspec.field(name="VServerGroupId", default=None)
    bandwidth: int | None = None
    description: str | None = None
    scheduler: str | None = None
    health_check: str | None = None
    health_check_connect_port: int | None = None
    health_check_interval: int | None = None
    healthy_threshold: int | None = None
    unhealthy_threshold: int | None = None
    health_check_domain: str | None = None
    health_check_uri: str | None = msgspec.field(name="HealthCheckURI", default=None)
    health_check_http_code: str | None = None


class TcpSettings(Settings, kw_only=True):
    """A TCP listener. Its health check is told by other names when it is made than when it is shown."""

    health_check_switch: str | None = None
    interval: int | None = msgspec.field(name="healthCheckInterval", default=None)
    health_check_type: str | None = None
    health_check_connect_timeout: int | None = None
    established_timeout: int | None = None
    persistence_timeout: int | None = None
    connection_drain: str | None = None
    connection_drain_timeout: int | None = None


class HttpSettings(Settings, kw_only=True):
    """An HTTP listener."""

    health_check_method: str | None = None
    health_check_timeout: int | None = None
    idle_timeout: int | None = None
    request_timeout: int | None = None
    sticky_session: str | None = None
    forwarded_for: str | None = msgspec.field(name="XForwardedFor", default=None)
    gzip: str | None = None


def _said(request: Settings) -> dict[str, Any]:
    """Return the settings that were given, by their names in answers."""
    given = {name: value for name, value in msgspec.to_builtins(request).items() if value is not None}
    for name, shown in (("HealthCheckSwitch", "HealthCheck"), ("healthCheckInterval", "HealthCheckInterval")):
        if name in given:
            given[shown] = given.pop(name)
    return {name: value for name, value in given.items() if name not in ("LoadBalancerId", "ListenerPort")}


async def _create(service: Slb, call: Call, request: Settings, protocol: Literal["tcp", "http"]) -> Done:
    listener = listeners.new_listener(request.listener_port, protocol, _said(request))
    await service.add_listener(call.account_id, request.load_balancer_id, listener)
    return Done()


async def _set(service: Slb, call: Call, request: Settings, protocol: Literal["tcp", "http"]) -> Done:
    def change(listener: Listener) -> Listener:
        if listener.protocol != protocol:
            raise faults.unknown_listener()
        settings = {**listener.settings, **listeners.checked(protocol, _said(request))}
        return msgspec.structs.replace(listener, settings=settings)

    await service.change_listener(call.account_id, request.load_balancer_id, request.listener_port, change)
    return Done()


@slb.operation("CreateLoadBalancerTCPListener", on=on_balancer)
async def create_tcp_listener(service: Slb, call: Call, request: TcpSettings) -> Done:
    """Add a TCP listener, stopped at first."""
    return await _create(service, call, request, "tcp")


@slb.operation("CreateLoadBalancerHTTPListener", on=on_balancer)
async def create_http_listener(service: Slb, call: Call, request: HttpSettings) -> Done:
    """Add an HTTP listener, stopped at first."""
    return await _create(service, call, request, "http")


@slb.operation("SetLoadBalancerTCPListenerAttribute", on=on_balancer)
async def set_tcp_listener(service: Slb, call: Call, request: TcpSettings) -> Done:
    """Change what is given of a TCP listener."""
    return await _set(service, call, request, "tcp")


@slb.operation("SetLoadBalancerHTTPListenerAttribute", on=on_balancer)
async def set_http_listener(service: Slb, call: Call, request: HttpSettings) -> Done:
    """Change what is given of an HTTP listener."""
    return await _set(service, call, request, "http")


@slb.operation("CreateLoadBalancerUDPListener", on=on_balancer)
async def create_udp_listener(_service: Slb, _call: Call, _request: BalancerRequest) -> Done:
    """Refused: nothing here passes UDP on."""
    raise faults.unsupported("Load balancers here pass on TCP and HTTP, not UDP.")


@slb.operation("CreateLoadBalancerHTTPSListener", on=on_balancer)
async def create_https_listener(_service: Slb, _call: Call, _request: BalancerRequest) -> Done:
    """Refused: there are no certificates here."""
    raise faults.unsupported("Load balancers here have no certificates: use a TCP listener at port 443.")


@slb.operation("StartLoadBalancerListener", on=on_balancer)
async def start_listener(service: Slb, call: Call, request: ListenerRequest) -> Done:
    """Let a listener listen."""
    return await _switch(service, call, request, "running")


@slb.operation("StopLoadBalancerListener", on=on_balancer)
async def stop_listener(service: Slb, call: Call, request: ListenerRequest) -> Done:
    """Let a listener listen no more."""
    return await _switch(service, call, request, "stopped")


async def _switch(service: Slb, call: Call, request: ListenerRequest, status: Literal["running", "stopped"]) -> Done:
    await service.change_listener(
        call.account_id,
        request.load_balancer_id,
        request.listener_port,
        lambda listener: msgspec.structs.replace(listener, status=status),
    )
    return Done()


@slb.operation("DeleteLoadBalancerListener", on=on_balancer)
async def delete_listener(service: Slb, call: Call, request: ListenerRequest) -> Done:
    """Take a listener away."""
    await service.change_listener(call.account_id, request.load_balancer_id, request.listener_port, lambda _: None)
    return Done()


class ListenerAnswer(Answer, kw_only=True):
    """What TCP and HTTP listeners both show."""

    load_balancer_id: str
    listener_port: int
    status: str
    description: str = ""
    backend_server_port: int | msgspec.UnsetType = msgspec.UNSET
    group_id: str | msgspec.UnsetType = msgspec.field(name="VServerGroupId", default=msgspec.UNSET)
    bandwidth: int
    scheduler: str
    health_check: str
    health_check_connect_port: int | msgspec.UnsetType = msgspec.UNSET
    health_check_interval: int
    healthy_threshold: int
    unhealthy_threshold: int
    health_check_domain: str | msgspec.UnsetType = msgspec.UNSET
    health_check_uri: str | msgspec.UnsetType = msgspec.field(name="HealthCheckURI", default=msgspec.UNSET)
    health_check_http_code: str | msgspec.UnsetType = msgspec.UNSET
    acl_status: str = "off"


class TcpListenerAnswer(ListenerAnswer, kw_only=True):
    """A TCP listener."""

    health_check_type: str
    health_check_connect_timeout: int
    established_timeout: int
    persistence_timeout: int
    connection_drain: str
    connection_drain_timeout: int


class HttpListenerAnswer(ListenerAnswer, kw_only=True):
    """An HTTP listener."""

    health_check_method: str
    health_check_timeout: int
    idle_timeout: int
    request_timeout: int
    sticky_session: str
    forwarded_for: str = msgspec.field(name="XForwardedFor")
    gzip: str


@slb.operation("DescribeLoadBalancerTCPListenerAttribute", on=on_balancer)
async def describe_tcp_listener(service: Slb, call: Call, request: ListenerRequest) -> TcpListenerAnswer:
    """Describe a TCP listener."""
    return msgspec.convert(await _described(service, call, request, "tcp"), TcpListenerAnswer)


@slb.operation("DescribeLoadBalancerHTTPListenerAttribute", on=on_balancer)
async def describe_http_listener(service: Slb, call: Call, request: ListenerRequest) -> HttpListenerAnswer:
    """Describe an HTTP listener."""
    return msgspec.convert(await _described(service, call, request, "http"), HttpListenerAnswer)


async def _described(service: Slb, call: Call, request: ListenerRequest, protocol: str) -> dict[str, Any]:
    balancer = await service.find(call.account_id, request.load_balancer_id)
    listener = listener_at(balancer, request.listener_port, protocol)
    return {
        **listener.settings,
        "LoadBalancerId": balancer.id,
        "ListenerPort": listener.port,
        "Status": listener.status,
    }

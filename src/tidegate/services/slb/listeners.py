"""The settings of listeners: what each may be, and what it is when nobody says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

from tidegate.errors import CloudError
from tidegate.services.operation import invalid_parameter, missing_parameter
from tidegate.services.slb import faults
from tidegate.store.slb import Listener

_Check = Callable[[Any], bool]


def _among(*values: str) -> _Check:
    return lambda value: value in values


def _within(low: int, high: int) -> _Check:
    return lambda value: low <= value <= high


def _matching(pattern: str) -> _Check:
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(value) is not None


#: 1 to 65535
_PORT: Final = _within(1, 65535)
_COMMON: Final[Mapping[str, _Check]] = {
    "BackendServerPort": _PORT,
    "Bandwidth": lambda value: value == -1 or 1 <= value <= 5120,
    "Scheduler": _among("wrr", "rr", "wlc"),
    "HealthCheck": _among("on", "off"),
    "HealthCheckConnectPort": _PORT,
    "HealthCheckInterval": _within(1, 50),
    "HealthyThreshold": _within(2, 10),
    "UnhealthyThreshold": _within(2, 10),
    "HealthCheckDomain": _matching(r"\$_ip|[A-Za-z0-9.-]{1,80}"),
    "HealthCheckURI": _matching(r"/[A-Za-z0-9./%?#&=_~;!()*\[\]@$^:+,-]{0,79}"),
    "HealthCheckHttpCode": _matching(r"http_[2-5]xx(,http_[2-5]xx)*"),
}
#: what each setting of a listener may be
_RULES: Final[Mapping[str, Mapping[str, _Check]]] = MappingProxyType(
    {
        "tcp": {
            **_COMMON,
            "HealthCheckType": _among("tcp", "http"),
            "HealthCheckConnectTimeout": _within(1, 300),
            "EstablishedTimeout": _within(10, 900),
            "PersistenceTimeout": _within(0, 3600),
            "ConnectionDrain": _among("on", "off"),
            "ConnectionDrainTimeout": _within(10, 900),
        },
        "http": {
            **_COMMON,
            "HealthCheckMethod": _among("head", "get"),
            "HealthCheckTimeout": _within(1, 300),
            "IdleTimeout": _within(1, 60),
            "RequestTimeout": _within(1, 180),
            "StickySession": _among("on", "off"),
            "XForwardedFor": _among("on", "off"),
            "Gzip": _among("on", "off"),
        },
    }
)
_ALWAYS: Final[Mapping[str, Any]] = {
    "Bandwidth": -1,
    "Scheduler": "wrr",
    "HealthCheck": "on",
    "HealthCheckInterval": 2,
    "HealthyThreshold": 3,
    "UnhealthyThreshold": 3,
}
_DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "tcp": {
            **_ALWAYS,
            "HealthCheckType": "tcp",
            "HealthCheckConnectTimeout": 5,
            "EstablishedTimeout": 900,
            "PersistenceTimeout": 0,
            "ConnectionDrain": "off",
            "ConnectionDrainTimeout": 300,
        },
        "http": {
            **_ALWAYS,
            "HealthCheckMethod": "head",
            "HealthCheckTimeout": 5,
            "HealthCheckURI": "/",
            "HealthCheckHttpCode": "http_2xx",
            "IdleTimeout": 15,
            "RequestTimeout": 60,
            "StickySession": "off",
            "XForwardedFor": "on",
            "Gzip": "on",
        },
    }
)


def new_listener(port: int, protocol: Literal["tcp", "http"], said: Mapping[str, Any]) -> Listener:
    """Return a stopped listener; it forwards to its vServer group, or to ``BackendServerPort`` of the default servers."""
    if not _PORT(port):
        raise invalid_parameter("ListenerPort")
    if "VServerGroupId" not in said and "BackendServerPort" not in said:
        raise missing_parameter("BackendServerPort")
    settings = {**_DEFAULTS[protocol], **checked(protocol, said)}
    return Listener(port=port, protocol=protocol, status="stopped", settings=settings)


def checked(protocol: str, said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return settings that are within their bounds, and that load balancers here can have."""
    for name, value in said.items():
        rule = _RULES[protocol].get(name)
        if rule is not None and not rule(value):
            raise invalid_parameter(name)
    if said.get("StickySession") == "on" or said.get("PersistenceTimeout", 0) > 0:
        raise _unsupported("Sessions cannot be kept with one server here")
    if said.get("VServerGroupId") and said.get("MasterSlaveServerGroupId"):
        raise invalid_parameter("MasterSlaveServerGroupId")
    return said


def _unsupported(reason: str) -> CloudError:
    return faults.unsupported(f"{reason}.")

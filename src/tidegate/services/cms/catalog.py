"""What is measured, and the names under which the cloud shows it (Appendix: metrics of ECS; ess.md 9.2)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

#: What is known of each host, in the order of ``Sample.mean``: new ones come last. Rates are per second.
VALUES = (
    "cpu",  # per cent of all processors of the instance
    "memory",  # per cent
    "memory_used",  # bytes
    "load_1m",
    "load_5m",
    "load_15m",
    "received",  # bytes
    "sent",
    "packets_received",
    "packets_sent",
    "connections",
    "established",
    "members",  # of a group: instances that serve
)

ECS, ESS = "acs_ecs_dashboard", "acs_ess_dashboard"
#: the namespace of an account's custom metrics is this and the account's id
CUSTOM = "acs_customMetric_"
PERIODS = (15, 60, 300, 900, 3600)


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One metric: ``scale`` × a value of ``VALUES`` + ``offset``. ``dimensions`` beyond the resource are fixed words,
    for each combination of which there is one entry in ``CATALOG``.
    """

    namespace: str
    name: str
    value: str
    unit: str
    description: str
    scale: float = 1.0
    offset: float = 0.0
    #: a further dimension and the word it has here: ("state", "ESTABLISHED")
    dimension: tuple[str, str] | None = None

    @property
    def place(self) -> int:
        """Where the value stands in a sample."""
        return VALUES.index(self.value)

    @property
    def resource(self) -> str:
        """The dimension that names the resource."""
        return "instanceId" if self.namespace == ECS else "scaling_group"

    @property
    def owner(self) -> str:
        """The dimension that names the account."""
        return "userId" if self.namespace == ECS else "user_id"

    def shown(self, number: float) -> float:
        """Return a value as this metric shows it."""
        return number * self.scale + self.offset


_PER_MINUTE = 60.0
_KILOBYTES_PER_MINUTE = 60.0 / 1024

#: name, value, unit, description, scale; hosts have no way to the internet, so that its traffic is 0.
_ECS = (
    ("CPUUtilization", "cpu", "%", "CPU usage of the instance", 1.0),
    ("cpu_total", "cpu", "%", "CPU usage of the instance", 1.0),
    ("memory_usedutilization", "memory", "%", "memory usage of the instance", 1.0),
    ("memory_usedspace", "memory_used", "bytes", "used memory", 1.0),
    ("load_1m", "load_1m", "", "load of the last minute", 1.0),
    ("load_5m", "load_5m", "", "load of the last five minutes", 1.0),
    ("load_15m", "load_15m", "", "load of the last fifteen minutes", 1.0),
    ("IntranetIn", "received", "byte/min", "inbound traffic of the private network", _PER_MINUTE),
    ("IntranetOut", "sent", "byte/min", "outbound traffic of the private network", _PER_MINUTE),
    ("IntranetInRate", "received", "bit/s", "inbound bandwidth of the private network", 8.0),
    ("IntranetOutRate", "sent", "bit/s", "outbound bandwidth of the private network", 8.0),
    ("InternetIn", "received", "byte/min", "inbound traffic of the internet", 0.0),
    ("InternetOut", "sent", "byte/min", "outbound traffic of the internet", 0.0),
    ("InternetInRate", "received", "bit/s", "inbound bandwidth of the internet", 0.0),
    ("InternetOutRate", "sent", "bit/s", "outbound bandwidth of the internet", 0.0),
    ("VPC_PublicIP_InternetInRate", "received", "bit/s", "inbound bandwidth of the public address", 0.0),
    ("VPC_PublicIP_InternetOutRate", "sent", "bit/s", "outbound bandwidth of the public address", 0.0),
)
_ECS_BY_DEVICE = (
    ("networkin_rate", "received", "bit/s", "inbound bandwidth of the interface", 8.0),
    ("networkout_rate", "sent", "bit/s", "outbound bandwidth of the interface", 8.0),
    ("networkin_packages", "packets_received", "Count/s", "packets received by the interface", 1.0),
    ("networkout_packages", "packets_sent", "Count/s", "packets sent by the interface", 1.0),
)
_ESS = (
    ("CpuUtilization", "cpu", "%", "CPU usage", 1.0),
    ("CpuUtilizationAgent", "cpu", "%", "CPU usage, seen from inside", 1.0),
    ("MemoryUtilization", "memory", "%", "memory usage", 1.0),
    # ASSUMPTION on the name: how many instances shared the group's metrics
    ("InServiceInstances", "members", "Count", "instances in service", 1.0),
    ("LoadAverage", "load_1m", "", "load of the last minute", 1.0),
    ("IntranetRx", "received", "KB/min", "inbound traffic of the private network", _KILOBYTES_PER_MINUTE),
    ("IntranetTx", "sent", "KB/min", "outbound traffic of the private network", _KILOBYTES_PER_MINUTE),
    ("VpcInternetRx", "received", "KB/min", "inbound traffic of the internet", 0.0),
    ("VpcInternetTx", "sent", "KB/min", "outbound traffic of the internet", 0.0),
    ("ClassicInternetRx", "received", "KB/min", "inbound traffic of the internet, classic network", 0.0),
    ("ClassicInternetTx", "sent", "KB/min", "outbound traffic of the internet, classic network", 0.0),
)
_ESS_BY_DEVICE = (
    ("PackagesNetIn", "packets_received", "Count/s", "packets received by the interface", 1.0),
    ("PackagesNetOut", "packets_sent", "Count/s", "packets sent by the interface", 1.0),
)
_STATES = (("TCP_TOTAL", "connections"), ("ESTABLISHED", "established"))


def _all() -> list[Metric]:
    plain = [(ECS, _ECS, None), (ECS, _ECS_BY_DEVICE, ("device", "eth0"))]
    plain += [(ESS, _ESS, None), (ESS, _ESS_BY_DEVICE, ("device", "eth0"))]
    metrics = [
        Metric(
            namespace=namespace,
            name=name,
            value=value,
            unit=unit,
            description=description,
            scale=scale,
            dimension=dimension,
        )
        for namespace, rows, dimension in plain
        for name, value, unit, description, scale in rows
    ]
    metrics += [
        Metric(namespace=ECS, name=name, value=value, unit="%", description=f"unused {value}", scale=-1.0, offset=100.0)
        for name, value in (("cpu_idle", "cpu"), ("memory_freeutilization", "memory"))
    ]
    return metrics + [
        Metric(
            namespace=namespace,
            name=name,
            value=value,
            unit="Count",
            description="TCP connections",
            dimension=("state", state),
        )
        for namespace, name in ((ECS, "net_tcpconnection"), (ESS, "TcpConnection"))
        for state, value in _STATES
    ]


#: namespace and name → the metric, once for each word of its further dimension
CATALOG: Mapping[tuple[str, str], tuple[Metric, ...]] = MappingProxyType(
    {
        key: tuple(metric for metric in _all() if (metric.namespace, metric.name) == key)
        for key in dict.fromkeys((metric.namespace, metric.name) for metric in _all())
    }
)
#: namespace → the product behind it, and how the console calls that
NAMESPACES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {ECS: ("ECS", "Elastic Compute Service"), ESS: ("ESS", "Auto Scaling")}
)

"""What HAProxy reads for a load balancer. Pure: a specification in, text out.

The frame is what only a reload can change: listeners and how they check and choose. Servers come and go within it.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.errors import PlaneError
from tidegate.plane.balancer.base import BalancerSpec, Check, Listener, Target
from tidegate.plane.haproxy import BUFFER, most_connections

#: Files in the process's folder.
ADMIN, MASTER, STATE = "admin.sock", "master.sock", "state"
#: Seconds that connections which a reload found open may still take.
_LAST_CONNECTIONS = 900
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-")

_GLOBAL = f"""\
global
    nbthread 1
    maxconn {{connections}}
    stats socket unix@{ADMIN} mode 600 level admin expose-fd listeners
    stats timeout 1h
    tune.bufsize {BUFFER}
    hard-stop-after {_LAST_CONNECTIONS}s
    server-state-file {STATE}
defaults
    load-server-state-from-file global
    timeout connect 2s
    retries 3
    option redispatch
"""


def frame(spec: BalancerSpec) -> str:
    """Return the configuration without its servers."""
    return _whole(spec, servers=False)


def configuration(spec: BalancerSpec) -> str:
    """Return the whole configuration, which a restarted process begins with."""
    return _whole(spec, servers=True)


def backend(listener_port: int) -> str:
    """Return the name of what stands behind a listener."""
    return f"b{listener_port}"


def addition(listener: Listener, target: Target) -> Sequence[str]:
    """Return the commands that add a target to a running process; a checked one is down until it has answered."""
    name = f"{backend(listener.port)}/{_name(target.id)}"
    commands = [f"add server {name} {_server(listener, target)}"]
    if listener.check is not None:
        # Options of `default-server` do not reach servers that are added later (dataplane.md 7): they come with them.
        return [*commands, f"enable health {name}", f"enable server {name}", f"set server {name} health down"]
    return [*commands, f"enable server {name}"]


def weight_of(listener: Listener, target: Target) -> int:
    """Return the weight HAProxy is to give a target: plain round robin knows only some and none."""
    return min(target.weight, 1) if listener.scheduler == "rr" else target.weight


def _whole(spec: BalancerSpec, *, servers: bool) -> str:
    parts = [_GLOBAL.format(connections=most_connections())]
    for listener in spec.listeners:
        parts.append(_listener(spec, listener))
        if servers:
            parts += [f"    server {_name(one.id)} {_server(listener, one)}\n" for one in listener.targets]
    return "".join(parts)


def _listener(spec: BalancerSpec, listener: Listener) -> str:
    port, mode = listener.port, listener.mode
    lines = [
        f"frontend l{port}",
        f"    mode {mode}",
        f"    bind {spec.address}:{port}",
        f"    timeout client {_milliseconds(listener.idle)}",
        *(["    option forwardfor"] if mode == "http" and listener.forwarded else []),
        f"    default_backend {backend(port)}",
        f"backend {backend(port)}",
        f"    mode {mode}",
        f"    balance {'leastconn' if listener.scheduler == 'wlc' else 'roundrobin'}",
        f"    timeout server {_milliseconds(listener.request)}",
        *(["    retry-on conn-failure empty-response"] if mode == "http" else []),
        *(_checks(listener.check) if listener.check else []),
    ]
    return "".join(f"{line}\n" for line in lines)


def _checks(check: Check) -> list[str]:
    lines = [f"    timeout check {_milliseconds(check.timeout)}", f"    default-server {_asked(check)}"]
    if check.kind == "http":
        host = f" hdr Host {_quoted(check.domain)}" if check.domain else ""
        lines += [
            "    option httpchk",
            f"    http-check send meth {check.method} uri {_quoted(check.path)}{host}",
            f"    http-check expect status {check.statuses}",
        ]
    return lines


def _server(listener: Listener, target: Target) -> str:
    asked = f" {_asked(listener.check)}" if listener.check else ""
    return f"{target.address}:{target.port} weight {weight_of(listener, target)}{asked}"


def _asked(check: Check) -> str:
    port = f" port {check.port}" if check.port else ""
    return f"check inter {_milliseconds(check.interval)} rise {check.rise} fall {check.fall}{port}"


def _milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


def _name(target_id: str) -> str:
    if not _PLAIN.issuperset(target_id):
        raise PlaneError(f"{target_id!r} cannot name a target")
    return target_id


def _quoted(text: str) -> str:
    if "'" in text or not text.isprintable():
        raise PlaneError(f"{text!r} cannot be part of a health check")
    return f"'{text}'"

"""Tries in a throw-away process everything that the helper will do, and says how far it came.

One line of JSON for each step, ``{"step", "error", "errno"}``; the first step that is refused and without which there
are no hosts ends the trial. What a kernel's version or a setting promises is not believed: on some systems making a
user namespace succeeds and everything after it fails (dataplane.md 4).
"""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Callable
from contextlib import closing

from tidegate.plane.helper import kernel
from tidegate.plane.helper.guest import Guests
from tidegate.plane.helper.main import become_root, leave_namespaces, own_the_mounts
from tidegate.plane.netlink.nftables import NfTables
from tidegate.plane.netlink.route import Route
from tidegate.plane.netlink.sock_diag import destroy_connections

#: a folder that every machine has, to mount things on where nobody else sees it
_PLACE = "/usr"


def main() -> None:
    """Run the trial; the process is good for nothing else afterwards."""
    is_root = os.getuid() == 0
    if not is_root:
        _need("users", become_root)
    _need("namespaces", leave_namespaces)
    if pid := os.fork():
        os.waitpid(pid, 0)
        os._exit(0)
    _need("mounts", own_the_mounts)
    _need("bridge", _bridge)
    _need("trees", _trees)
    _try("guests", lambda: _guests(is_root=is_root))
    _try("nftables", _nftables)
    _try("sock_diag", lambda: destroy_connections(1, lambda _: False))
    _need("root", _change_root)
    os._exit(0)


def _need(step: str, action: Callable[[], object]) -> None:
    if not _try(step, action):
        os._exit(0)


def _try(step: str, action: Callable[[], object]) -> bool:
    try:
        action()
    except OSError as error:
        _say({"step": step, "error": str(error), "errno": error.errno})
        return False
    _say({"step": step})
    return True


def _say(result: dict[str, object]) -> None:
    os.write(1, json.dumps(result).encode() + b"\n")


def _bridge() -> None:
    with closing(Route()) as route:
        route.switch_on(socket.if_nametoindex("lo"))
        route.add_bridge("br0")
        kernel.unshare(kernel.NEWNET)
        namespace = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        # The socket belongs to the namespace with the bridge still, where its number is the only one besides lo's.
        route.add_veth("v0", route.links()["br0"], "eth0", namespace=namespace)
        os.close(namespace)
    kernel.write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0")


def _trees() -> None:
    for kind in ("tmpfs", "devpts", "proc"):
        os.close(kernel.new_mount(kind, kernel.NO_SUID))
    os.close(kernel.clone_tree(_PLACE, read_only=True))
    os.close(kernel.clone_tree("/dev/null"))


def _change_root() -> None:
    """Go where there is nothing; so this comes last."""
    kernel.attach(kernel.new_mount("tmpfs", 0), _PLACE)
    os.chdir(_PLACE)
    kernel.pivot_root(".", ".")
    kernel.unmount(".", kernel.MNT_DETACH)


def _guests(*, is_root: bool) -> None:
    if not Guests(is_root=is_root).is_possible:
        raise PermissionError(errno.EPERM, "a user namespace in a user namespace is refused")


def _nftables() -> None:
    with closing(NfTables()) as tables:
        tables.install(1)

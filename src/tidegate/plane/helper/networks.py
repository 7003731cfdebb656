"""The cloud's network: a bridge per vSwitch, and a network namespace with one address for each host or server.

The helper's own namespace holds the bridges with the gateways' addresses and forwards between them: it is the VPC's
router.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Callable, Iterator

from tidegate.plane.helper import kernel
from tidegate.plane.helper.loop import Loop
from tidegate.plane.helper.processes import Processes
from tidegate.plane.netlink.route import Route

#: a bridge takes 1,023 ports (dataplane.md 3); some are left for cables to further bridges
PORTS_PER_BRIDGE = 1_000
#: seconds between two attempts to remove links, should the first fail for want of memory
_PAUSE = 1.0
#: a quiet first page of the vendor's hardware addresses; the rest is made of the IPv4 address, so that whoever gets an
#: address again also gets the hardware address that its neighbours remember
_VENDOR = b"\x00\x16"


class Bridge:
    """One bridge of a vSwitch."""

    def __init__(self, name: str, index: int) -> None:
        self.name = name
        self.index = index
        self.ports = 0


class Switch:
    """A vSwitch: its network, its gateway and its bridges, the first of which has the gateway's address."""

    def __init__(self, switch_id: str, network: str, gateway: str) -> None:
        self.id = switch_id
        self.network, self.gateway = network, gateway
        self.bridges: list[Bridge] = []
        self.cables: list[int] = []


class Namespace:
    """A network namespace with one address. It lives as long as ``descriptor``, and longer while processes are in it."""

    def __init__(self, owner: str, address: str, *, descriptor: int, link: int, switch: Switch, bridge: Bridge) -> None:
        self.owner = owner
        self.address = address
        self.descriptor = descriptor
        self.link = link
        self.switch, self.bridge = switch, bridge


class Networks:
    """All vSwitches and network namespaces. Methods raise OSError when the kernel refuses, ValueError on a conflict."""

    def __init__(self, loop: Loop, processes: Processes) -> None:
        self._loop = loop
        self._processes = processes
        self._waste: list[Callable[[], None]] = []
        self._is_sweeping = False
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._route = Route()
        self._switches: dict[str, Switch] = {}
        self._namespaces: dict[str, Namespace] = {}
        self._numbers = 0
        _quiet(forward=True)
        self._route.switch_on(socket.if_nametoindex("lo"))

    def create(self, owner: str, *, switch: str, network: str, gateway: str, address: str) -> Namespace:
        """Make a namespace for ``owner`` with ``address`` on the vSwitch ``switch``; an equal one is returned as it is."""
        if there := self._namespaces.get(owner):
            if (there.address, there.switch.id) != (address, switch):
                raise ValueError(f"{owner} has the address {there.address} on {there.switch.id} already")
            return there
        if holder := self.holder(address, switch):
            raise ValueError(f"{address} on {switch} belongs to {holder}")
        bridge = self._port(self._switch(switch, network, gateway))
        with contextlib.ExitStack() as undo:
            undo.callback(self._release, self._switches[switch], bridge)
            self._numbers += 1
            descriptor, link = self._connect(f"v{self._numbers}", bridge, address, network, gateway)
            made = Namespace(
                owner, address, descriptor=descriptor, link=link, switch=self._switches[switch], bridge=bridge
            )
            self._namespaces[owner] = made
            undo.pop_all()
        return made

    def destroy(self, owner: str, gone: Callable[[], None] = lambda: None) -> None:
        """Take the namespace off the network and let go of it; call ``gone`` when no link of it is left.

        The address is free on return, even while somebody still holds a socket of the namespace. Unknown: gone at once.
        """
        namespace = self._namespaces.pop(owner, None)
        if namespace is None:
            gone()
            return
        os.close(namespace.descriptor)
        self._retire(namespace.link)
        self._release(namespace.switch, namespace.bridge)
        self._waste.append(gone)
        self._sweep()

    def get(self, owner: str) -> Namespace | None:
        """Return the namespace of ``owner``."""
        return self._namespaces.get(owner)

    def holder(self, address: str, switch: str) -> str | None:
        """Return who has an address on a vSwitch."""
        for namespace in self._namespaces.values():
            if namespace.address == address and namespace.switch.id == switch:
                return namespace.owner
        return None

    @contextlib.contextmanager
    def inside(self, owner: str | None) -> Iterator[None]:
        """Run a block in the namespace of ``owner``: sockets opened there stay there. None: the router's namespace."""
        if owner is None:
            yield
            return
        if owner not in self._namespaces:
            raise ValueError(f"{owner} has no network")
        kernel.setns(self._namespaces[owner].descriptor, kernel.NEWNET)
        try:
            yield
        finally:
            kernel.setns(self._home, kernel.NEWNET)

    def links(self) -> dict[str, int]:
        """Return every link of the router's namespace: name → index."""
        return self._route.links()

    def _connect(self, name: str, bridge: Bridge, address: str, network: str, gateway: str) -> tuple[int, int]:
        """Make a namespace and a cable from it to the bridge; return its descriptor and the link at the bridge."""
        kernel.unshare(kernel.NEWNET)
        descriptor = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        with contextlib.ExitStack() as undo:
            undo.callback(os.close, descriptor)
            try:
                _quiet()
                with contextlib.closing(Route()) as inside:
                    inside.switch_on(socket.if_nametoindex("lo"))
                    # Our own socket is still at the router's, so this makes the near end there and the far end here.
                    mac = _VENDOR + socket.inet_aton(address)
                    self._route.add_veth(name, bridge.index, "eth0", namespace=descriptor, mac=mac)
                    eth0 = socket.if_nametoindex("eth0")
                    inside.add_address(eth0, address, int(network.partition("/")[2]))
                    inside.switch_on(eth0)
                    inside.add_default_route(gateway)
            finally:
                kernel.setns(self._home, kernel.NEWNET)
            undo.pop_all()
        return descriptor, socket.if_nametoindex(name)

    def _switch(self, switch_id: str, network: str, gateway: str) -> Switch:
        """Return the vSwitch, made when it is met for the first time."""
        switch = self._switches.get(switch_id)
        if switch is None:
            switch = Switch(switch_id, network, gateway)
            bridge = self._bridge()
            self._route.add_address(bridge.index, gateway, int(network.partition("/")[2]))
            switch.bridges.append(bridge)
            self._switches[switch_id] = switch
        elif (switch.network, switch.gateway) != (network, gateway):
            raise ValueError(f"{switch_id} is the network {switch.network} with the gateway {switch.gateway}")
        return switch

    def _bridge(self) -> Bridge:
        self._numbers += 1
        name = f"br{self._numbers}"
        self._route.add_bridge(name)
        return Bridge(name, socket.if_nametoindex(name))

    def _port(self, switch: Switch) -> Bridge:
        """Take a free port of the vSwitch; when all bridges are full, join another one to the first by a cable."""
        bridge = next((b for b in switch.bridges if b.ports < PORTS_PER_BRIDGE), None)
        if bridge is None:
            bridge = self._bridge()
            near, far = f"j{self._numbers}a", f"j{self._numbers}b"
            self._route.add_veth(near, switch.bridges[0].index, far)
            self._route.plug(socket.if_nametoindex(far), bridge.index)
            switch.bridges.append(bridge)
            switch.cables.append(socket.if_nametoindex(near))
        bridge.ports += 1
        return bridge

    def _release(self, switch: Switch, bridge: Bridge) -> None:
        """Give a port back; the last one takes the vSwitch's bridges with it."""
        bridge.ports -= 1
        if any(b.ports for b in switch.bridges):
            return
        del self._switches[switch.id]
        for empty in switch.bridges:
            self._retire(empty.index)
        for cable in switch.cables:
            self._retire(cable)

    def _retire(self, index: int) -> None:
        with contextlib.suppress(OSError):  # ENODEV: it went with its namespace
            self._route.retire(index)

    def _sweep(self) -> None:
        """Remove retired links in a child, because the kernel takes its time; those of meanwhile are the next round's."""
        if self._is_sweeping or not self._waste:
            return
        round_of, self._waste = self._waste, []
        self._is_sweeping = True

        def swept(code: int) -> None:
            if code != 0:
                self._loop.call_later(_PAUSE, sweep)
                return
            self._is_sweeping = False
            for gone in round_of:
                gone()
            self._sweep()

        def sweep() -> None:
            self._processes.work(_delete_retired, ended=swept)

        sweep()


def _delete_retired() -> None:
    """Remove the retired links by a socket of our own: on a shared one the helper would take our answers."""
    with contextlib.closing(Route()) as route:
        route.delete_retired()


def _quiet(*, forward: bool = False) -> None:
    """Set up the current namespace: no IPv6, whose greetings flood a large vSwitch; ports and ping for everybody."""
    settings = {"ipv6/conf/all/disable_ipv6": "1", "ipv6/conf/default/disable_ipv6": "1"}
    if forward:
        settings["ipv4/ip_forward"] = "1"
    else:
        # Root inside a host has no capability over its network, yet may listen on port 80 and ping.
        settings |= {"ipv4/ip_unprivileged_port_start": "0", "ipv4/ping_group_range": "0 65535"}
    for name, value in settings.items():
        try:
            with open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
                file.write(value)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.EINVAL):
                raise

"""Links, addresses and routes (rtnetlink)."""

from __future__ import annotations

import errno
import socket
import struct

from tidegate.plane.netlink.messages import CREATE, EXCLUSIVE, Netlink, attribute, attributes, nested, text

# linux/rtnetlink.h, linux/if_link.h: message kinds and attributes
_NEWLINK, _DELLINK, _GETLINK, _NEWADDR, _NEWROUTE = 16, 17, 18, 20, 24
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MASTER, _IFLA_LINKINFO, _IFLA_GROUP, _IFLA_NET_NS_FD = 1, 3, 10, 18, 27, 28
_INFO_KIND, _INFO_DATA, _VETH_INFO_PEER, _BR_MCAST_SNOOPING = 1, 2, 1, 23
_LINK = struct.Struct("=BBHiII")
_IFF_UP = 1
#: the links that wait for their deletion
_RETIRED = 0x7D


def _link(index: int = 0, flags: int = 0, change: int = 0) -> bytes:
    return _LINK.pack(0, 0, 0, index, flags, change)


def _number(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=I", value))


class Route(Netlink):
    """Configures the network namespace that was current when it was made. Every method raises OSError when refused."""

    def __init__(self) -> None:
        super().__init__(socket.NETLINK_ROUTE)

    def add_bridge(self, name: str) -> None:
        """Make a bridge and switch it on. It does not snoop on multicast, which would only cost time."""
        data = nested(_INFO_DATA, attribute(_BR_MCAST_SNOOPING, b"\0"))
        info = nested(_IFLA_LINKINFO, text(_INFO_KIND, "bridge"), data)
        self.call(_NEWLINK, CREATE | EXCLUSIVE, _link(0, _IFF_UP, _IFF_UP) + text(_IFLA_IFNAME, name) + info)

    def add_veth(
        self, name: str, master: int, peer: str, *, namespace: int | None = None, mac: bytes | None = None
    ) -> None:
        """Make a cable: the end ``name`` on the bridge ``master``, the end ``peer`` in the namespace of that descriptor.

        ``mac`` is the hardware address of the peer; without it the kernel takes one at random.
        """
        far = _link() + text(_IFLA_IFNAME, peer)
        if mac is not None:
            far += attribute(_IFLA_ADDRESS, mac)
        if namespace is not None:
            far += _number(_IFLA_NET_NS_FD, namespace)
        info = nested(_IFLA_LINKINFO, text(_INFO_KIND, "veth"), nested(_INFO_DATA, attribute(_VETH_INFO_PEER, far)))
        near = _link(0, _IFF_UP, _IFF_UP) + text(_IFLA_IFNAME, name) + _number(_IFLA_MASTER, master)
        self.call(_NEWLINK, CREATE | EXCLUSIVE, near + info)

    def plug(self, index: int, master: int) -> None:
        """Put a link on a bridge and switch it on."""
        self.call(_NEWLINK, 0, _link(index, _IFF_UP, _IFF_UP) + _number(_IFLA_MASTER, master))

    def switch_on(self, index: int) -> None:
        """Set a link up."""
        self.call(_NEWLINK, 0, _link(index, _IFF_UP, _IFF_UP))

    def retire(self, index: int) -> None:
        """Cut a link off at once, 0.2 ms; ``delete_retired`` removes it for good, for which the kernel takes 30 ms."""
        body = _link(index, 0, _IFF_UP) + _number(_IFLA_MASTER, 0) + _number(_IFLA_GROUP, _RETIRED)
        self.call(_NEWLINK, 0, body)

    def delete_retired(self) -> None:
        """Remove all retired links, cables with their other ends. They cost hardly more than one would."""
        try:
            self.call(_DELLINK, 0, _link() + _number(_IFLA_GROUP, _RETIRED))
        except OSError as error:
            if error.errno != errno.ENODEV:
                raise

    def add_address(self, index: int, address: str, prefix: int) -> None:
        """Give a link an IPv4 address in a network of ``prefix`` bits."""
        packed = socket.inet_aton(address)
        body = struct.pack("=BBBBi", socket.AF_INET, prefix, 0, 0, index)
        self.call(_NEWADDR, CREATE | EXCLUSIVE, body + attribute(2, packed) + attribute(1, packed))

    def add_default_route(self, gateway: str) -> None:
        """Send everything that has no nearer way to ``gateway``."""
        main, boot, universe, unicast = 254, 3, 0, 1
        body = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, main, boot, universe, unicast, 0)
        self.call(_NEWROUTE, CREATE | EXCLUSIVE, body + attribute(5, socket.inet_aton(gateway)))

    def links(self) -> dict[str, int]:
        """Return the links of the namespace: name → index."""
        found = {}
        for payload in self.dump(_GETLINK, _link()):
            index = _LINK.unpack_from(payload)[3]
            for kind, value in attributes(payload[_LINK.size :]):
                if kind == _IFLA_IFNAME:
                    found[value.rstrip(b"\0").decode()] = index
        return found

"""TCP connections of one network namespace: which there are, and how to end one, spoken to the kernel in sock_diag.

Everything acts on the network namespace of the calling thread, needs CAP_NET_ADMIN over it, raises OSError, and uses
the standard library alone: the helper process runs it.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable
from contextlib import closing

from tidegate.plane.netlink.messages import Netlink

# linux/sock_diag.h, linux/inet_diag.h, net/tcp_states.h
_NETLINK_SOCK_DIAG = 4
_BY_FAMILY, _DESTROY = 20, 21
_ESTABLISHED, _SYN_RECEIVED, _CLOSE_WAIT = 1 << 1, 1 << 3, 1 << 8
_IDENTITY = 48


def destroy_connections(port: int, doomed: Callable[[int], bool]) -> int:
    """Reset the IPv4 connections to local ``port`` whose peer address ``doomed`` says so; return how many."""
    with closing(Netlink(_NETLINK_SOCK_DIAG)) as channel:
        states = _ESTABLISHED | _SYN_RECEIVED | _CLOSE_WAIT
        wanted = struct.pack(">H", port) + bytes(_IDENTITY - 2)
        found = [answer[4 : 4 + _IDENTITY] for answer in channel.dump(_BY_FAMILY, _request(states, wanted))]
        here = [identity for identity in found if int.from_bytes(identity[:2], "big") == port]
        return sum(_destroy(channel, identity) for identity in here if doomed(_peer(identity)))


def _destroy(channel: Netlink, identity: bytes) -> bool:
    """Reset one connection; False when it had ended by itself."""
    try:
        channel.call(_DESTROY, 0, _request(0, identity))
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        raise OSError(error.errno, "this kernel cannot end connections of others (INET_DIAG_DESTROY)") from error
    return True


def _request(states: int, identity: bytes) -> bytes:
    return struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, states) + identity


def _peer(identity: bytes) -> int:
    return int.from_bytes(identity[20:24], "big")

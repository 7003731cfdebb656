"""TCP connections of one network namespace: which there are, and how to end one, spoken to the kernel in sock_diag.

Everything acts on the network namespace of the calling thread, needs CAP_NET_ADMIN over it, raises OSError, and uses
the standard library alone: the helper process runs it.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable

_NETLINK_SOCK_DIAG = 4
_BY_FAMILY, _DESTROY = 20, 21
_REQUEST, _ACK, _DUMP = 1, 4, 0x300
_ERROR, _DONE = 2, 3
_ESTABLISHED, _SYN_RECEIVED, _CLOSE_WAIT = 1 << 1, 1 << 3, 1 << 8
_IDENTITY = 48
_WAIT = struct.pack("@ll", 2, 0)


def destroy_connections(port: int, doomed: Callable[[int], bool]) -> int:
    """Reset the IPv4 connections to local ``port`` whose peer address ``doomed`` says so; return how many."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as channel:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _WAIT)
        found = [identity for identity in _connections(channel, port) if doomed(_peer(identity))]
        return sum(_destroy(channel, identity) for identity in found)


def _connections(channel: socket.socket, port: int) -> list[bytes]:
    """Return the kernel's 48-byte identities of the connections to ``port``."""
    states = _ESTABLISHED | _SYN_RECEIVED | _CLOSE_WAIT
    channel.send(_request(_BY_FAMILY, _DUMP, states, struct.pack(">H", port) + bytes(_IDENTITY - 2)))
    found: list[bytes] = []
    while True:
        data = channel.recv(1 << 16)
        while len(data) >= 16:
            length, kind = struct.unpack_from("=IH", data)
            payload, data = data[16:length], data[length + 3 & ~3 :]
            if kind == _DONE:
                return found
            if kind == _ERROR:
                _raise(payload)
            identity = payload[4 : 4 + _IDENTITY]
            if struct.unpack_from(">H", identity)[0] == port:
                found.append(identity)


def _destroy(channel: socket.socket, identity: bytes) -> bool:
    """Reset one connection; False when it had ended by itself."""
    channel.send(_request(_DESTROY, _ACK, 0, identity))
    try:
        _raise(channel.recv(1 << 16)[16:])
    except FileNotFoundError:
        return False
    return True


def _request(kind: int, flags: int, states: int, identity: bytes) -> bytes:
    body = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, states) + identity
    return struct.pack("=IHHII", 16 + len(body), kind, _REQUEST | flags, 1, 0) + body


def _peer(identity: bytes) -> int:
    return int.from_bytes(identity[20:24], "big")


def _raise(payload: bytes) -> None:
    code = -struct.unpack_from("=i", payload)[0]
    if code == errno.EOPNOTSUPP:
        raise OSError(code, "this kernel cannot end connections of others (INET_DIAG_DESTROY)")
    if code:
        raise OSError(code, f"sock_diag: {os.strerror(code)}")

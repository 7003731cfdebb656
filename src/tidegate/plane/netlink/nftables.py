"""The whitelist of one network namespace, spoken to the kernel in nf_tables messages.

The gate is one table: a set of address ranges, and a chain on the input hook that answers the first packet of a TCP
connection to the guarded port with a reset unless its source is in the set. Only first packets are looked at, so
established connections live on; only input is looked at, so the resets themselves get out (dataplane.md 2). An empty
set lets nobody in, and IPv6 never comes in.

Everything acts on the network namespace of the calling thread, needs CAP_NET_ADMIN over it, raises OSError, and uses
the standard library alone: the helper process runs it.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator, Sequence

from tidegate.plane.gate.ranges import LAST, Ranges

#: Ranges one gate may hold: what a transaction of an ordinary user can carry on stock kernel settings.
MOST_RANGES = 10_000

_TABLE, _SET, _CHAIN = b"tidegate\0", b"admitted\0", b"entrance\0"

_NETLINK_NETFILTER = 12
_SUBSYSTEM = 10 << 8
_INET = 1
_REQUEST, _ACK, _DUMP, _CREATE, _APPEND = 1, 4, 0x300, 0x400, 0x800
_ERROR, _DONE, _BATCH_BEGIN, _BATCH_END = 2, 3, 0x10, 0x11
_NEW_TABLE, _DELETE_TABLE, _NEW_CHAIN, _NEW_RULE, _NEW_SET = 0, 2, 3, 6, 9
_NEW_ELEMENTS, _GET_ELEMENTS, _DELETE_ELEMENTS = 12, 13, 14
_INTERVAL, _INTERVAL_END = 4, 1
_SOL_NETLINK, _CAP_ACK = 270, 10
# 40 bytes a range; the list of elements in one message is one attribute, which holds at most 64 KiB.
_RANGES_IN_MESSAGE = 1_500
_WAIT = struct.pack("@ll", 2, 0)


class NfTables:
    """A socket to nf_tables in the network namespace of the calling thread. Use it as a context manager."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER)
        self._sequence = 0
        self._socket.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _WAIT)
        _widen(self._socket)

    def __enter__(self) -> NfTables:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def install(self, port: int) -> None:
        """Close ``port`` to everybody. A gate that stands already, list and all, is replaced by an empty one."""
        self._commit(
            # "delete table" fails when there is none, so there is always one to delete.
            (_NEW_TABLE, _CREATE, _attribute(1, _TABLE)),
            (_DELETE_TABLE, 0, _attribute(1, _TABLE)),
            (_NEW_TABLE, _CREATE, _attribute(1, _TABLE)),
            (_NEW_SET, _CREATE, _set_of_ranges()),
            (_NEW_CHAIN, _CREATE, _chain_on_input()),
            (
                _NEW_RULE,
                _CREATE | _APPEND,
                _rule(_nfproto(socket.AF_INET), _first_packet_to(port), _unlisted(), _RESET),
            ),
            (_NEW_RULE, _CREATE | _APPEND, _rule(_nfproto(socket.AF_INET6), _first_packet_to(port), _RESET)),
        )

    def remove(self) -> None:
        """Take the gate away, and with it every restriction. None there: nothing happens."""
        try:
            self._commit((_DELETE_TABLE, 0, _attribute(1, _TABLE)))
        except FileNotFoundError:
            return

    def change(self, gone: Ranges, fresh: Ranges) -> None:
        """Take ranges out and put ranges in, all or nothing; effective on return.

        Fails when one of ``gone`` is not there as it is, or one of ``fresh`` overlaps another: ``replace`` then.
        """
        self._commit(*_element_messages(_DELETE_ELEMENTS, 0, gone), *_element_messages(_NEW_ELEMENTS, _CREATE, fresh))

    def replace(self, ranges: Ranges) -> None:
        """Make ``ranges`` the whole list, all or nothing; effective on return."""
        if len(ranges) > MOST_RANGES:
            raise OSError(errno.E2BIG, f"a gate holds at most {MOST_RANGES} ranges, not {len(ranges)}")
        flush = (_DELETE_ELEMENTS, 0, _attribute(1, _TABLE) + _attribute(2, _SET))
        self._commit(flush, *_element_messages(_NEW_ELEMENTS, _CREATE, ranges))

    def show(self) -> Ranges:
        """Return the list as the kernel holds it. No gate: FileNotFoundError."""
        body = _attribute(1, _TABLE) + _attribute(2, _SET)
        self._socket.send(self._message(_SUBSYSTEM | _GET_ELEMENTS, _DUMP, body))
        bounds: list[tuple[int, bool]] = []
        for kind, payload in self._answers():
            if kind == _DONE:
                break
            bounds += _read_bounds(payload)
        return _pair(bounds)

    def _commit(self, *messages: tuple[int, int, bytes]) -> None:
        """Send ``messages`` as one transaction and wait for the kernel's verdict."""
        if not messages:
            return
        parts = [self._message(_BATCH_BEGIN, 0, b"", family=0, resource=10)]
        for number, (kind, flags, body) in enumerate(messages, 1):
            # The acknowledgement is asked of the last change, not of the end mark: kernels before 6.10 ignore it there.
            wanted = flags | _ACK if number == len(messages) else flags
            parts.append(self._message(_SUBSYSTEM | kind, wanted, body))
        last = self._sequence
        parts.append(self._message(_BATCH_END, 0, b"", family=0, resource=10))
        self._socket.sendall(b"".join(parts))
        next(self._answers(last))

    def _message(self, kind: int, flags: int, body: bytes, *, family: int = _INET, resource: int = 0) -> bytes:
        self._sequence += 1
        header = struct.pack("=IHHII", 20 + len(body), kind, _REQUEST | flags, self._sequence, 0)
        return header + struct.pack(">BBH", family, 0, resource) + body

    def _answers(self, until: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield (type, payload) of what the kernel answers, raising its first error.

        With ``until``, plain acknowledgements are passed over except that of this sequence number.
        """
        while True:
            data = self._socket.recv(1 << 16)
            while len(data) >= 16:
                length, kind, _flags, sequence, _port = struct.unpack_from("=IHHII", data)
                payload, data = data[16:length], data[_aligned(length) :]
                if kind in (_ERROR, _DONE) and (code := -struct.unpack_from("=i", payload)[0]):
                    raise OSError(code, f"nf_tables: {os.strerror(code)}")
                if kind != _ERROR or sequence == until:
                    yield kind, payload


def _widen(channel: socket.socket) -> None:
    # A transaction must fit the send buffer whole.
    wanted = MOST_RANGES * 100
    try:
        channel.setsockopt(socket.SOL_SOCKET, 32, wanted)  # SO_SNDBUFFORCE
    except PermissionError:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, wanted)


def _aligned(length: int) -> int:
    return length + 3 & ~3


def _attribute(kind: int, data: bytes) -> bytes:
    length = len(data) + 4
    return struct.pack("=HH", length, kind) + data + bytes(_aligned(length) - length)


def _nested(kind: int, *attributes: bytes) -> bytes:
    return _attribute(kind | 0x8000, b"".join(attributes))


def _number(kind: int, value: int) -> bytes:
    return _attribute(kind, struct.pack(">I", value))


def _set_of_ranges() -> bytes:
    name = _attribute(1, _TABLE) + _attribute(2, _SET)
    return (
        name + _number(3, _INTERVAL) + _number(4, 7) + _number(5, 4) + _number(10, 1)
    )  # type ipv4_addr, 4 bytes, id 1


def _chain_on_input() -> bytes:
    hook = _nested(4, _number(1, 1), _attribute(2, struct.pack(">i", 0)))  # NF_INET_LOCAL_IN, priority filter
    return _attribute(1, _TABLE) + _attribute(3, _CHAIN) + hook + _attribute(7, b"filter\0")


def _rule(*parts: Sequence[bytes]) -> bytes:
    expressions = _nested(4, *(expression for part in parts for expression in part))
    return _attribute(1, _TABLE) + _attribute(2, _CHAIN) + expressions


def _expression(name: bytes, *attributes: bytes) -> bytes:
    return _nested(1, _attribute(1, name + b"\0"), _nested(2, *attributes))


def _meta(key: int) -> bytes:
    return _expression(b"meta", _number(1, 1), _number(2, key))


def _payload(base: int, offset: int, length: int) -> bytes:
    return _expression(b"payload", _number(1, 1), _number(2, base), _number(3, offset), _number(4, length))


def _equals(data: bytes) -> bytes:
    return _expression(b"cmp", _number(1, 1), _number(2, 0), _nested(3, _attribute(1, data)))


def _masked(mask: bytes) -> bytes:
    zero = _nested(5, _attribute(1, bytes(len(mask))))
    return _expression(
        b"bitwise", _number(1, 1), _number(2, 1), _number(3, len(mask)), _nested(4, _attribute(1, mask)), zero
    )


def _nfproto(family: int) -> list[bytes]:
    return [_meta(15), _equals(bytes([family]))]


def _first_packet_to(port: int) -> list[bytes]:
    """TCP, to this port, SYN without ACK."""
    to_port = [_meta(16), _equals(b"\x06"), _payload(2, 2, 2), _equals(struct.pack(">H", port))]
    return [*to_port, _payload(2, 13, 1), _masked(b"\x12"), _equals(b"\x02")]


def _unlisted() -> list[bytes]:
    inverted = _number(5, 1)
    return [_payload(1, 12, 4), _expression(b"lookup", _attribute(1, _SET), _number(2, 1), _number(4, 1), inverted)]


_RESET = (_expression(b"reject", _number(1, 1), _attribute(2, b"\0")),)


def _element_messages(kind: int, flags: int, ranges: Ranges) -> Iterator[tuple[int, int, bytes]]:
    for start in range(0, len(ranges), _RANGES_IN_MESSAGE):
        elements = b"".join(_element(*pair) for pair in ranges[start : start + _RANGES_IN_MESSAGE])
        yield kind, flags, _attribute(1, _TABLE) + _attribute(2, _SET) + _nested(3, elements)


def _element(first: int, last: int) -> bytes:
    """A range is two elements: its first address, and the one after its last marked as the end."""
    start = _nested(1, _nested(1, _attribute(1, first.to_bytes(4, "big"))))
    if last == LAST:
        return start
    return start + _nested(1, _number(3, _INTERVAL_END), _nested(1, _attribute(1, (last + 1).to_bytes(4, "big"))))


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        yield kind & 0x3FFF, data[4:length]
        data = data[_aligned(length) :]


def _read_bounds(payload: bytes) -> Iterator[tuple[int, bool]]:
    """Yield (address, is it an end mark) of the elements in one answer."""
    for kind, elements in _attributes(payload[4:]):
        if kind == 3:
            for _, element in _attributes(elements):
                fields = dict(_attributes(element))
                key = dict(_attributes(fields[1]))[1]
                yield int.from_bytes(key, "big"), bool(int.from_bytes(fields.get(3, b""), "big") & _INTERVAL_END)


def _pair(bounds: list[tuple[int, bool]]) -> Ranges:
    """Join start and end marks, in whatever order the kernel told them, to ranges."""
    ranges: list[tuple[int, int]] = []
    start: int | None = None
    for address, is_end in sorted(bounds, key=lambda bound: (bound[0], not bound[1])):
        if is_end and start is not None:
            ranges.append((start, address - 1))
            start = None
        elif not is_end:
            start = address
    if start is not None:
        ranges.append((start, LAST))
    return tuple(ranges)

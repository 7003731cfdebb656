"""The whitelist of one network namespace, spoken to the kernel in nf_tables messages.

The gate is one table: a set of address ranges, and a chain on the input hook that answers the first packet of a TCP
connection to the guarded port with a reset unless its source is in the set. Only first packets are looked at, so
established connections live on; only input is looked at, so the resets themselves get out (dataplane.md 2). An empty
set lets nobody in, and IPv6 never comes in. Four more sets remember who came: for those let in and those turned away, one
whose elements run out a fixed time after the first attempt and one whose elements run out after the last, so that what is
left of an element's time tells when that was. They are filled by rules of their own: a full set must not open the door.

Everything needs CAP_NET_ADMIN over the network namespace, raises OSError, and uses the standard library alone: the helper
process runs it.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator, Sequence

from tidegate.plane.gate.ranges import LAST, MEMORY, MOST_RANGES, MOST_VISITORS, Ranges, contains
from tidegate.plane.netlink.messages import ACK, CREATE, Netlink, attribute, attributes, nested, text

_TABLE, _SET, _CHAIN = "tidegate", "admitted", "entrance"
#: the sets of visitors, by their ids in the transaction that makes them
_CAME = {"in_first": 2, "in_last": 3, "out_first": 4, "out_last": 5}

# linux/netlink.h, linux/netfilter/nfnetlink.h and nf_tables.h: message kinds and flags
_NETLINK_NETFILTER = 12
_INET = 1
_APPEND = 0x800
_ERROR, _BATCH_BEGIN, _BATCH_END = 2, 0x10, 0x11
_SUBSYSTEM = 10 << 8
_NEW_TABLE, _DELETE_TABLE, _NEW_CHAIN, _NEW_RULE, _NEW_SET = (_SUBSYSTEM | kind for kind in (0, 2, 3, 6, 9))
_NEW_ELEMENTS, _GET_ELEMENTS, _DELETE_ELEMENTS = (_SUBSYSTEM | kind for kind in (12, 13, 14))
_INTERVAL, _INTERVAL_END = 4, 1
_TIMEOUT, _EVAL = 0x10, 0x20
_ADD, _UPDATE = 0, 1
_SOL_NETLINK, _CAP_ACK, _SO_SNDBUFFORCE = 270, 10, 32
# 40 bytes a range; the list of elements in one message is one attribute, which holds at most 64 KiB.
_RANGES_IN_MESSAGE = 1_500
_SECONDS = 2.0

_Change = tuple[int, int, bytes]
#: how many, and how many seconds ago the first and the last was
_Tally = tuple[int, float, float]
#: address → how many, and how many seconds ago
_Tallies = dict[int, tuple[int, float]]


class NfTables(Netlink):
    """A socket to nf_tables in the network namespace it was opened in, to be kept open between changes.

    Closing it makes the kernel wait until what the last change threw away is really gone: some 20 ms.
    """

    def __init__(self) -> None:
        super().__init__(_NETLINK_NETFILTER)
        self.socket.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)  # errors without a copy of what was sent
        self.socket.settimeout(_SECONDS)
        _widen(self.socket)

    def install(self, port: int) -> None:
        """Close ``port`` to everybody. A gate that stands already, list and all, is replaced by an empty one."""
        self._commit(
            # "delete table" fails when there is none, so there is always one to delete.
            (_NEW_TABLE, CREATE, text(1, _TABLE)),
            (_DELETE_TABLE, 0, text(1, _TABLE)),
            (_NEW_TABLE, CREATE, text(1, _TABLE)),
            (_NEW_SET, CREATE, _set_of_ranges()),
            *((_NEW_SET, CREATE, _set_of_visitors(name)) for name in _CAME),
            (_NEW_CHAIN, CREATE, _chain_on_input()),
            *(
                (_NEW_RULE, CREATE | _APPEND, _rule(_nfproto(family), _first_packet_to(port), *rest))
                for family, *rest in (
                    (socket.AF_INET, _unlisted(), _noted("out_first", "out_last")),
                    (socket.AF_INET, _unlisted(), _RESET),
                    (socket.AF_INET6, _RESET),
                    (socket.AF_INET, _SOURCE, _noted("in_first", "in_last")),
                )
            ),
        )

    def remove(self) -> None:
        """Take the gate away, and with it every restriction. None there: nothing happens."""
        try:
            self._commit((_DELETE_TABLE, 0, text(1, _TABLE)))
        except FileNotFoundError:
            return

    def change(self, gone: Ranges, fresh: Ranges) -> None:
        """Take ranges out and put ranges in, all or nothing; effective on return.

        Fails when one of ``gone`` is not there as it is, or one of ``fresh`` overlaps another: ``replace`` then.
        """
        self._commit(*_elements(_DELETE_ELEMENTS, 0, gone), *_elements(_NEW_ELEMENTS, CREATE, fresh))

    def replace(self, ranges: Ranges) -> None:
        """Make ``ranges`` the whole list, all or nothing; effective on return."""
        flush = (_DELETE_ELEMENTS, 0, text(1, _TABLE) + text(2, _SET))
        self._commit(flush, *_elements(_NEW_ELEMENTS, CREATE, ranges))

    def show(self) -> Ranges:
        """Return the list as the kernel holds it. No gate: FileNotFoundError."""
        body = _header(_INET) + text(1, _TABLE) + text(2, _SET)
        return _pair([bound for answer in self.dump(_GET_ELEMENTS, body) for bound in _read_bounds(answer)])

    def visits(self) -> dict[int, tuple[_Tally | None, _Tally | None]]:
        """Return who tried to connect, by address: let in, turned away. No gate: FileNotFoundError."""
        first_in, last_in, first_out, last_out = (self._came(name) for name in _CAME)
        found = {}
        for address in last_in.keys() | last_out.keys():
            found[address] = _tally(first_in, last_in, address), _tally(first_out, last_out, address)
        return found

    def forget_outside(self, ranges: Ranges) -> None:
        """Forget that addresses outside these ranges were ever let in."""
        for name in ("in_first", "in_last"):
            gone = [address for address in self._came(name) if not contains(ranges, address)]
            keys = b"".join(nested(1, nested(1, attribute(1, one.to_bytes(4, "big")))) for one in gone)
            if not keys:
                continue
            where = text(1, _TABLE) + text(2, name)
            try:
                self._commit((_DELETE_ELEMENTS, 0, where + nested(3, keys)))
            except FileNotFoundError:  # one of them has run out since: then all
                self._commit((_DELETE_ELEMENTS, 0, where))

    def _came(self, name: str) -> _Tallies:
        answers = self.dump(_GET_ELEMENTS, _header(_INET) + text(1, _TABLE) + text(2, name))
        return dict(visit for answer in answers for visit in _read_visits(answer))

    def _commit(self, *changes: _Change) -> None:
        """Send ``changes`` as one transaction and wait for the kernel's verdict."""
        if not changes:
            return
        *first, (kind, flags, body) = changes
        begin = self.message(_BATCH_BEGIN, 0, _header(0, 10))
        parts = [self.message(kind, flags, _header(_INET) + body) for kind, flags, body in first]
        # The acknowledgement is asked of the last change, not of the end mark: kernels before 6.10 ignore it there.
        last = self.message(kind, flags | ACK, _header(_INET) + body)
        end = self.message(_BATCH_END, 0, _header(0, 10))
        self.socket.sendall(b"".join((begin, *parts, last, end)))
        self._verdict(_sequence_of(begin), _sequence_of(last))

    def _verdict(self, begin: int, last: int) -> None:
        """Read up to the acknowledgement of the message ``last``; raise the first error of those since ``begin``."""
        while True:
            data = self.socket.recv(1 << 16)
            while len(data) >= 16:
                length, kind, _, sequence, _ = struct.unpack_from("=IHHII", data)
                if sequence >= begin and kind == _ERROR and (code := -struct.unpack_from("=i", data, 16)[0]):
                    raise OSError(code, f"nf_tables: {os.strerror(code)}")
                if sequence == last:
                    return
                data = data[length + 3 & ~3 :]


def _sequence_of(message: bytes) -> int:
    return int(struct.unpack_from("=I", message, 8)[0])


def _widen(channel: socket.socket) -> None:
    # A transaction must fit the send buffer whole.
    wanted = MOST_RANGES * 100
    try:
        channel.setsockopt(socket.SOL_SOCKET, 32, wanted)  # SO_SNDBUFFORCE
    except PermissionError:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, wanted)


def _header(family: int, resource: int = 0) -> bytes:
    return struct.pack(">BBH", family, 0, resource)


def _number(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack(">I", value))


def _set_of_ranges() -> bytes:
    name = text(1, _TABLE) + text(2, _SET)
    return (
        name + _number(3, _INTERVAL) + _number(4, 7) + _number(5, 4) + _number(10, 1)
    )  # type ipv4_addr, 4 bytes, id 1


def _set_of_visitors(name: str) -> bytes:
    size = nested(9, _number(1, MOST_VISITORS))
    life = attribute(11, struct.pack(">Q", MEMORY * 1000))
    kind = _number(3, _TIMEOUT | _EVAL) + _number(4, 7) + _number(5, 4)
    return text(1, _TABLE) + text(2, name) + kind + size + life + _number(10, _CAME[name])


def _chain_on_input() -> bytes:
    hook = nested(4, _number(1, 1), attribute(2, struct.pack(">i", 0)))  # NF_INET_LOCAL_IN, priority filter
    return text(1, _TABLE) + text(3, _CHAIN) + hook + text(7, "filter")


def _rule(*parts: Sequence[bytes]) -> bytes:
    expressions = nested(4, *(expression for part in parts for expression in part))
    return text(1, _TABLE) + text(2, _CHAIN) + expressions


def _expression(name: str, *parts: bytes) -> bytes:
    return nested(1, text(1, name), nested(2, *parts))


def _meta(key: int) -> bytes:
    return _expression("meta", _number(1, 1), _number(2, key))


def _payload(base: int, offset: int, length: int) -> bytes:
    return _expression("payload", _number(1, 1), _number(2, base), _number(3, offset), _number(4, length))


def _equals(data: bytes) -> bytes:
    return _expression("cmp", _number(1, 1), _number(2, 0), nested(3, attribute(1, data)))


def _masked(mask: bytes) -> bytes:
    zero = nested(5, attribute(1, bytes(len(mask))))
    return _expression(
        "bitwise", _number(1, 1), _number(2, 1), _number(3, len(mask)), nested(4, attribute(1, mask)), zero
    )


def _nfproto(family: int) -> list[bytes]:
    return [_meta(15), _equals(bytes([family]))]


def _first_packet_to(port: int) -> list[bytes]:
    """TCP, to this port, SYN without ACK."""
    to_port = [_meta(16), _equals(b"\x06"), _payload(2, 2, 2), _equals(struct.pack(">H", port))]
    return [*to_port, _payload(2, 13, 1), _masked(b"\x12"), _equals(b"\x02")]


_SOURCE = (_payload(1, 12, 4),)


def _unlisted() -> list[bytes]:
    inverted = _number(5, 1)
    return [*_SOURCE, _expression("lookup", text(1, _SET), _number(2, 1), _number(4, 1), inverted)]


def _noted(first: str, last: str) -> list[bytes]:
    """Count the source address: in ``first`` its time goes on running, in ``last`` it begins anew."""
    counter = nested(7, text(1, "counter"))
    return [
        _expression("dynset", text(1, name), _number(2, _CAME[name]), _number(3, what), _number(4, 1), counter)
        for name, what in ((first, _ADD), (last, _UPDATE))
    ]


_RESET = (_expression("reject", _number(1, 1), attribute(2, b"\0")),)


def _elements(kind: int, flags: int, ranges: Ranges) -> Iterator[_Change]:
    for start in range(0, len(ranges), _RANGES_IN_MESSAGE):
        elements = b"".join(_element(*pair) for pair in ranges[start : start + _RANGES_IN_MESSAGE])
        yield kind, flags, text(1, _TABLE) + text(2, _SET) + nested(3, elements)


def _element(first: int, last: int) -> bytes:
    """A range is two elements: its first address, and the one after its last marked as the end."""
    start = nested(1, nested(1, attribute(1, first.to_bytes(4, "big"))))
    if last == LAST:
        return start
    return start + nested(1, _number(3, _INTERVAL_END), nested(1, attribute(1, (last + 1).to_bytes(4, "big"))))


def _read_visits(payload: bytes) -> Iterator[tuple[int, tuple[int, float]]]:
    """Yield (address, (how many, how many seconds ago)) of the elements in one answer."""
    for kind, elements in attributes(payload[4:]):
        if kind == 3:
            for _, element in attributes(elements):
                fields = dict(attributes(element))
                key = dict(attributes(fields[1]))[1]
                left = int.from_bytes(fields[5], "big") / 1000
                counter = dict(attributes(dict(attributes(fields[7]))[2]))
                yield int.from_bytes(key, "big"), (int.from_bytes(counter[2], "big"), max(0.0, MEMORY - left))


def _tally(first: _Tallies, last: _Tallies, address: int) -> _Tally | None:
    if address not in last:
        return None
    count, ago = last[address]
    return count, first.get(address, (0, ago))[1], ago


def _read_bounds(payload: bytes) -> Iterator[tuple[int, bool]]:
    """Yield (address, is it an end mark) of the elements in one answer."""
    for kind, elements in attributes(payload[4:]):
        if kind == 3:
            for _, element in attributes(elements):
                fields = dict(attributes(element))
                key = dict(attributes(fields[1]))[1]
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

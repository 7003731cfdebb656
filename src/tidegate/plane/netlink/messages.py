"""Netlink messages and the socket that carries them, for every family that Tidegate speaks."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator

#: flags of a request (linux/netlink.h)
REQUEST, ACK, DUMP, CREATE, EXCLUSIVE = 0x1, 0x4, 0x300, 0x400, 0x200
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_NESTED = 0x8000
#: seconds after which an answer is not waited for any more; the kernel gives it at once
_PATIENCE = 30
#: longest answer the kernel puts into one datagram of a dump
_DATAGRAM = 1 << 16


def attribute(kind: int, value: bytes) -> bytes:
    """Write one attribute: length, kind, value, padding to four bytes."""
    length = len(value) + 4
    return struct.pack("=HH", length, kind) + value + b"\0" * (-length % 4)


def nested(kind: int, *attributes: bytes) -> bytes:
    """Write an attribute that holds others."""
    return attribute(kind | _NESTED, b"".join(attributes))


def text(kind: int, value: str) -> bytes:
    """Write an attribute that is a string ended by a zero."""
    return attribute(kind, value.encode() + b"\0")


def attributes(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Read the attributes of a message one after the other, as kind and value."""
    offset = 0
    while offset + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, offset)
        if length < 4:
            return
        yield kind & 0x3FFF, body[offset + 4 : offset + length]
        offset += length + (-length % 4)


class Netlink:
    """A netlink socket; it belongs to the network namespace it was opened in, wherever its owner goes later."""

    def __init__(self, family: int) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, family)
        self.socket.bind((0, 0))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", _PATIENCE, 0))
        self._sequence = 0

    def close(self) -> None:
        """Give the socket back."""
        self.socket.close()

    def message(self, kind: int, flags: int, body: bytes) -> bytes:
        """Frame a request and number it."""
        self._sequence += 1
        return _HEADER.pack(_HEADER.size + len(body), kind, REQUEST | flags, self._sequence, 0) + body

    def call(self, kind: int, flags: int, body: bytes) -> None:
        """Send one request and wait for its acknowledgement; OSError with the kernel's number when it refuses."""
        self.socket.send(self.message(kind, ACK | flags, body))
        for answer, payload in self._messages():
            if answer == _ERROR:
                _raise(payload)
                return

    def dump(self, kind: int, body: bytes) -> list[bytes]:
        """Ask for every object of a kind and return the payloads of the answers."""
        self.socket.send(self.message(kind, DUMP, body))
        found = []
        for answer, payload in self._messages():
            if answer == _DONE:
                break
            if answer == _ERROR:
                _raise(payload)
                break
            found.append(payload)
        return found

    def _messages(self) -> Iterator[tuple[int, bytes]]:
        """Yield the answers to the last request; the reader stops when it has what it wants."""
        while True:
            datagram = self.socket.recv(_DATAGRAM)
            offset = 0
            while offset + _HEADER.size <= len(datagram):
                length, kind, _, sequence, _ = _HEADER.unpack_from(datagram, offset)
                if sequence == self._sequence:
                    yield kind, datagram[offset + _HEADER.size : offset + length]
                offset += length + (-length % 4)


def _raise(payload: bytes) -> None:
    number = -struct.unpack_from("=i", payload)[0]
    if number:
        raise OSError(number, os.strerror(number))

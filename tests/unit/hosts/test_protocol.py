"""The control channel carries messages whole and descriptors with the right message."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.plane.helper.protocol import LINE_LIMIT, Channel, ProtocolError


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    left, right = (Channel(s) for s in socket.socketpair())
    yield left, right
    left.close()
    right.close()


def test_descriptors_come_with_the_message_that_announced_them(ends: tuple[Channel, Channel]) -> None:
    left, right = ends
    reader, writer = os.pipe()

    left.send({"n": 1})
    left.send({"n": 2}, [reader, writer])
    left.send({"n": 3})
    os.close(reader)
    os.close(writer)

    received = list(right.receive())
    assert [(message["n"], len(fds)) for message, fds in received] == [(1, 0), (2, 2), (3, 0)]
    passed_reader, passed_writer = received[1][1]
    assert os.write(passed_writer, b"x") == len(os.read(passed_reader, 9))
    os.close(passed_reader)
    os.close(passed_writer)


def test_a_message_larger_than_the_socket_takes_is_sent_in_pieces(ends: tuple[Channel, Channel]) -> None:
    left, right = ends
    text = "x" * 3_000_000

    left.send({"text": text})
    assert left.has_unsent
    received: list[object] = []
    while not received:
        left.flush()
        received = [message["text"] for message, _ in right.receive()]

    assert received == [text]
    assert not left.has_unsent


def test_the_end_of_the_other_side_is_an_end_of_file(ends: tuple[Channel, Channel]) -> None:
    left, right = ends
    left.close()

    with pytest.raises(EOFError):
        list(right.receive())
    with pytest.raises(EOFError):
        right.send({"n": 1})


def test_descriptors_that_were_announced_and_did_not_come_are_refused(ends: tuple[Channel, Channel]) -> None:
    left, right = ends
    left.socket.send(b'{"fds":1}\n')

    with pytest.raises(ProtocolError):
        list(right.receive())


def test_a_line_without_end_is_refused(ends: tuple[Channel, Channel]) -> None:
    left, right = ends

    def flood() -> None:
        for _ in range(LINE_LIMIT // 50_000 + 2):
            left.socket.send(b"x" * 50_000)
            list(right.receive())

    with pytest.raises(ProtocolError):
        flood()


@given(st.binary().filter(lambda line: b"\n" not in line))
def test_garbage_is_a_protocol_error_or_an_object_and_nothing_else(line: bytes) -> None:
    left, right = (Channel(s) for s in socket.socketpair())
    try:
        left.socket.send(line + b"\n")
        messages = list(right.receive())
    except ProtocolError:
        messages = []
    finally:
        left.close()
        right.close()

    assert all(isinstance(message, dict) for message, _ in messages)

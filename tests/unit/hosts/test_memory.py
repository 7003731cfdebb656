"""The twin in memory: what it is told to answer, how it dies, how many it carries."""

from __future__ import annotations

import asyncio
import gzip
import socket

import pytest

from tidegate.errors import PlaneError
from tidegate.plane.hosts.base import Command, HostSpec, Outcome
from tidegate.plane.hosts.memory import MemoryHosts
from tidegate.plane.hosts.script import unpack


def spec(number: int) -> HostSpec:
    return HostSpec(
        id=f"i-{number}",
        vswitch_id="vsw-1",
        network="172.16.0.0/16",
        gateway="172.16.255.253",
        address=f"172.16.{number // 250}.{number % 250 + 1}",
        hostname=f"host{number}",
    )


async def test_commands_are_answered_by_the_function_that_was_handed_in_and_remembered() -> None:
    hosts = MemoryHosts(respond=lambda host, command: Outcome(exit_code=9, output=host.id.encode() + command.stdin))
    await hosts.create(spec(1))
    command = Command(argv=["anything"], stdin=b"!", keep=3)

    outcome = await hosts.run("i-1", command)

    assert (outcome.exit_code, outcome.output, outcome.dropped) == (9, b"i-1", 1)
    assert hosts.commands == [("i-1", command)]


async def test_connections_are_made_by_the_function_that_was_handed_in() -> None:
    asked: list[object] = []
    ours, theirs = socket.socketpair()

    async def dial(source: HostSpec | None, address: str, port: int) -> socket.socket:
        asked.append((source, address, port))
        return ours

    hosts = MemoryHosts(dial=dial)
    await hosts.create(spec(1))

    with theirs, await hosts.connect("i-1", "172.16.0.9", 6379):
        assert asked == [(spec(1), "172.16.0.9", 6379)]
    with pytest.raises(ConnectionRefusedError):
        await MemoryHosts().connect(None, "172.16.0.9", 6379)


async def test_a_lost_plane_stops_every_host_and_tells_everybody() -> None:
    hosts = MemoryHosts()
    told: list[int] = []
    hosts.on_lost(lambda: told.append(1))
    hosts.on_lost(lambda: told.append(2))
    await hosts.create(spec(1))

    hosts.lose()

    assert told == [1, 2]
    assert [host.state for host in await hosts.list()] == ["Stopped"]


async def test_ten_thousand_hosts_are_no_trouble() -> None:
    hosts = MemoryHosts()

    await asyncio.gather(*(hosts.create(spec(number)) for number in range(10_000)))

    assert len({host.address for host in await hosts.list()}) == 10_000


def test_packed_user_data_is_unpacked_within_bounds() -> None:
    assert unpack(b"#!/bin/sh\n") == b"#!/bin/sh\n"
    assert unpack(gzip.compress(b"#!/bin/sh\n")) == b"#!/bin/sh\n"
    for broken in (gzip.compress(b"x")[:-1], b"\x1f\x8bnonsense", gzip.compress(bytes(2 << 20))):
        with pytest.raises(PlaneError, match="cannot be unpacked"):
            unpack(broken)

"""The gate that is HAProxy: a configuration with one frontend, a list swapped through its runtime socket."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tidegate.errors import PlaneError
from tidegate.plane.gate.base import GateSpec, Visitor, visitor_of
from tidegate.plane.gate.proxy import LIST, SOCKET, UPSTREAM, ProxyGate
from tidegate.plane.gate.ranges import (
    MEMORY,
    MOST_VISITORS,
    Ranges,
    block,
    blocks,
    contains,
    difference,
    dotted,
    merge,
    number,
)
from tidegate.plane.haproxy import BUFFER, lines, most_connections, say, tell
from tidegate.plane.rooms.base import Rooms, dial

_CONFIGURATION = "haproxy.cfg"
_WAIT = 5.0
#: address → how often it came, and when, in milliseconds as far as 32 bits tell
_Visits = dict[int, tuple[int, int]]
# Changes that are sent one by one; refilling the whole list costs about as much as this many.
_SMALL = 64
_SESSION = re.compile(r"(0x[0-9a-f]+): proto=tcpv4 src=([0-9.]+):[0-9]+ fe=redis ")

_TEMPLATE = """\
global
    nbthread 1
    maxconn {connections}
    noreuseport
    stats socket unix@{socket} mode 600 level admin
    stats timeout 1h
    tune.bufsize {buffer}
defaults
    mode tcp
    timeout connect 2s
    timeout client 24d
    timeout server 24d
frontend redis
    bind {address}:{port}
    acl listed src -f {list}
    tcp-request connection track-sc0 src table last_in if listed
    tcp-request connection track-sc1 src table first_in if listed
    tcp-request connection track-sc0 src table last_out unless listed
    tcp-request connection track-sc1 src table first_out unless listed
    tcp-request connection sc-set-gpt0(0) date(0,ms)
    tcp-request connection sc-set-gpt0(1) date(0,ms) unless {{ sc1_get_gpt0 gt 0 }}
    tcp-request connection reject unless listed
    default_backend server
backend server
    server server unix@{server}
{tables}"""
_TABLE = """\
backend {name}
    stick-table type ip size {size} expire {life}s store conn_cnt,gpt0
"""
_TABLES = ("first_in", "last_in", "first_out", "last_out")
_NOTHING = "data.conn_cnt 0 data.gpt0 0"
_VISIT = re.compile(r"key=([0-9.]+) .*?gpt0=([0-9]+) conn_cnt=([0-9]+)")


class HaproxyGate(ProxyGate):
    """One HAProxy per server."""

    name = "haproxy"

    def __init__(self, rooms: Rooms, program: str) -> None:
        super().__init__(rooms)
        self._program = program

    def prepare(self, folder: Path, spec: GateSpec, /) -> Sequence[str]:
        """Write the configuration. Names in it are relative to the folder, whatever the folder's own name holds."""
        text = _TEMPLATE.format(
            connections=most_connections(),
            socket=SOCKET,
            buffer=BUFFER,
            address=spec.address,
            port=spec.port,
            list=LIST,
            server=UPSTREAM,
            tables="".join(_TABLE.format(name=name, size=MOST_VISITORS, life=MEMORY) for name in _TABLES),
        )
        (folder / _CONFIGURATION).write_text(text)
        return (self._program, "-db", "-f", _CONFIGURATION)

    async def swap(self, folder: Path, old: Ranges | None, new: Ranges, /) -> None:
        """Give it the list; then forget who is not on it."""
        await self._give(folder, old, new)
        if old is None or difference(old, new)[0]:
            async with dial(folder / SOCKET, _WAIT) as (reader, writer):
                await say(reader, writer, "prompt")
                known = await _visits(reader, writer, "last_in") | await _visits(reader, writer, "first_in")
                gone = [dotted(one) for one in known if not contains(new, one)]
                # An entry with an open connection cannot be removed, but it can be set to nothing.
                commands = [f"set table {name} key {one} {_NOTHING}" for one in gone for name in _TABLES[:2]]
                await tell(reader, writer, commands)

    async def visitors(self, folder: Path) -> Sequence[Visitor]:
        """Read the four tables."""
        async with dial(folder / SOCKET, _WAIT) as (reader, writer):
            await say(reader, writer, "prompt")
            first_in, last_in, first_out, last_out = [await _visits(reader, writer, name) for name in _TABLES]
        now = int(time.time() * 1000)
        return [
            visitor_of(address, _tally(first_in, last_in, address, now), _tally(first_out, last_out, address, now))
            for address in last_in.keys() | last_out.keys()
        ]

    async def _give(self, folder: Path, old: Ranges | None, new: Ranges) -> None:
        """Send a small difference as such; a large one, or one that HAProxy disputes, as a new version of the list."""
        changes = None if old is None else _changes(old, new)
        async with dial(folder / SOCKET, _WAIT) as (reader, writer):
            await say(reader, writer, "prompt")
            if changes is not None and len(changes) <= _SMALL:
                with suppress(PlaneError):
                    await tell(reader, writer, changes)
                    return
            version = re.search(r"version created: ([0-9]+)", await say(reader, writer, f"prepare acl {LIST}"))
            if version is None:
                raise PlaneError("HAProxy made no new version of the list")
            await tell(reader, writer, [f"add acl @{version[1]} {LIST} {text}" for text in blocks(new)])
            await tell(reader, writer, [f"commit acl @{version[1]} {LIST}"])

    async def read(self, folder: Path) -> Ranges:
        """Ask for the entries of the list in force."""
        async with dial(folder / SOCKET, _WAIT) as (reader, writer):
            await say(reader, writer, "prompt")
            answer = await say(reader, writer, f"show acl {LIST}")
        return merge(block(line.split()[1]) for line in answer.splitlines() if line.startswith("0x"))

    async def end_unlisted(self, folder: Path) -> int:
        """Look through the sessions and end those of unlisted clients."""
        ranges = await self.read(folder)
        async with dial(folder / SOCKET, _WAIT) as (reader, writer):
            await say(reader, writer, "prompt")
            sessions = _SESSION.findall(await say(reader, writer, "show sess"))
            doomed = [session for session, client in sessions if not contains(ranges, number(client))]
            for line in lines([f"shutdown session {session}" for session in doomed]):
                await say(reader, writer, line)
        return len(doomed)


async def _visits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, table: str) -> _Visits:
    found = _VISIT.findall(await say(reader, writer, f"show table {table}"))
    return {number(one): (int(count), int(at)) for one, at, count in found if count != "0"}


def _tally(first: _Visits, last: _Visits, address: int, now: int) -> tuple[int, float, float] | None:
    """Return (count, first, last) of an address, the times as seconds before ``now``, which is in milliseconds."""
    if address not in last:
        return None
    count, at = last[address]
    return count, (now - first.get(address, (0, at))[1]) % (1 << 32) / 1000, (now - at) % (1 << 32) / 1000


def _changes(old: Ranges, new: Ranges) -> list[str]:
    gone, fresh = difference(old, new)
    return [f"del acl {LIST} {text}" for text in blocks(gone)] + [f"add acl {LIST} {text}" for text in blocks(fresh)]

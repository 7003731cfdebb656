"""Chooses the Redis servers and the gate before them by trying, never by guessing from versions.

The order is nftables, HAProxy, asyncio: the kernel's filter costs nothing on the way and shows Redis its clients'
addresses; HAProxy costs about a third of the throughput; asyncio needs nothing but Python.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from tidegate.errors import ConfigurationError, PlaneError
from tidegate.plane.gate.aio import AioGate
from tidegate.plane.gate.base import Gate
from tidegate.plane.gate.haproxy import HaproxyGate
from tidegate.plane.gate.memory import MemoryGate
from tidegate.plane.gate.nftables import NftablesGate
from tidegate.plane.haproxy import find_haproxy
from tidegate.plane.helper.client import HelperClient
from tidegate.plane.redis.base import RedisServers
from tidegate.plane.redis.binaries import find_server
from tidegate.plane.redis.memory import MemoryRedisServers
from tidegate.plane.redis.process import ProcessRedisServers
from tidegate.plane.rooms.base import Rooms
from tidegate.plane.rooms.loopback import LoopbackRooms
from tidegate.plane.rooms.netns import NetnsRooms


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen, and in ``notes`` what people should know about it: why nothing better, what is out of date."""

    servers: RedisServers
    gate: Gate
    notes: tuple[str, ...] = ()


async def choose_redis(
    hosts: str, folder: Path, *, gate: str = "auto", server: str | None = None, helper: HelperClient | None = None
) -> Chosen:
    """Return servers and gate for the chosen ``hosts`` driver (netns, loopback or memory), their files in ``folder``.

    ``gate`` is the setting of that name; anything but ``auto`` that cannot be had raises ConfigurationError with the
    remedy. ``server`` is the path of the Redis server to use. ``helper`` is that of the netns driver.
    """
    if hosts == "memory":
        return _memory(gate)
    if (hosts == "netns") != (helper is not None):
        raise ValueError("the netns driver, and no other, comes with its helper")
    if gate == "memory":
        raise ConfigurationError("gate=memory enforces nothing, so it goes with hosts=memory only")
    rooms: Rooms = NetnsRooms(helper, folder) if helper else LoopbackRooms(folder)
    chosen, notes = await _choose_gate(rooms, gate, helper)
    binary = await asyncio.to_thread(find_server, server)
    if binary.warning:
        notes.append(binary.warning)
    return Chosen(servers=ProcessRedisServers(rooms, chosen, binary), gate=chosen, notes=tuple(notes))


def _memory(gate: str) -> Chosen:
    if gate not in ("auto", "memory"):
        raise ConfigurationError(f"gate={gate} needs real hosts: choose hosts=netns or hosts=loopback, or gate=memory")
    twin = MemoryGate()
    return Chosen(servers=MemoryRedisServers(twin), gate=twin)


async def _choose_gate(rooms: Rooms, wanted: str, helper: HelperClient | None) -> tuple[Gate, list[str]]:
    """Return the first gate of the order that can be had, or just the one that is wanted; and why not a better one."""
    if wanted not in ("auto", "nftables", "haproxy", "aio"):
        raise ConfigurationError(f"gate={wanted} is unknown: choose auto, nftables, haproxy, aio or memory")
    notes: list[str] = []
    if wanted in ("auto", "nftables") and (helper is not None or wanted == "nftables"):
        try:
            return await _nftables(helper), notes
        except ConfigurationError as error:
            if wanted != "auto":
                raise
            notes.append(str(error))
    if wanted in ("auto", "haproxy"):
        try:
            return HaproxyGate(rooms, find_haproxy("gate=haproxy")), notes
        except ConfigurationError as error:
            if wanted != "auto":
                raise
            notes.append(str(error))
    return AioGate(rooms), notes


async def _nftables(helper: HelperClient | None) -> Gate:
    if helper is None:
        raise ConfigurationError("gate=nftables needs network namespaces: choose hosts=netns, or gate=haproxy")
    try:
        await helper.request("gate.probe")
    except PlaneError as error:
        raise ConfigurationError(
            f"gate=nftables cannot be had, the kernel refuses nf_tables ({error}): "
            "load the kernel's modules nf_tables and nft_reject_inet, or choose gate=haproxy"
        ) from error
    return NftablesGate(helper)

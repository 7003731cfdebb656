"""The plane of one cloud as a whole: which drivers it has on this machine, and what is therefore not enforced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tidegate.plane.gate.base import Gate
from tidegate.plane.helper.client import HelperClient
from tidegate.plane.hosts.base import Hosts
from tidegate.plane.hosts.loopback import LoopbackHosts
from tidegate.plane.hosts.memory import MemoryHosts
from tidegate.plane.hosts.netns import NetnsHosts
from tidegate.plane.probe import choose
from tidegate.plane.redis.base import RedisServers
from tidegate.plane.redis.choose import choose_redis


class World:
    """Hosts, Redis servers and their gate, opened together and closed together."""

    def __init__(self, hosts: Hosts, redis: RedisServers, gate: Gate, *, notes: Sequence[str] = ()) -> None:
        """``notes``: why these drivers, and what is not enforced with them."""
        self.hosts = hosts
        self.redis = redis
        self.gate = gate
        self.notes = [note for note in notes if note]

    @property
    def banner(self) -> str:
        """One line for people: what was chosen, why, and what is therefore not enforced."""
        chosen = f"hosts {self.hosts.name}, whitelist {self.gate.name}, Redis {self.redis.product}"
        return " · ".join([chosen, *self.notes])

    @property
    def summary(self) -> Mapping[str, str]:
        """The names of the drivers, for programs."""
        return {"hosts": self.hosts.name, "gate": self.gate.name, "redis": self.redis.product}

    async def facts(self) -> Mapping[str, Any]:
        """What there really is, counted now."""
        hosts, servers = await self.hosts.list(), await self.redis.list()
        return {
            "hosts": {
                "driver": self.hosts.name,
                "known": len(hosts),
                "alive": sum(host.state == "Running" for host in hosts),
            },
            "redis": {
                "product": self.redis.product,
                "known": len(servers),
                "alive": sum(server.state == "Running" for server in servers),
            },
            "gate": self.gate.name,
            "notes": self.notes,
        }

    async def close(self, *, destroy: bool = False) -> None:
        """Let go of everything, which lives on for the next start; with ``destroy`` end it."""
        await self.redis.close(destroy=destroy)
        await self.hosts.close(destroy=destroy)


async def open_world(directory: Path, *, hosts: str, gate: str) -> World:
    """Choose drivers by a real probe, or take those named, and adopt what lives in ``directory``.

    Raises ConfigurationError, with the remedy, when a named driver cannot be had here.
    """
    choice = await choose(hosts)
    helper = HelperClient(directory) if choice.driver == "netns" else None
    machines: Hosts
    if helper is not None:
        machines = await NetnsHosts.open(helper)
    elif choice.driver == "loopback":
        machines = LoopbackHosts(directory / "hosts")
    else:
        machines = MemoryHosts()
    redis = await choose_redis(machines.name, directory / "redis", gate=gate, helper=helper)
    return World(machines, redis.servers, redis.gate, notes=[choice.reason, machines.limits, *redis.notes])

"""The plane of one cloud as a whole: which drivers it has on this machine, and what is therefore not enforced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidegate.plane.balancer.base import Balancers
from tidegate.plane.balancer.choose import choose_balancers
from tidegate.plane.gate.base import Gate
from tidegate.plane.helper.client import HelperClient
from tidegate.plane.hosts.base import Hosts
from tidegate.plane.probe import choose
from tidegate.plane.redis.base import RedisServers
from tidegate.plane.redis.choose import choose_redis
from tidegate.settings import Settings


class World:
    """Hosts, Redis servers and their gate, load balancers: opened together and closed together."""

    def __init__(
        self,
        hosts: Hosts,
        redis: RedisServers,
        gate: Gate,
        balancers: Balancers,
        helper: HelperClient | None = None,
        *,
        notes: Sequence[str] = (),
    ) -> None:
        """``notes``: why these drivers, and what is not enforced with them."""
        self.hosts = hosts
        self.redis = redis
        self.gate = gate
        self.balancers = balancers
        self._helper = helper
        self.notes = [note for note in notes if note]

    @property
    def banner(self) -> str:
        """One line for people: what was chosen, why, and what is therefore not enforced."""
        chosen = f"hosts {self.hosts.name}, whitelist {self.gate.name}, Redis {self.redis.product}"
        chosen += f", load balancers {self.balancers.name}"
        return " · ".join([chosen, *self.notes])

    @property
    def summary(self) -> Mapping[str, str]:
        """The names of the drivers, for programs."""
        return {
            "hosts": self.hosts.name,
            "gate": self.gate.name,
            "redis": self.redis.product,
            "balancer": self.balancers.name,
        }

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
            "balancers": {"driver": self.balancers.name, "known": len(await self.balancers.list())},
            "notes": self.notes,
        }

    async def close(self, *, destroy: bool = False) -> None:
        """Let go of everything, which lives on for the next start; with ``destroy`` end it."""
        await self.balancers.close(destroy=destroy)
        await self.redis.close(destroy=destroy)
        await self.hosts.close(destroy=destroy)
        if self._helper is not None:
            await self._helper.close(destroy=destroy)


async def open_world(settings: Settings) -> World:
    """Choose drivers by a real probe, or take those that were named, and adopt what lives in the data folder.

    Raises ConfigurationError, with the remedy, when a named driver cannot be had here.
    """
    choice = await choose(settings)
    if settings.ephemeral and choice.helper is not None:
        await choice.helper.follow_us()
    folder = settings.data_dir / "plane" / "redis"
    redis = await choose_redis(
        choice.hosts.name, folder, gate=settings.gate, server=settings.redis_server, helper=choice.helper
    )
    balancers, note = choose_balancers(
        choice.hosts.name, settings.data_dir / "plane" / "balancer", wanted=settings.balancer, helper=choice.helper
    )
    notes = [choice.reason, choice.not_enforced, *redis.notes, note]
    return World(choice.hosts, redis.servers, redis.gate, balancers, choice.helper, notes=notes)

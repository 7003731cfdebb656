"""Redis servers as records: for tests and simulations. Nothing runs and nothing can be stored in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tidegate.errors import PlaneError
from tidegate.plane.gate.base import Gate, GateSpec
from tidegate.plane.redis.base import RedisServer, RedisSpec


class MemoryRedisServers:
    """The twin of the real servers; ``passwords`` holds what clients would have to say."""

    product = "memory"

    def __init__(self, gate: Gate) -> None:
        self.passwords: dict[str, str | None] = {}
        self._gate = gate
        self._servers: dict[str, RedisServer] = {}

    async def create(self, spec: RedisSpec) -> RedisServer:
        """Remember the server."""
        await self._gate.install(GateSpec(server_id=spec.id, address=spec.address, port=spec.port))
        self._servers[spec.id] = RedisServer(id=spec.id, address=spec.address, port=spec.port, state="Running")
        self.passwords[spec.id] = spec.password
        return self._servers[spec.id]

    async def destroy(self, server_id: str) -> None:
        """Forget the server."""
        await self._gate.remove(server_id)
        self._servers.pop(server_id, None)
        self.passwords.pop(server_id, None)

    async def list(self) -> Sequence[RedisServer]:
        """Return every server."""
        return list(self._servers.values())

    async def set_password(self, server_id: str, password: str | None) -> None:
        """Remember the password."""
        if server_id not in self._servers:
            raise PlaneError(f"there is no Redis server {server_id}")
        self.passwords[server_id] = password

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Records do not die."""

    async def close(self, *, destroy: bool = False) -> None:
        """Forget everything, if asked to."""
        if destroy:
            for server_id in list(self._servers):
                await self.destroy(server_id)

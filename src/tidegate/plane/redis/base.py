"""The port of the Redis servers behind R-kvstore instances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec


class RedisSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a server is made of. ``memory`` is MiB; without ``password`` clients need none."""

    id: str
    vswitch_id: str
    network: str
    gateway: str
    address: str
    port: int = 6379
    password: str | None = None
    memory: int = 1024


class RedisServer(msgspec.Struct, frozen=True, kw_only=True):
    """A server as it really is."""

    id: str
    address: str
    port: int
    state: Literal["Running", "Stopped"]


class RedisServers(Protocol):
    """Starts and removes Redis servers, each behind its gate. All methods raise PlaneError when the world refuses.

    The gate stands, and lets nobody in, before the server accepts its first connection.
    """

    #: server and version for people: ``Valkey 9.1.2``
    product: str

    async def create(self, spec: RedisSpec) -> RedisServer:
        """Start the server on its data; return when it answers PING. Running with an equal spec: returned as it is."""
        ...

    async def destroy(self, server_id: str) -> None:
        """End the server and remove its data, gate and address. Unknown: nothing happens."""
        ...

    async def list(self) -> Sequence[RedisServer]:
        """Every server there is, the truth after a crash."""
        ...

    async def set_password(self, server_id: str, password: str | None) -> None:
        """Change the password at once, for new connections and restarts. Unknown: PlaneError."""
        ...

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when servers have died with their plane; ``create`` brings each back, data and all."""
        ...

    async def close(self, *, destroy: bool = False) -> None:
        """Let go of the servers, which live on; with ``destroy`` end every one of them."""
        ...

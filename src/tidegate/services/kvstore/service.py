"""R-kvstore as a whole: what its API calls, and what the controller and other products may ask of it."""

from __future__ import annotations

from tidegate.clock import Clock
from tidegate.ids import Ids
from tidegate.plane.gate.base import Gate
from tidegate.plane.redis.base import RedisServers
from tidegate.services.ecs.service import Ecs
from tidegate.services.kvstore.gatekeeper import Gatekeeper
from tidegate.services.kvstore.instances import Instances
from tidegate.services.kvstore.registry import Registry
from tidegate.services.kvstore.states import Status
from tidegate.store.database import Database
from tidegate.store.kvstore import Instance
from tidegate.vault import Vault


class Kvstore:
    """Redis instances and their whitelists.

    ``changing_window`` and ``cuts_connections`` are the settings of whitelist changes (kvstore.md 6 and 9).
    """

    def __init__(
        self,
        database: Database,
        servers: RedisServers,
        gate: Gate,
        ecs: Ecs,
        *,
        vault: Vault,
        clock: Clock,
        ids: Ids,
        changing_window: float = 0.0,
        cuts_connections: bool = False,
    ) -> None:
        self._registry = Registry(database, clock)
        self.gatekeeper = Gatekeeper(
            database,
            self._registry,
            servers,
            gate,
            vault=vault,
            clock=clock,
            changing_window=changing_window,
            cuts_connections=cuts_connections,
        )
        self.instances = Instances(
            database, self._registry, self.gatekeeper, ecs=ecs, vault=vault, clock=clock, ids=ids
        )

    def status(self, instance: Instance) -> Status:
        """Return the instance's status at this moment."""
        return self._registry.status(instance)

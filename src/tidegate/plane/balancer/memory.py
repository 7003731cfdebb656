"""Load balancers as records: for tests and simulations. Nothing listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tidegate.plane.balancer.base import BalancerSpec, TargetState


class MemoryBalancers:
    """The twin of the real ones. Every checked target serves, but those whose address is in ``broken``."""

    name = "memory"

    def __init__(self) -> None:
        self.specs: dict[str, BalancerSpec] = {}
        self.broken: set[str] = set()
        #: open connections by load balancer and target; a target that goes takes them along
        self.connections: dict[tuple[str, str], int] = {}

    async def apply(self, spec: BalancerSpec) -> None:
        """Remember what it is to be."""
        self.specs[spec.id] = spec
        there = {(spec.id, target.id) for listener in spec.listeners for target in listener.targets}
        self.connections = {key: n for key, n in self.connections.items() if key[0] != spec.id or key in there}

    async def destroy(self, balancer_id: str) -> None:
        """Forget it."""
        self.specs.pop(balancer_id, None)
        self.connections = {key: n for key, n in self.connections.items() if key[0] != balancer_id}

    async def look(self, balancer_id: str) -> Sequence[TargetState]:
        """Tell what was set."""
        spec = self.specs.get(balancer_id)
        return [
            TargetState(
                listener=listener.port,
                target=target.id,
                health="unchecked" if listener.check is None else "down" if target.address in self.broken else "up",
                connections=self.connections.get((balancer_id, target.id), 0),
            )
            for listener in (spec.listeners if spec else ())
            for target in listener.targets
        ]

    async def list(self) -> Sequence[str]:
        """Return every load balancer."""
        return sorted(self.specs)

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Records do not die."""

    async def close(self, *, destroy: bool = False) -> None:
        """Forget everything, if asked to."""
        if destroy:
            self.specs.clear()
            self.connections.clear()

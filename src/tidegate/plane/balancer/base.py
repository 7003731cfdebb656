"""The port of the load balancers behind SLB."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec

#: ``checking``: not known yet; ``unchecked``: nobody asks, so it is sent to
TargetHealth = Literal["up", "down", "checking", "unchecked"]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """How targets are asked whether they serve. Durations are seconds; ``port`` None: the target's own."""

    kind: Literal["tcp", "http"] = "tcp"
    interval: float = 2.0
    timeout: float = 5.0
    rise: int = 3
    fall: int = 3
    port: int | None = None
    method: Literal["HEAD", "GET"] = "HEAD"
    path: str = "/"
    domain: str = ""
    #: ``200-399`` or several such, joined by commas
    statuses: str = "200-399"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A backend server as one listener sees it. Weight 0: what is open goes on, nothing new comes."""

    id: str
    address: str
    port: int
    weight: int


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """A port that is open. ``idle`` is how long a silent connection is kept, ``request`` how long an answer may take."""

    port: int
    mode: Literal["tcp", "http"]
    scheduler: Literal["wrr", "rr", "wlc"] = "wrr"
    check: Check | None = None
    #: tells HTTP targets the client's address
    forwarded: bool = True
    idle: float = 900.0
    request: float = 900.0
    targets: Sequence[Target] = ()


class BalancerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a load balancer is to be: an address on a vSwitch and the ports that are open there."""

    id: str
    vswitch_id: str
    network: str
    gateway: str
    address: str
    listeners: Sequence[Listener] = ()


class TargetState(msgspec.Struct, frozen=True, kw_only=True):
    """What one listener of a load balancer really knows of a target."""

    listener: int
    target: str
    health: TargetHealth
    connections: int


class Balancers(Protocol):
    """Runs load balancers. All methods raise PlaneError when the world refuses."""

    #: haproxy | memory
    name: str

    async def apply(self, spec: BalancerSpec) -> None:
        """Make the load balancer what ``spec`` says; it is so on return. Equal already: nothing happens.

        Targets come, go and change their weight without a restart. One that goes takes its open connections with it:
        whoever wants them to end by themselves gives it weight 0 first. One that is checked is sent to after its first
        success. A change of listeners loses no connection either.
        """
        ...

    async def destroy(self, balancer_id: str) -> None:
        """End the load balancer and free its address. Unknown: nothing happens."""
        ...

    async def look(self, balancer_id: str) -> Sequence[TargetState]:
        """What the load balancer really knows now, listener by listener. Unknown or not listening: nothing."""
        ...

    async def list(self) -> Sequence[str]:
        """The ids of the load balancers there are, the truth after a crash."""
        ...

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when load balancers have died with their plane; ``apply`` brings each back."""
        ...

    async def close(self, *, destroy: bool = False) -> None:
        """Let go of the load balancers, which live on; with ``destroy`` end every one of them."""
        ...

"""The port of the gate: a whitelist enforced on the wire, one per Redis instance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from tidegate.errors import PlaneError
from tidegate.plane.gate.ranges import MOST_RANGES, Ranges, dotted


class GateSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a gate stands before: the address and port that clients know."""

    server_id: str
    address: str
    port: int


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What a change of the list did: ranges sent, and milliseconds from command to effect."""

    added: int
    removed: int
    milliseconds: float


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts of one address that ended alike: how many, and how many seconds ago the first and the last was."""

    count: int
    first: float
    last: float


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """One address that tried to connect: what was let in, and what was turned away."""

    address: str
    admitted: Tally | None = None
    refused: Tally | None = None


def visitor_of(
    address: int, admitted: tuple[int, float, float] | None, refused: tuple[int, float, float] | None
) -> Visitor:
    """Return a visitor from an address and two (count, first, last), as helpers and proxies tell them."""
    return Visitor(address=dotted(address), admitted=_tally(admitted), refused=_tally(refused))


def _tally(told: tuple[int, float, float] | None) -> Tally | None:
    return Tally(count=told[0], first=told[1], last=told[2]) if told else None


def check_size(ranges: Ranges) -> None:
    """Raise PlaneError for a list that is too long for a gate."""
    if len(ranges) > MOST_RANGES:
        raise PlaneError(f"a gate holds at most {MOST_RANGES} ranges, not {len(ranges)}")


class Gate(Protocol):
    """Lets into a Redis server only who is on its list. Fails closed: no list, nobody comes in."""

    #: nftables | haproxy | aio | memory
    name: str
    #: Whether clients meet the gate at the server's address and the server itself listens on its Unix socket only.
    is_proxy: bool

    async def install(self, spec: GateSpec) -> None:
        """Stand before a server and let nobody in. A gate that stands there already keeps its list and comes back to life.

        The server's room is open; the server itself is started afterwards.
        """
        ...

    async def remove(self, server_id: str) -> None:
        """Take the gate away, its list included. The server has ended before. Unknown server: nothing happens."""
        ...

    async def allow(self, server_id: str, ranges: Ranges, *, thorough: bool = False) -> Applied:
        """Make ``ranges`` the whole list; effective for every connection begun after the return. Sends differences only.

        ``thorough`` also repairs what others have done to the list behind our back. Established connections are kept.
        On any error, more than ``MOST_RANGES`` ranges included, the old list stays or nobody is let in, and PlaneError
        is raised.
        """
        ...

    async def cut(self, server_id: str) -> int:
        """End the connections whose client is not on the list any more; return how many. On request only."""
        ...

    async def attempts(self, server_id: str) -> Sequence[Visitor]:
        """Who tried to connect within the last ``MEMORY`` seconds, ``MOST_VISITORS`` addresses at most, in no order.

        What an address was let in for is forgotten when it comes off the list; all is forgotten when the gate is
        removed or a proxy dies. Unknown server: PlaneError.
        """
        ...

    async def show(self, server_id: str) -> Ranges:
        """What the kernel or proxy really enforces, read back from it. Unknown server: PlaneError."""
        ...

    async def list(self) -> Sequence[str]:
        """The ids of the servers that have a gate."""
        ...

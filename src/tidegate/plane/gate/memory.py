"""The gate as a record: what a real one would let in, for tests and simulations. Nothing is on the wire."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.errors import PlaneError
from tidegate.plane.gate.base import Applied, GateSpec, Visitor, check_size, visitor_of
from tidegate.plane.gate.ranges import Ranges, contains, difference, number
from tidegate.plane.gate.visitors import VisitorBook


class MemoryGate:
    """The twin of the real gates: ``connect`` plays the client that they would meet."""

    name = "memory"
    is_proxy = False

    def __init__(self) -> None:
        self._lists: dict[str, Ranges] = {}
        self._connections: dict[str, list[str]] = {}
        self._books: dict[str, VisitorBook] = {}

    async def install(self, spec: GateSpec) -> None:
        """Stand before a server and let nobody in."""
        self._lists.setdefault(spec.server_id, ())
        self._connections.setdefault(spec.server_id, [])
        self._books.setdefault(spec.server_id, VisitorBook())

    async def remove(self, server_id: str) -> None:
        """Forget the list."""
        self._lists.pop(server_id, None)
        self._connections.pop(server_id, None)
        self._books.pop(server_id, None)

    async def allow(self, server_id: str, ranges: Ranges, *, thorough: bool = False) -> Applied:  # noqa: ARG002
        """Remember the list."""
        check_size(ranges)
        gone, fresh = difference(self._list_of(server_id), ranges)
        self._lists[server_id] = ranges
        self._books[server_id].forget_outside(ranges)
        return Applied(added=len(fresh), removed=len(gone), milliseconds=0.0)

    async def cut(self, server_id: str) -> int:
        """Forget the connections of clients that are not on the list."""
        ranges = self._list_of(server_id)
        before = self._connections[server_id]
        kept = [client for client in before if contains(ranges, number(client))]
        self._connections[server_id] = kept
        return len(before) - len(kept)

    async def attempts(self, server_id: str) -> Sequence[Visitor]:
        """Return who has played a client."""
        self._list_of(server_id)
        return [visitor_of(*told) for told in self._books[server_id].told()]

    async def show(self, server_id: str) -> Ranges:
        """Return the list."""
        return self._list_of(server_id)

    async def list(self) -> Sequence[str]:
        """Return the servers that have a gate."""
        return sorted(self._lists)

    def connect(self, server_id: str, client: str) -> bool:
        """Play a client with this address: True and a connection, or refused."""
        admitted = contains(self._lists.get(server_id, ()), number(client))
        if server_id in self._books:
            self._books[server_id].note(number(client), admitted=admitted)
        if admitted:
            self._connections[server_id].append(client)
        return admitted

    def connections(self, server_id: str) -> Sequence[str]:
        """Return the clients whose connections are open."""
        return tuple(self._connections.get(server_id, ()))

    def _list_of(self, server_id: str) -> Ranges:
        try:
            return self._lists[server_id]
        except KeyError:
            raise PlaneError(f"{server_id} has no gate") from None

"""The gate that is the kernel's own packet filter, in the server's network namespace, reached through the helper."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tidegate.plane.gate.base import Applied, GateSpec, Visitor, check_size, visitor_of
from tidegate.plane.gate.ranges import Ranges
from tidegate.plane.helper.client import HelperClient


class NftablesGate:
    """One nf_tables set per server; see ``plane/netlink/nftables.py`` for what it does to packets."""

    name = "nftables"
    is_proxy = False

    def __init__(self, helper: HelperClient) -> None:
        self._helper = helper

    async def install(self, spec: GateSpec) -> None:
        """Close the server's port to everybody."""
        await self._helper.request("gate.install", owner=spec.server_id, port=spec.port)

    async def remove(self, server_id: str) -> None:
        """Take the table away."""
        await self._helper.request("gate.remove", owner=server_id)

    async def allow(self, server_id: str, ranges: Ranges, *, thorough: bool = False) -> Applied:
        """Send the difference in one transaction; when the kernel disputes it, the whole list in one transaction."""
        check_size(ranges)
        started = time.perf_counter()
        added, removed = await self._helper.request("gate.allow", owner=server_id, ranges=ranges, thorough=thorough)
        return Applied(added=added, removed=removed, milliseconds=(time.perf_counter() - started) * 1000)

    async def cut(self, server_id: str) -> int:
        """Have the kernel reset the connections of clients that are not on the list."""
        return int(await self._helper.request("gate.cut", owner=server_id))

    async def attempts(self, server_id: str) -> Sequence[Visitor]:
        """Read what the kernel counted."""
        found = await self._helper.request("gate.attempts", owner=server_id)
        return [visitor_of(address, admitted, refused) for address, admitted, refused in found]

    async def show(self, server_id: str) -> Ranges:
        """Read the set back from the kernel."""
        return tuple((first, last) for first, last in await self._helper.request("gate.show", owner=server_id))

    async def list(self) -> Sequence[str]:
        """Return the namespaces with a table."""
        return list(await self._helper.request("gate.list"))

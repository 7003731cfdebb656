"""The helper's verbs about whitelists: nf_tables in the network namespace of each Redis server.

The helper remembers what each kernel list holds, as long as the list itself lives, so whichever control plane speaks
need not know what another one said before.
"""

from __future__ import annotations

import os
from contextlib import closing, suppress

from tidegate.plane.gate.ranges import Ranges, contains, difference
from tidegate.plane.helper import kernel
from tidegate.plane.helper.cloud import Cloud
from tidegate.plane.helper.networks import Namespace
from tidegate.plane.helper.server import RefusedError, Request, Verb
from tidegate.plane.netlink.nftables import NfTables
from tidegate.plane.netlink.sock_diag import destroy_connections


class Guard:
    """A gate: the namespace it stands in, the port it guards, the list that the kernel has."""

    def __init__(self, namespace: Namespace, port: int, tables: NfTables) -> None:
        self.namespace = namespace
        self.port = port
        self.tables = tables
        self.ranges: Ranges = ()


class Gates:
    """All gates of one helper, by the owner of the namespace."""

    def __init__(self, cloud: Cloud) -> None:
        self._networks = cloud.networks
        self._guards: dict[str, Guard] = {}

    def install(self, owner: str, port: int) -> None:
        """Close the port to everybody, unless the gate stands already in this very namespace."""
        guard = self._guards.get(owner)
        if guard is not None and guard.port == port and self._networks.get(owner) is guard.namespace and _stands(guard):
            return
        self.remove(owner)
        with self._networks.inside(owner):
            tables = NfTables()
        try:
            tables.install(port)
        except OSError:
            tables.close()
            raise
        namespace = self._networks.get(owner)
        assert namespace is not None
        self._guards[owner] = Guard(namespace, port, tables)

    def remove(self, owner: str) -> None:
        """Take the gate away; the namespace may be gone already."""
        guard = self._guards.pop(owner, None)
        if guard is not None:
            guard.tables.remove()
            guard.tables.close()

    def allow(self, owner: str, ranges: Ranges, *, thorough: bool) -> tuple[int, int]:
        """Make ``ranges`` the list; returns how many came and how many went.

        ``thorough`` reads the kernel's list back and repairs it: somebody may have meddled.
        """
        guard = self._guard(owner)
        gone, fresh = difference(guard.ranges, ranges)
        try:
            guard.tables.change(gone, fresh)
            if thorough and guard.tables.show() != ranges:
                guard.tables.replace(ranges)
        except OSError:
            guard.tables.replace(ranges)
        if gone:
            with suppress(OSError):  # what is remembered of visitors must not fail what was done to the list
                guard.tables.forget_outside(ranges)
        guard.ranges = ranges
        return len(fresh), len(gone)

    def attempts(self, owner: str) -> list[tuple[int, object, object]]:
        """Return who tried to connect: address, let in, turned away."""
        return [(address, *tallies) for address, tallies in self._guard(owner).tables.visits().items()]

    def show(self, owner: str) -> Ranges:
        """Read the list back from the kernel."""
        return self._guard(owner).tables.show()

    def cut(self, owner: str) -> int:
        """End the connections of clients that are not on the list."""
        guard = self._guard(owner)
        with self._networks.inside(owner):
            return destroy_connections(guard.port, lambda client: not contains(guard.ranges, client))

    def probe(self) -> None:
        """Install a gate in a namespace that is thrown away; OSError says why there can be none on this machine."""
        home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            kernel.unshare(kernel.NEWNET)
            with closing(NfTables()) as tables:
                tables.install(1)
                tables.change((), ((1, 2),))
                tables.show()
        finally:
            kernel.setns(home, kernel.NEWNET)
            os.close(home)

    def owners(self) -> list[str]:
        """Return who has a gate."""
        return sorted(self._guards)

    def _guard(self, owner: str) -> Guard:
        if owner not in self._guards:
            raise RefusedError(f"{owner} has no gate")
        return self._guards[owner]


def _stands(guard: Guard) -> bool:
    try:
        guard.tables.show()
    except FileNotFoundError:
        return False
    return True


def verbs(cloud: Cloud) -> dict[str, Verb]:
    """The verbs about whitelists. Ranges travel as lists of pairs of numbers."""
    gates = Gates(cloud)

    def install(request: Request) -> object:
        gates.install(request.args["owner"], request.args["port"])
        return None

    def remove(request: Request) -> object:
        gates.remove(request.args["owner"])
        return None

    def allow(request: Request) -> object:
        ranges = tuple((first, last) for first, last in request.args["ranges"])
        return gates.allow(request.args["owner"], ranges, thorough=request.args["thorough"])

    def show(request: Request) -> object:
        return gates.show(request.args["owner"])

    def attempts(request: Request) -> object:
        return gates.attempts(request.args["owner"])

    def cut(request: Request) -> object:
        return gates.cut(request.args["owner"])

    def probe(_: Request) -> object:
        gates.probe()
        return None

    def owners(_: Request) -> object:
        return gates.owners()

    return {
        "gate.install": install,
        "gate.remove": remove,
        "gate.allow": allow,
        "gate.show": show,
        "gate.attempts": attempts,
        "gate.cut": cut,
        "gate.list": owners,
        "gate.probe": probe,
    }

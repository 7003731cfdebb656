"""The helper's verbs about whitelists: nf_tables in the network namespace of each Redis server.

The helper remembers what each kernel list holds, as long as the list itself lives, so whichever control plane speaks
need not know what another one said before.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

from tidegate.plane.gate.ranges import Ranges, contains, difference
from tidegate.plane.helper import kernel
from tidegate.plane.helper.cloud import Cloud
from tidegate.plane.helper.server import RefusedError, Request, Verb
from tidegate.plane.netlink.nftables import NfTables
from tidegate.plane.netlink.sock_diag import destroy_connections


class Guard:
    """A gate: the port it guards and the list that the kernel has."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.ranges: Ranges = ()


class Gates:
    """All gates of one helper, by the owner of the namespace."""

    def __init__(self, cloud: Cloud) -> None:
        self._networks = cloud.networks
        self._guards: dict[str, Guard] = {}

    def install(self, owner: str, port: int) -> None:
        """Close the port to everybody, unless the gate stands already in this very namespace."""
        with self._tables(owner) as tables:
            guard = self._guards.get(owner)
            if guard is not None and guard.port == port and _stands(tables):
                return
            tables.install(port)
            self._guards[owner] = Guard(port)

    def remove(self, owner: str) -> None:
        """Take the gate away; the namespace may be gone already."""
        if self._guards.pop(owner, None) and self._networks.get(owner):
            with self._tables(owner) as tables:
                tables.remove()

    def allow(self, owner: str, ranges: Ranges) -> tuple[int, int]:
        """Make ``ranges`` the list; returns how many came and how many went.

        The list that is there already is compared with the kernel's, and repaired: somebody may have meddled.
        """
        guard = self._guard(owner)
        gone, fresh = difference(guard.ranges, ranges)
        with self._tables(owner) as tables:
            try:
                tables.change(gone, fresh)
                if not (gone or fresh) and tables.show() != ranges:
                    tables.replace(ranges)
            except OSError:
                tables.replace(ranges)
        guard.ranges = ranges
        return len(fresh), len(gone)

    def show(self, owner: str) -> Ranges:
        """Read the list back from the kernel."""
        self._guard(owner)
        with self._tables(owner) as tables:
            return tables.show()

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
        return sorted(owner for owner in self._guards if self._networks.get(owner))

    def _guard(self, owner: str) -> Guard:
        if owner not in self._guards:
            raise RefusedError(f"{owner} has no gate")
        return self._guards[owner]

    @contextmanager
    def _tables(self, owner: str) -> Iterator[NfTables]:
        with self._networks.inside(owner), closing(NfTables()) as tables:
            yield tables


def _stands(tables: NfTables) -> bool:
    try:
        tables.show()
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
        return gates.allow(request.args["owner"], tuple((first, last) for first, last in request.args["ranges"]))

    def show(request: Request) -> object:
        return gates.show(request.args["owner"])

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
        "gate.cut": cut,
        "gate.list": owners,
        "gate.probe": probe,
    }

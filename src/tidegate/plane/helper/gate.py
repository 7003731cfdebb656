"""The helper's verbs about whitelists: nf_tables in the network namespace of each Redis server.

The helper remembers what each kernel list holds, as long as the list itself lives, so whichever control plane speaks
need not know what another one said before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from tidegate.plane.gate.ranges import Ranges, contains, difference
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
        with self._kernel(owner) as kernel:
            guard = self._guards.get(owner)
            if guard is not None and guard.port == port and _stands(kernel):
                return
            kernel.install(port)
            self._guards[owner] = Guard(port)

    def remove(self, owner: str) -> None:
        """Take the gate away; the namespace may be gone already."""
        if self._guards.pop(owner, None) and self._networks.get(owner):
            with self._kernel(owner) as kernel:
                kernel.remove()

    def allow(self, owner: str, ranges: Ranges) -> tuple[int, int]:
        """Make ``ranges`` the list; returns how many came and how many went."""
        guard = self._guard(owner)
        gone, fresh = difference(guard.ranges, ranges)
        with self._kernel(owner) as kernel:
            try:
                kernel.change(gone, fresh)
            except OSError:
                kernel.replace(ranges)
        guard.ranges = ranges
        return len(fresh), len(gone)

    def show(self, owner: str) -> Ranges:
        """Read the list back from the kernel."""
        self._guard(owner)
        with self._kernel(owner) as kernel:
            return kernel.show()

    def cut(self, owner: str) -> int:
        """End the connections of clients that are not on the list."""
        guard = self._guard(owner)
        with self._networks.inside(owner):
            return destroy_connections(guard.port, lambda client: not contains(guard.ranges, client))

    def owners(self) -> list[str]:
        """Return who has a gate."""
        return sorted(owner for owner in self._guards if self._networks.get(owner))

    def _guard(self, owner: str) -> Guard:
        if owner not in self._guards:
            raise RefusedError(f"{owner} has no gate")
        return self._guards[owner]

    @contextmanager
    def _kernel(self, owner: str) -> Iterator[NfTables]:
        with self._networks.inside(owner), closing(NfTables()) as kernel:
            yield kernel


def _stands(kernel: NfTables) -> bool:
    try:
        kernel.show()
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

    def owners(_: Request) -> object:
        return gates.owners()

    return {
        "gate.install": install,
        "gate.remove": remove,
        "gate.allow": allow,
        "gate.show": show,
        "gate.cut": cut,
        "gate.list": owners,
    }

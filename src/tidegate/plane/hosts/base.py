"""The port of the hosts behind ECS instances."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

import msgspec


class HostSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a host is made of. ``address`` is dotted IPv4 inside ``network`` (``172.16.0.0/24``), whose ``gateway`` is
    the vSwitch's router; ``user_data`` is run once, at first boot; ``memory`` is MiB.
    """

    id: str
    vswitch_id: str
    network: str
    gateway: str
    address: str
    hostname: str
    user_data: bytes = b""
    memory: int = 1024


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A host as it really is. ``state`` is Stopped when its disk is there but nothing runs."""

    id: str
    address: str
    state: Literal["Running", "Stopped"]


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command for a host: ``argv`` run in ``directory`` with ``environment`` added, killed after ``timeout`` seconds."""

    argv: Sequence[str]
    stdin: bytes = b""
    environment: Mapping[str, str] = {}
    directory: str = "/root"
    timeout: float = 60.0
    #: bytes of output kept (ECS keeps 24 KiB); the rest is counted, not stored
    keep: int = 24 * 1024


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a command ended. ``exit_code`` is None when it was killed at its time limit. Output: stdout and stderr mixed."""

    exit_code: int | None
    output: bytes
    dropped: int = 0


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a running host has used since its boot, and uses now.

    Counters grow as long as the host runs; they begin anew with a boot, and a counter may fall behind by what processes
    used whose end nobody has waited for. ``at``: when this was read, in seconds of a clock that only goes forward.
    ``cpu``: seconds of processor time; ``memory``: bytes; ``loading``: processes that run or wait for a processor.
    Network counters are None where hosts share a network.
    """

    id: str
    at: float
    cpu: float
    memory: int
    loading: int = 0
    connections: int = 0
    established: int = 0
    received: int | None = None
    sent: int | None = None
    packets_received: int | None = None
    packets_sent: int | None = None


class Hosts(Protocol):
    """Boots and removes hosts. All methods raise PlaneError when the world refuses."""

    #: netns | loopback | memory
    name: str
    #: the /12 of private addresses that hosts can have; the default VPC is cut out of it: ``172.16.0.0/12`` where each
    #: host has a network of its own, ``127.16.0.0/12`` where they share the machine's loopback
    block: str
    #: what is not enforced, in one line for people; empty when hosts are as isolated as on the cloud
    limits: str

    async def create(self, spec: HostSpec) -> Host:
        """Make the host and boot it; return when it runs. An equal host that is there is returned as it is."""
        ...

    async def start(self, host_id: str) -> Host:
        """Boot a stopped host from its disk. A running one is left alone. Unknown: PlaneError."""
        ...

    async def stop(self, host_id: str) -> None:
        """End everything that runs on the host and keep its disk. Stopped or unknown: nothing happens."""
        ...

    async def destroy(self, host_id: str) -> None:
        """Remove the host, its disk and its address. Unknown: nothing happens. Nothing of it is left on return."""
        ...

    async def list(self) -> Sequence[Host]:
        """Every host there is, the truth after a crash."""
        ...

    async def run(self, host_id: str, command: Command) -> Outcome:
        """Run a command inside the host and return how it ended. Host stopped or unknown, no such directory: PlaneError.

        A program that is not there ends with 127, one that cannot be run with 126, a signal with 128 + its number.
        What the command leaves running in the background goes on; ``PRIVATE_IP`` is in its environment. Cancelling the
        call kills the command with its process group.
        """
        ...

    async def console(self, host_id: str) -> bytes:
        """The console log since the last boot (boot lines, user data output), its last 64 KiB. Unknown: empty."""
        ...

    async def measure(self) -> Sequence[Usage]:
        """Measure every host that runs; one that is ending may be left out. 1,000 hosts take a quarter of a second."""
        ...

    async def connect(self, host_id: str | None, address: str, port: int, timeout: float = 3.0) -> socket.socket:
        """Open a TCP connection from inside the host (None: from the router of the network) and hand it over.

        Raises OSError exactly as ``connect`` does: refused, unreachable, timed out. The socket blocks, as made by
        ``socket.create_connection``, and the caller closes it. Host stopped or unknown: PlaneError.
        """
        ...

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when hosts have died with their plane (the helper was killed); ``list`` says which live."""
        ...

    async def close(self, *, destroy: bool = False) -> None:
        """Let go of the hosts, which live on for the next start; with ``destroy`` end every one of them."""
        ...

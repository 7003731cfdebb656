"""Hosts that exist in this process only: for fast tests and simulations of ten thousand instances."""

from __future__ import annotations

import math
import shlex
import socket
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from tidegate.errors import PlaneError
from tidegate.plane.hosts.base import Command, Host, HostSpec, Outcome, Usage
from tidegate.plane.hosts.script import unpack

LIMITS = "hosts are simulated: nothing runs"
#: answers a command: how the program would have ended
Respond = Callable[[HostSpec, Command], Outcome]
#: connects from a host (None: the router) to an address and a port
Dial = Callable[[HostSpec | None, str, int], Awaitable[socket.socket]]


#: seconds of a memory host's time from one measurement to the next
MEASURED_EVERY = 15.0


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What a host is busy with: processors (1.5: one and a half), bytes of memory, and what its network does a second."""

    cpu: float = 0.0
    memory: int = 0
    connections: int = 0
    established: int = 0
    received: int = 0
    sent: int = 0
    packets_received: int = 0
    packets_sent: int = 0


class _Record:
    """One host."""

    def __init__(self, spec: HostSpec) -> None:
        self.spec = spec
        self.is_running = False
        self.has_booted = False
        self.console = b""
        self.usage = Usage(
            id=spec.id, at=0.0, cpu=0.0, memory=0, received=0, sent=0, packets_received=0, packets_sent=0
        )

    def show(self) -> Host:
        return Host(id=self.spec.id, address=self.spec.address, state="Running" if self.is_running else "Stopped")


class MemoryHosts:
    """Keeps the promises of the port without a process; what commands answer and connections meet is handed in."""

    name = "memory"
    block = "172.16.0.0/12"
    limits = LIMITS

    def __init__(self, *, respond: Respond | None = None, dial: Dial | None = None) -> None:
        #: answers every command; may be exchanged at any time
        self.respond = respond or answer_simple_commands
        self._dial = dial or _refuse
        self._hosts: dict[str, _Record] = {}
        self._addresses: dict[tuple[str, str], str] = {}
        self._lost: list[Callable[[], None]] = []
        #: every command that was run, with its host's id, oldest first
        self.commands: list[tuple[str, Command]] = []
        #: what every host is busy with, and what single ones are
        self.load = Load()
        self.loads: dict[str, Load] = {}
        self._measured_at = 0.0

    async def create(self, spec: HostSpec) -> Host:
        """Make the host; it runs at once."""
        there = self._hosts.get(spec.id)
        if there is not None:
            if there.spec != spec:
                raise PlaneError(f"the host {spec.id} is there and made of something else")
            return there.show()
        place = (spec.vswitch_id, spec.address)
        if holder := self._addresses.get(place):
            raise PlaneError(f"{spec.address} on {spec.vswitch_id} belongs to {holder}")
        record = _Record(spec)
        self._boot(record)
        self._hosts[spec.id] = record
        self._addresses[place] = spec.id
        return record.show()

    async def start(self, host_id: str) -> Host:
        """Boot a stopped host."""
        record = self._hosts.get(host_id)
        if record is None:
            raise PlaneError(f"there is no host {host_id}")
        if not record.is_running:
            self._boot(record)
        return record.show()

    async def stop(self, host_id: str) -> None:
        """Stop the host."""
        if record := self._hosts.get(host_id):
            record.is_running = False

    async def destroy(self, host_id: str) -> None:
        """Forget the host."""
        if record := self._hosts.pop(host_id, None):
            del self._addresses[record.spec.vswitch_id, record.spec.address]

    async def list(self) -> Sequence[Host]:
        """Every host."""
        return [record.show() for record in self._hosts.values()]

    async def run(self, host_id: str, command: Command) -> Outcome:
        """Let the function that was handed in answer the command."""
        record = self._running(host_id)
        self.commands.append((host_id, command))
        outcome = self.respond(record.spec, command)
        dropped = max(len(outcome.output) - command.keep, 0)
        return Outcome(
            exit_code=outcome.exit_code, output=outcome.output[: command.keep], dropped=outcome.dropped + dropped
        )

    async def console(self, host_id: str) -> bytes:
        """The lines of the last boot."""
        record = self._hosts.get(host_id)
        return record.console if record else b""

    async def measure(self) -> Sequence[Usage]:
        """Let ``MEASURED_EVERY`` seconds of every host's load pass, and tell what it comes to."""
        self._measured_at += MEASURED_EVERY
        running = [record for record in self._hosts.values() if record.is_running]
        for record in running:
            record.usage = _loaded(record.usage, self.loads.get(record.spec.id, self.load), self._measured_at)
        return [record.usage for record in running]

    async def connect(self, host_id: str | None, address: str, port: int, timeout: float = 3.0) -> socket.socket:  # noqa: ARG002
        """Let the function that was handed in connect."""
        return await self._dial(None if host_id is None else self._running(host_id).spec, address, port)

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when ``lose`` is called."""
        self._lost.append(callback)

    def lose(self) -> None:
        """Let the plane die, as a killed helper does: every host stops, and everybody is told."""
        for record in self._hosts.values():
            record.is_running = False
        for callback in self._lost:
            callback()

    async def close(self, *, destroy: bool = False) -> None:
        """Let go of the hosts, or forget them."""
        if destroy:
            self._hosts.clear()
            self._addresses.clear()

    def _running(self, host_id: str) -> _Record:
        record = self._hosts.get(host_id)
        if record is None:
            raise PlaneError(f"there is no host {host_id}")
        if not record.is_running:
            raise PlaneError(f"the host {host_id} is not running")
        return record

    def _boot(self, record: _Record) -> None:
        record.is_running = True
        spec = record.spec
        lines = [f"booting {spec.id} as {spec.hostname}"]
        script = unpack(spec.user_data)
        if script and not record.has_booted:
            command = Command(argv=["sh", "-c", script.decode(errors="replace")], directory="/")
            outcome = self.respond(spec, command)
            lines += [*outcome.output.decode(errors="replace").splitlines()]
            lines += [f"user data ended with exit status {outcome.exit_code}"]
        record.has_booted = True
        record.console = "".join(f"[tidegate] {line}\n" for line in lines).encode()


def _loaded(usage: Usage, load: Load, now: float) -> Usage:
    def grown(name: str) -> int:
        return int(getattr(usage, name) + getattr(load, name) * MEASURED_EVERY)

    return Usage(
        id=usage.id,
        at=now,
        cpu=usage.cpu + load.cpu * MEASURED_EVERY,
        memory=load.memory,
        loading=math.ceil(load.cpu),
        connections=load.connections,
        established=load.established,
        received=grown("received"),
        sent=grown("sent"),
        packets_received=grown("packets_received"),
        packets_sent=grown("packets_sent"),
    )


def answer_simple_commands(spec: HostSpec, command: Command) -> Outcome:
    """Answer ``echo``, ``cat`` without a file, ``hostname``, ``true``, ``false``, ``exit N`` and ``sleep``, and lists of
    them given to ``sh -c``; everything else is a program that is not there (127).
    """
    if list(command.argv[:2]) == ["sh", "-c"] and len(command.argv) > 2:
        lines = command.argv[2].replace(";", "\n").splitlines()
        try:
            steps = [words for line in lines if (words := shlex.split(line, comments=True))]
        except ValueError as error:
            return Outcome(exit_code=2, output=f"sh: {error}\n".encode())
    else:
        steps = [list(command.argv)]
    output, code = b"", 0
    for words in steps:
        if words[0] == "sleep" and float(words[1]) >= command.timeout:
            return Outcome(exit_code=None, output=output)
        said, code = _answer(words, spec, command)
        output += said
        if words[0] == "exit":
            break
    return Outcome(exit_code=code, output=output)


def _answer(words: Sequence[str], spec: HostSpec, command: Command) -> tuple[bytes, int]:
    match words:
        case ["echo", *rest]:
            values = {"$PRIVATE_IP": spec.address, **{f"${key}": value for key, value in command.environment.items()}}
            return " ".join(values.get(word, word) for word in rest).encode() + b"\n", 0
        case ["cat"]:
            return command.stdin, 0
        case ["hostname"]:
            return f"{spec.hostname}\n".encode(), 0
        case ["true" | "sleep", *_]:
            return b"", 0
        case ["false"]:
            return b"", 1
        case ["exit", code]:
            return b"", int(code)
        case _:
            return f"{words[0]}: No such file or directory\n".encode(), 127


async def _refuse(source: HostSpec | None, address: str, port: int) -> socket.socket:  # noqa: ARG001
    raise ConnectionRefusedError(f"nothing listens at {address}:{port}")

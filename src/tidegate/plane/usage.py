"""What the kernel's books say that processes and networks use. Reads files of ``/proc`` and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

_TICK = 1.0 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
#: states of processes that the load average counts: running or waiting for a processor, waiting for a disk
_LOADING = (b"R", b"D")


class Tally(NamedTuple):
    """What processes use together: seconds of processor time, children that have ended included; bytes; how many load."""

    cpu: float
    memory: int
    loading: int


def tally(proc: str, pids: Iterable[str], *, memory: bool = True) -> Tally:
    """Add up what these processes of the process table ``proc`` use; those that end meanwhile are left out.

    Memory, if wanted, is what a process has for itself: pages of files and of shared memory are not counted once for
    each.
    """
    ticks = pages = loading = 0
    for pid in pids:
        try:
            fields = read(f"{proc}/{pid}/stat").rpartition(b")")[2].split()
            sizes = read(f"{proc}/{pid}/statm").split() if memory else [b"0"] * 3
        except OSError:
            continue
        if len(fields) > 14 and len(sizes) > 2:
            loading += fields[0] in _LOADING
            ticks += sum(map(int, fields[11:15]))
            pages += int(sizes[1]) - int(sizes[2])
    return Tally(ticks * _TICK, max(pages, 0) * _PAGE, loading)


def processes(proc: str) -> list[str]:
    """Return the processes of a process table."""
    return [name for name in os.listdir(proc) if name.isdigit()]  # noqa: PTH208 - as cheap as can be


class Traffic(NamedTuple):
    """What went through an interface since it was made."""

    received: int
    packets_received: int
    sent: int
    packets_sent: int


def traffic(path: str, interface: str) -> Traffic | None:
    """Read an interface's counters in a ``net/dev``; None when it has no such interface."""
    for line in read(path).splitlines():
        name, _, counters = line.partition(b":")
        if name.strip() == interface.encode():
            fields = counters.split()
            return Traffic(int(fields[0]), int(fields[1]), int(fields[8]), int(fields[9]))
    return None


def connections(folder: str) -> tuple[int, int]:
    """Return how many TCP sockets, and how many established ones, the network of a ``net`` folder has."""
    return _number(f"{folder}/sockstat", b"TCP:", b"inuse"), _established(f"{folder}/snmp")


def _number(path: str, head: bytes, name: bytes) -> int:
    for line in read(path).splitlines():
        words = line.split()
        if words and words[0] == head and name in words:
            return int(words[words.index(name) + 1])
    return 0


def _established(path: str) -> int:
    rows = [line.split() for line in read(path).splitlines() if line.startswith(b"Tcp:")]
    if len(rows) < 2 or b"CurrEstab" not in rows[0]:
        return 0
    return int(rows[1][rows[0].index(b"CurrEstab")])


def read(path: str) -> bytes:
    """Return what a file of the kernel says. OSError: it is not there (any more)."""
    # A descriptor by hand costs half of what a file object does, and there are thousands of them.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(descriptor, 1 << 16):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)

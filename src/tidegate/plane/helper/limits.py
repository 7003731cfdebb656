"""Memory limits of hosts by cgroups, version 1 or 2, where this user may make them.

Processes are counted by RLIMIT_NPROC, which is per user namespace and so per host (``guest``): joining a group makes
the kernel wait for all processors, up to 20 ms, so there is one group and not one for each thing that can be limited.
"""

from __future__ import annotations

import contextlib
import os

from tidegate.plane import usage

#: the file of a state directory that names the group made for it
_NOTE = "cgroup"
#: the file that limits a group, of version 2 and of version 1
_LIMIT_FILES = ("memory.max", "memory.limit_in_bytes")


class Limits:
    """A cgroup per host below one of our own, which carries the state directory's identity in its name."""

    def __init__(self, directory: str) -> None:
        clean(directory)
        self._parent = _make(directory)
        if self._parent is not None:
            with open(f"{directory}/{_NOTE}", "w", encoding="utf-8") as file:
                file.write(self._parent)

    @property
    def are_enforced(self) -> bool:
        """Whether the memory of a host is limited as a whole."""
        return self._parent is not None

    def create(self, host_id: str, memory: int) -> None:
        """Make the host's group: ``memory`` MiB for all its processes together. Without cgroups nothing happens."""
        if self._parent is not None:
            group = f"{self._parent}/{host_id}"
            os.makedirs(group, exist_ok=True)
            (limit,) = set(_LIMIT_FILES) & set(os.listdir(group))
            _write(f"{group}/{limit}", str(memory << 20))

    def join(self, host_id: str) -> None:
        """Put this process, and with it all it will start, into the host's group."""
        if self._parent is not None:
            _write(f"{self._parent}/{host_id}/cgroup.procs", "0")

    def destroy(self, host_id: str) -> None:
        """Remove the group of a host whose processes have ended."""
        if self._parent is not None:
            with contextlib.suppress(OSError):
                os.rmdir(f"{self._parent}/{host_id}")

    def usage(self, host_id: str) -> tuple[float | None, int | None]:
        """Return the processor time (seconds) and the memory (bytes) of the host's group; None for what it does not tell.

        Memory is without pages of files that could be given back at any time. Only version 2 counts processor time.
        """
        if self._parent is None:
            return None, None
        return used_by(f"{self._parent}/{host_id}")

    def end(self) -> None:
        """Remove all groups; their processes have ended."""
        if self._parent is not None:
            _remove(self._parent)


def clean(directory: str) -> None:
    """Remove the groups of a state directory whose helper has ended; the kernel ends processes, not their groups."""
    with contextlib.suppress(FileNotFoundError):
        with open(f"{directory}/{_NOTE}", encoding="utf-8") as file:
            parent = file.read()
        _remove(parent)
        os.unlink(f"{directory}/{_NOTE}")


def used_by(group: str) -> tuple[float | None, int | None]:
    """Read processor time and memory of a group of either version; None for what it does not tell."""
    cpu = memory = None
    with contextlib.suppress(OSError):
        cpu = _entry(f"{group}/cpu.stat", b"usage_usec ") / 1e6
    for current, spare in (("memory.current", b"\ninactive_file "), ("memory.usage_in_bytes", b"total_inactive_file ")):
        with contextlib.suppress(OSError):
            memory = max(int(usage.read(f"{group}/{current}")) - _entry(f"{group}/memory.stat", spare), 0)
    return cpu, memory


def _entry(path: str, name: bytes) -> int:
    """Return one number of a file with a name and a number on each line, 0 when it is not there."""
    _, found, rest = usage.read(path).partition(name)
    return int(rest.split(None, 1)[0]) if found else 0


def _remove(parent: str) -> None:
    if not os.path.isdir(parent):
        return
    children = [f"{parent}/{name}" for name in os.listdir(parent)]
    for group in (*filter(os.path.isdir, children), parent):
        with contextlib.suppress(OSError):
            os.rmdir(group)


def _make(directory: str) -> str | None:
    """Make our own group below that of this process; None where it cannot be or does not limit memory."""
    found = os.stat(directory)
    for base in _bases():
        group = f"{base}/tidegate-{found.st_dev:x}-{found.st_ino:x}"
        try:
            os.makedirs(group, exist_ok=True)
            _hand_down(group)
            os.makedirs(f"{group}/trial")
            limits = set(_LIMIT_FILES) & set(os.listdir(f"{group}/trial"))
            os.rmdir(f"{group}/trial")
        except OSError:
            limits = set()
        if limits:
            return group
        with contextlib.suppress(OSError):
            os.rmdir(group)
    return None


def _bases() -> list[str]:
    """Return the folders of this process's groups that may limit memory."""
    places = _mounts()
    bases = []
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        for line in file:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            if place := places.get(controllers):
                base = f"{place}{path}".rstrip("/")
                with contextlib.suppress(OSError):
                    _hand_down(base)
                    bases.append(base)
    return bases


def _mounts() -> dict[str, str]:
    """Return where groups are mounted: controller → folder; version 2 has them all under the empty name."""
    places = {}
    with open("/proc/self/mounts", encoding="utf-8") as file:
        for line in file:
            _, place, kind, options, *_ = line.split(" ")
            if kind == "cgroup2":
                places[""] = place
            elif kind == "cgroup" and "memory" in options.split(","):
                places["memory"] = place
    return places


def _hand_down(group: str) -> None:
    """Give the memory controller to the groups below, which version 2 wants to be told and refuses while it has none."""
    control = f"{group}/cgroup.subtree_control"
    if os.path.exists(control):
        _write(control, "+memory")


def _write(path: str, value: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(value)

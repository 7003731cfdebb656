"""What a host's processes are: root of a user namespace that owns nothing, with few capabilities and small limits.

The namespace is entered last, after the network, the mounts and the process table of the host have been made. They
belong to the helper's user namespace, so root inside has no power over any of them: it cannot take another address,
mount, or change its routes, whatever it starts.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal

from tidegate.plane.helper import kernel

#: as root the ids of a host lie here on the machine: above those that container tools hand out, below 2^31
_FIRST_ID, _IDS = 1_900_000_000, 65_536
#: CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT SETFCAP
CAPABILITIES = frozenset({0, 1, 3, 4, 5, 6, 7, 8, 10, 18, 31})
_PROCESSES = 4_096
_FILES = 1_024


class Guests:
    """Makes the user namespaces of hosts and says who owns their files."""

    def __init__(self, *, is_root: bool) -> None:
        self._map = f"0 {_FIRST_ID} {_IDS}" if is_root else "0 0 1"
        self._owner = _FIRST_ID if is_root else 0
        #: whether hosts can have a user namespace of their own; without one they only lack capabilities
        self.is_possible = self._try()

    @property
    def owner(self) -> int:
        """Return the uid, as the helper sees it, of root in a host."""
        return self._owner if self.is_possible else 0

    def make(self) -> int | None:
        """Make a user namespace and return its descriptor; None where there are none. Forks: not for the helper itself.

        A process in a new user namespace cannot name ids that are not its own; so a child goes there and we write.
        """
        if not self.is_possible:
            return None
        ready, say = os.pipe2(os.O_CLOEXEC)
        pid = os.fork()
        if pid == 0:
            _wait_in_new_namespace(ready, say)
        os.close(say)
        try:
            if os.read(ready, 1) != b"+":
                raise PermissionError("a user namespace in the user namespace is refused")
            kernel.write(f"/proc/{pid}/uid_map", self._map)
            kernel.write(f"/proc/{pid}/gid_map", self._map)
            return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        finally:
            os.close(ready)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def _try(self) -> bool:
        self.is_possible = True
        try:
            descriptor = self.make()
        except OSError:
            return False
        assert descriptor is not None
        os.close(descriptor)
        return True


def _wait_in_new_namespace(ready: int, say: int) -> None:
    try:
        os.close(ready)
        kernel.unshare(kernel.NEWUSER)
        os.write(say, b"+")
        signal.pause()
    finally:
        os._exit(1)


def become(namespace: int | None, memory: int | None) -> None:
    """Turn this process into one of a host: user namespace, ids, capabilities, limits. Nothing of it can be undone.

    ``memory``: MiB that one process may use where nothing else limits the host; None where something does.
    """
    if namespace is not None:
        kernel.setns(namespace, kernel.NEWUSER)
        os.close(namespace)
        resource.setrlimit(resource.RLIMIT_NPROC, (_PROCESSES, _PROCESSES))
    with contextlib.suppress(PermissionError):  # an ordinary user's namespaces have no say over groups
        os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_FILES, hard), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (memory << 20, memory << 20))
    kernel.keep_capabilities(CAPABILITIES)
    kernel.no_new_privileges()

"""The helper's program: enter new namespaces as pid 1, serve the control socket, take everything along at the end.

Started as ``python -I -S -c … <source> <state directory> <init of hosts>``. Standard output is a pipe on which one line
says that the helper is ready, is not needed because another one serves the directory, or why it cannot be.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import json
import os
import resource
import signal
import socket
import sys
import time

from tidegate.plane.helper import cloud, gate, host_verbs, kernel, staff
from tidegate.plane.helper.protocol import LOCK, SOCKET
from tidegate.plane.helper.server import Server

#: seconds between two looks whether the directory is still there
_LOOK = 2.0
#: seconds that processes which have been killed may take to end
_END_LIMIT = 10.0


def main() -> None:
    """Become the helper of the directory ``sys.argv[1]``; returns in no process."""
    directory = sys.argv[1]
    os.umask(0o077)
    report = _take_report()
    try:
        lock = _lock(directory)
        if lock is None:
            _say(report, {"ready": False})
            os._exit(0)
        listener = _bind(directory)
        is_root = os.getuid() == 0
        if not is_root:
            become_root()
        leave_namespaces()
        if os.fork():
            os._exit(0)  # the child is pid 1 of the new pid namespace and goes on
        _settle()
        listener.listen(64)
        world = cloud.Cloud(directory, is_root=is_root, init=sys.argv[2])
        verbs = {**cloud.verbs(world), **host_verbs.verbs(world), **staff.verbs(world), **gate.verbs(world)}
        Server(world.loop, listener, verbs)
    except BaseException as error:  # reported to whoever started us, who can do something about it
        _say(report, {"error": str(error) or type(error).__name__})
        raise
    _say(report, {"ready": True})
    _watch(world, lock)
    gc.collect()
    gc.freeze()  # children share the pages that the collector would otherwise touch
    world.loop.run()
    _end(world)
    os._exit(0)


def become_root() -> None:
    """Become root of a new user namespace, in which only this user exists."""
    uid, gid = os.getuid(), os.getgid()
    kernel.unshare(kernel.NEWUSER)
    kernel.write("/proc/self/setgroups", "deny")
    kernel.write("/proc/self/uid_map", f"0 {uid} 1")
    kernel.write("/proc/self/gid_map", f"0 {gid} 1")


def leave_namespaces() -> None:
    """Leave all other namespaces of the machine; the next child is pid 1 of the new one."""
    kernel.unshare(kernel.NEWNS | kernel.NEWPID | kernel.NEWNET | kernel.NEWUTS | kernel.NEWIPC)


def own_the_mounts() -> None:
    """Keep our mounts to ourselves and mount a ``/proc`` that shows our processes."""
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_SLAVE)
    kernel.mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)


def _settle() -> None:
    """Set up the process: a session and keys of its own, our mounts, all the files we may open."""
    os.setsid()
    kernel.leave_keyring()
    os.chdir("/")
    own_the_mounts()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _take_report() -> int:
    """Keep standard output for one line and let everything else go to the log, which standard error is already."""
    report = os.dup(1)
    os.dup2(2, 1)
    return report


def _lock(directory: str) -> int | None:
    """Take the directory for as long as this helper lives; None when another one has it."""
    lock = os.open(f"{directory}/{LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    return lock


def _watch(world: cloud.Cloud, lock: int) -> None:
    """End when the directory has been removed: nobody will ever ask for what is left without it."""
    try:
        is_ours = os.path.samestat(os.stat(f"{world.directory}/{LOCK}"), os.fstat(lock))
    except FileNotFoundError:
        is_ours = False
    if is_ours:
        world.loop.call_later(_LOOK, lambda: _watch(world, lock))
    else:
        world.loop.stop()


def _end(world: cloud.Cloud) -> None:
    """End every process below us, so that what outlives us can be removed, too. The kernel would do it, but after us."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    deadline = time.monotonic() + _END_LIMIT
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < deadline:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.001)
    for action in world.at_end:
        action()


def _bind(directory: str) -> socket.socket:
    """Put the control socket in place of a stale one. The path goes through a descriptor: 108 bytes is all it may have."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{directory}/{SOCKET}")
    listener = socket.socket(socket.AF_UNIX)
    parent = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    try:
        listener.bind(f"/proc/self/fd/{parent}/{SOCKET}")
    finally:
        os.close(parent)
    return listener


def _say(report: int, message: dict[str, object]) -> None:
    with contextlib.suppress(OSError):
        os.write(report, json.dumps(message).encode() + b"\n")
    os.close(report)

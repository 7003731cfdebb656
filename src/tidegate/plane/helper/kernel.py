"""The kernel calls that Python 3.11 does not have: namespaces, mounts, privileges."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterable, Mapping

# linux/sched.h
NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
# linux/mount.h
MS_BIND, MS_REC, MS_SLAVE, MS_PRIVATE, MNT_DETACH = 0x1000, 0x4000, 1 << 19, 1 << 18, 2
MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
READ_ONLY, NO_SUID, NO_DEV, NO_EXEC = 1, 2, 4, 8
#: the mount calls of Linux 5.2 and 5.12 have the same numbers on every architecture
_OPEN_TREE, _MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT, _MOUNT_SETATTR = 428, 429, 430, 431, 432, 442
_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 24, 38, 47
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _text(value: str | None) -> bytes | None:
    return None if value is None else os.fsencode(value)


def unshare(flags: int) -> None:
    """Leave the namespaces named by ``flags`` for new ones. A new pid namespace takes effect for children."""
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def setns(descriptor: int, flags: int) -> None:
    """Enter the namespaces named by ``flags`` of the process (pidfd) or the namespace behind ``descriptor``."""
    _check(_libc.setns(ctypes.c_int(descriptor), ctypes.c_int(flags)), "setns")


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """Mount in the old way; see ``clone_tree`` and ``attach`` for the way that needs no path of the source."""
    result = _libc.mount(_text(source), _text(target), _text(kind), ctypes.c_ulong(flags), _text(data))
    _check(result, f"mount {target}")


def unmount(target: str, flags: int = 0) -> None:
    """Take a mount away."""
    _check(_libc.umount2(_text(target), ctypes.c_int(flags)), f"unmount {target}")


def set_hostname(name: str) -> None:
    """Name the current uts namespace."""
    encoded = name.encode()
    _check(_libc.sethostname(encoded, ctypes.c_size_t(len(encoded))), "sethostname")


def pivot_root(new: str, old: str) -> None:
    """Make ``new`` the root of the mount namespace and put the old root at ``old``."""
    _check(_libc.pivot_root(_text(new), _text(old)), "pivot_root")


def _call(number: int, *arguments: int | bytes | None, what: str) -> int:
    wide = [ctypes.c_long(a) if isinstance(a, int) else ctypes.c_char_p(a) for a in arguments]
    return _check(_libc.syscall(ctypes.c_long(number), *wide), what)


def clone_tree(path: str, *, read_only: bool = False) -> int:
    """Copy the mounts at and below ``path`` into a detached tree; return its descriptor, for ``attach``."""
    clone = 1 | os.O_CLOEXEC | _AT_RECURSIVE
    tree = _call(_OPEN_TREE, _AT_FDCWD, os.fsencode(path), clone, what=f"open_tree {path}")
    if read_only:
        restrict(tree, READ_ONLY)
    return tree


def new_mount(kind: str, flags: int, options: Mapping[str, str] | None = None, *, switches: Iterable[str] = ()) -> int:
    """Make a fresh file system (``proc``, ``tmpfs`` …) that is mounted nowhere; return its descriptor, for ``attach``."""
    set_flag, set_string, create = 0, 1, 6
    context = _call(_FSOPEN, kind.encode(), 1, what=f"fsopen {kind}")
    try:
        for key in switches:
            _call(_FSCONFIG, context, set_flag, key.encode(), None, 0, what=f"fsconfig {kind} {key}")
        for key, value in (options or {}).items():
            _call(_FSCONFIG, context, set_string, key.encode(), value.encode(), 0, what=f"fsconfig {kind} {key}")
        _call(_FSCONFIG, context, create, None, None, 0, what=f"fsconfig {kind}")
        return _call(_FSMOUNT, context, 1, flags, what=f"fsmount {kind}")
    finally:
        os.close(context)


def restrict(tree: int, flags: int) -> None:
    """Make every mount of a tree, given by a descriptor, read-only, without devices and so on (Linux 5.12)."""
    attributes = (ctypes.c_uint64 * 4)(flags, 0, 0, 0)
    result = _libc.syscall(
        ctypes.c_long(_MOUNT_SETATTR),
        ctypes.c_int(tree),
        b"",
        ctypes.c_uint(_AT_EMPTY_PATH | _AT_RECURSIVE),
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )
    _check(result, "mount_setattr")


def attach(tree: int, target: str) -> None:
    """Mount a detached tree at ``target`` and close its descriptor."""
    _call(_MOVE_MOUNT, tree, b"", _AT_FDCWD, os.fsencode(target), 4, what=f"move_mount {target}")
    os.close(tree)


def _prctl(option: int, argument: int) -> None:
    zero = ctypes.c_ulong(0)
    _check(_libc.prctl(ctypes.c_int(option), ctypes.c_ulong(argument), zero, zero, zero), f"prctl {option}")


def leave_keyring() -> None:
    """Exchange the session's keys, which are the user's, for an empty keyring. Unknown machine: nothing happens."""
    join_session_keyring = 1
    number = {"x86_64": 250, "aarch64": 219}.get(os.uname().machine)
    if number is not None:
        with contextlib.suppress(OSError):
            _call(number, join_session_keyring, None, what="keyctl")


def no_new_privileges() -> None:
    """Make sure that no program started from here on gains anything by being set-user-id."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _last_capability() -> int:
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        return int(file.read())


def keep_capabilities(kept: Iterable[int]) -> None:
    """Give up every capability but ``kept``, for this process and for every program it will ever start."""
    clear_all = 4
    mask = sum(1 << capability for capability in set(kept))
    for capability in range(_last_capability() + 1):
        if not mask >> capability & 1:
            _prctl(_PR_CAPBSET_DROP, capability)
    _prctl(_PR_CAP_AMBIENT, clear_all)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    data = (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)
    _check(_libc.capset(ctypes.byref(header), ctypes.byref(data)), "capset")


def close_all_but(kept: Iterable[int]) -> None:
    """Close every descriptor above 2 that is not in ``kept``."""
    low = 3
    for descriptor in sorted({d for d in kept if d > 2}):
        os.closerange(low, descriptor)
        low = descriptor + 1
    os.closerange(low, 1 << 30)


def write(path: str, value: str) -> None:
    """Write a setting of the kernel."""
    with open(path, "w", encoding="ascii") as file:
        file.write(value)

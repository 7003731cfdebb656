"""Becomes PostgreSQL: drops root, ties its life to the parent's, and executes the program given as arguments.

Run as a script in a bare interpreter (``python -I -S launch.py uid gid keep program …``) because none of this may be done
between fork and exec of a threaded Python process. ``uid`` ``-`` keeps the user. ``keep`` ``1`` lets the new user pass
folders that only root may enter, for a data folder or a virtual environment below ``/root``.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_READ_SEARCH = 2
_CAPABILITY_VERSION_3 = 0x20080522


def main(uid: str, gid: str, keep: str, *program: str) -> None:
    """Prepare this process and execute ``program``; never returns."""
    parent = os.getppid()
    if uid != "-":
        _drop(int(uid), int(gid), keep_search=keep == "1")
    if sys.platform == "linux":
        # SIGINT is PostgreSQL's fast shutdown. Set after the user change, which clears it.
        _prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:
            raise SystemExit("the parent has gone")
    os.execv(program[0], program)  # noqa: S606


def _drop(uid: int, gid: int, *, keep_search: bool) -> None:
    if keep_search:
        _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if keep_search:
        _set_capabilities(1 << CAP_DAC_READ_SEARCH)
        _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH)


def _set_capabilities(mask: int) -> None:
    """Make ``mask`` the effective, permitted and inheritable set."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    if ctypes.CDLL(None, use_errno=True).capset(header, data):
        raise OSError(ctypes.get_errno(), "capset")


def _prctl(option: int, value: int, extra: int = 0) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, extra, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl {option}")


if __name__ == "__main__":
    main(*sys.argv[1:])

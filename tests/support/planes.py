"""A helper process of one's own for a test, as root or as an ordinary user, and proof that it left nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest

import tidegate
from tidegate.plane.helper.client import HelperClient

#: the ordinary user that root's tests become for a helper
NOBODY = 65534


def interpreter_of(user: int | None) -> str:
    """Return a Python that the user can start; skip the test when all lie in places closed to that user."""
    if user is None:
        return sys.executable
    check = ["-I", "-S", "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    for candidate in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        with suppress(OSError):
            tried = subprocess.run([candidate, *check], cwd="/", user=user, group=user, extra_groups=(), check=False)
            if tried.returncode == 0:
                return candidate
    pytest.skip(f"no Python >= 3.11 that uid {user} could start")


@contextmanager
def state_directory(user: int | None = None) -> Iterator[Path]:
    """A folder that belongs to the user, removed at the end."""
    directory = Path(tempfile.mkdtemp(prefix="tidegate-test-"))
    if user is not None:
        os.chown(directory, user, user)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


@asynccontextmanager
async def running_helper(user: int | None = None, *, init: str | None = None) -> AsyncIterator[HelperClient]:
    """A helper that is there for the block only. ``user``: the uid it runs as; None: our own."""
    with state_directory(user) as directory:
        client = HelperClient(directory, user=user, interpreter=interpreter_of(user), init=init)
        try:
            yield client
        finally:
            await client.close(destroy=True)


async def eventually(condition: Callable[[], bool], what: str, *, within: float = 10.0) -> None:
    """Wait for something real; fail with ``what`` when it does not come about."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {within:g} s: {what}")
        await asyncio.sleep(0.01)


def in_new_namespaces(script: str) -> str:
    """Run a Python script in namespaces like a helper's, but without one; return what it prints."""
    enter = """
import os
from tidegate.plane.helper import main
if os.getuid() != 0:
    main.become_root()
main.leave_namespaces()
if pid := os.fork():
    os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
main.own_the_mounts()
"""
    source = str(Path(tidegate.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", enter + script],
        env={"PYTHONPATH": source},
        cwd="/",
        stdout=subprocess.PIPE,
        timeout=60,
        text=True,
        check=True,
    )
    return done.stdout

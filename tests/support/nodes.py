"""Nodes in processes of their own, to be killed, frozen and let go again.

Run as a program it is such a process: ``python nodes.py DSN MODULE:FUNCTION [setting=value …]``. The function is given
the database and returns the controllers.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tidegate.clock import SystemClock
from tidegate.reconcile.engine import Node
from tidegate.settings import Settings
from tidegate.store.database import Database


class NodeProcess:
    """A node that can be treated badly. Use as a context manager: nothing is left."""

    def __init__(self, dsn: str, controllers: str, log: Path, **settings: float) -> None:
        self._command = [
            sys.executable,
            __file__,
            dsn,
            controllers,
            *(f"{name}={value}" for name, value in settings.items()),
        ]
        self._log = log
        self._process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        path = os.pathsep.join(part for part in sys.path if part)
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._command, env=os.environ | {"PYTHONPATH": path}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.send_signal(signal.SIGCONT)
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        """Kill it and start another in its place."""
        self.kill()
        self._process = self._spawn()

    def freeze(self) -> None:
        """Stop the process in the middle of whatever it does; its connections stay open."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> NodeProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


async def eventually(condition: Callable[[], object], what: str, *, seconds: float = 60.0) -> None:
    """Wait for something real to happen: ``condition`` (or what it returns, awaited) becomes true."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        await asyncio.sleep(0.02)


async def _serve(dsn: str, controllers: str, *settings: str) -> None:
    logging.basicConfig(level=logging.INFO)
    database = await Database.open(dsn)
    module, _, function = controllers.partition(":")
    values = {name: float(value) for name, _, value in (pair.partition("=") for pair in settings)}
    node = Node(
        database,
        getattr(importlib.import_module(module), function)(database),
        SystemClock(),
        Settings(data_dir=Path("/nonexistent"), **values),  # type: ignore[arg-type]
    )
    await node.run()


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))

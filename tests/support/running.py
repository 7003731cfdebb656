"""A cloud started as a user starts it: ``tidegate up`` in a process of its own, driven from outside only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class RunningCloud:
    """``tidegate up`` on a free port with its state in ``folder``; ends with the block, leaving nothing behind."""

    def __init__(self, folder: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.options = options
        self.environment = environment or {}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> RunningCloud:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.tidegate("reset", "--yes")

    def start(self, *, wait: bool = True, **environment: str) -> None:
        """Start the process; with ``wait`` return when its health page answers."""
        endpoint = self.folder / "endpoint.json"
        endpoint.unlink(missing_ok=True)
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tidegate", "up", "--port", "0", "--data-dir", str(self.folder), *self.options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment() | environment,
            )
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self, seconds: float = 30.0) -> None:
        """Return when every product answers; fail with the end of the log when that does not happen."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError(f"tidegate up ended with {self.process.returncode}:\n{self.log()[-4000:]}")
            if (self.folder / "endpoint.json").exists():
                try:
                    with urllib.request.urlopen(f"{self.url}/_tidegate/health", timeout=2) as answer:
                        if answer.status == 200:
                            return
                except OSError:
                    pass
            time.sleep(0.02)
        raise AssertionError(f"tidegate up was not ready after {seconds} s:\n{self.log()[-4000:]}")

    def stop(self) -> None:
        """End the process as Ctrl-C does."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)
        self.process = None

    def kill(self) -> None:
        """End the process as a power cut does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(30)
        self.process = None

    def has_died(self, seconds: float) -> bool:
        """Wait for the process to end by itself, at a crash point; tell whether it did."""
        assert self.process is not None
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        self.process = None
        return True

    def tidegate(self, *words: str) -> str:
        """Run another command on this cloud's folder; return its standard output, fail when it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "tidegate", *words, "--data-dir", str(self.folder)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=self._environment(),
        )
        assert done.returncode == 0, f"tidegate {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def advance(self, seconds: float) -> None:
        """Move the cloud's time forward (needs ``--adjustable-clock``)."""
        request = urllib.request.Request(
            f"{self.url}/_tidegate/clock", data=json.dumps({"advance": seconds}).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 200

    def log(self) -> str:
        """Everything the process has printed."""
        return (self.folder.parent / f"{self.folder.name}.log").read_text(errors="replace")

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``."""
        found: dict[str, Any] = json.loads((self.folder / "endpoint.json").read_text())
        return str(found["url"])

    @property
    def endpoint(self) -> str:
        """``127.0.0.1:PORT``, as SDKs want it."""
        return self.url.removeprefix("http://")

    @property
    def variables(self) -> dict[str, str]:
        """What ``tidegate env`` prints."""
        found: dict[str, str] = json.loads(self.tidegate("env", "--format", "json"))
        return found

    def _environment(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": str(ROOT / "src")} | self.environment

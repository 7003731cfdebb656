"""A started cloud, and the system's Chromium looking at it. Skipped, with the reason, where there is no browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.running import RunningCloud

# The browser's driver keeps an event loop running in the main thread, which no asynchronous test of the same process
# survives: these tests run in a process of their own, `make console`.
if "TIDEGATE_BROWSER" not in os.environ:
    collect_ignore_glob = ["test_*.py"]

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make console installs it")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser; each test opens a context of its own."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine: make console installs it through apt when it is root")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """``tidegate up`` in a process of its own."""
    folder: Path = tmp_path_factory.mktemp("console") / "cloud"
    with RunningCloud(folder) as running:
        yield running

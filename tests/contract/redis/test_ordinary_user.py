"""The other tests of this folder and of the gates, run by somebody who is not root."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import msgspec
import pytest

import tidegate
from support.planes import NOBODY, interpreter_of

_PLUGINS = ("pytest_asyncio.plugin", "pytest_timeout")


@pytest.mark.skipif(os.getuid() != 0, reason="not root: everything else here was run as an ordinary user")
def test_everything_holds_for_an_ordinary_user() -> None:
    python = interpreter_of(NOBODY)
    tried = _run_as_somebody(python, "-c", f"import asyncpg, msgspec, tidegate, {', '.join(_PLUGINS)}")
    if tried.returncode != 0:
        pytest.skip(f"an ordinary user cannot read this checkout or its packages: {tried.stderr[-200:]}")

    here = Path(__file__).parent
    tests = [str(here / "test_servers.py"), str(here.parent / "gate")]
    plugins = [word for name in _PLUGINS for word in ("-p", name)]
    run = _run_as_somebody(python, "-m", "pytest", *plugins, "-q", "-x", *tests, "-k", "nftables")

    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-1000:]
    assert " passed" in run.stdout


def _run_as_somebody(*command: str) -> subprocess.CompletedProcess[str]:
    packages = os.pathsep.join(str(Path(module.__file__).parents[1]) for module in (msgspec, tidegate))
    return subprocess.run(
        command,
        cwd=Path(__file__).parents[3],
        env={
            "PATH": os.defpath,
            "PYTHONPATH": packages,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        user=NOBODY,
        group=NOBODY,
        extra_groups=(),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

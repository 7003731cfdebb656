"""Finds programs that others installed: on PATH, in the system's folders, in wheels, which are not imported for it."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

# Daemons live in sbin, which is often missing from an ordinary user's PATH.
_SYSTEM = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/opt/homebrew/bin")


def on_system(name: str) -> Iterator[str]:
    """Yield where the program ``name`` is installed on this machine, best first."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *_SYSTEM))
    if found := shutil.which(name, path=path):
        yield found


def in_wheel(package: str, *relative: str) -> Iterator[str]:
    """Yield which of the files ``relative`` the installed package has."""
    spec = importlib.util.find_spec(package)
    for base in spec.submodule_search_locations or () if spec else ():
        for name in relative:
            path = Path(base, name)
            if os.access(path, os.X_OK):
                yield str(path)

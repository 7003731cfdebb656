"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer


def default_data_dir() -> Path:
    """Return where a cloud keeps its state: ``$TIDEGATE_DATA_DIR``, else the user's data folder."""
    if named := os.environ.get("TIDEGATE_DATA_DIR"):
        return Path(named)
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "tidegate"


DataDir = Annotated[
    Path,
    typer.Option(
        "--data-dir",
        help="Where the cloud keeps its state; also $TIDEGATE_DATA_DIR.",
        default_factory=default_data_dir,
        show_default="~/.local/share/tidegate",
    ),
]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port of the cloud; 0 takes a free one.")]

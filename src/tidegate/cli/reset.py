"""``tidegate reset``: end everything and forget everything."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from tidegate.cli.options import DataDir
from tidegate.errors import ConfigurationError
from tidegate.folder import DataFolder
from tidegate.settings import Settings


def reset(
    data_dir: DataDir,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """End every instance and Redis server of a stopped cloud and delete its folder. Cannot be undone."""
    folder = DataFolder(data_dir)
    if not folder.path.exists():
        typer.echo(f"nothing in {folder.path}")
        return
    if not folder.is_a_cloud:
        raise ConfigurationError(f"{folder.path} is not the folder of a cloud; nothing was deleted")
    if not yes:
        typer.confirm(f"End every instance and delete everything in {folder.path}?", abort=True)
    asyncio.run(_end(Settings(data_dir=folder.path)))
    folder.erase()
    typer.echo(f"the cloud of {folder.path} is gone")


async def _end(settings: Settings) -> None:
    """End what outlives the control plane. Raises ConfigurationError when that still runs."""
    from tidegate.ground import end_everything  # noqa: PLC0415 - `--help` does without

    await end_everything(settings)

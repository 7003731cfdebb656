"""``tidegate status``: what runs, and how it is enforced."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from tidegate.cli.options import DataDir
from tidegate.cli.running import health


def status(
    data_dir: DataDir,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Tell whether the cloud answers, with which hosts, gate and Redis, and how much of it there is.

    Exit status 1 when no cloud answers or a part is not ready.
    """
    page = health(data_dir)
    if as_json:
        typer.echo(msgspec.json.encode(page).decode())
    else:
        hosts, redis = page["hosts"], page["redis"]
        typer.echo(f"{page['status']}  {page['url']}  tidegate {page['version']}")
        typer.echo(f"hosts     {hosts['driver']}, {hosts['alive']} alive of {hosts['known']}")
        typer.echo(f"redis     {redis['product']}, {redis['alive']} alive; whitelist enforced by {page['gate']}")
        typer.echo(f"products  {', '.join(page['products'])}")
        for note in page["notes"]:
            typer.echo(f"note      {note}")
    if page["status"] != "ok":
        raise typer.Exit(1)

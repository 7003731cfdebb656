"""``tidegate env``: the variables that aim SDKs and command lines at the local cloud."""

from __future__ import annotations

import shlex
from enum import StrEnum
from typing import Annotated

import msgspec
import typer

from tidegate.cli.options import DataDir, Port
from tidegate.cli.running import environment


class Format(StrEnum):
    """How the variables are printed."""

    shell = "shell"
    json = "json"


def env(
    data_dir: DataDir,
    port: Port = 4599,
    form: Annotated[
        Format, typer.Option("--format", help="shell: `eval $(tidegate env)`; json: one object.")
    ] = Format.shell,
) -> None:
    """Print the variables that aim SDKs and CLIs at the local cloud: key, secret, region, endpoint."""
    variables = environment(data_dir, port)
    if form is Format.json:
        typer.echo(msgspec.json.format(msgspec.json.encode(variables), indent=2).decode())
        return
    for name, value in variables.items():
        typer.echo(f"export {name}={shlex.quote(value)}")

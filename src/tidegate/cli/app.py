"""The list of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from tidegate import __version__
from tidegate.cli import call, console, demo, env, oos, reset, status, up

app = typer.Typer(
    name="tidegate",
    help="A local Alibaba Cloud that really runs: Auto Scaling, hooks, runbooks, RAM and Redis whitelists.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (demo.demo, up.up, console.console, env.env, status.status, reset.reset):
    app.command()(command)
app.command(context_settings=call.PASS_THROUGH)(call.call)
app.add_typer(oos.app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tidegate {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Keep ``--version`` beside the commands."""

"""``tidegate oos policy``: the least a role must be allowed to run a template."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from tidegate.cli.options import DataDir


def policy(
    template: Annotated[str, typer.Argument(help="A file, or the name of a public template.")], data_dir: DataDir
) -> None:
    """Print the least RAM policy a template needs, as GenerateExecutionPolicy answers it."""
    from tidegate.cli.oos.sources import compile_template, read_catalog  # noqa: PLC0415 - not for `--help`
    from tidegate.services.oos.policy import needed_actions, policy_document  # noqa: PLC0415

    catalog = read_catalog(data_dir)
    document = policy_document(needed_actions(compile_template(template, catalog), catalog))
    typer.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())

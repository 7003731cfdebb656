"""``tidegate oos policy``: the least a role must be allowed to run a template."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer


def policy(template: Annotated[str, typer.Argument(help="A file, or the name of a public template.")]) -> None:
    """Print the least RAM policy a template needs, as GenerateExecutionPolicy answers it."""
    from tidegate.cli.oos.sources import compile_template  # noqa: PLC0415 - not for `--help`
    from tidegate.services.oos.policy import needed_actions, policy_document  # noqa: PLC0415

    document = policy_document(needed_actions(compile_template(template)))
    typer.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())

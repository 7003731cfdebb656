"""``tidegate oos import``: the cloud's own public templates and product actions, from a checkout of their repository."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from tidegate.cli.options import DataDir
from tidegate.errors import ConfigurationError
from tidegate.folder import DataFolder

if TYPE_CHECKING:
    from tidegate.services.oos.imports import Taken


def import_templates(
    source: Annotated[Path, typer.Argument(help="A folder, searched at any depth.", metavar="DIR")],
    data_dir: DataDir,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object with every file.")] = False,
) -> None:
    """Take public templates and product actions into the catalog of a cloud, running or not.

    ACS-….yml is a public template, ACS::<Product>::<Name>.yml a product action; of a YAML and a JSON file of one name the YAML counts.
    A repeat changes nothing. Exit status 1 when there was nothing to take.
    """
    from tidegate.services.oos.imports import counts  # noqa: PLC0415 - not for `--help`

    if not source.is_dir():
        raise ConfigurationError(f"{source} is not a folder")
    taken = asyncio.run(_import(source, data_dir))
    if as_json:
        tree = {"counts": counts(taken), "files": taken}
        typer.echo(msgspec.json.format(msgspec.json.encode(tree), indent=2).decode())
    else:
        _print(taken)
    if all(one.outcome == "refused" for one in taken):
        raise typer.Exit(1)


async def _import(source: Path, data_dir: Path) -> Sequence[Taken]:
    from tidegate.services.oos import imports  # noqa: PLC0415 - brings the whole language along
    from tidegate.services.oos.sandbox import Sandbox  # noqa: PLC0415

    folder, programs = DataFolder(data_dir), Sandbox()
    folder.create()
    try:
        return await imports.import_templates(source, folder.catalog, programs)
    finally:
        await programs.close()


def _print(taken: Sequence[Taken]) -> None:
    from tidegate.services.oos.imports import counts  # noqa: PLC0415

    for one in taken:
        if one.outcome == "own":
            typer.echo(f"left: {one.name}: this cloud has its own")
        elif one.reason:
            head = "refused" if one.outcome == "refused" else "cannot run here"
            typer.echo(f"{head}: {one.name}: {one.reason}")
    typer.echo(
        ", ".join(f"{count} {outcome}" for outcome, count in counts(taken).items() if count) or "no templates found"
    )

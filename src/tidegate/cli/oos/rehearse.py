"""``tidegate oos test``: a runbook run offline, against canned answers, in virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tidegate.cli.oos.sources import read_catalog, read_parameters, read_template, read_text
from tidegate.cli.options import DataDir
from tidegate.errors import TidegateError

if TYPE_CHECKING:
    from tidegate.rehearsal import Report

_FAILED, _WRONG_USE = 1, 2


def rehearse(
    template: Annotated[str, typer.Argument(help="A file, or the name of a public template.")],
    data_dir: DataDir,
    answers: Annotated[Path | None, typer.Option(help="What the operations answer: YAML or JSON.")] = None,
    parameters: Annotated[
        str, typer.Option(help="The JSON text of an object, or @FILE with it.", metavar="JSON")
    ] = "{}",
    templates: Annotated[
        list[Path] | None, typer.Option(help="A folder of templates and product actions it uses; may be repeated.")
    ] = None,
    approve: Annotated[
        bool, typer.Option("--approve", help="Approve whatever waits for people and is not decided in the answers.")
    ] = False,
    fires: Annotated[int, typer.Option(min=1, help="How often a timer fires.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object with everything.")] = False,
) -> None:
    """Run a runbook without a cloud: every call is answered from a file, and whatever waits passes at once.

    Prints the calls in their order with their parameters, the tasks with their outputs, and the template's outputs.
    Exit status 0: Success, 1: the execution failed or was cancelled, 2: an answer, a parameter or a file is missing or wrong.
    """
    try:
        report = asyncio.run(
            _rehearse(template, data_dir, answers, parameters, templates or [], approve=approve, fires=fires)
        )
    except TidegateError as error:
        typer.echo(f"tidegate: {error}", err=True)
        raise typer.Exit(_WRONG_USE) from error
    typer.echo(report.as_json() if as_json else report.as_text())
    if not report.succeeded:
        raise typer.Exit(_FAILED)


async def _rehearse(
    template: str,
    data_dir: Path,
    answers: Path | None,
    parameters: str,
    folders: list[Path],
    *,
    approve: bool,
    fires: int,
) -> Report:
    from tidegate.rehearsal import Answers, performance, read_answers  # noqa: PLC0415 - not for `--help`

    catalog = read_catalog(data_dir, folders)
    return await performance.rehearse(
        read_template(template, catalog),
        Answers() if answers is None else read_answers(read_text(answers), str(answers)),
        catalog=catalog,
        parameters=read_parameters(parameters),
        approve=approve,
        fires=fires,
    )

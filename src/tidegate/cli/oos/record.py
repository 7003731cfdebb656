"""``tidegate oos record``: a runbook run against a cloud once, so that ``tidegate oos test`` can replay it for ever."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from tidegate.cli.oos.sources import read_catalog, read_parameters, read_template
from tidegate.cli.options import DataDir

if TYPE_CHECKING:
    from tidegate.rehearsal.recording import Recording

_FAILED, _DIFFERS = 1, 3
_EXECUTION = re.compile(r"exec-[a-z0-9]+(\.\w+)*")


def record(
    template: Annotated[
        str,
        typer.Argument(
            help="A file, the name of a public template, or the id of an execution that has ended.",
            metavar="TEMPLATE|EXECUTION",
        ),
    ],
    data_dir: DataDir,
    output: Annotated[Path, typer.Option(help="The answers file to write.")] = Path("answers.yml"),
    parameters: Annotated[
        str, typer.Option(help="The JSON text of an object, or @FILE with it.", metavar="JSON")
    ] = "{}",
    profile: Annotated[
        str | None, typer.Option(help="A profile of ~/.aliyun/config.json: record on the real cloud.")
    ] = None,
    region: Annotated[str, typer.Option(help="Where it runs.")] = "cn-hangzhou",
    templates: Annotated[
        list[Path] | None, typer.Option(help="A folder of templates and product actions it uses; may be repeated.")
    ] = None,
    approve: Annotated[bool, typer.Option("--approve", help="Approve whatever waits for people.")] = False,
) -> None:
    """Write an answers file for `tidegate oos test` from a real run: of a runbook that is run now, or of an execution.

    A runbook is run here, for real and in real time: its calls go to the cloud with the rights of the key or profile, not
    with those of its role, and what comes back is written down. Of an execution (exec-…) that has ended, answers are made
    of which its tasks select what they did. NoEcho parameters and other secrets are masked in the file.
    Exit status 0: Success, 1: the execution failed (the file is written), 3: a replay of the file ends otherwise.
    """
    recording = asyncio.run(_record(template, data_dir, parameters, profile, region, templates or [], approve=approve))
    output.write_text(_written(recording.document), encoding="utf-8")
    typer.echo(recording.report.as_text())
    typer.echo(f"written: {output}", err=True)
    if recording.differs:
        typer.echo(f"tidegate: {recording.differs}", err=True)
        raise typer.Exit(_DIFFERS)
    if not recording.report.succeeded:
        raise typer.Exit(_FAILED)


async def _record(
    template: str,
    data_dir: Path,
    parameters: str,
    profile: str | None,
    region: str,
    folders: list[Path],
    *,
    approve: bool,
) -> Recording:
    from tidegate.cli.running import connect  # noqa: PLC0415 - not for `--help`
    from tidegate.rehearsal import reconstruction, recording  # noqa: PLC0415

    catalog = read_catalog(data_dir, folders)
    if _EXECUTION.fullmatch(template):
        async with connect(data_dir, profile) as caller:
            return await reconstruction.reconstruct(template, caller, region=region, catalog=catalog)
    text = read_template(template, catalog)
    async with connect(data_dir, profile) as caller:
        return await recording.record(
            text, read_parameters(parameters), caller, region=region, catalog=catalog, approve=approve
        )


def _written(document: Any) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)

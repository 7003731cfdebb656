"""``tidegate oos validate``: everything that is wrong with templates, and where."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from tidegate.cli.options import DataDir

if TYPE_CHECKING:
    from tidegate.services.oos.problems import Problem


class Language(StrEnum):
    """In which language findings are told."""

    ENGLISH = "en"
    CHINESE = "zh"


def _language() -> Language:
    chosen = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return Language.CHINESE if chosen.lower().startswith("zh") else Language.ENGLISH


def validate(
    paths: Annotated[list[Path], typer.Argument(help="Templates, or folders with templates at any depth.")],
    data_dir: DataDir,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object with every file.")] = False,
    language: Annotated[
        Language | None, typer.Option(help="Of the findings.", show_default="that of the shell")
    ] = None,
) -> None:
    """Check templates completely, without a cloud: all findings, each with line and column.

    Exit status 1 when any file has an error. Warnings, and what can be kept but not run here, change nothing.
    """
    checked = asyncio.run(_check(paths, data_dir))
    told = [(path, [_tell(problem, language or _language()) for problem in found]) for path, found in checked]
    errors = sum(problem["severity"] == "error" for _, problems in told for problem in problems)
    if as_json:
        files = [
            {"path": str(path), "valid": all(one["severity"] != "error" for one in problems), "problems": problems}
            for path, problems in told
        ]
        typer.echo(msgspec.json.format(msgspec.json.encode({"errors": errors, "files": files}), indent=2).decode())
    else:
        _print(told, errors)
    if errors or not checked:
        raise typer.Exit(1)


async def _check(paths: Sequence[Path], data_dir: Path) -> list[tuple[Path, Sequence[Problem]]]:
    from tidegate.cli.oos.sources import read_catalog, template_files  # noqa: PLC0415 - not for `--help`
    from tidegate.services.oos import validation  # noqa: PLC0415 - brings the whole language along
    from tidegate.services.oos.sandbox import Sandbox  # noqa: PLC0415

    # Product actions that stand in a folder beside what uses them are known.
    programs = Sandbox()
    products = read_catalog(data_dir, [path for path in paths if path.is_dir()]).product
    try:
        return [
            (path, (await validation.validate(text, programs, products)).problems)
            for path, text in template_files(paths)
        ]
    finally:
        await programs.close()


def _tell(problem: Problem, language: Language) -> dict[str, Any]:
    from tidegate.services.oos.wording import in_chinese  # noqa: PLC0415 - only with findings

    message = in_chinese(problem.message) if language == Language.CHINESE else problem.message
    return {**msgspec.structs.asdict(problem), "message": message}


def _print(told: Iterable[tuple[Path, Sequence[dict[str, Any]]]], errors: int) -> None:
    files = 0
    for path, problems in told:
        files += 1
        for one in problems:
            place = f"{path}:{one['line']}:{one['column']}"
            typer.echo(f"{place}: {one['severity']}: {one['message']} [{one['check']}]")
    if not files:
        typer.echo("no templates found", err=True)
        return
    typer.echo(
        f"{files} {'file' if files == 1 else 'files'}, {errors} {'error' if errors == 1 else 'errors'}", err=True
    )

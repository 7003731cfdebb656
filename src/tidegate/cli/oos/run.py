"""``tidegate oos run``: a runbook on a cloud, local or real, watched until it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from tidegate.cli.oos.sources import read_parameters
from tidegate.cli.options import DataDir

if TYPE_CHECKING:
    from tidegate.cloud.caller import Caller

#: exit status by how the execution ended; 3 is for one that has not
_STATUSES = {"Success": 0, "Failed": 1, "Cancelled": 2}
_NOT_ENDED = 3
_PAGE = 100
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0


def run(
    template: Annotated[str, typer.Argument(help="A file, or the name of a template of the cloud.")],
    data_dir: DataDir,
    parameters: Annotated[
        str, typer.Option(help="The JSON text of an object, or @FILE with it.", metavar="JSON")
    ] = "{}",
    profile: Annotated[
        str | None, typer.Option(help="A profile of ~/.aliyun/config.json: run it on the real cloud.")
    ] = None,
    region: Annotated[str, typer.Option(help="Where it runs.")] = "cn-hangzhou",
    patience: Annotated[float, typer.Option(min=0, help="Seconds to watch; the execution itself goes on.")] = 3600.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, the execution last.")] = False,
) -> None:
    """Run a runbook and watch its tasks until it ends. What it puts out is printed as JSON.

    Exit status 0: Success, 1: Failed, 2: Cancelled, 3: has not ended yet.
    """
    execution = asyncio.run(
        _run(template, read_parameters(parameters), data_dir, profile, region, patience, _Screen(as_json))
    )
    raise typer.Exit(_STATUSES.get(execution["Status"], _NOT_ENDED))


class _Screen:
    """Shows progress as it comes: lines for people on standard error, or JSON lines."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._seen: dict[str, str] = {}
        self._started = time.monotonic()

    def start(self, execution: dict[str, Any]) -> None:
        self._say({"execution": execution["ExecutionId"], "status": execution["Status"]}, execution["ExecutionId"])

    def show(self, tasks: Sequence[dict[str, Any]]) -> None:
        """Show what changed since the last look."""
        for task in tasks:
            status = task["Status"]
            if self._seen.get(task["TaskExecutionId"]) == status:
                continue
            self._seen[task["TaskExecutionId"]] = status
            message = task.get("StatusMessage") or ""
            self._say(
                {"task": task["TaskName"], "action": task["TaskAction"], "status": status, "message": message},
                f"{status:<9} {task['TaskName']}{f'  {message}' if message else ''}",
            )

    def end(self, execution: dict[str, Any]) -> None:
        outputs = msgspec.json.decode(execution.get("Outputs") or "{}")
        message = execution.get("StatusMessage") or ""
        if self._as_json:
            end = {"execution": execution["ExecutionId"], "status": execution["Status"], "message": message}
            typer.echo(msgspec.json.encode({**end, "outputs": outputs}).decode())
            return
        self._say({}, f"{execution['Status']}{f'  {message}' if message else ''}")
        typer.echo(msgspec.json.format(msgspec.json.encode(outputs), indent=2).decode())

    def _say(self, fields: dict[str, Any], line: str) -> None:
        if self._as_json:
            typer.echo(msgspec.json.encode(fields).decode())
        else:
            typer.echo(f"{time.monotonic() - self._started:7.2f} s  {line}", err=True)


async def _run(
    template: str,
    parameters: dict[str, Any],
    data_dir: Path,
    profile: str | None,
    region: str,
    patience: float,
    screen: _Screen,
) -> dict[str, Any]:
    from tidegate.cli.running import connect  # noqa: PLC0415 - not for `--help`

    named = _named(template)
    async with connect(data_dir, profile) as cloud:
        asked = {**named, "Parameters": msgspec.json.encode(parameters).decode(), "RegionId": region}
        started = (await cloud.call("oos", "StartExecution", asked, region=region))["Execution"]
        screen.start(started)
        seen: dict[str, Any] = started
        async for execution, tasks in _looks(cloud, started["ExecutionId"], region, patience):
            screen.show(tasks)
            seen = execution
        screen.end(seen)
        return seen


async def _looks(
    cloud: Caller, execution_id: str, region: str, patience: float
) -> AsyncIterator[tuple[dict[str, Any], Sequence[dict[str, Any]]]]:
    """Yield the execution and its tasks, at growing pauses, until it has ended or ``patience`` seconds have passed."""
    ends, pause = time.monotonic() + patience, _FIRST_PAUSE
    while True:
        # The execution first: tasks that ended before it are then all seen.
        found = await cloud.call("oos", "ListExecutions", {"ExecutionId": execution_id}, region=region)
        execution = found["Executions"][0]
        yield execution, await _tasks(cloud, execution_id, region)
        if execution["Status"] in _STATUSES or time.monotonic() + pause > ends:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


async def _tasks(cloud: Caller, execution_id: str, region: str) -> Sequence[dict[str, Any]]:
    tasks: list[dict[str, Any]] = []
    token: str | None = None
    while True:
        asked = {"ExecutionId": execution_id, "MaxResults": _PAGE, "SortOrder": "Ascending", "NextToken": token}
        page = await cloud.call("oos", "ListTaskExecutions", asked, region=region)
        tasks.extend(page["TaskExecutions"])
        token = page.get("NextToken")
        if not token:
            return tasks


def _named(template: str) -> dict[str, str]:
    """Return a template as StartExecution takes it: by its text when it is a file, else by its name."""
    if not Path(template).is_file():
        return {"TemplateName": template}
    from tidegate.cli.oos.sources import read_text  # noqa: PLC0415 - see above

    return {"TemplateContent": read_text(Path(template))}

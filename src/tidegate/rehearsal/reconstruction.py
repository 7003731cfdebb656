"""An answers file from an execution that has ended, on the local or the real cloud: what OOS itself still tells of it.

OOS keeps which operation each task called, with which parameters, what was selected of the answer, and why a task failed;
answers themselves are not kept. So they are made anew, such that the same is selected of them, and the replay shows whether
that was possible.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from tidegate.cloud.caller import Caller
from tidegate.errors import CloudError
from tidegate.rehearsal.answers import Answers, make_answers
from tidegate.rehearsal.inversion import answer_of
from tidegate.rehearsal.performance import rehearse
from tidegate.rehearsal.recording import Recorder, Recording, Taken, difference
from tidegate.rehearsal.report import Report, TaskReport
from tidegate.rehearsal.stage import RehearsalError
from tidegate.services.oos.actions.select_targets import list_operation
from tidegate.services.oos.catalog import Catalog
from tidegate.services.oos.model import Template
from tidegate.services.oos.sandbox import Sandbox
from tidegate.services.oos.validation import lint
from tidegate.services.oos.values import from_json

_PAGE: Final = 100
#: how OOS writes the error of a call into a task's message (oos.md 4.3)
_ERROR: Final = re.compile(r"([A-Za-z][\w.-]*) message: (.*)", re.DOTALL)
_CALLING: Final = frozenset({"ACS::ExecuteAPI", "ACS::WaitFor", "ACS::CheckFor", "ACS::SelectTargets"})
_ASKING: Final = frozenset({"ACS::Approve", "ACS::Pause"})
_STORED: Final = re.compile(r"\{\{\s*oos(-secret)?:([\w/-]+)\s*\}\}", re.IGNORECASE | re.ASCII)


async def reconstruct(execution_id: str, caller: Caller, *, region: str, catalog: Catalog) -> Recording:
    """Return an answers file that leads to what an execution came to. Raises CloudError and RehearsalError."""
    programs = Sandbox()
    try:
        past = _Past(caller, region, catalog, programs)
        return await past.recording(execution_id)
    finally:
        await programs.close()


class _Past:
    """One execution with its children, read from a cloud."""

    def __init__(self, caller: Caller, region: str, catalog: Catalog, programs: Sandbox) -> None:
        self._caller = caller
        self._region = region
        self._catalog = catalog
        self._programs = programs
        self._recorder = Recorder(caller, region)
        self._decisions: list[str] = []
        self._lost: list[str] = []

    async def recording(self, execution_id: str) -> Recording:
        found = (await self._call("ListExecutions", ExecutionId=execution_id))["Executions"]
        if not found:
            raise RehearsalError(f"there is no execution {execution_id} in {self._region}")
        execution = found[0]
        if execution["Status"] not in ("Success", "Failed", "Cancelled"):
            raise RehearsalError(
                f"the execution {execution_id} is {execution['Status']}; only one that has ended tells all"
            )
        text, template = await self._template(execution_id)
        if template.trigger is not None:
            raise RehearsalError("executions of triggers, and what they start, cannot be replayed from their records")
        tasks = await self._tasks(execution_id, template, "")
        for is_secret, name in _STORED.findall(text):
            await self._recorder.read(name, bool(is_secret))
        run = Report(
            execution_id=execution_id,
            status=execution["Status"],
            message=execution.get("StatusMessage") or "",
            outputs=_read(execution.get("Outputs")),
            calls=(),
            tasks=tasks,
            firings=(),
            seconds=0,
            unused=(),
            log=(),
        )
        answers = Answers(region=self._region, execution_id=execution_id)
        document = self._recorder.document(answers, execution["Parameters"], template.secrets, self._decisions)
        try:
            replayed = await rehearse(text, make_answers(document), catalog=self._catalog, programs=self._programs)
        except (CloudError, RehearsalError) as error:
            return Recording(run, document, f"the replay does not come to an end: {error}")
        differs = difference(run, replayed)
        if differs and self._lost:
            differs += f"; no answer was found of which these outputs are selected: {', '.join(self._lost)}"
        return Recording(replayed, document, differs)

    async def _tasks(self, execution_id: str, template: Template, path: str) -> list[TaskReport]:
        """Take note of what an execution and its children called, in the order of their start."""
        reports = []
        async for row in self._rows(execution_id):
            properties, outputs = _read(row["Properties"]), _read(row["Outputs"])
            if row.get("Loop") is None and row["TaskAction"] in _CALLING and row["Status"] != "Skipped":
                await self._take(template, row, properties, outputs, path)
            if row["TaskAction"] in _ASKING:
                needed = properties.get("MinRequiredApprovals") or 1
                self._decisions += ["Reject"] if row["Status"] == "Cancelled" else ["Approve"] * int(needed)
            if (child := row.get("ChildExecutionId")) is not None:
                _, of_child = await self._template(child)
                await self._tasks(child, of_child, f"{path}{row['TaskName']}/")
            if row.get("ParentTaskExecutionId") is None:
                reports.append(_report(row, outputs))
        return reports

    async def _take(
        self,
        template: Template,
        row: Mapping[str, Any],
        properties: Mapping[str, Any],
        outputs: Mapping[str, Any],
        path: str,
    ) -> None:
        service, api = list_operation(properties.get("ResourceType")) or (
            properties.get("Service"),
            properties.get("API"),
        )
        if service is None or api is None:
            return  # it failed before it called anything
        parameters = properties.get("Parameters") or {}
        failure = _ERROR.fullmatch(row.get("StatusMessage") or "")
        if row["Status"] == "Failed" and failure is not None:
            taken = Taken(f"{service}.{api}", parameters, error=CloudError(failure[1], failure[2]))
        else:
            task = template.task(row["TaskName"])
            answer, lost = await answer_of(task, outputs, properties, self._programs)
            self._lost += [f"{path}{task.name}.{name}" for name in lost]
            taken = Taken(f"{service}.{api}", parameters, answer)
        self._recorder.remember(taken)

    async def _rows(self, execution_id: str) -> AsyncIterator[Mapping[str, Any]]:
        rows: list[Mapping[str, Any]] = []
        token = None
        while True:
            page = await self._call(
                "ListTaskExecutions",
                ExecutionId=execution_id,
                IncludeChildTaskExecution=True,
                MaxResults=_PAGE,
                SortOrder="Ascending",
                NextToken=token,
            )
            rows += page["TaskExecutions"]
            token = page.get("NextToken")
            if not token:
                break
        # Ids tell the order of starts: ``t0002``, and ``t0002.i0001`` for its items.
        for row in sorted(rows, key=lambda row: str(row["TaskExecutionId"])):
            yield row

    async def _template(self, execution_id: str) -> tuple[str, Template]:
        text = (await self._call("GetExecutionTemplate", ExecutionId=execution_id))["Content"]
        return text, lint(text, self._catalog.product).validated().require()

    async def _call(self, action: str, **parameters: Any) -> dict[str, Any]:
        return await self._caller.call("oos", action, parameters, region=self._region)


def _read(text: Any) -> dict[str, Any]:
    """Read a JSON text; one that was cut is as good as none."""
    try:
        value = from_json(text) if isinstance(text, str) and text else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _report(row: Mapping[str, Any], outputs: Mapping[str, Any]) -> TaskReport:
    return TaskReport(
        id=row["TaskExecutionId"],
        name=row["TaskName"],
        action=row["TaskAction"],
        status=row["Status"],
        message=row.get("StatusMessage") or "",
        outputs=outputs,
    )

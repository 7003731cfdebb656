"""OOS: templates and executions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from starlette.responses import Response

from tidegate.console import cures
from tidegate.console.complaints import about_template
from tidegate.console.fields import description_of, fields_of, kinds_of, template_of
from tidegate.console.graph import graph_of
from tidegate.console.offers import offers
from tidegate.console.page import Page, nothing
from tidegate.errors import CloudError
from tidegate.services.oos.answers import is_expected
from tidegate.store import chronicle
from tidegate.store.ram import decisions

_PER_PAGE = 50
_DECISIONS = 500
#: What people may be asked for, in the order of the buttons.
_ASKED: Final = ("Approve", "Reject", "RetryTask", "SkipTask", "ExecuteTask", "CancelTask", "CompleteExecution")
_START = """FormatVersion: OOS-2019-06-01
Tasks:
  - Name: look
    Action: ACS::ExecuteAPI
    Properties:
      Service: ESS
      API: DescribeScalingGroups
      Parameters: {}
"""


async def templates(page: Page) -> Response:
    """Show public templates, own ones, or all."""
    share = page.query.get("share", "")
    found = await page.look(
        "oos",
        "ListTemplates",
        MaxResults=_PER_PAGE,
        ShareType=share or None,
        NextToken=page.query.get("token") or None,
    )
    return page.render("templates.html", found=found, share=share)


async def template(page: Page) -> Response:
    """Show one template: its tasks, a form to start it, the policy it needs."""
    name = page.path("name")
    answer = await page.call("oos", "GetTemplate", TemplateName=name, TemplateVersion=page.query.get("version") or None)
    content = answer["Content"]
    read = template_of(content)
    policy, versions = await page.together(
        page.look("oos", "GenerateExecutionPolicy", TemplateName=name),
        page.look("oos", "ListTemplateVersions", TemplateName=name, MaxResults=20),
    )
    return page.render(
        "template.html",
        template=answer["Template"],
        description=description_of(read, page.language),
        content=content,
        parameters=fields_of(read, page.language, await offers(page, kinds_of(read))),
        graph=graph_of(read, {}) if read is not None else None,
        policy=policy,
        versions=versions,
    )


async def new(page: Page) -> Response:
    """Show the editor for a new template, perhaps a copy of another."""
    content = _START
    if copied := page.query.get("copy"):
        content = (await page.call("oos", "GetTemplate", TemplateName=copied))["Content"]
    return page.render("editor.html", name="", content=content)


async def edit(page: Page) -> Response:
    """Show the editor for a template."""
    answer = await page.call("oos", "GetTemplate", TemplateName=page.path("name"))
    return page.render("editor.html", name=page.path("name"), content=answer["Content"])


async def check(page: Page) -> Response:
    """Say what is wrong with a text, line by line."""
    form = await page.form()
    content = form.get("Content")
    found = await page.look("oos", "ValidateTemplateContent", Content=content)
    refusal = found.refusal
    is_invalid = refusal is not None and refusal.code == "InvalidTemplate"
    complaints = about_template(content, refusal.message if is_invalid and refusal else "", page.language)
    error = None if is_invalid else refusal
    return page.render("problems.html", found=complaints, error=error, fine=page.say("The template is valid."))


async def executions(page: Page) -> Response:
    """Show executions, the latest first."""
    status, name = page.query.get("status", ""), page.query.get("template", "")
    found = await page.look(
        "oos",
        "ListExecutions",
        MaxResults=20,
        Status=status or None,
        TemplateName=name or None,
        NextToken=page.query.get("token") or None,
    )
    return page.render("executions.html", found=found, status=status, template=name)


async def execution(page: Page) -> Response:
    """Show one execution: what it did, what it waits for, and when it failed the cause and the cure."""
    one = await find_execution(page, page.path("id"))
    the_id = one["ExecutionId"]
    tab = page.query.get("tab", "basics")
    tasks, logs, content, children = await page.together(
        page.look("oos", "ListTaskExecutions", ExecutionId=the_id, MaxResults=100, SortOrder="Ascending"),
        page.look("oos", "ListExecutionLogs", ExecutionId=the_id, MaxResults=100, NextToken=page.query.get("token"))
        if tab == "log"
        else nothing(),
        page.look("oos", "GetExecutionTemplate", ExecutionId=the_id),
        page.look("oos", "ListExecutions", ParentExecutionId=the_id, IncludeChildExecution=True, MaxResults=20)
        if one["IsParent"]
        else nothing(),
    )
    async with page.around.database.connection() as connection:
        times = (await chronicle.executions(connection, [the_id])).get(the_id)
        spans = await chronicle.tasks(connection, [the_id])
        waiting = await chronicle.waiting_for(connection, the_id)
        activity = (await chronicle.activities_of_executions(connection, [the_id])).get(the_id)
        judged = await decisions.of_sessions(connection, [the_id], _DECISIONS) if tab == "advanced" else []
    rows = tasks.rows("TaskExecutions")
    text = content.tree.get("Content", "")
    template = template_of(text)
    messages = [one["StatusMessage"], *(task["StatusMessage"] for task in rows)]
    return page.render(
        "execution.html",
        one=one,
        tab=tab if tab in ("basics", "advanced", "log", "template") else "basics",
        tasks=tasks,
        rows=rows,
        children=children,
        logs=logs,
        content=text,
        graph=graph_of(template, _statuses(rows)) if template is not None else None,
        causes=cures.explain(messages, page),
        waiting=waiting,
        expected=[
            kind for kind in _ASKED if is_expected(kind, status=one["Status"], waiting=waiting, mode=one["Mode"])
        ],
        task_names=[task.name for task in template.tasks] if template is not None else [],
        times=times,
        spans=spans,
        activity=activity,
        judged=await _judged(page, one, judged),
        call_of=call_of,
    )


def _statuses(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the status of each task: of one that looped its own, not that of an item."""
    return {task["TaskName"]: task["Status"] for task in rows if not task.get("ParentTaskExecutionId")}


async def _judged(
    page: Page, one: Mapping[str, Any], judged: Sequence[decisions.DecisionRow]
) -> Sequence[decisions.DecisionRow]:
    """Return RAM's decisions to who may see the policies of the role that the execution acts under."""
    if not judged:
        return ()
    found = await page.look("ram", "ListPoliciesForRole", RoleName=one["RamRole"])
    return judged if found.refusal is None else ()


async def find_execution(page: Page, execution_id: str) -> Mapping[str, Any]:
    """Return an execution as ListExecutions shows it. Raises CloudError."""
    answer = await page.call("oos", "ListExecutions", ExecutionId=execution_id, IncludeChildExecution=True)
    found: list[Mapping[str, Any]] = answer["Executions"]
    if not found:
        raise CloudError("EntityNotExists.Execution", f"The specified execution {execution_id} does not exist.", 404)
    return found[0]


def call_of(task: Mapping[str, Any]) -> str:
    """Return which operation a task execution called, empty when it is not one that calls."""
    properties = properties_of(task)
    service, api = properties.get("Service"), properties.get("API")
    return f"{service} {api}" if service and api else ""


def properties_of(task: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the properties of a task execution."""
    try:
        return msgspec.json.decode(task.get("Properties") or "{}", type=dict[str, Any])
    except msgspec.DecodeError:
        return {}

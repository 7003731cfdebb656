"""OOS: templates and executions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from tidegate.console import cures
from tidegate.console.complaints import about_template
from tidegate.console.fields import fields_of
from tidegate.console.graph import Graph, graph_of
from tidegate.console.page import Page
from tidegate.errors import CloudError
from tidegate.services.oos.validation import lint
from tidegate.store import chronicle

_PER_PAGE = 50
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
    answer = await page.call("oos", "GetTemplate", TemplateName=name)
    policy, redis = await page.together(
        page.look("oos", "GenerateExecutionPolicy", TemplateName=name),
        page.look("R-kvstore", "DescribeInstances", PageSize=50),
    )
    content = answer["Content"]
    return page.render(
        "template.html",
        template=answer["Template"],
        content=content,
        parameters=fields_of(content, page.language, redis.rows("Instances", "KVStoreInstance")),
        graph=_graph(content, {}),
        policy=policy,
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
    """Show one execution: what it did, and when it failed the cause and the cure."""
    one = await find_execution(page, page.path("id"))
    tasks, logs, content = await page.together(
        page.look("oos", "ListTaskExecutions", ExecutionId=one["ExecutionId"], MaxResults=100, SortOrder="Ascending"),
        page.look("oos", "ListExecutionLogs", ExecutionId=one["ExecutionId"], MaxResults=100),
        page.look("oos", "GetExecutionTemplate", ExecutionId=one["ExecutionId"]),
    )
    async with page.around.database.connection() as connection:
        times = (await chronicle.executions(connection, [one["ExecutionId"]])).get(one["ExecutionId"])
        spans = await chronicle.tasks(connection, [one["ExecutionId"]])
    statuses = {task["TaskName"]: task["Status"] for task in tasks.rows("TaskExecutions")}
    messages = [one["StatusMessage"], *(task["StatusMessage"] for task in tasks.rows("TaskExecutions"))]
    return page.render(
        "execution.html",
        one=one,
        tasks=tasks,
        logs=logs,
        graph=_graph(content.tree.get("Content", ""), statuses),
        causes=cures.explain(messages, page),
        approval=any(
            task["Status"] == "Waiting" and task["TaskAction"] == "ACS::Approve"
            for task in tasks.rows("TaskExecutions")
        ),
        times=times,
        spans=spans,
        call_of=call_of,
    )


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


def _graph(content: str, statuses: Mapping[str, str]) -> Graph | None:
    found = lint(content).template if content else None
    return graph_of(found, statuses) if found is not None else None

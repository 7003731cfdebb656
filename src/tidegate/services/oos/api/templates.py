"""Operations on templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.oos.api.product import (
    Paged,
    PagedAnswer,
    SortOrder,
    given,
    json_text,
    oos,
    template_resource,
    token,
)
from tidegate.services.oos.model import in_language
from tidegate.services.oos.paging import Page
from tidegate.services.oos.policy import missing_policy, policy_document
from tidegate.services.oos.service import Oos
from tidegate.services.oos.templates import TemplateFilter, TemplateView
from tidegate.services.operation import Answer, Call, Done, Request
from tidegate.wire.shapes import JsonText


class WriteTemplateRequest(Request):
    """The text of a template and what belongs to it."""

    template_name: str
    content: str
    tags: JsonText[dict[str, str]] | None = None
    resource_group_id: str | None = None
    version_name: str | None = None


class TemplateRequest(Request):
    """Which template, in which version."""

    template_name: str
    template_version: str | None = None


class ListTemplatesRequest(Paged):
    """Which templates, in which order."""

    template_name: str | None = None
    template_type: str | None = None
    template_format: str | None = None
    category: str | None = None
    share_type: str | None = None
    has_trigger: bool | None = None
    created_by: str | None = None
    created_date_before: datetime | None = None
    created_date_after: datetime | None = None
    resource_group_id: str | None = None
    tags: JsonText[dict[str, str]] | None = None
    sort_field: Literal["TotalExecutionCount", "Popularity", "TemplateName", "CreatedDate", "UpdatedDate"] = (
        "TotalExecutionCount"
    )
    sort_order: SortOrder = "Descending"


class ListTemplateVersionsRequest(Paged, kw_only=True):
    """Which template."""

    template_name: str


class DeleteTemplateRequest(Request):
    """Which template, with or without what it started."""

    template_name: str
    auto_delete_executions: bool = False


class DeleteTemplatesRequest(Request):
    """Which templates, with or without what they started."""

    template_names: JsonText[list[str]]
    auto_delete_executions: bool = False


class ContentRequest(Request):
    """A text to look at."""

    content: str | None = None
    template_url: str | None = msgspec.field(name="TemplateURL", default=None)


class PolicyRequest(Request):
    """The template whose policy is wanted, and a role to compare it with."""

    template_name: str | None = None
    template_version: str | None = None
    template_content: str | None = None
    ram_role: str | None = None


class TemplateItem(Answer, kw_only=True):
    """A template in one version; lists add the last three."""

    template_name: str
    template_id: str
    template_version: str
    template_format: str
    description: str
    hash: str
    has_trigger: bool
    share_type: str
    tags: Mapping[str, str]
    resource_group_id: str | msgspec.UnsetType
    created_by: str
    created_date: str
    updated_by: str
    updated_date: str
    version_name: str | msgspec.UnsetType
    template_type: str
    category: str | msgspec.UnsetType = msgspec.UNSET
    total_execution_count: int | msgspec.UnsetType = msgspec.UNSET
    popularity: int | msgspec.UnsetType = msgspec.UNSET


class TemplateAnswer(Answer):
    """What became of a template."""

    template: TemplateItem
    template_type: str


class TemplateTextAnswer(Answer):
    """A template and its text."""

    template: TemplateItem
    content: str


class ListTemplatesAnswer(PagedAnswer, kw_only=True):
    """Part of the templates."""

    templates: Sequence[TemplateItem]


class VersionItem(Answer, kw_only=True):
    """One version of a template."""

    template_version: str
    template_format: str
    description: str
    updated_by: str
    updated_date: str
    version_name: str | msgspec.UnsetType


class ListTemplateVersionsAnswer(PagedAnswer, kw_only=True):
    """Part of the versions."""

    template_versions: Sequence[VersionItem]


class TaskItem(Answer, kw_only=True):
    """One task of a text; what is a map in the template is JSON text here."""

    name: str
    type: str
    description: str
    properties: str
    outputs: str


class ContentAnswer(Answer, kw_only=True):
    """What a valid text declares."""

    parameters: str
    outputs: str
    ram_role: str
    tasks: Sequence[TaskItem]


class PolicyAnswer(Answer):
    """The policy a template needs, and what the role lacks of it."""

    policy: str
    missing_policy: str


def template_item(view: TemplateView, *, in_list: bool = False) -> TemplateItem:
    """Return a template as answers show it."""
    item = TemplateItem(
        template_name=view.name,
        template_id=view.id,
        template_version=f"v{view.version}",
        template_format=view.format,
        description=view.description or "",
        hash=view.hash,
        has_trigger=view.has_trigger,
        share_type=view.share_type,
        tags=view.tags,
        resource_group_id=given(view.resource_group_id),
        created_by=view.created_by,
        created_date=to_seconds(view.created_at),
        updated_by=view.updated_by,
        updated_date=to_seconds(view.updated_at),
        version_name=given(view.version_name),
        template_type=view.kind,
    )
    if in_list:
        item.category = view.category
        item.total_execution_count = item.popularity = view.executions
    return item


def _named(_service: Any, _call: Call, request: Any) -> Sequence[str]:
    return template_resource(request.template_name)


@oos.operation("CreateTemplate", on=_named)
async def create_template(service: Oos, call: Call, request: WriteTemplateRequest) -> TemplateAnswer:
    """Add a template."""
    view = await service.templates.create(
        call.principal,
        call.region,
        request.template_name,
        request.content,
        tags=request.tags,
        resource_group_id=request.resource_group_id,
        version_name=request.version_name,
    )
    return TemplateAnswer(template_item(view), view.kind)


@oos.operation("UpdateTemplate", on=_named)
async def update_template(service: Oos, call: Call, request: WriteTemplateRequest) -> TemplateAnswer:
    """Add a version to a template."""
    view = await service.templates.update(
        call.principal,
        call.region,
        request.template_name,
        request.content,
        tags=request.tags,
        resource_group_id=request.resource_group_id,
        version_name=request.version_name,
    )
    return TemplateAnswer(template_item(view), view.kind)


@oos.operation("GetTemplate", on=_named)
async def get_template(service: Oos, call: Call, request: TemplateRequest) -> TemplateTextAnswer:
    """Return a template and its text."""
    view = await service.templates.find(call.account_id, call.region, request.template_name, request.template_version)
    return TemplateTextAnswer(template_item(view), await service.templates.text(view))


@oos.operation("ListTemplates", on=lambda *_: template_resource(None))
async def list_templates(service: Oos, call: Call, request: ListTemplatesRequest) -> ListTemplatesAnswer:
    """List the account's templates and the vendor's."""
    page = Page.read(request.max_results, request.next_token)
    wanted = TemplateFilter(
        name=request.template_name,
        kind=request.template_type,
        format=request.template_format,
        category=request.category,
        share_type=request.share_type,
        has_trigger=request.has_trigger,
        created_by=request.created_by,
        created_before=request.created_date_before,
        created_after=request.created_date_after,
        resource_group_id=request.resource_group_id,
        tags=request.tags,
        sort_by=request.sort_field,
        descending=request.sort_order == "Descending",
    )
    part = page.cut(await service.templates.list(call.account_id, call.region, wanted))
    return ListTemplatesAnswer(
        templates=[template_item(view, in_list=True) for view in part.items],
        max_results=part.size,
        next_token=token(part.next_token),
    )


@oos.operation("ListTemplateVersions", on=_named)
async def list_template_versions(
    service: Oos, call: Call, request: ListTemplateVersionsRequest
) -> ListTemplateVersionsAnswer:
    """List the versions of a template, newest first."""
    page = Page.read(request.max_results, request.next_token)
    part = page.cut(await service.templates.versions(call.account_id, call.region, request.template_name))
    items = [
        VersionItem(
            template_version=f"v{view.version}",
            template_format=view.format,
            description=view.description or "",
            updated_by=view.updated_by,
            updated_date=to_seconds(view.updated_at),
            version_name=given(view.version_name),
        )
        for view in part.items
    ]
    return ListTemplateVersionsAnswer(template_versions=items, max_results=part.size, next_token=token(part.next_token))


@oos.operation("DeleteTemplate", on=_named)
async def delete_template(service: Oos, call: Call, request: DeleteTemplateRequest) -> Done:
    """Delete a template with all its versions."""
    await service.templates.delete(
        call.account_id, call.region, [request.template_name], with_executions=request.auto_delete_executions
    )
    return Done()


def _all_named(_service: Any, _call: Call, request: DeleteTemplatesRequest) -> Sequence[str]:
    return [resource for name in request.template_names for resource in template_resource(name)]


@oos.operation("DeleteTemplates", on=_all_named)
async def delete_templates(service: Oos, call: Call, request: DeleteTemplatesRequest) -> Done:
    """Delete several templates, all or none."""
    await service.templates.delete(
        call.account_id, call.region, request.template_names, with_executions=request.auto_delete_executions
    )
    return Done()


@oos.operation("ValidateTemplateContent")
async def validate_template_content(service: Oos, call: Call, request: ContentRequest) -> ContentAnswer:  # noqa: ARG001
    """Check a text; a bad one is answered with every problem, each with its line and column."""
    content = request.content
    if content is None:
        if request.template_url is None:
            raise oos.missing("Content")
        content = await service.fetch(request.template_url)
    template = (await service.validate(content)).require()
    tasks = [
        TaskItem(
            name=task.name,
            type=task.action,
            description=in_language(task.description) or "",
            properties=json_text(task.source.get("Properties") or {}),
            outputs=json_text(task.source.get("Outputs") or {}),
        )
        for task in template.tasks
    ]
    return ContentAnswer(
        parameters=json_text({name: definition.source for name, definition in template.parameters.items()}),
        outputs=json_text(template.source.get("Outputs") or {}),
        ram_role=str(template.source.get("RamRole") or ""),
        tasks=tasks,
    )


@oos.operation("GenerateExecutionPolicy", on=_named)
async def generate_execution_policy(service: Oos, call: Call, request: PolicyRequest) -> PolicyAnswer:
    """Return the least policy that a template needs, and what a role lacks of it."""
    actions = await service.actions_of(
        call.account_id,
        call.region,
        name=request.template_name,
        version=request.template_version,
        content=request.template_content,
    )
    lacking = await service.lacking(call.account_id, request.ram_role, actions) if request.ram_role else []
    return PolicyAnswer(json_text(policy_document(actions)), json_text(missing_policy(lacking)))

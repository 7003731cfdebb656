"""Launch templates (ecs.md 10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.ecs import faults
from tidegate.services.ecs.api.product import Paged, TagPair, TagPairs, check_page, ecs, region_of
from tidegate.services.ecs.api.wanted import LaunchFields
from tidegate.services.ecs.model import decode_user_data
from tidegate.services.ecs.service import Ecs
from tidegate.services.ecs.tags import check_tags
from tidegate.services.ecs.templates import Draft
from tidegate.services.operation import Answer, Call, Done, Request, given
from tidegate.services.tagging import Tag, TagFilter
from tidegate.store.ecs.templates import Query, Template, Version


class CreateTemplateRequest(LaunchFields, kw_only=True):
    """The template wanted."""

    launch_template_name: str
    version_description: str = ""
    template_resource_group_id: str = ""
    template_tag: list[Tag] = msgspec.field(default_factory=list)


class OnTemplate(Request, kw_only=True):
    """Names one template; its id wins over its name."""

    launch_template_id: str | None = None
    launch_template_name: str | None = None


class CreateVersionRequest(LaunchFields, kw_only=True):
    """The version wanted."""

    launch_template_id: str | None = None
    launch_template_name: str | None = None
    version_description: str = ""


class SetDefaultRequest(OnTemplate, kw_only=True):
    """Which version is to be the default one."""

    default_version_number: int


class DeleteVersionsRequest(OnTemplate, kw_only=True):
    """Which versions are to go."""

    delete_version: list[int]


class DescribeTemplatesRequest(Paged, kw_only=True):
    """Which templates are wanted."""

    launch_template_id: list[str] | None = None
    launch_template_name: list[str] | None = None
    template_resource_group_id: str | None = None
    template_tag: list[TagFilter] = msgspec.field(default_factory=list)


class DescribeVersionsRequest(Paged, kw_only=True):
    """Which versions are wanted."""

    launch_template_id: str | None = None
    launch_template_name: str | None = None
    launch_template_version: list[int] | None = None
    default_version: bool = False
    min_version: int | None = None
    max_version: int | None = None
    detail_flag: bool = True


class Written(Answer):
    """The version that was written."""

    launch_template_id: str
    launch_template_version_number: int


class Numbers(Answer, rename={"version_number": "versionNumbers"}):
    """Numbers of versions."""

    version_number: list[int]


class Deleted(Answer):
    """The template that is gone, and the versions it had."""

    launch_template_id: str
    launch_template_version_numbers: Numbers


class DeletedVersion(Answer):
    """A version that is gone."""

    launch_template_id: str
    launch_template_version_number: int


class DeletedVersions(Answer):
    """Versions that are gone."""

    launch_template_version: list[DeletedVersion]


class VersionsDeleted(Answer):
    """Versions that are gone."""

    launch_template_versions: DeletedVersions


class TemplateView(Answer, kw_only=True):
    """A template."""

    launch_template_id: str
    launch_template_name: str
    default_version_number: int
    latest_version_number: int
    create_time: str
    modified_time: str
    created_by: str
    resource_group_id: str
    tags: TagPairs


class TemplateViews(Answer):
    """Templates."""

    launch_template_set: list[TemplateView]


class TemplatePage(Answer, kw_only=True):
    """A page of templates."""

    launch_template_sets: TemplateViews
    page_number: int
    page_size: int
    total_count: int


class VersionView(Answer, kw_only=True):
    """A version."""

    launch_template_id: str
    launch_template_name: str
    version_number: int
    default_version: bool
    version_description: str
    create_time: str
    modified_time: str
    created_by: str
    launch_template_data: Mapping[str, Any] | msgspec.UnsetType


class VersionViews(Answer):
    """Versions."""

    launch_template_version_set: list[VersionView]


class VersionPage(Answer, kw_only=True):
    """A page of versions."""

    launch_template_version_sets: VersionViews
    page_number: int
    page_size: int
    total_count: int


def _template(_service: Ecs, _call: Call, request: OnTemplate | CreateVersionRequest) -> Sequence[str]:
    return [f"launchtemplate/{request.launch_template_id or '*'}"]


def _draft(request: CreateTemplateRequest | CreateVersionRequest) -> Draft:
    fields = given(request, LaunchFields)
    # What every launch would refuse is refused now; whether images and types exist is asked at each launch.
    decode_user_data(request.user_data)
    check_tags([(tag.key, tag.value) for tag in request.tag or ()])
    return Draft(description=request.version_description, fields=fields)


@ecs.operation("CreateLaunchTemplate", on=lambda _s, _c, _r: ["launchtemplate/*"])
async def create_launch_template(service: Ecs, call: Call, request: CreateTemplateRequest) -> Written:
    """Make a launch template with its first version."""
    region_of(call)
    tags = check_tags([(tag.key, tag.value) for tag in request.template_tag])
    template_id = await service.templates.create(
        call,
        request.launch_template_name,
        _draft(request),
        resource_group_id=request.template_resource_group_id,
        tags=tags,
    )
    return Written(template_id, 1)


@ecs.operation("CreateLaunchTemplateVersion", on=_template)
async def create_launch_template_version(service: Ecs, call: Call, request: CreateVersionRequest) -> Written:
    """Write another version of a launch template."""
    version = await service.templates.add_version(
        call, request.launch_template_id, request.launch_template_name, _draft(request)
    )
    return Written(version.template_id, version.number)


@ecs.operation("ModifyLaunchTemplateDefaultVersion", on=_template)
async def modify_launch_template_default_version(service: Ecs, call: Call, request: SetDefaultRequest) -> Done:
    """Choose the version that counts where none is named."""
    number = request.default_version_number
    await service.templates.set_default(call, request.launch_template_id, request.launch_template_name, number)
    return Done()


@ecs.operation("DeleteLaunchTemplate", on=_template)
async def delete_launch_template(service: Ecs, call: Call, request: OnTemplate) -> Deleted:
    """Delete a launch template with its versions."""
    template_id, numbers = await service.templates.delete(
        call, request.launch_template_id, request.launch_template_name
    )
    return Deleted(template_id, Numbers(numbers))


@ecs.operation("DeleteLaunchTemplateVersion", on=_template)
async def delete_launch_template_version(service: Ecs, call: Call, request: DeleteVersionsRequest) -> VersionsDeleted:
    """Delete versions of a launch template, but not the default one."""
    if not request.delete_version:
        raise faults.missing_parameter("DeleteVersion")
    template = await service.templates.delete_versions(
        call, request.launch_template_id, request.launch_template_name, request.delete_version
    )
    return VersionsDeleted(DeletedVersions([DeletedVersion(template.id, number) for number in request.delete_version]))


@ecs.operation("DescribeLaunchTemplates", on=lambda _s, _c, _r: ["launchtemplate/*"])
async def describe_launch_templates(service: Ecs, call: Call, request: DescribeTemplatesRequest) -> TemplatePage:
    """List launch templates."""
    check_page(request)
    query = Query(
        account_id=call.account_id,
        region=region_of(call),
        ids=request.launch_template_id,
        names=request.launch_template_name,
        resource_group_id=request.template_resource_group_id,
        tags={tag.key: tag.value for tag in request.template_tag if tag.value is not None},
    )
    offset = (request.page_number - 1) * request.page_size
    total, found = await service.templates.describe(query, limit=request.page_size, offset=offset)
    return TemplatePage(
        launch_template_sets=TemplateViews([_template_view(one) for one in found]),
        page_number=request.page_number,
        page_size=request.page_size,
        total_count=total,
    )


@ecs.operation("DescribeLaunchTemplateVersions", on=_template)
async def describe_launch_template_versions(service: Ecs, call: Call, request: DescribeVersionsRequest) -> VersionPage:
    """List the versions of a launch template."""
    check_page(request)
    if request.launch_template_id is None and request.launch_template_name is None:
        raise faults.missing_parameter("LaunchTemplateId")
    found = await service.templates.versions(call, request.launch_template_id, request.launch_template_name)
    wanted = [(found[0], one) for one in found[1] if _is_wanted(request, found[0], one)] if found else []
    offset = (request.page_number - 1) * request.page_size
    page = wanted[offset : offset + request.page_size]
    return VersionPage(
        launch_template_version_sets=VersionViews(
            [_version_view(template, version, detailed=request.detail_flag) for template, version in page]
        ),
        page_number=request.page_number,
        page_size=request.page_size,
        total_count=len(wanted),
    )


def _is_wanted(request: DescribeVersionsRequest, template: Template, version: Version) -> bool:
    # The default version and the numbers are one choice, the range another (ASSUMPTION).
    if request.default_version:
        return version.number == template.default_version
    if request.launch_template_version:
        return version.number in request.launch_template_version
    low, high = request.min_version, request.max_version
    return (low is None or version.number >= low) and (high is None or version.number <= high)


def _template_view(template: Template) -> TemplateView:
    return TemplateView(
        launch_template_id=template.id,
        launch_template_name=template.name,
        default_version_number=template.default_version,
        latest_version_number=template.latest_version,
        create_time=to_seconds(template.created_at),
        modified_time=to_seconds(template.modified_at),
        created_by=template.created_by,
        resource_group_id=template.resource_group_id,
        tags=TagPairs([TagPair(key, value) for key, value in template.tags.items()]),
    )


def _version_view(template: Template, version: Version, *, detailed: bool) -> VersionView:
    return VersionView(
        launch_template_id=template.id,
        launch_template_name=template.name,
        version_number=version.number,
        default_version=version.number == template.default_version,
        version_description=version.description,
        create_time=to_seconds(version.created_at),
        modified_time=to_seconds(version.created_at),
        created_by=version.created_by,
        launch_template_data=_data(version.fields) if detailed else msgspec.UNSET,
    )


def _data(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return LaunchTemplateData: lists get their wrappers.

    Odd but real: the members of the system disk are literally named with a dot; newer clients read an object as well.
    """
    data = {name: value for name, value in fields.items() if name not in {"DataDisk", "NetworkInterface", "Tag"}}
    data["DataDisks"] = {"DataDisk": fields.get("DataDisk", [])}
    data["NetworkInterfaces"] = {"NetworkInterface": [_interface(one) for one in fields.get("NetworkInterface", [])]}
    data["Tags"] = {"InstanceTag": fields.get("Tag", [])}
    data["SecurityGroupIds"] = {"SecurityGroupId": fields.get("SecurityGroupIds", [])}
    return data | {f"SystemDisk.{name}": value for name, value in fields.get("SystemDisk", {}).items()}


def _interface(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {**fields, "SecurityGroupIds": {"SecurityGroupId": fields.get("SecurityGroupIds", [])}}

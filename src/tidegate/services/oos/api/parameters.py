"""Operations of Parameter Store: common parameters and secret ones (oos.md 8.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.oos import limits
from tidegate.services.oos.api.product import Paged, PagedAnswer, SortOrder, given, json_text, oos, tags_of, token
from tidegate.services.oos.paging import Page
from tidegate.services.oos.parameter_store import NewParameter, Valued, is_under
from tidegate.services.oos.service import Oos
from tidegate.services.operation import Answer, Call, Done, Request, invalid_parameter
from tidegate.store.oos.parameters import ParameterRecord
from tidegate.wire.shapes import JsonText


class NamedRequest(Request):
    """Which parameter."""

    name: str


class CreateParameterRequest(NamedRequest, kw_only=True):
    """A new parameter."""

    type: str
    value: str
    constraints: str | None = None
    description: str | None = None
    tags: JsonText[dict[str, str]] | None = None
    resource_group_id: str | None = None


class CreateSecretParameterRequest(NamedRequest, kw_only=True):
    """A new secret parameter."""

    type: str = "Secret"
    value: str
    constraints: str | None = None
    description: str | None = None
    tags: JsonText[dict[str, str]] | None = None
    resource_group_id: str | None = None
    key_id: str | None = None
    dkms_instance_id: str | None = msgspec.field(name="DKMSInstanceId", default=None)


class UpdateParameterRequest(NamedRequest, kw_only=True):
    """A new value of a parameter."""

    value: str
    description: str | None = None
    tags: JsonText[dict[str, str]] | None = None
    resource_group_id: str | None = None


class GetParameterRequest(NamedRequest, kw_only=True):
    """Which parameter, in which version."""

    parameter_version: int | None = None


class GetSecretParameterRequest(GetParameterRequest, kw_only=True):
    """Which parameter, in which version, and whether its value is wanted (ASSUMPTION: it is not)."""

    with_decryption: bool = False


class GetParametersRequest(Request):
    """Which parameters."""

    names: JsonText[list[str]]


class GetSecretParametersRequest(GetParametersRequest, kw_only=True):
    """Which parameters, and whether their values are wanted."""

    with_decryption: bool = False


class PathRequest(Paged, kw_only=True):
    """Below which path."""

    path: str
    recursive: bool = False


class SecretPathRequest(PathRequest, kw_only=True):
    """Below which path, and whether values are wanted."""

    with_decryption: bool = False


class ListParametersRequest(Paged, kw_only=True):
    """Which parameters, in which order; the name counts as a part."""

    name: str | None = None
    path: str | None = None
    recursive: bool = False
    type: str | None = None
    share_type: str | None = None
    resource_group_id: str | None = None
    tags: JsonText[dict[str, str]] | None = None
    sort_field: Literal["Name", "CreatedDate"] = "Name"
    sort_order: SortOrder = "Descending"


class ListVersionsRequest(Paged, kw_only=True):
    """Whose versions."""

    name: str
    share_type: str | None = None


class ListSecretVersionsRequest(ListVersionsRequest, kw_only=True):
    """Whose versions, and whether values are wanted."""

    with_decryption: bool = False


class ParameterItem(Answer, kw_only=True):
    """A parameter; the value only where it was asked for."""

    id: str
    name: str
    type: str
    parameter_version: int
    value: str | msgspec.UnsetType = msgspec.UNSET
    constraints: str
    description: str
    share_type: str = "Private"
    tags: Mapping[str, str]
    resource_group_id: str | msgspec.UnsetType
    key_id: str | msgspec.UnsetType
    dkms_instance_id: str | msgspec.UnsetType = msgspec.field(name="DKMSInstanceId")
    created_by: str
    created_date: str
    updated_by: str
    updated_date: str


class ParameterAnswer(Answer):
    """One parameter."""

    parameter: ParameterItem


class ParametersAnswer(Answer):
    """The parameters that were found, and the names that are none."""

    parameters: Sequence[ParameterItem]
    invalid_parameters: Sequence[str]


class ParameterPageAnswer(PagedAnswer, kw_only=True):
    """Part of the parameters."""

    parameters: Sequence[ParameterItem]
    total_count: int


class VersionItem(Answer, kw_only=True):
    """One value of a parameter."""

    parameter_version: int
    value: str | msgspec.UnsetType
    updated_by: str
    updated_date: str


class VersionsAnswer(PagedAnswer, kw_only=True):
    """Part of the versions of a parameter."""

    id: str
    name: str
    type: str
    description: str
    created_by: str
    created_date: str
    parameter_versions: Sequence[VersionItem]
    total_count: int


def _item(record: ParameterRecord) -> ParameterItem:
    return ParameterItem(
        id=record.id,
        name=record.name,
        type=record.kind,
        parameter_version=record.version,
        constraints=json_text(record.constraints) if record.constraints is not None else "",
        description=record.description or "",
        tags=record.tags,
        resource_group_id=given(record.resource_group_id),
        key_id=given(record.key_id),
        dkms_instance_id=given(record.dkms_instance_id),
        created_by=record.created_by,
        created_date=to_seconds(record.created_at),
        updated_by=record.updated_by,
        updated_date=to_seconds(record.updated_at),
    )


def _valued_item(valued: Valued) -> ParameterItem:
    item = _item(valued.record)
    item.parameter_version = valued.kept.version
    item.value = given(valued.value)
    return item


def _on(request: Any, kind: str) -> Sequence[str]:
    names = getattr(request, "names", None) or [getattr(request, "name", None) or "*"]
    return [f"{kind}/{name}" for name in names]


def _on_parameter(_service: Oos, _call: Call, request: Any) -> Sequence[str]:
    return _on(request, "parameter")


def _on_secret(_service: Oos, _call: Call, request: Any) -> Sequence[str]:
    return _on(request, "secretparameter")


# ---- common parameters -----------------------------------------------------------------------------------------------


@oos.operation("CreateParameter", on=_on_parameter)
async def create_parameter(service: Oos, call: Call, request: CreateParameterRequest) -> ParameterAnswer:
    """Add a parameter."""
    new = NewParameter(
        name=request.name,
        kind=_kind(request.type, ("String", "StringList")),
        value=request.value,
        constraints=request.constraints,
        description=request.description,
        tags=tags_of(request.tags),
        resource_group_id=request.resource_group_id,
    )
    return ParameterAnswer(_item(await service.parameter_store.create(call, new)))


@oos.operation("UpdateParameter", on=_on_parameter)
async def update_parameter(service: Oos, call: Call, request: UpdateParameterRequest) -> ParameterAnswer:
    """Give a parameter a new value."""
    return await _update(service, call, request, is_secret=False)


@oos.operation("GetParameter", on=_on_parameter)
async def get_parameter(service: Oos, call: Call, request: GetParameterRequest) -> ParameterAnswer:
    """Return a parameter with its value."""
    return ParameterAnswer(
        _valued_item(await service.parameter_store.get(call, request.name, request.parameter_version, is_secret=False))
    )


@oos.operation("GetParameters", on=_on_parameter)
async def get_parameters(service: Oos, call: Call, request: GetParametersRequest) -> ParametersAnswer:
    """Return several parameters with their values."""
    return await _get_many(service, call, request, is_secret=False)


@oos.operation("GetParametersByPath", on=_on_parameter)
async def get_parameters_by_path(service: Oos, call: Call, request: PathRequest) -> ParameterPageAnswer:
    """Return the parameters below a path with their values."""
    return await _get_by_path(service, call, request, is_secret=False)


@oos.operation("ListParameters", on=_on_parameter)
async def list_parameters(service: Oos, call: Call, request: ListParametersRequest) -> ParameterPageAnswer:
    """List parameters without values."""
    return await _list(service, call, request, is_secret=False)


@oos.operation("ListParameterVersions", on=_on_parameter)
async def list_parameter_versions(service: Oos, call: Call, request: ListVersionsRequest) -> VersionsAnswer:
    """List the values a parameter has had, newest first."""
    return await _list_versions(service, call, request, is_secret=False)


@oos.operation("DeleteParameter", on=_on_parameter)
async def delete_parameter(service: Oos, call: Call, request: NamedRequest) -> Done:
    """Delete a parameter with all its versions."""
    await service.parameter_store.delete(call, request.name, is_secret=False)
    return Done()


# ---- secret parameters -----------------------------------------------------------------------------------------------


@oos.operation("CreateSecretParameter", on=_on_secret)
async def create_secret_parameter(service: Oos, call: Call, request: CreateSecretParameterRequest) -> ParameterAnswer:
    """Add a secret parameter. Its value is sealed by this cloud's vault, whatever key is named."""
    new = NewParameter(
        name=request.name,
        kind=_kind(request.type, ("Secret",)),
        value=request.value,
        constraints=request.constraints,
        description=request.description,
        tags=tags_of(request.tags),
        resource_group_id=request.resource_group_id,
        key_id=request.key_id,
        dkms_instance_id=request.dkms_instance_id,
    )
    return ParameterAnswer(_item(await service.parameter_store.create(call, new)))


@oos.operation("UpdateSecretParameter", on=_on_secret)
async def update_secret_parameter(service: Oos, call: Call, request: UpdateParameterRequest) -> ParameterAnswer:
    """Give a secret parameter a new value."""
    return await _update(service, call, request, is_secret=True)


@oos.operation("GetSecretParameter", on=_on_secret)
async def get_secret_parameter(service: Oos, call: Call, request: GetSecretParameterRequest) -> ParameterAnswer:
    """Return a secret parameter, with its value when decryption is asked for."""
    valued = await service.parameter_store.get(
        call, request.name, request.parameter_version, is_secret=True, opened=request.with_decryption
    )
    return ParameterAnswer(_valued_item(valued))


@oos.operation("GetSecretParameters", on=_on_secret)
async def get_secret_parameters(service: Oos, call: Call, request: GetSecretParametersRequest) -> ParametersAnswer:
    """Return several secret parameters, with their values when decryption is asked for."""
    return await _get_many(service, call, request, is_secret=True, opened=request.with_decryption)


@oos.operation("GetSecretParametersByPath", on=_on_secret)
async def get_secret_parameters_by_path(service: Oos, call: Call, request: SecretPathRequest) -> ParameterPageAnswer:
    """Return the secret parameters below a path, with their values when decryption is asked for."""
    return await _get_by_path(service, call, request, is_secret=True, opened=request.with_decryption)


@oos.operation("ListSecretParameters", on=_on_secret)
async def list_secret_parameters(service: Oos, call: Call, request: ListParametersRequest) -> ParameterPageAnswer:
    """List secret parameters without values."""
    return await _list(service, call, request, is_secret=True)


@oos.operation("ListSecretParameterVersions", on=_on_secret)
async def list_secret_parameter_versions(
    service: Oos, call: Call, request: ListSecretVersionsRequest
) -> VersionsAnswer:
    """List the versions of a secret parameter, with values when decryption is asked for."""
    return await _list_versions(service, call, request, is_secret=True, opened=request.with_decryption)


@oos.operation("DeleteSecretParameter", on=_on_secret)
async def delete_secret_parameter(service: Oos, call: Call, request: NamedRequest) -> Done:
    """Delete a secret parameter with all its versions."""
    await service.parameter_store.delete(call, request.name, is_secret=True)
    return Done()


# ---- what both have in common ----------------------------------------------------------------------------------------


def _kind(text: str, allowed: Sequence[str]) -> str:
    if text not in allowed:
        raise invalid_parameter("Type")
    return text


async def _update(service: Oos, call: Call, request: UpdateParameterRequest, *, is_secret: bool) -> ParameterAnswer:
    record = await service.parameter_store.update(
        call,
        request.name,
        request.value,
        is_secret=is_secret,
        description=request.description,
        tags=request.tags,
        resource_group_id=request.resource_group_id,
    )
    return ParameterAnswer(_item(record))


async def _get_many(
    service: Oos, call: Call, request: GetParametersRequest, *, is_secret: bool, opened: bool = True
) -> ParametersAnswer:
    if not 1 <= len(request.names) <= limits.PARAMETER_NAMES:
        raise invalid_parameter("Names")
    found, invalid = await service.parameter_store.get_many(call, request.names, is_secret=is_secret, opened=opened)
    return ParametersAnswer([_valued_item(valued) for valued in found], invalid)


async def _get_by_path(
    service: Oos, call: Call, request: PathRequest, *, is_secret: bool, opened: bool = True
) -> ParameterPageAnswer:
    page = Page.read(request.max_results, request.next_token)
    found = [
        record
        for record in await service.parameter_store.list(call, is_secret=is_secret)
        if is_under(request.path, record.name, recursive=request.recursive)
    ]
    part = page.cut(found)
    valued = await service.parameter_store.with_values(part.items, opened=opened)
    return ParameterPageAnswer(
        parameters=[_valued_item(one) for one in valued],
        total_count=len(found),
        max_results=part.size,
        next_token=token(part.next_token),
    )


async def _list(service: Oos, call: Call, request: ListParametersRequest, *, is_secret: bool) -> ParameterPageAnswer:
    page = Page.read(request.max_results, request.next_token)
    found = [one for one in await service.parameter_store.list(call, is_secret=is_secret) if _is_wanted(request, one)]
    is_descending = request.sort_order == "Descending"
    if request.sort_field == "CreatedDate":
        found.sort(key=lambda record: (record.created_at, record.name), reverse=is_descending)
    else:
        found.sort(key=lambda record: record.name, reverse=is_descending)
    part = page.cut(found)
    return ParameterPageAnswer(
        parameters=[_item(record) for record in part.items],
        total_count=len(found),
        max_results=part.size,
        next_token=token(part.next_token),
    )


def _is_wanted(request: ListParametersRequest, record: ParameterRecord) -> bool:
    return (
        (request.name is None or request.name in record.name)
        and (request.path is None or is_under(request.path, record.name, recursive=request.recursive))
        and request.type in (None, record.kind)
        and request.share_type in (None, "Private")  # the vendor's own parameters are not here
        and request.resource_group_id in (None, record.resource_group_id)
        and tags_of(request.tags).items() <= record.tags.items()
    )


async def _list_versions(
    service: Oos, call: Call, request: ListVersionsRequest, *, is_secret: bool, opened: bool = True
) -> VersionsAnswer:
    page = Page.read(request.max_results, request.next_token)
    kept = await service.parameter_store.versions(call, request.name, is_secret=is_secret, opened=opened)
    record, part = kept[0].record, page.cut(kept)
    return VersionsAnswer(
        id=record.id,
        name=record.name,
        type=record.kind,
        description=record.description or "",
        created_by=record.created_by,
        created_date=to_seconds(record.created_at),
        parameter_versions=[
            VersionItem(
                parameter_version=one.kept.version,
                value=given(one.value),
                updated_by=one.kept.updated_by,
                updated_date=to_seconds(one.kept.updated_at),
            )
            for one in part.items
        ],
        total_count=len(kept),
        max_results=part.size,
        next_token=token(part.next_token),
    )

"""Operations on roles."""

from __future__ import annotations

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.operation import Answer, Call, Done, Request
from tidegate.services.ram import limits
from tidegate.services.ram.api.product import on, ram
from tidegate.services.ram.model import role_arn
from tidegate.services.ram.service import Ram
from tidegate.store.ram.records import Role


class CreateRoleRequest(Request):
    """A new role."""

    role_name: str
    assume_role_policy_document: str
    description: str | None = None
    max_session_duration: int = limits.ROLE_SESSION_SECONDS_DEFAULT


class RoleRequest(Request):
    """Which role."""

    role_name: str


class UpdateRoleRequest(Request):
    """What changes about a role."""

    role_name: str
    new_assume_role_policy_document: str | None = None
    new_description: str | None = None
    new_max_session_duration: int | None = None


class ListRolesRequest(Request):
    """Which part of the list."""

    marker: str | None = None
    max_items: int | None = None


class RoleItem(Answer):
    """A role; lists leave its trust policy out."""

    role_id: str
    role_name: str
    arn: str
    description: str
    max_session_duration: int
    create_date: str
    update_date: str
    is_service_linked_role: bool
    assume_role_policy_document: str | msgspec.UnsetType = msgspec.UNSET


class RoleAnswer(Answer):
    """One role."""

    role: RoleItem


class RoleList(Answer):
    """The wrapper that lists have on the wire."""

    role: list[RoleItem]


class ListRolesAnswer(Answer):
    """Part of the roles."""

    roles: RoleList
    is_truncated: bool
    marker: str | msgspec.UnsetType = msgspec.UNSET


def _item(role: Role) -> RoleItem:
    return RoleItem(
        role_id=role.role_id,
        role_name=role.role_name,
        arn=role_arn(role.account_id, role.role_name),
        description=role.description,
        max_session_duration=role.max_session_duration,
        create_date=to_seconds(role.created),
        update_date=to_seconds(role.updated),
        is_service_linked_role=role.linked_service is not None,
    )


def _whole(role: Role) -> RoleAnswer:
    item = _item(role)
    item.assume_role_policy_document = role.trust_document
    return RoleAnswer(role=item)


@ram.operation("CreateRole", on=on("role/{role_name}"))
async def create_role(service: Ram, call: Call, request: CreateRoleRequest) -> RoleAnswer:
    """Make a role."""
    return _whole(
        await service.roles.create(
            call.account_id,
            request.role_name,
            request.assume_role_policy_document,
            request.description or "",
            request.max_session_duration,
        )
    )


@ram.operation("GetRole", on=on("role/{role_name}"))
async def get_role(service: Ram, call: Call, request: RoleRequest) -> RoleAnswer:
    """Return a role."""
    return _whole(await service.roles.get(call.account_id, request.role_name))


@ram.operation("UpdateRole", on=on("role/{role_name}"))
async def update_role(service: Ram, call: Call, request: UpdateRoleRequest) -> RoleAnswer:
    """Change a role."""
    return _whole(
        await service.roles.update(
            call.account_id,
            request.role_name,
            trust_document=request.new_assume_role_policy_document,
            description=request.new_description,
            max_session_duration=request.new_max_session_duration,
        )
    )


@ram.operation("DeleteRole", on=on("role/{role_name}"))
async def delete_role(service: Ram, call: Call, request: RoleRequest) -> Done:
    """Remove a role."""
    await service.roles.remove(call.account_id, request.role_name)
    return Done()


@ram.operation("ListRoles", on=on("role/*"))
async def list_roles(service: Ram, call: Call, request: ListRolesRequest) -> ListRolesAnswer:
    """List roles by name."""
    page = await service.roles.page(call.account_id, request.marker, request.max_items)
    return ListRolesAnswer(
        roles=RoleList(role=[_item(role) for role in page.items]),
        is_truncated=page.marker is not None,
        marker=page.marker or msgspec.UNSET,
    )

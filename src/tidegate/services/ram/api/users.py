"""Operations on users."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.operation import Answer, Call, Done, Request
from tidegate.services.ram.api.product import on, on_user_or_caller, ram
from tidegate.services.ram.faults import fault
from tidegate.services.ram.service import Ram
from tidegate.services.ram.users import Profile
from tidegate.store.ram.records import User


class CreateUserRequest(Request):
    """A new user."""

    user_name: str
    display_name: str | None = None
    mobile_phone: str | None = None
    email: str | None = None
    comments: str | None = None


class GetUserRequest(Request):
    """A user; without a name the caller."""

    user_name: str | None = None


class UpdateUserRequest(Request):
    """What changes about a user."""

    user_name: str
    new_user_name: str | None = None
    new_display_name: str | None = None
    new_mobile_phone: str | None = None
    new_email: str | None = None
    new_comments: str | None = None


class DeleteUserRequest(Request):
    """The user to remove."""

    user_name: str


class ListUsersRequest(Request):
    """Which part of the list."""

    marker: str | None = None
    max_items: int | None = None


class UserItem(Answer):
    """A user."""

    user_id: str
    user_name: str
    display_name: str
    mobile_phone: str
    email: str
    comments: str
    create_date: str
    update_date: str
    #: blank for a user who never signed in to the console, and in lists
    last_login_date: str = ""


class UserAnswer(Answer):
    """One user."""

    user: UserItem


class UserList(Answer):
    """The wrapper that lists have on the wire."""

    user: list[UserItem]


class ListUsersAnswer(Answer):
    """Part of the users."""

    users: UserList
    is_truncated: bool
    marker: str | msgspec.UnsetType = msgspec.UNSET


def _item(user: User, last_login: datetime | None = None) -> UserItem:
    return UserItem(
        user_id=user.user_id,
        user_name=user.user_name,
        display_name=user.display_name,
        mobile_phone=user.mobile_phone,
        email=user.email,
        comments=user.comments,
        create_date=to_seconds(user.created),
        update_date=to_seconds(user.updated),
        last_login_date="" if last_login is None else to_seconds(last_login),
    )


@ram.operation("CreateUser", on=on("user/{user_name}"))
async def create_user(service: Ram, call: Call, request: CreateUserRequest) -> UserAnswer:
    """Make a user."""
    profile = Profile(
        display_name=request.display_name,
        mobile_phone=request.mobile_phone,
        email=request.email,
        comments=request.comments,
    )
    return UserAnswer(user=_item(await service.users.create(call.account_id, request.user_name, profile)))


@ram.operation("GetUser", on=on_user_or_caller)
async def get_user(service: Ram, call: Call, request: GetUserRequest) -> UserAnswer:
    """Return a user."""
    name = request.user_name or (call.principal.name if call.principal.kind == "RAMUser" else None)
    if name is None:
        raise fault("EntityNotExist.User")
    user = await service.users.get(call.account_id, name)
    return UserAnswer(user=_item(user, await service.logins.last_login(user.user_id)))


@ram.operation("UpdateUser", on=on("user/{user_name}"))
async def update_user(service: Ram, call: Call, request: UpdateUserRequest) -> UserAnswer:
    """Change a user."""
    profile = Profile(
        display_name=request.new_display_name,
        mobile_phone=request.new_mobile_phone,
        email=request.new_email,
        comments=request.new_comments,
    )
    user = await service.users.update(call.account_id, request.user_name, request.new_user_name, profile)
    return UserAnswer(user=_item(user))


@ram.operation("DeleteUser", on=on("user/{user_name}"))
async def delete_user(service: Ram, call: Call, request: DeleteUserRequest) -> Done:
    """Remove a user."""
    await service.users.remove(call.account_id, request.user_name)
    return Done()


@ram.operation("ListUsers", on=on("user/*"))
async def list_users(service: Ram, call: Call, request: ListUsersRequest) -> ListUsersAnswer:
    """List users by name."""
    page = await service.users.page(call.account_id, request.marker, request.max_items)
    return ListUsersAnswer(
        users=UserList(user=[_item(user) for user in page.items]),
        is_truncated=page.marker is not None,
        marker=page.marker or msgspec.UNSET,
    )

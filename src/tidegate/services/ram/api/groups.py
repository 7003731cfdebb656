"""Operations on groups and memberships."""

from __future__ import annotations

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.operation import Answer, Call, Done, Request
from tidegate.services.ram.api.product import on, ram
from tidegate.services.ram.service import Ram
from tidegate.store.ram.records import Group


class CreateGroupRequest(Request):
    """A new group."""

    group_name: str
    comments: str | None = None


class GroupRequest(Request):
    """Which group."""

    group_name: str


class UpdateGroupRequest(Request):
    """What changes about a group."""

    group_name: str
    new_group_name: str | None = None
    new_comments: str | None = None


class ListGroupsRequest(Request):
    """Which part of the list."""

    marker: str | None = None
    max_items: int | None = None


class MembershipRequest(Request):
    """Which user and which group."""

    user_name: str
    group_name: str


class ListUsersForGroupRequest(Request):
    """Whose members, and which part of the list."""

    group_name: str
    marker: str | None = None
    max_items: int | None = None


class ListGroupsForUserRequest(Request):
    """Whose groups."""

    user_name: str


class GroupItem(Answer):
    """A group."""

    group_id: str
    group_name: str
    comments: str
    create_date: str
    update_date: str


class GroupAnswer(Answer):
    """One group."""

    group: GroupItem


class GroupList(Answer):
    """The wrapper that lists have on the wire."""

    group: list[GroupItem]


class ListGroupsAnswer(Answer):
    """Part of the groups."""

    groups: GroupList
    is_truncated: bool
    marker: str | msgspec.UnsetType = msgspec.UNSET


class MemberItem(Answer):
    """A user as a member."""

    user_name: str
    display_name: str
    join_date: str


class MemberList(Answer):
    """The wrapper that lists have on the wire."""

    user: list[MemberItem]


class ListUsersForGroupAnswer(Answer):
    """Part of the members."""

    users: MemberList
    is_truncated: bool
    marker: str | msgspec.UnsetType = msgspec.UNSET


class JoinedItem(Answer):
    """A group that a user has joined."""

    group_id: str
    group_name: str
    comments: str
    join_date: str


class JoinedList(Answer):
    """The wrapper that lists have on the wire."""

    group: list[JoinedItem]


class ListGroupsForUserAnswer(Answer):
    """The groups of a user."""

    groups: JoinedList


def _item(group: Group) -> GroupItem:
    return GroupItem(
        group_id=group.group_id,
        group_name=group.group_name,
        comments=group.comments,
        create_date=to_seconds(group.created),
        update_date=to_seconds(group.updated),
    )


@ram.operation("CreateGroup", on=on("group/{group_name}"))
async def create_group(service: Ram, call: Call, request: CreateGroupRequest) -> GroupAnswer:
    """Make a group."""
    group = await service.groups.create(call.account_id, request.group_name, request.comments or "")
    return GroupAnswer(group=_item(group))


@ram.operation("GetGroup", on=on("group/{group_name}"))
async def get_group(service: Ram, call: Call, request: GroupRequest) -> GroupAnswer:
    """Return a group."""
    return GroupAnswer(group=_item(await service.groups.get(call.account_id, request.group_name)))


@ram.operation("UpdateGroup", on=on("group/{group_name}"))
async def update_group(service: Ram, call: Call, request: UpdateGroupRequest) -> GroupAnswer:
    """Change a group."""
    group = await service.groups.update(
        call.account_id, request.group_name, request.new_group_name, request.new_comments
    )
    return GroupAnswer(group=_item(group))


@ram.operation("DeleteGroup", on=on("group/{group_name}"))
async def delete_group(service: Ram, call: Call, request: GroupRequest) -> Done:
    """Remove a group."""
    await service.groups.remove(call.account_id, request.group_name)
    return Done()


@ram.operation("ListGroups", on=on("group/*"))
async def list_groups(service: Ram, call: Call, request: ListGroupsRequest) -> ListGroupsAnswer:
    """List groups by name."""
    page = await service.groups.page(call.account_id, request.marker, request.max_items)
    return ListGroupsAnswer(
        groups=GroupList(group=[_item(group) for group in page.items]),
        is_truncated=page.marker is not None,
        marker=page.marker or msgspec.UNSET,
    )


@ram.operation("AddUserToGroup", on=on("user/{user_name}", "group/{group_name}"))
async def add_user_to_group(service: Ram, call: Call, request: MembershipRequest) -> Done:
    """Make a user a member."""
    await service.groups.join(call.account_id, request.user_name, request.group_name)
    return Done()


@ram.operation("RemoveUserFromGroup", on=on("user/{user_name}", "group/{group_name}"))
async def remove_user_from_group(service: Ram, call: Call, request: MembershipRequest) -> Done:
    """End a membership."""
    await service.groups.leave(call.account_id, request.user_name, request.group_name)
    return Done()


@ram.operation("ListUsersForGroup", on=on("group/{group_name}"))
async def list_users_for_group(service: Ram, call: Call, request: ListUsersForGroupRequest) -> ListUsersForGroupAnswer:
    """List the members of a group by name."""
    page = await service.groups.members(call.account_id, request.group_name, request.marker, request.max_items)
    members = [
        MemberItem(user_name=member.user_name, display_name=member.display_name, join_date=to_seconds(member.joined))
        for member in page.items
    ]
    return ListUsersForGroupAnswer(
        users=MemberList(user=members), is_truncated=page.marker is not None, marker=page.marker or msgspec.UNSET
    )


@ram.operation("ListGroupsForUser", on=on("user/{user_name}"))
async def list_groups_for_user(service: Ram, call: Call, request: ListGroupsForUserRequest) -> ListGroupsForUserAnswer:
    """List the groups of a user by name."""
    joined = [
        JoinedItem(
            group_id=group.group_id,
            group_name=group.group_name,
            comments=group.comments,
            join_date=to_seconds(group.joined),
        )
        for group in await service.groups.of_user(call.account_id, request.user_name)
    ]
    return ListGroupsForUserAnswer(groups=JoinedList(group=joined))

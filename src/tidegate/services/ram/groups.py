"""Groups and who is in them (ram.md 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tidegate.clock import Clock
from tidegate.ids import Ids
from tidegate.services.ram import limits
from tidegate.services.ram.faults import fault
from tidegate.services.ram.model import Page, check_max_items, check_name, check_text, cut_page, read_marker
from tidegate.services.ram.users import known_user
from tidegate.store.database import Database
from tidegate.store.ram import identities, policies
from tidegate.store.ram.records import Group, Joined, Member

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_ID_DIGITS = 18


class Groups:
    """Makes, changes and removes groups and memberships."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids

    async def create(self, account: str, name: str, comments: str) -> Group:
        """Make a group."""
        check_name("GroupName", name)
        check_text("Comments", comments, limits.COMMENTS_LENGTH)
        now = self._clock.now()
        group = Group(
            group_id=self._ids.number(_ID_DIGITS),
            account_id=account,
            group_name=name,
            comments=comments,
            created=now,
            updated=now,
        )
        async with identities.change(self._database) as tx:
            if await identities.groups.find(tx, account, name):
                raise fault("EntityAlreadyExists.Group")
            if await identities.groups.count(tx, account) >= limits.GROUPS:
                raise fault("LimitExceeded.Group")
            await identities.groups.add(tx, group)
        return group

    async def get(self, account: str, name: str) -> Group:
        """Return a group."""
        check_name("GroupName", name)
        async with self._database.connection() as connection:
            return await known_group(connection, account, name)

    async def update(self, account: str, name: str, new_name: str | None, comments: str | None) -> Group:
        """Change what is given; a new name keeps members and policies."""
        check_name("GroupName", name)
        if new_name is not None:
            check_name("NewGroupName", new_name)
        check_text("NewComments", comments or "", limits.COMMENTS_LENGTH)
        async with identities.change(self._database) as tx:
            group = await known_group(tx, account, name)
            if new_name not in (None, name) and await identities.groups.find(tx, account, new_name or ""):
                raise fault("EntityAlreadyExists.Group")
            group = msgspec.structs.replace(
                group,
                group_name=new_name or name,
                comments=group.comments if comments is None else comments,
                updated=self._clock.now(),
            )
            await identities.groups.update(tx, group)
        return group

    async def remove(self, account: str, name: str) -> None:
        """Remove a group without members and policies (ram.md 13)."""
        check_name("GroupName", name)
        async with identities.change(self._database) as tx:
            group = await known_group(tx, account, name)
            if await identities.members(tx, group.group_id, "", 1):
                raise fault("DeleteConflict.Group.User")
            if await policies.attachments_of(tx, group.group_id):
                raise fault("DeleteConflict.Group.Policy")
            await identities.groups.remove(tx, account, group.group_id)

    async def page(self, account: str, marker: str | None, max_items: int | None) -> Page[Group]:
        """Return groups by name."""
        after, most = read_marker(marker), check_max_items(max_items)
        async with self._database.connection() as connection:
            found = await identities.groups.page(connection, account, after, most + 1)
        return cut_page(found, most, lambda record: record.group_name)

    async def join(self, account: str, user_name: str, group_name: str) -> None:
        """Make a user a member."""
        check_name("UserName", user_name)
        check_name("GroupName", group_name)
        async with identities.change(self._database) as tx:
            user = await known_user(tx, account, user_name)
            group = await known_group(tx, account, group_name)
            count = len(await identities.joined_groups(tx, user.user_id))
            if not await identities.join_group(tx, user.user_id, group.group_id, self._clock.now()):
                raise fault("EntityAlreadyExists.User.Group")
            if count >= limits.GROUPS_OF_USER:
                raise fault("LimitExceeded.User.Group")

    async def leave(self, account: str, user_name: str, group_name: str) -> None:
        """End a membership."""
        check_name("UserName", user_name)
        check_name("GroupName", group_name)
        async with identities.change(self._database) as tx:
            user = await known_user(tx, account, user_name)
            group = await known_group(tx, account, group_name)
            if not await identities.leave_group(tx, user.user_id, group.group_id):
                raise fault("EntityNotExist.User.Group")

    async def members(self, account: str, name: str, marker: str | None, max_items: int | None) -> Page[Member]:
        """Return the members of a group by name."""
        check_name("GroupName", name)
        after, most = read_marker(marker), check_max_items(max_items)
        async with identities.snapshot(self._database) as connection:
            group = await known_group(connection, account, name)
            found = await identities.members(connection, group.group_id, after, most + 1)
        return cut_page(found, most, lambda record: record.user_name)

    async def of_user(self, account: str, user_name: str) -> list[Joined]:
        """Return the groups of a user by name."""
        check_name("UserName", user_name)
        async with identities.snapshot(self._database) as connection:
            user = await known_user(connection, account, user_name)
            return await identities.joined_groups(connection, user.user_id)


async def known_group(db: Connection, account: str, name: str) -> Group:
    """Return a group or raise ``EntityNotExist.Group``."""
    group = await identities.groups.find(db, account, name)
    if group is None:
        raise fault("EntityNotExist.Group")
    return group

"""Users (ram.md 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tidegate.clock import Clock
from tidegate.ids import Ids
from tidegate.services.ram import limits
from tidegate.services.ram.faults import fault
from tidegate.services.ram.model import (
    Page,
    check_email,
    check_max_items,
    check_mobile_phone,
    check_name,
    check_text,
    cut_page,
    read_marker,
)
from tidegate.store.database import Database
from tidegate.store.ram import identities, keys, logins, policies
from tidegate.store.ram.records import User

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_ID_DIGITS = 18


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a person beside the name; None is "not said"."""

    display_name: str | None = None
    mobile_phone: str | None = None
    email: str | None = None
    comments: str | None = None

    def check(self, prefix: str = "") -> None:
        """Check what is given; ``prefix`` is ``New`` where the parameters are called so."""
        if self.display_name is not None:
            check_name(f"{prefix}DisplayName", self.display_name)
        check_mobile_phone(f"{prefix}MobilePhone", self.mobile_phone or "")
        check_email(f"{prefix}Email", self.email or "")
        check_text(f"{prefix}Comments", self.comments or "", limits.COMMENTS_LENGTH)


class Users:
    """Makes, changes and removes users."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids

    async def create(self, account: str, name: str, profile: Profile) -> User:
        """Make a user."""
        check_name("UserName", name)
        profile.check()
        now = self._clock.now()
        user = User(
            user_id=self._ids.number(_ID_DIGITS),
            account_id=account,
            user_name=name,
            display_name=profile.display_name or "",
            mobile_phone=profile.mobile_phone or "",
            email=profile.email or "",
            comments=profile.comments or "",
            created=now,
            updated=now,
        )
        async with identities.change(self._database) as tx:
            if await identities.users.find(tx, account, name):
                raise fault("EntityAlreadyExists.User")
            if await identities.users.count(tx, account) >= limits.USERS:
                raise fault("LimitExceeded.User")
            await identities.users.add(tx, user)
        return user

    async def get(self, account: str, name: str) -> User:
        """Return a user."""
        check_name("UserName", name)
        async with self._database.connection() as connection:
            return await known_user(connection, account, name)

    async def update(self, account: str, name: str, new_name: str | None, profile: Profile) -> User:
        """Change what is given; a new name keeps keys, groups and policies."""
        check_name("UserName", name)
        if new_name is not None:
            check_name("NewUserName", new_name)
        profile.check("New")
        changes = {field: value for field, value in msgspec.structs.asdict(profile).items() if value is not None}
        async with identities.change(self._database) as tx:
            user = await known_user(tx, account, name)
            if new_name is not None and new_name != name:
                if await identities.users.find(tx, account, new_name):
                    raise fault("EntityAlreadyExists.User")
                changes["user_name"] = new_name
            user = msgspec.structs.replace(user, **changes, updated=self._clock.now())
            await identities.users.update(tx, user)
        return user

    async def remove(self, account: str, name: str) -> None:
        """Remove a user that is in no group, has no key and no policy (ram.md 13)."""
        check_name("UserName", name)
        async with identities.change(self._database) as tx:
            user = await known_user(tx, account, name)
            if await identities.joined_groups(tx, user.user_id):
                raise fault("DeleteConflict.User.Group")
            if await keys.owned(tx, account, user.user_id):
                raise fault("DeleteConflict.User.AccessKey")
            if await logins.find(tx, user.user_id):
                raise fault("DeleteConflict.User.LoginProfile")
            if await policies.attachments_of(tx, user.user_id):
                raise fault("DeleteConflict.User.Policy")
            await identities.users.remove(tx, account, user.user_id)

    async def page(self, account: str, marker: str | None, max_items: int | None) -> Page[User]:
        """Return users by name."""
        after, most = read_marker(marker), check_max_items(max_items)
        async with self._database.connection() as connection:
            found = await identities.users.page(connection, account, after, most + 1)
        return cut_page(found, most, lambda record: record.user_name)


async def known_user(db: Connection, account: str, name: str) -> User:
    """Return a user or raise ``EntityNotExist.User``."""
    user = await identities.users.find(db, account, name)
    if user is None:
        raise fault("EntityNotExist.User")
    return user

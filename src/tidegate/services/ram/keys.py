"""Long-term access keys of users and of the account itself (ram.md 1 and 3)."""

from __future__ import annotations

import string
from datetime import datetime
from typing import TYPE_CHECKING

from tidegate.clock import Clock
from tidegate.ids import Ids
from tidegate.services.operation import Principal
from tidegate.services.ram import limits
from tidegate.services.ram.faults import bad_format, fault
from tidegate.services.ram.model import check_name
from tidegate.services.ram.users import known_user
from tidegate.store.database import Database
from tidegate.store.ram import identities, keys
from tidegate.store.ram.records import AccessKey, KeyStatus
from tidegate.vault import Vault

if TYPE_CHECKING:
    from tidegate.store.database import Connection

ALPHANUMERIC = string.ascii_letters + string.digits
_KEY_PREFIX = "LTAI"
_KEY_LENGTH = 24
_SECRET_LENGTH = 30


def forge(ids: Ids, vault: Vault, account: str, user_id: str | None, now: datetime) -> tuple[AccessKey, str]:
    """Make a new key; return its record and, for the only time, its secret."""
    access_key_id = _KEY_PREFIX + ids.text(_KEY_LENGTH - len(_KEY_PREFIX), ALPHANUMERIC)
    secret = ids.text(_SECRET_LENGTH, ALPHANUMERIC)
    record = AccessKey(
        access_key_id=access_key_id,
        account_id=account,
        user_id=user_id,
        sealed_secret=vault.seal(secret, access_key_id),
        status="Active",
        created=now,
    )
    return record, secret


class Keys:
    """Makes, lists, switches and removes keys. ``user_name`` None means the caller's own (ram.md 3)."""

    def __init__(self, database: Database, vault: Vault, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._ids = ids

    async def create(self, caller: Principal, user_name: str | None) -> tuple[AccessKey, str]:
        """Make a key; return its record and secret."""
        async with identities.change(self._database) as tx:
            owner = await _owner(tx, caller, user_name)
            if len(await keys.owned(tx, caller.account_id, owner)) >= limits.ACCESS_KEYS:
                raise fault("LimitExceeded.User.AccessKey")
            record, secret = forge(self._ids, self._vault, caller.account_id, owner, self._clock.now())
            await keys.add(tx, record)
        return record, secret

    async def of(self, caller: Principal, user_name: str | None) -> list[AccessKey]:
        """Return the keys, oldest first."""
        async with identities.snapshot(self._database) as connection:
            owner = await _owner(connection, caller, user_name)
            return await keys.owned(connection, caller.account_id, owner)

    async def set_status(self, caller: Principal, user_name: str | None, access_key_id: str, status: str) -> None:
        """Switch a key to ``Active`` or ``Inactive``."""
        wanted = _key_status(status)
        async with identities.change(self._database) as tx:
            await _own_key(tx, caller, user_name, access_key_id)
            await keys.set_status(tx, access_key_id, wanted)

    async def remove(self, caller: Principal, user_name: str | None, access_key_id: str) -> None:
        """Remove a key."""
        async with identities.change(self._database) as tx:
            await _own_key(tx, caller, user_name, access_key_id)
            await keys.remove(tx, access_key_id)

    async def last_used(self, caller: Principal, user_name: str | None, access_key_id: str) -> datetime | None:
        """Return when a key last signed a call, None when never."""
        async with identities.snapshot(self._database) as connection:
            await _own_key(connection, caller, user_name, access_key_id)
            return await keys.last_used(connection, access_key_id)


async def _owner(db: Connection, caller: Principal, user_name: str | None) -> str | None:
    """Return whose keys are meant: a user's id, or None for the account's own."""
    if user_name is None:
        if caller.kind == "Account":
            return None
        if caller.kind == "RAMUser":
            return caller.id
        raise fault("EntityNotExist.User")  # a role has no keys of its own
    check_name("UserName", user_name)
    return (await known_user(db, caller.account_id, user_name)).user_id


async def _own_key(db: Connection, caller: Principal, user_name: str | None, access_key_id: str) -> None:
    owner = await _owner(db, caller, user_name)
    owned = await keys.owned(db, caller.account_id, owner)
    if access_key_id not in {key.access_key_id for key in owned}:
        raise fault("EntityNotExist.User.AccessKey")


def _key_status(status: str) -> KeyStatus:
    match status:
        case "Active" | "Inactive":
            return status
        case _:
            raise bad_format("Status")

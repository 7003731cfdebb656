"""The account: its beginning, its own key, its alias (ram.md 1, 9 and 14)."""

from __future__ import annotations

from tidegate.clock import Clock
from tidegate.errors import ConfigurationError
from tidegate.ids import Ids
from tidegate.services.ram.credential import RootKey
from tidegate.services.ram.keys import forge
from tidegate.services.ram.roles import new_role, trust_of_service
from tidegate.store.database import Database
from tidegate.store.ram import identities, keys
from tidegate.vault import Vault

#: The role that the tutorial's templates act under; it may do nothing until somebody attaches policies (ram.md 9).
OOS_ROLE = "OOSServiceRole"
OOS_SERVICE = "oos.aliyuncs.com"

_ID_DIGITS = 16


class Account:
    """The one account of a cloud."""

    def __init__(self, database: Database, vault: Vault, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._ids = ids

    async def open(self) -> RootKey | None:
        """Make the account, its own key and the role of OOS, once; return the key to whoever made it."""
        async with identities.change(self._database) as tx:
            if await identities.account_id(tx) is not None:
                return None
            now = self._clock.now()
            account = self._ids.number(_ID_DIGITS)
            await identities.add_account(tx, account, now)
            record, secret = forge(self._ids, self._vault, account, None, now)
            await keys.add(tx, record)
            await identities.roles.add(tx, new_role(self._ids, account, OOS_ROLE, trust_of_service(OOS_SERVICE), now))
        return RootKey(account_id=account, access_key_id=record.access_key_id, secret=secret)

    async def id(self) -> str:
        """Return the account's id. Raises ConfigurationError before it was opened."""
        async with self._database.connection() as connection:
            account = await identities.account_id(connection)
        if account is None:
            raise ConfigurationError("this cloud has no account yet: start it once with `tidegate up`")
        return account

    async def root_key(self) -> RootKey | None:
        """Return the account's oldest active key, for whoever holds the vault; None when there is none left."""
        account = await self.id()
        async with self._database.connection() as connection:
            owned = await keys.owned(connection, account, None)
        for key in owned:
            if key.status == "Active":
                secret = self._vault.open(key.sealed_secret, key.access_key_id)
                return RootKey(account_id=account, access_key_id=key.access_key_id, secret=secret)
        return None

    async def alias(self, account: str) -> str:
        """Return the account's alias; without one it is known by its id (ASSUMPTION)."""
        async with self._database.connection() as connection:
            return await identities.account_alias(connection, account) or account

    async def set_alias(self, account: str, alias: str | None) -> None:
        """Give the account an alias, or take it away."""
        async with identities.change(self._database) as tx:
            await identities.set_account_alias(tx, account, alias)

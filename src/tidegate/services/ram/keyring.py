"""Opens keys for the door, makes temporary ones, and knows when a key was last used (ram.md 1 and 4)."""

from __future__ import annotations

import string
from datetime import datetime, timedelta

from tidegate.clock import Clock
from tidegate.ids import Ids
from tidegate.services.operation import Principal
from tidegate.services.ram.credential import Credential, TemporaryKey
from tidegate.services.ram.keys import ALPHANUMERIC
from tidegate.services.ram.memory import Bounded
from tidegate.store.database import Database
from tidegate.store.ram import keys
from tidegate.store.ram.records import Role, Session
from tidegate.vault import Vault

_PREFIX = "STS."
_ID_LENGTH = 25
_SECRET_LENGTH = 44
_TOKEN_LENGTH = 512
_TOKEN_ALPHABET = string.ascii_letters + string.digits + "+/"
#: An expired key is kept this long, so that its user is told that it expired.
_EXPIRED_FOR = timedelta(hours=1)
#: A key's use is written down no more often than this.
_USE_EVERY = timedelta(minutes=1)
_USES = 4096


class KeyRing:
    """All keys of a cloud, long-term and temporary."""

    def __init__(self, database: Database, vault: Vault, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._ids = ids
        self._uses: Bounded[str, datetime] = Bounded(_USES)

    async def load(self, access_key_id: str) -> Credential | None:
        """Read and open a key; None when nobody has it."""
        if access_key_id.startswith(_PREFIX):
            return await self._load_session(access_key_id)
        return await self._load_key(access_key_id)

    async def open_session(self, role: Role, session: str, session_policy: str | None, seconds: int) -> TemporaryKey:
        """Make a temporary key of a role; forget those that expired long ago."""
        now = self._clock.now()
        access_key_id = _PREFIX + self._ids.text(_ID_LENGTH, ALPHANUMERIC)
        secret = self._ids.text(_SECRET_LENGTH, ALPHANUMERIC)
        token = self._ids.text(_TOKEN_LENGTH, _TOKEN_ALPHABET)
        expires = (now + timedelta(seconds=seconds)).replace(microsecond=0)
        record = Session(
            access_key_id=access_key_id,
            role_id=role.role_id,
            session_name=session,
            session_policy=session_policy,
            sealed_secret=self._vault.seal(secret, access_key_id),
            sealed_token=self._vault.seal(token, access_key_id),
            expires=expires,
        )
        async with self._database.transaction() as tx:
            await keys.forget_sessions(tx, now - _EXPIRED_FOR)
            await keys.add_session(tx, record)
        return TemporaryKey(access_key_id=access_key_id, secret=secret, token=token, expires=expires)

    async def note_use(self, access_key_id: str) -> None:
        """Remember that a long-term key has just signed a call; written down once a minute."""
        now = self._clock.now()
        before = self._uses.get(access_key_id)
        if access_key_id.startswith(_PREFIX) or (before is not None and now - before < _USE_EVERY):
            return
        self._uses.put(access_key_id, now)
        async with self._database.connection() as connection:
            await keys.note_use(connection, access_key_id, now)

    async def _load_key(self, access_key_id: str) -> Credential | None:
        async with self._database.connection() as connection:
            holder = await keys.holder(connection, access_key_id)
        if holder is None:
            return None
        account = holder.account_id
        return Credential(
            access_key_id=access_key_id,
            secret=self._vault.open(holder.sealed_secret, access_key_id),
            principal=(
                Principal(kind="Account", account_id=account, id=account)
                if holder.user_id is None
                else Principal(kind="RAMUser", account_id=account, id=holder.user_id, name=holder.user_name or "")
            ),
            active=holder.status == "Active",
        )

    async def _load_session(self, access_key_id: str) -> Credential | None:
        async with self._database.connection() as connection:
            holder = await keys.session_holder(connection, access_key_id)
        if holder is None:
            return None
        return Credential(
            access_key_id=access_key_id,
            secret=self._vault.open(holder.sealed_secret, access_key_id),
            principal=Principal(
                kind="AssumedRoleUser",
                account_id=holder.account_id,
                id=holder.role_id,
                name=holder.role_name,
                session=holder.session_name,
                session_policy=holder.session_policy,
            ),
            security_token=self._vault.open(holder.sealed_token, access_key_id),
            expires=holder.expires,
        )

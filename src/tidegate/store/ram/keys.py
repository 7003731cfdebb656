"""Long-term keys and the temporary keys of sessions."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tidegate.store.ram.queries import every, insert, one
from tidegate.store.ram.records import AccessKey, KeyHolder, KeyStatus, Session, SessionHolder

if TYPE_CHECKING:
    from tidegate.store.database import Connection


async def owned(db: Connection, account: str, user_id: str | None) -> list[AccessKey]:
    """Return the keys of a user (None: of the account itself), oldest first."""
    return await every(
        db,
        AccessKey,
        "select * from ram_access_key where account_id = $1 and user_id is not distinct from $2 "
        "order by created, access_key_id",
        account,
        user_id,
    )


async def holder(db: Connection, access_key_id: str) -> KeyHolder | None:
    """Return a long-term key and who holds it."""
    return await one(
        db,
        KeyHolder,
        "select k.access_key_id, k.account_id, k.user_id, u.user_name, k.sealed_secret, k.status "
        "from ram_access_key k left join ram_user u using (user_id) where k.access_key_id = $1",
        access_key_id,
    )


async def add(db: Connection, record: AccessKey) -> None:
    """Make a key."""
    await insert(db, "ram_access_key", record)


async def set_status(db: Connection, access_key_id: str, status: KeyStatus) -> None:
    """Switch a key on or off."""
    await db.execute("update ram_access_key set status = $2 where access_key_id = $1", access_key_id, status)


async def remove(db: Connection, access_key_id: str) -> None:
    """Remove a key."""
    await db.execute("delete from ram_access_key where access_key_id = $1", access_key_id)


async def last_used(db: Connection, access_key_id: str) -> datetime | None:
    """Return when a key was last used, None when never."""
    value: datetime | None = await db.fetchval(
        "select used from ram_access_key_use where access_key_id = $1", access_key_id
    )
    return value


async def note_use(db: Connection, access_key_id: str, used: datetime) -> None:
    """Remember the latest use of a key; one that is gone or temporary is not remembered."""
    await db.execute(
        "insert into ram_access_key_use (access_key_id, used) "
        "select access_key_id, $2 from ram_access_key where access_key_id = $1 "
        "on conflict (access_key_id) do update set used = greatest(ram_access_key_use.used, excluded.used)",
        access_key_id,
        used,
    )


async def add_session(db: Connection, record: Session) -> None:
    """Make a temporary key."""
    await insert(db, "sts_session", record)


async def session_holder(db: Connection, access_key_id: str) -> SessionHolder | None:
    """Return a temporary key and the role it stands for."""
    return await one(
        db,
        SessionHolder,
        "select s.access_key_id, r.account_id, s.role_id, r.role_name, s.session_name, s.session_policy, "
        "s.sealed_secret, s.sealed_token, s.expires "
        "from sts_session s join ram_role r using (role_id) where s.access_key_id = $1",
        access_key_id,
    )


async def forget_sessions(db: Connection, before: datetime) -> None:
    """Remove the temporary keys that expired before a moment."""
    await db.execute("delete from sts_session where expires < $1", before)

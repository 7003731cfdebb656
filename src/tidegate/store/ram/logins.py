"""Login profiles and the password policy of an account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.store.ram.queries import insert, one

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class LoginProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A user's password and how it stands with it."""

    user_id: str
    hash: str
    former: Sequence[str]
    reset_required: bool
    mfa_required: bool
    created: datetime
    changed: datetime
    failures: int = 0
    failing_since: datetime | None = None
    last_login: datetime | None = None


_SETTINGS = ", ".join(f"{field} = ${number}" for number, field in enumerate(LoginProfile.__struct_fields__, 1))


async def find(db: Connection, user_id: str, *, lock: bool = False) -> LoginProfile | None:
    """Return a user's profile; with ``lock`` nobody else changes it before the transaction ends."""
    query = "select * from ram_login_profile where user_id = $1"
    return await one(db, LoginProfile, f"{query} for update" if lock else query, user_id)


async def add(tx: Connection, profile: LoginProfile) -> None:
    """Make a profile."""
    await insert(tx, "ram_login_profile", profile)


async def update(tx: Connection, profile: LoginProfile) -> None:
    """Write the new state of one."""
    await tx.execute(f"update ram_login_profile set {_SETTINGS} where user_id = $1", *msgspec.structs.astuple(profile))


async def remove(tx: Connection, user_id: str) -> None:
    """Remove one."""
    await tx.execute("delete from ram_login_profile where user_id = $1", user_id)


async def policy(db: Connection, account_id: str) -> Mapping[str, Any]:
    """Return what an account has set, empty when it has set nothing."""
    found: Mapping[str, Any] | None = await db.fetchval(
        "select policy from ram_password_policy where account_id = $1", account_id
    )
    return found or {}


async def set_policy(tx: Connection, account_id: str, document: Mapping[str, Any]) -> None:
    """Write what an account has set."""
    await tx.execute(
        "insert into ram_password_policy (account_id, policy) values ($1, $2)"
        " on conflict (account_id) do update set policy = excluded.policy",
        account_id,
        document,
    )

"""Accounts, users, groups and roles, and the epoch that every change of RAM raises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from tidegate.store.database import Database
from tidegate.store.ram.queries import Named, every
from tidegate.store.ram.records import Group, Joined, Member, Role, User

if TYPE_CHECKING:
    from tidegate.store.database import Connection

users = Named(User, "ram_user", key="user_id", name="user_name")
groups = Named(Group, "ram_group", key="group_id", name="group_name")
#: A role's temporary keys end with it.
roles = Named(Role, "ram_role", key="role_id", name="role_name", fold=True)


async def epoch(db: Connection) -> int:
    """Return the number that every change of RAM raises."""
    return int(await db.fetchval("select epoch from ram_epoch"))


@asynccontextmanager
async def change(database: Database) -> AsyncIterator[Connection]:
    """Lend the transaction of one change: it waits for the change before it, and is news to every process."""
    async with database.transaction() as tx:
        await tx.execute("update ram_epoch set epoch = epoch + 1")
        yield tx


@asynccontextmanager
async def snapshot(database: Database) -> AsyncIterator[Connection]:
    """Lend a connection on which all queries see the same moment."""
    async with database.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        yield connection


async def account_id(db: Connection) -> str | None:
    """Return the id of the account, None before the first start."""
    value: str | None = await db.fetchval("select account_id from ram_account order by created limit 1")
    return value


async def add_account(db: Connection, account: str, created: datetime) -> None:
    """Make an account."""
    await db.execute("insert into ram_account (account_id, created) values ($1, $2)", account, created)


async def account_alias(db: Connection, account: str) -> str | None:
    """Return the alias of an account, None when it has none."""
    value: str | None = await db.fetchval("select alias from ram_account where account_id = $1", account)
    return value


async def set_account_alias(db: Connection, account: str, alias: str | None) -> None:
    """Give an account its alias, or take it away."""
    await db.execute("update ram_account set alias = $2 where account_id = $1", account, alias)


async def join_group(db: Connection, user_id: str, group_id: str, joined: datetime) -> bool:
    """Make a user a member; False: it was one."""
    tag = await db.execute(
        "insert into ram_membership (user_id, group_id, joined) values ($1, $2, $3) on conflict do nothing",
        user_id,
        group_id,
        joined,
    )
    return tag.endswith(" 1")


async def leave_group(db: Connection, user_id: str, group_id: str) -> bool:
    """End a membership; False: there was none."""
    tag = await db.execute("delete from ram_membership where user_id = $1 and group_id = $2", user_id, group_id)
    return tag.endswith(" 1")


async def members(db: Connection, group_id: str, after: str, limit: int) -> list[Member]:
    """Return up to ``limit`` members of a group by name, beginning after the name ``after``."""
    return await every(
        db,
        Member,
        "select user_name, display_name, joined from ram_membership join ram_user using (user_id) "
        "where group_id = $1 and user_name > $2 order by user_name limit $3",
        group_id,
        after,
        limit,
    )


async def joined_groups(db: Connection, user_id: str) -> list[Joined]:
    """Return the groups that a user has joined, by name."""
    return await every(
        db,
        Joined,
        "select group_id, group_name, comments, joined from ram_membership join ram_group using (group_id) "
        "where user_id = $1 order by group_name",
        user_id,
    )

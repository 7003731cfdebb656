"""Custom policies, their versions, and what is attached to whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tidegate.store.ram.queries import Named, every, insert
from tidegate.store.ram.records import Attachment, CustomPolicy, Grant, PolicyType, PolicyVersion

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: A policy's versions end with it.
policies = Named(CustomPolicy, "ram_policy", key="policy_name", name="policy_name")


async def versions(db: Connection, account: str, name: str) -> list[PolicyVersion]:
    """Return the versions of a custom policy, oldest first."""
    return await every(
        db,
        PolicyVersion,
        "select * from ram_policy_version where account_id = $1 and policy_name = $2 order by version",
        account,
        name,
    )


async def add_version(db: Connection, record: PolicyVersion) -> None:
    """Make a version of a custom policy."""
    await insert(db, "ram_policy_version", record)


async def remove_version(db: Connection, account: str, name: str, version: int) -> None:
    """Remove a version of a custom policy."""
    await db.execute(
        "delete from ram_policy_version where account_id = $1 and policy_name = $2 and version = $3",
        account,
        name,
        version,
    )


async def attach(db: Connection, record: Attachment) -> None:
    """Attach a policy."""
    await insert(db, "ram_attachment", record)


async def detach(db: Connection, entity_id: str, policy_type: PolicyType, name: str) -> bool:
    """Detach a policy; False: it was not attached."""
    tag = await db.execute(
        "delete from ram_attachment where entity_id = $1 and policy_type = $2 and policy_name = $3",
        entity_id,
        policy_type,
        name,
    )
    return tag.endswith(" 1")


async def attachments_of(db: Connection, entity_id: str) -> list[Attachment]:
    """Return what is attached to a user, group or role, by type and name."""
    return await every(
        db,
        Attachment,
        "select * from ram_attachment where entity_id = $1 order by policy_type, policy_name",
        entity_id,
    )


async def attachments_to(db: Connection, account: str, policy_type: PolicyType, name: str) -> list[Attachment]:
    """Return where a policy is attached, oldest first."""
    return await every(
        db,
        Attachment,
        "select * from ram_attachment where account_id = $1 and policy_type = $2 and policy_name = $3 "
        "order by attached, entity_id",
        account,
        policy_type,
        name,
    )


async def attachment_counts(db: Connection, account: str, names: Sequence[str]) -> dict[tuple[str, str], int]:
    """Count the attachments of policies, by type and name; those without any are left out."""
    rows = await db.fetch(
        "select policy_type, policy_name, count(*) as attached from ram_attachment "
        "where account_id = $1 and policy_name = any($2) group by policy_type, policy_name",
        account,
        list(names),
    )
    return {(row["policy_type"], row["policy_name"]): row["attached"] for row in rows}


async def grants(db: Connection, entity_id: str) -> list[Grant]:
    """Return the policies that count for a user (its own and its groups') or a role, in their default versions."""
    return await every(
        db,
        Grant,
        "select a.entity_type, a.policy_type, a.policy_name, v.version, v.document from ram_attachment a "
        "left join ram_policy p on a.policy_type = 'Custom' "
        "and p.account_id = a.account_id and p.policy_name = a.policy_name "
        "left join ram_policy_version v on v.account_id = p.account_id and v.policy_name = p.policy_name "
        "and v.version = p.default_version "
        "where a.entity_id = $1 or a.entity_id in (select group_id from ram_membership where user_id = $1) "
        "order by a.attached, a.policy_type, a.policy_name",
        entity_id,
    )

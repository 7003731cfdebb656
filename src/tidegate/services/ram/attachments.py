"""What is attached to whom (ram.md 3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tidegate.clock import Clock
from tidegate.services.ram import limits
from tidegate.services.ram.faults import denied, fault
from tidegate.services.ram.groups import known_group
from tidegate.services.ram.model import check_name, ram_resource
from tidegate.services.ram.policies import Listed, known_policy, policy_type_of
from tidegate.services.ram.roles import known_role, own_role
from tidegate.services.ram.system_policies import SYSTEM_POLICIES
from tidegate.services.ram.users import known_user
from tidegate.store.database import Database
from tidegate.store.ram import identities, policies
from tidegate.store.ram.records import Attachment, EntityType, Group, Role, User

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Entities(msgspec.Struct, frozen=True, kw_only=True):
    """Where a policy is attached, each with the time."""

    users: Sequence[tuple[User, datetime]]
    groups: Sequence[tuple[Group, datetime]]
    roles: Sequence[tuple[Role, datetime]]


class Attachments:
    """Attaches policies to users, groups and roles, and takes them away."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def attach(self, account: str, policy_type: str, policy_name: str, entity: EntityType, name: str) -> None:
        """Attach a policy; a second time is a conflict."""
        kind = policy_type_of(policy_type)
        check_name("PolicyName", policy_name)
        check_name(f"{entity}Name", name)
        async with identities.change(self._database) as tx:
            await known_policy(tx, account, kind, policy_name)
            entity_id = await _entity_id(tx, account, entity, name, changing=f"ram:AttachPolicyTo{entity}")
            if kind == "System" and SYSTEM_POLICIES[policy_name].service is not None:
                # ASSUMPTION on words: what a service's own role may do is attached by the service.
                raise denied(f"ram:AttachPolicyTo{entity}", ram_resource(account, f"policy/{policy_name}"))
            attached = await policies.attachments_of(tx, entity_id)
            if any(each.policy_type == kind and each.policy_name == policy_name for each in attached):
                raise fault(f"EntityAlreadyExists.{entity}.Policy")
            if sum(each.policy_type == kind for each in attached) >= limits.ATTACHMENTS[entity, kind]:
                raise fault(f"LimitExceeded.{entity}.Policy")
            await policies.attach(
                tx,
                Attachment(
                    account_id=account,
                    entity_type=entity,
                    entity_id=entity_id,
                    policy_type=kind,
                    policy_name=policy_name,
                    attached=self._clock.now(),
                ),
            )

    async def detach(self, account: str, policy_type: str, policy_name: str, entity: EntityType, name: str) -> None:
        """Take a policy away."""
        kind = policy_type_of(policy_type)
        check_name("PolicyName", policy_name)
        check_name(f"{entity}Name", name)
        async with identities.change(self._database) as tx:
            await known_policy(tx, account, kind, policy_name)
            entity_id = await _entity_id(tx, account, entity, name, changing=f"ram:DetachPolicyFrom{entity}")
            if not await policies.detach(tx, entity_id, kind, policy_name):
                raise fault(f"EntityNotExist.{entity}.Policy")

    async def of(self, account: str, entity: EntityType, name: str) -> list[tuple[Listed, datetime]]:
        """Return what is attached to a user, group or role itself, each with the time."""
        check_name(f"{entity}Name", name)
        async with identities.snapshot(self._database) as connection:
            entity_id = await _entity_id(connection, account, entity, name)
            return [
                (await known_policy(connection, account, each.policy_type, each.policy_name), each.attached)
                for each in await policies.attachments_of(connection, entity_id)
            ]

    async def to(self, account: str, policy_type: str, policy_name: str) -> Entities:
        """Return where a policy is attached."""
        kind = policy_type_of(policy_type)
        check_name("PolicyName", policy_name)
        async with identities.snapshot(self._database) as connection:
            await known_policy(connection, account, kind, policy_name)
            attached = await policies.attachments_to(connection, account, kind, policy_name)
            ids = [each.entity_id for each in attached]
            users = {user.user_id: user for user in await identities.users.by_key(connection, account, ids)}
            groups = {group.group_id: group for group in await identities.groups.by_key(connection, account, ids)}
            roles = {role.role_id: role for role in await identities.roles.by_key(connection, account, ids)}
        return Entities(
            users=[(users[each.entity_id], each.attached) for each in attached if each.entity_type == "User"],
            groups=[(groups[each.entity_id], each.attached) for each in attached if each.entity_type == "Group"],
            roles=[(roles[each.entity_id], each.attached) for each in attached if each.entity_type == "Role"],
        )


async def _entity_id(db: Connection, account: str, entity: EntityType, name: str, *, changing: str = "") -> str:
    """Return the id of a user, group or role; the action ``changing`` is refused on a service-linked role."""
    match entity:
        case "User":
            return (await known_user(db, account, name)).user_id
        case "Group":
            return (await known_group(db, account, name)).group_id
        case "Role":
            role = await (own_role(db, account, name, changing) if changing else known_role(db, account, name))
            return role.role_id

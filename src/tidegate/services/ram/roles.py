"""Roles and who may assume them (ram.md 3, 8 and 9)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tidegate.clock import Clock
from tidegate.ids import Ids
from tidegate.services.ram import limits
from tidegate.services.ram.faults import denied, fault
from tidegate.services.ram.model import (
    Page,
    check_max_items,
    check_name,
    check_session_duration,
    check_text,
    check_trust_document,
    cut_page,
    is_role_name,
    ram_resource,
    read_marker,
)
from tidegate.store.database import Database
from tidegate.store.ram import identities, policies
from tidegate.store.ram.records import Attachment, Role

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: Service → its own role and the policy that it carries (ram.md 9).
LINKED_ROLES: Mapping[str, tuple[str, str]] = {
    "ess.aliyuncs.com": ("AliyunServiceRoleForAutoScaling", "AliyunServiceRolePolicyForAutoScaling")
}

_ID_DIGITS = 18


class Roles:
    """Makes, changes and removes roles."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids

    async def create(
        self, account: str, name: str, trust_document: str, description: str, max_session_duration: int
    ) -> Role:
        """Make a role; its name is unique ignoring case."""
        check_name("RoleName", name)
        check_trust_document("AssumeRolePolicyDocument", trust_document)
        check_text("Description", description, limits.DESCRIPTION_LENGTH)
        check_session_duration("MaxSessionDuration", max_session_duration)
        role = new_role(
            self._ids,
            account,
            name,
            trust_document,
            self._clock.now(),
            description=description,
            max_session_duration=max_session_duration,
        )
        async with identities.change(self._database) as tx:
            if await identities.roles.find(tx, account, name):
                raise fault("EntityAlreadyExists.Role")
            if await identities.roles.count(tx, account) >= limits.ROLES:
                raise fault("LimitExceeded.Role")
            await identities.roles.add(tx, role)
        return role

    async def get(self, account: str, name: str) -> Role:
        """Return a role."""
        check_name("RoleName", name)
        async with self._database.connection() as connection:
            return await known_role(connection, account, name)

    async def find(self, account: str, name: str) -> Role | None:
        """Return a role, None for a name that no role has or can have."""
        if not is_role_name(name):
            return None
        async with self._database.connection() as connection:
            return await identities.roles.find(connection, account, name)

    async def linked(self, account: str, service: str) -> Role:
        """Return the service-linked role of a service, making it at the first time."""
        name, policy_name = LINKED_ROLES[service]
        role = await self.find(account, name)
        if role is not None:
            return role
        async with identities.change(self._database) as tx:
            role = await identities.roles.find(tx, account, name)
            if role is None:
                role = new_role(
                    self._ids,
                    account,
                    name,
                    trust_of_service(service),
                    self._clock.now(),
                    description=f"Service Linked Role of {service}.",
                    linked_service=service,
                )
                await identities.roles.add(tx, role)
                await policies.attach(
                    tx,
                    Attachment(
                        account_id=account,
                        entity_type="Role",
                        entity_id=role.role_id,
                        policy_type="System",
                        policy_name=policy_name,
                        attached=role.created,
                    ),
                )
        return role

    async def update(
        self,
        account: str,
        name: str,
        *,
        trust_document: str | None,
        description: str | None,
        max_session_duration: int | None,
    ) -> Role:
        """Change what is given."""
        check_name("RoleName", name)
        if trust_document is not None:
            check_trust_document("NewAssumeRolePolicyDocument", trust_document)
        check_text("NewDescription", description or "", limits.DESCRIPTION_LENGTH)
        if max_session_duration is not None:
            check_session_duration("NewMaxSessionDuration", max_session_duration)
        changes = {
            "trust_document": trust_document,
            "description": description,
            "max_session_duration": max_session_duration,
        }
        async with identities.change(self._database) as tx:
            role = await own_role(tx, account, name, "ram:UpdateRole")
            role = msgspec.structs.replace(
                role,
                **{field: value for field, value in changes.items() if value is not None},
                updated=self._clock.now(),
            )
            await identities.roles.update(tx, role)
        return role

    async def remove(self, account: str, name: str) -> None:
        """Remove a role without policies (ram.md 13); its temporary keys end with it."""
        check_name("RoleName", name)
        async with identities.change(self._database) as tx:
            role = await own_role(tx, account, name, "ram:DeleteRole")
            if await policies.attachments_of(tx, role.role_id):
                raise fault("DeleteConflict.Role.Policy")
            await identities.roles.remove(tx, account, role.role_id)

    async def page(self, account: str, marker: str | None, max_items: int | None) -> Page[Role]:
        """Return roles by name."""
        after, most = read_marker(marker), check_max_items(max_items)
        async with self._database.connection() as connection:
            found = await identities.roles.page(connection, account, after, most + 1)
        return cut_page(found, most, lambda record: record.role_name)


def new_role(
    ids: Ids,
    account: str,
    name: str,
    trust_document: str,
    now: datetime,
    *,
    description: str = "",
    max_session_duration: int = limits.ROLE_SESSION_SECONDS_DEFAULT,
    linked_service: str | None = None,
) -> Role:
    """Make the record of a new role."""
    return Role(
        role_id=ids.number(_ID_DIGITS),
        account_id=account,
        role_name=name,
        description=description,
        trust_document=trust_document,
        max_session_duration=max_session_duration,
        linked_service=linked_service,
        created=now,
        updated=now,
    )


def trust_of_service(service: str) -> str:
    """Write the trust policy of a role that only ``service`` may assume."""
    statement = {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": [service]}}
    return json.dumps({"Version": "1", "Statement": [statement]})


async def known_role(db: Connection, account: str, name: str) -> Role:
    """Return a role or raise ``EntityNotExist.Role``."""
    role = await identities.roles.find(db, account, name)
    if role is None:
        raise fault("EntityNotExist.Role", name)
    return role


async def own_role(db: Connection, account: str, name: str, action: str) -> Role:
    """Return a role that its account may change: a service-linked one belongs to its service (ASSUMPTION on words)."""
    role = await known_role(db, account, name)
    if role.linked_service is not None:
        raise denied(action, ram_resource(account, f"role/{role.role_name}"))
    return role

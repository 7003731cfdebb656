"""Custom policies and their versions; the cloud's own can be looked at the same way (ram.md 3 and 10)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tidegate.clock import Clock
from tidegate.services.ram import limits
from tidegate.services.ram.faults import bad_format, denied, fault
from tidegate.services.ram.model import (
    Page,
    check_max_items,
    check_name,
    check_policy_document,
    check_text,
    cut_page,
    ram_resource,
    read_marker,
    version_number,
)
from tidegate.services.ram.system_policies import CREATED, SYSTEM_POLICIES
from tidegate.store.database import Database
from tidegate.store.ram import identities, policies
from tidegate.store.ram.records import CustomPolicy, EntityType, PolicyType, PolicyVersion

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_ROTATE = "DeleteOldestNonDefaultVersionWhenLimitExceeded"
_SYSTEM_CREATED = datetime.fromisoformat(CREATED)


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A policy of either type as lists and Get show it."""

    policy_type: PolicyType
    policy_name: str
    description: str
    default_version: int
    created: datetime
    updated: datetime
    attached: int = 0


class Policies:
    """Makes, changes, versions and removes policies."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(self, account: str, name: str, document: str, description: str) -> CustomPolicy:
        """Make a custom policy with its version v1."""
        check_name("PolicyName", name)
        check_policy_document(document)
        check_text("Description", description, limits.DESCRIPTION_LENGTH)
        now = self._clock.now()
        policy = CustomPolicy(
            account_id=account,
            policy_name=name,
            description=description,
            default_version=1,
            last_version=1,
            created=now,
            updated=now,
        )
        async with identities.change(self._database) as tx:
            if name in SYSTEM_POLICIES or await policies.policies.find(tx, account, name):
                raise fault("EntityAlreadyExists.Policy")
            if await policies.policies.count(tx, account) >= limits.POLICIES:
                raise fault("LimitExceeded.Policy")
            await policies.policies.add(tx, policy)
            await policies.add_version(tx, _version(policy, document, now))
        return policy

    async def get(self, account: str, policy_type: str, name: str) -> tuple[Listed, PolicyVersion]:
        """Return a policy and its default version."""
        kind = policy_type_of(policy_type)
        check_name("PolicyName", name)
        async with identities.snapshot(self._database) as connection:
            policy = await known_policy(connection, account, kind, name)
            counts = await policies.attachment_counts(connection, account, [name])
            versions = await _versions(connection, account, kind, name)
        default = next(version for version in versions if version.version == policy.default_version)
        return msgspec.structs.replace(policy, attached=counts.get((kind, name), 0)), default

    async def describe(self, account: str, name: str, description: str) -> CustomPolicy:
        """Change the description of a custom policy."""
        check_name("PolicyName", name)
        check_text("NewDescription", description, limits.DESCRIPTION_LENGTH)
        async with identities.change(self._database) as tx:
            policy = await _own_policy(tx, account, name, "ram:UpdatePolicyDescription")
            policy = msgspec.structs.replace(policy, description=description, updated=self._clock.now())
            await policies.policies.update(tx, policy)
        return policy

    async def remove(self, account: str, name: str, *, cascade: bool) -> None:
        """Remove a custom policy; unless ``cascade`` it must be attached nowhere and have one version (ram.md 13)."""
        check_name("PolicyName", name)
        async with identities.change(self._database) as tx:
            await _own_policy(tx, account, name, "ram:DeletePolicy")
            attached = await policies.attachments_to(tx, account, "Custom", name)
            if cascade:
                for attachment in attached:
                    await policies.detach(tx, attachment.entity_id, "Custom", name)
            else:
                _refuse_attached({attachment.entity_type for attachment in attached})
                if len(await policies.versions(tx, account, name)) > 1:
                    raise fault("DeleteConflict.Policy.Version")
            await policies.policies.remove(tx, account, name)

    async def page(
        self, account: str, policy_type: str | None, marker: str | None, max_items: int | None
    ) -> Page[Listed]:
        """Return policies of one type or both, custom before system, each by name."""
        kind = None if policy_type is None else policy_type_of(policy_type)
        after, most = read_marker(marker), check_max_items(max_items)
        async with identities.snapshot(self._database) as connection:
            found: list[Listed] = []
            if kind != "System" and not after.startswith("System/"):
                custom = await policies.policies.page(connection, account, after.removeprefix("Custom/"), most + 1)
                found += [_listed(policy) for policy in custom]
            if kind != "Custom":
                found += [policy for policy in _SYSTEM_LISTED if f"System/{policy.policy_name}" > after]
            found = found[: most + 1]
            counts = await policies.attachment_counts(connection, account, [policy.policy_name for policy in found])
        counted = [
            msgspec.structs.replace(policy, attached=counts.get((policy.policy_type, policy.policy_name), 0))
            for policy in found
        ]
        return cut_page(counted, most, lambda policy: f"{policy.policy_type}/{policy.policy_name}")

    async def create_version(
        self, account: str, name: str, document: str, *, as_default: bool, rotate_strategy: str | None
    ) -> tuple[PolicyVersion, bool]:
        """Make a new version; return it and whether it counts from now on.

        With five versions there is no room, unless ``rotate_strategy`` gives up the oldest that does not count.
        """
        check_name("PolicyName", name)
        check_policy_document(document)
        if rotate_strategy not in (None, "None", _ROTATE):
            raise bad_format("RotateStrategy")
        async with identities.change(self._database) as tx:
            policy = await _own_policy(tx, account, name, "ram:CreatePolicyVersion")
            versions = await policies.versions(tx, account, name)
            if len(versions) >= limits.POLICY_VERSIONS:
                if rotate_strategy != _ROTATE:
                    raise fault("LimitExceeded.Policy.Version")
                oldest = next(version for version in versions if version.version != policy.default_version)
                await policies.remove_version(tx, account, name, oldest.version)
            number = policy.last_version + 1
            now = self._clock.now()
            policy = msgspec.structs.replace(
                policy,
                last_version=number,
                default_version=number if as_default else policy.default_version,
                updated=now,
            )
            await policies.policies.update(tx, policy)
            version = _version(policy, document, now)
            await policies.add_version(tx, version)
        return version, as_default

    async def get_version(
        self, account: str, policy_type: str, name: str, version_id: str
    ) -> tuple[PolicyVersion, bool]:
        """Return a version and whether it is the default one."""
        number = version_number(version_id)
        for version, is_default in await self.versions(account, policy_type, name):
            if version.version == number:
                return version, is_default
        raise fault("EntityNotExist.Policy.Version")

    async def versions(self, account: str, policy_type: str, name: str) -> list[tuple[PolicyVersion, bool]]:
        """Return the versions, oldest first, each with whether it is the default one."""
        kind = policy_type_of(policy_type)
        check_name("PolicyName", name)
        async with identities.snapshot(self._database) as connection:
            policy = await known_policy(connection, account, kind, name)
            found = await _versions(connection, account, kind, name)
        return [(version, version.version == policy.default_version) for version in found]

    async def remove_version(self, account: str, name: str, version_id: str) -> None:
        """Remove a version that does not count."""
        check_name("PolicyName", name)
        number = version_number(version_id)
        async with identities.change(self._database) as tx:
            policy = await _own_policy(tx, account, name, "ram:DeletePolicyVersion")
            await _known_version(tx, policy, number)
            if number == policy.default_version:
                raise fault("DeleteConflict.Policy.Version.Default")
            await policies.remove_version(tx, account, name, number)

    async def set_default_version(self, account: str, name: str, version_id: str) -> None:
        """Let a version count."""
        check_name("PolicyName", name)
        number = version_number(version_id)
        async with identities.change(self._database) as tx:
            policy = await _own_policy(tx, account, name, "ram:SetDefaultPolicyVersion")
            await _known_version(tx, policy, number)
            await policies.policies.update(
                tx, msgspec.structs.replace(policy, default_version=number, updated=self._clock.now())
            )


def policy_type_of(policy_type: str) -> PolicyType:
    """Read ``System`` or ``Custom``. Raises ``InvalidParameter.PolicyType``."""
    match policy_type:
        case "System" | "Custom":
            return policy_type
        case _:
            raise fault("InvalidParameter.PolicyType")


async def known_policy(db: Connection, account: str, policy_type: PolicyType, name: str) -> Listed:
    """Return a policy of either type or raise ``EntityNotExist.Policy``."""
    if policy_type == "System":
        listed = next((policy for policy in _SYSTEM_LISTED if policy.policy_name == name), None)
    else:
        custom = await policies.policies.find(db, account, name)
        listed = None if custom is None else _listed(custom)
    if listed is None:
        raise fault("EntityNotExist.Policy")
    return listed


async def _own_policy(db: Connection, account: str, name: str, action: str) -> CustomPolicy:
    """Return a policy that its account may change; the cloud's own nobody may (ASSUMPTION on words, ram.md 10)."""
    policy = await policies.policies.find(db, account, name)
    if policy is not None:
        return policy
    if name in SYSTEM_POLICIES:
        raise denied(action, ram_resource(account, f"policy/{name}"))
    raise fault("EntityNotExist.Policy")


async def _known_version(db: Connection, policy: CustomPolicy, number: int) -> None:
    versions = await policies.versions(db, policy.account_id, policy.policy_name)
    if number not in {version.version for version in versions}:
        raise fault("EntityNotExist.Policy.Version")


async def _versions(db: Connection, account: str, policy_type: PolicyType, name: str) -> list[PolicyVersion]:
    if policy_type == "Custom":
        return await policies.versions(db, account, name)
    return [
        PolicyVersion(
            account_id=account,
            policy_name=name,
            version=1,
            document=SYSTEM_POLICIES[name].document,
            created=_SYSTEM_CREATED,
        )
    ]


def _version(policy: CustomPolicy, document: str, now: datetime) -> PolicyVersion:
    return PolicyVersion(
        account_id=policy.account_id,
        policy_name=policy.policy_name,
        version=policy.last_version,
        document=document,
        created=now,
    )


def _refuse_attached(entity_types: set[EntityType]) -> None:
    if "User" in entity_types:
        raise fault("DeleteConflict.Policy.User")
    if "Group" in entity_types:
        raise fault("DeleteConflict.Policy.Group")
    if "Role" in entity_types:
        raise fault("DeleteConflict.Policy.Role")


def _listed(policy: CustomPolicy) -> Listed:
    return Listed(
        policy_type="Custom",
        policy_name=policy.policy_name,
        description=policy.description,
        default_version=policy.default_version,
        created=policy.created,
        updated=policy.updated,
    )


_SYSTEM_LISTED: tuple[Listed, ...] = tuple(
    Listed(
        policy_type="System",
        policy_name=name,
        description=SYSTEM_POLICIES[name].description,
        default_version=1,
        created=_SYSTEM_CREATED,
        updated=_SYSTEM_CREATED,
    )
    for name in sorted(SYSTEM_POLICIES)
)

"""Operations on policies and their versions."""

from __future__ import annotations

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.operation import Answer, Call, Done, Request
from tidegate.services.ram.api.product import on, ram
from tidegate.services.ram.model import version_id
from tidegate.services.ram.policies import Listed
from tidegate.services.ram.service import Ram
from tidegate.store.ram.records import CustomPolicy, PolicyVersion


class CreatePolicyRequest(Request):
    """A new custom policy."""

    policy_name: str
    policy_document: str
    description: str | None = None


class GetPolicyRequest(Request):
    """Which policy of which type."""

    policy_name: str
    policy_type: str


class UpdatePolicyDescriptionRequest(Request):
    """A custom policy's new description."""

    policy_name: str
    new_description: str


class DeletePolicyRequest(Request):
    """The custom policy to remove; cascading, whatever holds it is let go first."""

    policy_name: str
    cascading_delete: bool = False


class ListPoliciesRequest(Request):
    """Which type, and which part of the list."""

    policy_type: str | None = None
    marker: str | None = None
    max_items: int | None = None


class CreatePolicyVersionRequest(Request):
    """A new version of a custom policy."""

    policy_name: str
    policy_document: str
    set_as_default: bool = False
    rotate_strategy: str | None = None


class GetPolicyVersionRequest(Request):
    """Which version of which policy of which type."""

    policy_name: str
    policy_type: str
    version_id: str


class PolicyVersionRequest(Request):
    """Which version of which custom policy."""

    policy_name: str
    version_id: str


class PolicyItem(Answer):
    """A policy. What an operation does not show is left out."""

    policy_name: str
    policy_type: str
    description: str
    default_version: str
    create_date: str
    update_date: str | msgspec.UnsetType = msgspec.UNSET
    attachment_count: int | msgspec.UnsetType = msgspec.UNSET
    policy_document: str | msgspec.UnsetType = msgspec.UNSET


class VersionItem(Answer):
    """A version of a policy."""

    version_id: str
    is_default_version: bool
    policy_document: str
    create_date: str


class PolicyAnswer(Answer):
    """One policy."""

    policy: PolicyItem


class GetPolicyAnswer(Answer):
    """One policy and the version that counts."""

    policy: PolicyItem
    default_policy_version: VersionItem


class PolicyList(Answer):
    """The wrapper that lists have on the wire."""

    policy: list[PolicyItem]


class ListPoliciesAnswer(Answer):
    """Part of the policies."""

    policies: PolicyList
    is_truncated: bool
    marker: str | msgspec.UnsetType = msgspec.UNSET


class VersionAnswer(Answer):
    """One version."""

    policy_version: VersionItem


class VersionList(Answer):
    """The wrapper that lists have on the wire."""

    policy_version: list[VersionItem]


class ListPolicyVersionsAnswer(Answer):
    """All versions of a policy."""

    policy_versions: VersionList


def _custom(policy: CustomPolicy) -> PolicyAnswer:
    return PolicyAnswer(
        policy=PolicyItem(
            policy_name=policy.policy_name,
            policy_type="Custom",
            description=policy.description,
            default_version=version_id(policy.default_version),
            create_date=to_seconds(policy.created),
            update_date=to_seconds(policy.updated),
        )
    )


def _item(policy: Listed) -> PolicyItem:
    return PolicyItem(
        policy_name=policy.policy_name,
        policy_type=policy.policy_type,
        description=policy.description,
        default_version=version_id(policy.default_version),
        create_date=to_seconds(policy.created),
        update_date=to_seconds(policy.updated),
        attachment_count=policy.attached,
    )


def _version(version: PolicyVersion, is_default: bool) -> VersionItem:
    return VersionItem(
        version_id=version_id(version.version),
        is_default_version=is_default,
        policy_document=version.document,
        create_date=to_seconds(version.created),
    )


@ram.operation("CreatePolicy", on=on("policy/{policy_name}"))
async def create_policy(service: Ram, call: Call, request: CreatePolicyRequest) -> PolicyAnswer:
    """Make a custom policy."""
    policy = await service.policies.create(
        call.account_id, request.policy_name, request.policy_document, request.description or ""
    )
    return _custom(policy)


@ram.operation("GetPolicy", on=on("policy/{policy_name}"))
async def get_policy(service: Ram, call: Call, request: GetPolicyRequest) -> GetPolicyAnswer:
    """Return a policy with the version that counts."""
    policy, default = await service.policies.get(call.account_id, request.policy_type, request.policy_name)
    item = _item(policy)
    item.policy_document = default.document
    return GetPolicyAnswer(policy=item, default_policy_version=_version(default, True))


@ram.operation("UpdatePolicyDescription", on=on("policy/{policy_name}"))
async def update_policy_description(service: Ram, call: Call, request: UpdatePolicyDescriptionRequest) -> PolicyAnswer:
    """Change the description of a custom policy."""
    return _custom(await service.policies.describe(call.account_id, request.policy_name, request.new_description))


@ram.operation("DeletePolicy", on=on("policy/{policy_name}"))
async def delete_policy(service: Ram, call: Call, request: DeletePolicyRequest) -> Done:
    """Remove a custom policy."""
    await service.policies.remove(call.account_id, request.policy_name, cascade=request.cascading_delete)
    return Done()


@ram.operation("ListPolicies", on=on("policy/*"))
async def list_policies(service: Ram, call: Call, request: ListPoliciesRequest) -> ListPoliciesAnswer:
    """List policies, custom before system, by name."""
    page = await service.policies.page(call.account_id, request.policy_type, request.marker, request.max_items)
    return ListPoliciesAnswer(
        policies=PolicyList(policy=[_item(policy) for policy in page.items]),
        is_truncated=page.marker is not None,
        marker=page.marker or msgspec.UNSET,
    )


@ram.operation("CreatePolicyVersion", on=on("policy/{policy_name}"))
async def create_policy_version(service: Ram, call: Call, request: CreatePolicyVersionRequest) -> VersionAnswer:
    """Make a version of a custom policy."""
    version, is_default = await service.policies.create_version(
        call.account_id,
        request.policy_name,
        request.policy_document,
        as_default=request.set_as_default,
        rotate_strategy=request.rotate_strategy,
    )
    return VersionAnswer(policy_version=_version(version, is_default))


@ram.operation("GetPolicyVersion", on=on("policy/{policy_name}"))
async def get_policy_version(service: Ram, call: Call, request: GetPolicyVersionRequest) -> VersionAnswer:
    """Return a version of a policy."""
    version, is_default = await service.policies.get_version(
        call.account_id, request.policy_type, request.policy_name, request.version_id
    )
    return VersionAnswer(policy_version=_version(version, is_default))


@ram.operation("ListPolicyVersions", on=on("policy/{policy_name}"))
async def list_policy_versions(service: Ram, call: Call, request: GetPolicyRequest) -> ListPolicyVersionsAnswer:
    """List the versions of a policy, oldest first."""
    versions = await service.policies.versions(call.account_id, request.policy_type, request.policy_name)
    items = [_version(version, is_default) for version, is_default in versions]
    return ListPolicyVersionsAnswer(policy_versions=VersionList(policy_version=items))


@ram.operation("DeletePolicyVersion", on=on("policy/{policy_name}"))
async def delete_policy_version(service: Ram, call: Call, request: PolicyVersionRequest) -> Done:
    """Remove a version that does not count."""
    await service.policies.remove_version(call.account_id, request.policy_name, request.version_id)
    return Done()


@ram.operation("SetDefaultPolicyVersion", on=on("policy/{policy_name}"))
async def set_default_policy_version(service: Ram, call: Call, request: PolicyVersionRequest) -> Done:
    """Let a version count."""
    await service.policies.set_default_version(call.account_id, request.policy_name, request.version_id)
    return Done()

"""Operations that attach policies and show what is attached. Attaching touches the policy and its target."""

from __future__ import annotations

from tidegate.clock import to_seconds
from tidegate.services.operation import Answer, Call, Done, Request
from tidegate.services.ram.api.product import on, ram
from tidegate.services.ram.model import role_arn, version_id
from tidegate.services.ram.service import Ram
from tidegate.store.ram.records import EntityType


class UserPolicyRequest(Request):
    """Which policy and which user."""

    policy_type: str
    policy_name: str
    user_name: str


class GroupPolicyRequest(Request):
    """Which policy and which group."""

    policy_type: str
    policy_name: str
    group_name: str


class RolePolicyRequest(Request):
    """Which policy and which role."""

    policy_type: str
    policy_name: str
    role_name: str


class ListPoliciesForUserRequest(Request):
    """Whose policies."""

    user_name: str


class ListPoliciesForGroupRequest(Request):
    """Whose policies."""

    group_name: str


class ListPoliciesForRoleRequest(Request):
    """Whose policies."""

    role_name: str


class ListEntitiesForPolicyRequest(Request):
    """Which policy."""

    policy_type: str
    policy_name: str


class AttachedPolicyItem(Answer):
    """A policy that is attached."""

    policy_name: str
    policy_type: str
    description: str
    default_version: str
    attach_date: str


class AttachedPolicyList(Answer):
    """The wrapper that lists have on the wire."""

    policy: list[AttachedPolicyItem]


class AttachedPoliciesAnswer(Answer):
    """What is attached to one user, group or role."""

    policies: AttachedPolicyList


class AttachedUser(Answer):
    """A user that has the policy."""

    user_id: str
    user_name: str
    display_name: str
    attach_date: str


class AttachedGroup(Answer):
    """A group that has the policy."""

    group_id: str
    group_name: str
    comments: str
    attach_date: str


class AttachedRole(Answer):
    """A role that has the policy."""

    role_id: str
    role_name: str
    arn: str
    description: str
    attach_date: str


class AttachedUserList(Answer):
    """The wrapper that lists have on the wire."""

    user: list[AttachedUser]


class AttachedGroupList(Answer):
    """The wrapper that lists have on the wire."""

    group: list[AttachedGroup]


class AttachedRoleList(Answer):
    """The wrapper that lists have on the wire."""

    role: list[AttachedRole]


class EntitiesAnswer(Answer):
    """Where a policy is attached."""

    users: AttachedUserList
    groups: AttachedGroupList
    roles: AttachedRoleList


async def _policies_of(service: Ram, call: Call, entity: EntityType, name: str) -> AttachedPoliciesAnswer:
    items = [
        AttachedPolicyItem(
            policy_name=policy.policy_name,
            policy_type=policy.policy_type,
            description=policy.description,
            default_version=version_id(policy.default_version),
            attach_date=to_seconds(attached),
        )
        for policy, attached in await service.attachments.of(call.account_id, entity, name)
    ]
    return AttachedPoliciesAnswer(policies=AttachedPolicyList(policy=items))


@ram.operation("AttachPolicyToUser", on=on("policy/{policy_name}", "user/{user_name}"))
async def attach_policy_to_user(service: Ram, call: Call, request: UserPolicyRequest) -> Done:
    """Attach a policy to a user."""
    await service.attachments.attach(
        call.account_id, request.policy_type, request.policy_name, "User", request.user_name
    )
    return Done()


@ram.operation("AttachPolicyToGroup", on=on("policy/{policy_name}", "group/{group_name}"))
async def attach_policy_to_group(service: Ram, call: Call, request: GroupPolicyRequest) -> Done:
    """Attach a policy to a group."""
    await service.attachments.attach(
        call.account_id, request.policy_type, request.policy_name, "Group", request.group_name
    )
    return Done()


@ram.operation("AttachPolicyToRole", on=on("policy/{policy_name}", "role/{role_name}"))
async def attach_policy_to_role(service: Ram, call: Call, request: RolePolicyRequest) -> Done:
    """Attach a policy to a role."""
    await service.attachments.attach(
        call.account_id, request.policy_type, request.policy_name, "Role", request.role_name
    )
    return Done()


@ram.operation("DetachPolicyFromUser", on=on("policy/{policy_name}", "user/{user_name}"))
async def detach_policy_from_user(service: Ram, call: Call, request: UserPolicyRequest) -> Done:
    """Take a policy away from a user."""
    await service.attachments.detach(
        call.account_id, request.policy_type, request.policy_name, "User", request.user_name
    )
    return Done()


@ram.operation("DetachPolicyFromGroup", on=on("policy/{policy_name}", "group/{group_name}"))
async def detach_policy_from_group(service: Ram, call: Call, request: GroupPolicyRequest) -> Done:
    """Take a policy away from a group."""
    await service.attachments.detach(
        call.account_id, request.policy_type, request.policy_name, "Group", request.group_name
    )
    return Done()


@ram.operation("DetachPolicyFromRole", on=on("policy/{policy_name}", "role/{role_name}"))
async def detach_policy_from_role(service: Ram, call: Call, request: RolePolicyRequest) -> Done:
    """Take a policy away from a role."""
    await service.attachments.detach(
        call.account_id, request.policy_type, request.policy_name, "Role", request.role_name
    )
    return Done()


@ram.operation("ListPoliciesForUser", on=on("user/{user_name}"))
async def list_policies_for_user(
    service: Ram, call: Call, request: ListPoliciesForUserRequest
) -> AttachedPoliciesAnswer:
    """List what is attached to a user itself."""
    return await _policies_of(service, call, "User", request.user_name)


@ram.operation("ListPoliciesForGroup", on=on("group/{group_name}"))
async def list_policies_for_group(
    service: Ram, call: Call, request: ListPoliciesForGroupRequest
) -> AttachedPoliciesAnswer:
    """List what is attached to a group."""
    return await _policies_of(service, call, "Group", request.group_name)


@ram.operation("ListPoliciesForRole", on=on("role/{role_name}"))
async def list_policies_for_role(
    service: Ram, call: Call, request: ListPoliciesForRoleRequest
) -> AttachedPoliciesAnswer:
    """List what is attached to a role."""
    return await _policies_of(service, call, "Role", request.role_name)


@ram.operation("ListEntitiesForPolicy", on=on("policy/{policy_name}"))
async def list_entities_for_policy(service: Ram, call: Call, request: ListEntitiesForPolicyRequest) -> EntitiesAnswer:
    """Show where a policy is attached."""
    entities = await service.attachments.to(call.account_id, request.policy_type, request.policy_name)
    return EntitiesAnswer(
        users=AttachedUserList(
            user=[
                AttachedUser(
                    user_id=user.user_id,
                    user_name=user.user_name,
                    display_name=user.display_name,
                    attach_date=to_seconds(attached),
                )
                for user, attached in entities.users
            ]
        ),
        groups=AttachedGroupList(
            group=[
                AttachedGroup(
                    group_id=group.group_id,
                    group_name=group.group_name,
                    comments=group.comments,
                    attach_date=to_seconds(attached),
                )
                for group, attached in entities.groups
            ]
        ),
        roles=AttachedRoleList(
            role=[
                AttachedRole(
                    role_id=role.role_id,
                    role_name=role.role_name,
                    arn=role_arn(role.account_id, role.role_name),
                    description=role.description,
                    attach_date=to_seconds(attached),
                )
                for role, attached in entities.roles
            ]
        ),
    )

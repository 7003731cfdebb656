"""Every operation of RAM and STS asks for the right permission (ram.md 11)."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from tidegate.services.operation import Call, Principal
from tidegate.services.ram.api import ram
from tidegate.services.sts.api import sts

ACCOUNT = "1234567890123456"
ADA = Principal(kind="RAMUser", account_id=ACCOUNT, id="2", name="ada")
NAMES = {"user_name": "bob", "group_name": "dev", "role_name": "ops", "policy_name": "lister"}
USER, GROUP, ROLE, POLICY = "user/bob", "group/dev", "role/ops", "policy/lister"

TOUCHES: dict[str, tuple[str, ...]] = {
    "CreateUser": (USER,),
    "GetUser": (USER,),
    "UpdateUser": (USER,),
    "DeleteUser": (USER,),
    "ListUsers": ("user/*",),
    "CreateAccessKey": (USER,),
    "ListAccessKeys": (USER,),
    "UpdateAccessKey": (USER,),
    "DeleteAccessKey": (USER,),
    "GetAccessKeyLastUsed": (USER,),
    "CreateLoginProfile": (USER,),
    "GetLoginProfile": (USER,),
    "UpdateLoginProfile": (USER,),
    "DeleteLoginProfile": (USER,),
    "ChangePassword": ("user/ada",),
    "SetPasswordPolicy": ("*",),
    "GetPasswordPolicy": ("*",),
    "CreateGroup": (GROUP,),
    "GetGroup": (GROUP,),
    "UpdateGroup": (GROUP,),
    "DeleteGroup": (GROUP,),
    "ListGroups": ("group/*",),
    "AddUserToGroup": (USER, GROUP),
    "RemoveUserFromGroup": (USER, GROUP),
    "ListUsersForGroup": (GROUP,),
    "ListGroupsForUser": (USER,),
    "CreateRole": (ROLE,),
    "GetRole": (ROLE,),
    "UpdateRole": (ROLE,),
    "DeleteRole": (ROLE,),
    "ListRoles": ("role/*",),
    "CreatePolicy": (POLICY,),
    "GetPolicy": (POLICY,),
    "DeletePolicy": (POLICY,),
    "ListPolicies": ("policy/*",),
    "UpdatePolicyDescription": (POLICY,),
    "CreatePolicyVersion": (POLICY,),
    "GetPolicyVersion": (POLICY,),
    "DeletePolicyVersion": (POLICY,),
    "ListPolicyVersions": (POLICY,),
    "SetDefaultPolicyVersion": (POLICY,),
    "AttachPolicyToUser": (POLICY, USER),
    "AttachPolicyToGroup": (POLICY, GROUP),
    "AttachPolicyToRole": (POLICY, ROLE),
    "DetachPolicyFromUser": (POLICY, USER),
    "DetachPolicyFromGroup": (POLICY, GROUP),
    "DetachPolicyFromRole": (POLICY, ROLE),
    "ListPoliciesForUser": (USER,),
    "ListPoliciesForGroup": (GROUP,),
    "ListPoliciesForRole": (ROLE,),
    "ListEntitiesForPolicy": (POLICY,),
    "GetAccountAlias": ("*",),
    "SetAccountAlias": ("*",),
    "ClearAccountAlias": ("*",),
    "DecodeDiagnosticMessage": ("*",),
}


def request_of(operation: Any, **given: str) -> Any:
    """Return a request with every mandatory text filled in."""
    fields = inspect.signature(operation.request).parameters
    return operation.request(
        **{
            name: given.get(name, "x")
            for name, field in fields.items()
            if name in given or field.default is inspect.Parameter.empty
        }
    )


def call(action: str) -> Call:
    return Call(principal=ADA, region="cn-hangzhou", request_id="R", product="Ram", action=action, version="2015-05-01")


def test_the_table_lists_every_operation() -> None:
    assert set(TOUCHES) == set(ram.operations)


@pytest.mark.parametrize("name", TOUCHES)
def test_an_operation_asks_for_its_own_action_on_what_it_touches(name: str) -> None:
    operation = ram.operations[name]
    assert operation.resources is not None

    touched = operation.resources(None, call(name), request_of(operation, **NAMES))

    assert operation.actions == (f"ram:{name}",)
    assert list(touched) == [f"acs:ram:*:{ACCOUNT}:{relative}" for relative in TOUCHES[name]]


@pytest.mark.parametrize("name", ["GetUser", "CreateAccessKey", "ListAccessKeys", "DeleteAccessKey"])
def test_without_a_user_name_the_caller_is_touched(name: str) -> None:
    operation = ram.operations[name]
    assert operation.resources is not None

    assert list(operation.resources(None, call(name), request_of(operation))) == [f"acs:ram:*:{ACCOUNT}:user/ada"]


def test_assuming_a_role_touches_the_role_and_asking_who_one_is_touches_nothing() -> None:
    assume = sts.operations["AssumeRole"]
    assert assume.resources is not None
    request = request_of(assume, role_arn=f"acs:ram::{ACCOUNT}:role/Ops", role_session_name="s1")

    assert assume.actions == ("sts:AssumeRole",)
    assert list(assume.resources(None, call("AssumeRole"), request)) == [f"acs:ram:*:{ACCOUNT}:role/Ops"]
    assert sts.operations["GetCallerIdentity"].actions == ()

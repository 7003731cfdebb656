"""Official SDKs of both generations, unmodified, against RAM and STS on a real port."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.ram import allow, trust
from support.ram_server import Served

TUTORIAL_ACTIONS = ["ecs:DescribeInstances", "kvstore:ModifySecurityIps", "ess:CompleteLifecycleAction"]


def tea_config(served: Served, key: tuple[str, ...], **more: Any) -> Any:
    from alibabacloud_tea_openapi.utils_models import Config

    token = {"security_token": key[2]} if len(key) > 2 else {}
    return Config(
        access_key_id=key[0],
        access_key_secret=key[1],
        region_id="cn-hangzhou",
        endpoint=served.endpoint,
        protocol="http",
        **token,
        **more,
    )


def ram_client(served: Served, *key: str, **more: Any) -> Any:
    from alibabacloud_ram20150501.client import Client

    return Client(tea_config(served, key or served.root, **more))


def sts_client(served: Served, *key: str, **more: Any) -> Any:
    from alibabacloud_sts20150401.client import Client

    return Client(tea_config(served, key or served.root, **more))


def make_user(served: Served, name: str, document: str) -> tuple[str, str]:
    from alibabacloud_ram20150501 import models

    client = ram_client(served)
    client.create_user(models.CreateUserRequest(user_name=name, display_name=name.title()))
    client.create_policy(models.CreatePolicyRequest(policy_name=name, policy_document=document))
    client.attach_policy_to_user(
        models.AttachPolicyToUserRequest(policy_type="Custom", policy_name=name, user_name=name)
    )
    key = client.create_access_key(models.CreateAccessKeyRequest(user_name=name)).body.access_key
    return key.access_key_id, key.access_key_secret


def make_role(served: Served, name: str, document: str) -> str:
    from alibabacloud_ram20150501 import models

    client = ram_client(served)
    trusting = trust(RAM=[f"acs:ram::{served.node.account}:root"])
    role = client.create_role(models.CreateRoleRequest(role_name=name, assume_role_policy_document=trusting)).body.role
    client.create_policy(models.CreatePolicyRequest(policy_name=name, policy_document=document))
    client.attach_policy_to_role(
        models.AttachPolicyToRoleRequest(policy_type="Custom", policy_name=name, role_name=name)
    )
    return str(role.arn)


def test_the_tutorials_policy_is_made_and_attached_to_the_role_of_oos(served: Served) -> None:
    from alibabacloud_ram20150501 import models

    client = ram_client(served)
    document = allow(TUTORIAL_ACTIONS)
    name = "ESSHookPolicyForRedisWhitelist"
    target = {"policy_type": "Custom", "policy_name": name, "role_name": "OOSServiceRole"}

    client.create_policy(models.CreatePolicyRequest(policy_name=name, policy_document=document, description="tutorial"))
    client.attach_policy_to_role(models.AttachPolicyToRoleRequest(**target))
    role = client.get_role(models.GetRoleRequest(role_name="OOSServiceRole")).body.role
    attached = client.list_policies_for_role(models.ListPoliciesForRoleRequest(role_name="OOSServiceRole")).body
    policy = client.get_policy(models.GetPolicyRequest(policy_type="Custom", policy_name=name)).body
    entities = client.list_entities_for_policy(
        models.ListEntitiesForPolicyRequest(policy_type="Custom", policy_name=name)
    ).body

    assert json.loads(role.assume_role_policy_document)["Statement"][0]["Principal"] == {
        "Service": ["oos.aliyuncs.com"]
    }
    assert [each.policy_name for each in attached.policies.policy] == [name]
    assert policy.default_policy_version.policy_document == document
    assert policy.policy.attachment_count == 1
    assert [each.role_name for each in entities.roles.role] == ["OOSServiceRole"]
    assert (entities.users.user, entities.groups.group) == ([], [])
    client.detach_policy_from_role(models.DetachPolicyFromRoleRequest(**target))
    client.delete_policy(models.DeletePolicyRequest(policy_name=name))


def test_typed_lists_are_read_and_continued_with_their_marker(served: Served) -> None:
    from alibabacloud_ram20150501 import models

    client = ram_client(served)
    for number in range(3):
        client.create_group(models.CreateGroupRequest(group_name=f"page-{number}", comments="c"))

    first = client.list_groups(models.ListGroupsRequest(max_items=2)).body
    second = client.list_groups(models.ListGroupsRequest(max_items=2, marker=first.marker)).body

    assert (first.is_truncated, second.is_truncated) == (True, False)
    names = [group.group_name for part in (first, second) for group in part.groups.group]
    assert names == ["page-0", "page-1", "page-2"]
    assert second.marker is None


@pytest.mark.parametrize("algorithm", [None, "v2"], ids=["ACS3", "RPC"])
def test_a_typed_client_assumes_a_role_and_acts_under_it(served: Served, algorithm: str | None) -> None:
    from alibabacloud_ram20150501 import models as ram_models
    from alibabacloud_sts20150401 import models as sts_models

    name = f"night-{algorithm}"
    more = {} if algorithm is None else {"signature_algorithm": algorithm}
    ada = make_user(served, name, allow("sts:AssumeRole"))
    arn = make_role(served, name.replace("night", "Night-role"), allow("ram:GetUser"))

    assumed = sts_client(served, *ada, **more).assume_role(
        sts_models.AssumeRoleRequest(role_arn=arn, role_session_name="shift", duration_seconds=900)
    )
    key = assumed.body.credentials
    acting = (key.access_key_id, key.access_key_secret, key.security_token)
    identity = sts_client(served, *acting, **more).get_caller_identity().body
    user = ram_client(served, *acting, **more).get_user(ram_models.GetUserRequest(user_name=name)).body.user

    assert assumed.body.assumed_role_user.arn == f"{arn}/shift"
    assert (identity.identity_type, identity.account_id) == ("AssumedRoleUser", served.node.account)
    assert identity.arn == f"{arn.replace(':role/', ':assumed-role/')}/shift"
    assert user.display_name == name.title()


def test_the_credentials_library_assumes_the_role_by_itself(served: Served) -> None:
    from alibabacloud_credentials.client import Client as Credentials
    from alibabacloud_credentials.provider import RamRoleArnCredentialsProvider

    key_id, secret = make_user(served, "lazy", allow("sts:AssumeRole"))
    arn = make_role(served, "lazy-role", allow("ram:ListUsers"))
    provider = RamRoleArnCredentialsProvider(
        access_key_id=key_id,
        access_key_secret=secret,
        role_arn=arn,
        role_session_name="lazy",
        sts_endpoint=f"http://{served.endpoint}",
    )

    credentials = Credentials(provider=provider)
    key = credentials.get_credential()
    identity = sts_client(served, key.access_key_id, key.access_key_secret, key.security_token).get_caller_identity()

    assert identity.body.arn == f"acs:ram::{served.node.account}:assumed-role/lazy-role/lazy"


def test_a_typed_client_sees_the_denial_and_its_reason(served: Served) -> None:
    from alibabacloud_ram20150501 import models

    key = make_user(served, "curious", allow("ram:ListUsers"))

    with pytest.raises(Exception, match="You are not authorized to do this action") as failure:
        ram_client(served, *key).delete_user(models.DeleteUserRequest(user_name="curious"))

    error: Any = failure.value
    assert (error.code, error.status_code) == ("NoPermission", 403)
    assert error.access_denied_detail["AuthAction"] == "ram:DeleteUser"
    assert error.access_denied_detail["NoPermissionType"] == "ImplicitDeny"
    decoded = ram_client(served).decode_diagnostic_message(
        models.DecodeDiagnosticMessageRequest(
            encoded_diagnostic_message=error.access_denied_detail["EncodedDiagnosticMessage"]
        )
    )
    message = decoded.body.decoded_diagnostic_message
    assert message.auth_resource == f"acs:ram:*:{served.node.account}:user/curious"
    assert message.explicit_deny is False


def old_call(served: Served, request: Any, key: tuple[str, str] | None = None) -> dict[str, Any]:
    """Send a request of the older SDK; RAM and STS insist on HTTPS there unless told otherwise."""
    from aliyunsdkcore.client import AcsClient

    request.set_endpoint(served.endpoint)
    request.set_protocol_type("http")
    request.set_accept_format("json")
    answer: dict[str, Any] = json.loads(
        AcsClient(*(key or served.root), "cn-hangzhou").do_action_with_exception(request)
    )
    return answer


def test_the_older_sdk_makes_lists_and_removes_users(served: Served) -> None:
    from aliyunsdkram.request.v20150501 import CreateUserRequest, DeleteUserRequest, ListUsersRequest

    create, remove = CreateUserRequest.CreateUserRequest(), DeleteUserRequest.DeleteUserRequest()
    create.set_UserName("old.ada")
    create.set_Comments("a b/潮~*")
    remove.set_UserName("old.ada")

    made = old_call(served, create)["User"]
    listed = old_call(served, ListUsersRequest.ListUsersRequest())["Users"]["User"]
    old_call(served, remove)

    assert made["Comments"] == "a b/潮~*"
    assert made["UserId"] in {user["UserId"] for user in listed}


def test_the_older_sdk_reads_errors_and_assumes_roles(served: Served) -> None:
    from aliyunsdkcore.acs_exception.exceptions import ServerException
    from aliyunsdkram.request.v20150501.GetRoleRequest import GetRoleRequest
    from aliyunsdksts.request.v20150401.AssumeRoleRequest import AssumeRoleRequest

    key = make_user(served, "oldie", allow("sts:AssumeRole"))
    arn = make_role(served, "oldie-role", allow("ram:*"))
    missing, assume, root = GetRoleRequest(), AssumeRoleRequest(), AssumeRoleRequest()
    missing.set_RoleName("nobody")
    for request in (assume, root):
        request.set_RoleArn(arn)
        request.set_RoleSessionName("old")

    answer = old_call(served, assume, key)
    with pytest.raises(ServerException) as not_there:
        old_call(served, missing)
    with pytest.raises(ServerException) as refused:
        old_call(served, root)

    assert answer["Credentials"]["AccessKeyId"].startswith("STS.")
    assert (not_there.value.error_code, not_there.value.http_status) == ("EntityNotExist.Role", 404)
    assert refused.value.message == "Roles may not be assumed by root accounts."


def test_a_password_is_set_checked_and_removed_by_the_sdk(served: Served) -> None:
    from alibabacloud_ram20150501 import models

    client = ram_client(served)
    client.create_user(models.CreateUserRequest(user_name="pass"))
    policy = client.set_password_policy(models.SetPasswordPolicyRequest(require_numbers=True)).body.password_policy
    made = client.create_login_profile(
        models.CreateLoginProfileRequest(
            user_name="pass", password="Correct-Horse-1", password_reset_required=True, mfabind_required=False
        )
    ).body.login_profile
    client.update_login_profile(
        models.UpdateLoginProfileRequest(user_name="pass", password_reset_required=False, mfabind_required=True)
    )
    shown = client.get_login_profile(models.GetLoginProfileRequest(user_name="pass")).body.login_profile
    client.delete_login_profile(models.DeleteLoginProfileRequest(user_name="pass"))

    assert policy.to_map() == client.get_password_policy().body.password_policy.to_map()
    assert (policy.require_numbers, policy.minimum_password_length, policy.max_login_attemps) == (True, 8, 5)
    assert (made.user_name, made.password_reset_required, made.mfabind_required) == ("pass", True, False)
    assert (shown.password_reset_required, shown.mfabind_required) == (False, True)
    assert shown.create_date == made.create_date
